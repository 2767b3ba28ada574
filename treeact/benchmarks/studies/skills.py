"""Tasks that share skills, and a simulated agent that writes them, or finds them in its library.

The agent is made up: what it writes is right or wrong by chance. Its functions are real Python and
its library is the product's own, with sessions, extraction, statuses, search and verification.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal

from treeact.agents.library import ActionLibrary, StoredAction
from treeact.agents.library.branches import LibrarySandbox
from treeact.agents.library.harvest import Harvest, Use
from treeact.agents.library.session import LibrarySession
from treeact.agents.task import Task
from treeact.benchmarks.studies.in_process import InProcessSandbox
from treeact.errors import SandboxUnavailable
from treeact.sandbox.base import Branch, Execution, Sandbox
from treeact.trace.log import EventLog

Kind = Literal["raises", "silent", "fragile"]
"""How a wrong function is wrong: a call raises, or gives another value each time alike, or is right
in the task that wrote it and wrong in any other, as what depends on the date is."""
KINDS: tuple[Kind, ...] = ("raises", "silent", "fragile")
Policy = Literal["off", "as defined", "default", "verified only"]
"""What is reused: nothing; all that was ever defined, with no verification; what the library offers
by itself, that is exercised and verified actions; or only verified ones."""
POLICIES: tuple[Policy, ...] = ("off", "as defined", "default", "verified only")

PRIME = 9973
OTHER_WORDS = "a thing that helps here"
"""What is asked for by somebody who does not hit the words of any description."""
ROOM = 4000
FOUND = 5
"""Actions that one search finds, as many as DynaSaur is offered."""
VERBS = (
    *("align", "balance", "classify", "convert", "count", "decode", "extract", "fold", "group"),
    *("index", "join", "label", "merge", "normalise", "order", "pack", "rank", "sample", "trim"),
)
NOUNS = (
    *("address", "balance", "calendar", "column", "date", "distance", "entry", "field", "formula"),
    *("grid", "harbour", "interval", "journal", "key", "ledger", "measure", "name", "orbit"),
)
DATE = "date_of_task"
"""A module that tells which task is being done."""


@dataclass(frozen=True)
class Skill:
    """A function to be found or written: `x` to `(x * factor + shift) % PRIME`."""

    name: str
    factor: int
    shift: int

    def value(self, x: int) -> int:
        """Return what it should give."""
        return (x * self.factor + self.shift) % PRIME

    @property
    def need(self) -> str:
        """What somebody looks for who needs it."""
        return self.name.replace("_", " ")

    def source(self, error: str = "") -> str:
        """Return its code, right where nothing is added."""
        return (
            f"def {self.name}(x: int) -> int:\n"
            f'    """Return the number of {self.need} for a number."""\n'
            f"    return (x * {self.factor} + {self.shift}{error}) % {PRIME}"
        )

    def wrong(self, kind: Kind, task: int, attempt: int) -> str:
        """Return code of it that is wrong."""
        if kind == "fragile":
            return f"import {DATE}\n" + self.source(f" + {DATE}.today - {task}")
        return self.source(" // (x - x)" if kind == "raises" else f" + {attempt + 1}")


def family(q: int, rng: random.Random) -> list[Skill]:
    """Return `q` skills of different names."""
    names = rng.sample([f"{verb}_{noun}" for verb in VERBS for noun in NOUNS], q)
    return [Skill(name, rng.randrange(2, PRIME), rng.randrange(PRIME)) for name in names]


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How the simulated agent is.

    Args:
        right: how often an attempt at a function is right.
        kinds: how the others are wrong, each as often.
        checks: how often a new function that gives a wrong value is found out, by a case of which
            the result is known. What comes from the library is trusted.
        recall: how often it asks for a function in words that its description has.
        shuffled: whether it takes for fitting what was found for another need.
        policy: what it reuses.
        limit: turns of a task: functions that it writes, and calls of found ones.
    """

    right: float
    kinds: tuple[Kind, ...]
    checks: float
    recall: float
    shuffled: bool
    policy: Policy
    limit: int


@dataclass
class Tally:
    """What one task came to."""

    right: bool = False
    turns: int = 0
    reused: int = 0
    reused_wrong: int = 0
    needs: int = 0
    stored: int = 0
    """Needs for which the library held a right function that may be reused."""
    recalled: int = 0
    """Those of them in which the search found it."""


@dataclass
class Agent:
    """The simulated agent over a sequence of tasks.

    Args:
        skills: what tasks are made of.
        habits: how it is.
        library: what it keeps.
        seed: where its luck comes from; agents of other habits have the same luck with the same
            attempt at the same skill in the same task.
    """

    skills: list[Skill]
    habits: Habits
    library: ActionLibrary
    seed: str
    _tasks: int = field(default=0, init=False)

    async def work(self, needed: list[Skill]) -> Tally:
        """Do one task: pass a number through skills, one after the other."""
        number, self._tasks = self._tasks, self._tasks + 1
        session = LibrarySession(
            self.library,
            task=Task(f"Task {number}", (), f"task-{number}"),
            log=EventLog(None),
            open_sandbox=self._fresh,
        )
        sandbox: Any = self._sandbox(number)
        if self.habits.policy != "off":
            sandbox = LibrarySandbox(sandbox, session, ROOM)
        work = _Work(self, session, await sandbox.branch(), number)
        await work.through(needed)
        await session.settle(60)
        await session.close()
        return work.tally

    def _sandbox(self, task: int) -> Any:
        date: Any = ModuleType(DATE)
        date.today = task
        return InProcessSandbox({DATE: date}, f"{self.seed}/{task}")

    async def _fresh(self) -> Sandbox:
        """Open what actions are verified in: another day than that of any task."""
        if self.habits.policy == "as defined":
            raise SandboxUnavailable("this agent verifies nothing")
        sandbox: Sandbox = self._sandbox(-1)
        return sandbox


@dataclass
class _Work:
    """One task that is being done."""

    agent: Agent
    session: LibrarySession
    branch: Branch
    number: int
    tally: Tally = field(default_factory=Tally)

    async def through(self, needed: list[Skill]) -> None:
        """Go through the skills until one cannot be had any more."""
        x = expected = self._luck("number").randrange(1, PRIME)
        for skill in needed:
            value = await self._found(skill, x)
            if value is None:
                value = await self._written(skill, x)
            if value is None:
                return
            x, expected = value, skill.value(expected)
        self.tally.right = x == expected

    def _luck(self, what: str) -> random.Random:
        return random.Random(f"{self.agent.seed}/{self.number}/{what}")

    # Reusing --------------------------------------------------------------------------------

    async def _found(self, skill: Skill, x: int) -> int | None:
        """Return what a function of the library gives, None where there is none that works."""
        habits, tally = self.agent.habits, self.tally
        if habits.policy == "off" or tally.turns == habits.limit:
            return None
        action = await self._search(skill)
        if action is None:
            return None
        tally.turns += 1
        execution = await self.branch.run(f"{action.name}({x})")
        if not execution.ok:
            return None
        value = int(execution.value or 0)
        tally.reused += 1
        tally.reused_wrong += value != skill.value(x)
        return value

    async def _search(self, skill: Skill) -> StoredAction | None:
        agent, tally, luck = self.agent, self.tally, self._luck(f"search for {skill.name}")
        wanted = skill
        if agent.habits.shuffled:
            wanted = luck.choice([other for other in agent.skills if other != skill])
        query = wanted.need if luck.random() < agent.habits.recall else OTHER_WORDS
        found = [a for a in await self.session.find(query, FOUND) if self._may_reuse(a)]
        known = [a for a in agent.library.offered([skill.name]) if self._may_reuse(a)]
        tally.needs += 1
        if any(action.source == skill.source() for action in known):
            tally.stored += 1
            tally.recalled += any(action.name == skill.name for action in found)
        return next((action for action in found if action.name == wanted.name), None)

    def _may_reuse(self, action: StoredAction) -> bool:
        return self.agent.habits.policy != "verified only" or action.status == "verified"

    # Writing --------------------------------------------------------------------------------

    async def _written(self, skill: Skill, x: int) -> int | None:
        """Write a function until one gives what is taken for right; None at the limit."""
        habits, luck = self.agent.habits, self._luck(skill.name)
        while self.tally.turns < habits.limit:
            self.tally.turns += 1
            right, kind = luck.random() < habits.right, luck.choice(habits.kinds)
            found_out = luck.random() < habits.checks
            wrong = skill.wrong(kind, self.number, self.tally.turns)
            execution = await self._try(skill, skill.source() if right else wrong, x)
            value = int(execution.value or 0)
            if execution.ok and (value == skill.value(x) or not found_out):
                return value
        return None

    async def _try(self, skill: Skill, source: str, x: int) -> Execution:
        await self.branch.run(source)
        await self._store_untried(skill)
        return await self.branch.run(f"{skill.name}({x})")

    async def _store_untried(self, skill: Skill) -> None:
        """Have what was only defined offered, too, where all that was defined is reused."""
        if self.agent.habits.policy != "as defined":
            return
        untried = self.agent.library.actions(statuses=("candidate",))
        ids = [action.id for action in untried if action.name == skill.name]
        uses = tuple(Use(action=id, returned=True, raised=False) for id in ids)
        self.agent.library.keep(Harvest(uses=uses))

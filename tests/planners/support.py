"""A toy world for searches: numbers are added up, and some additions fail."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

from treeact.planners.protocols import (
    Action,
    Answer,
    Call,
    Observation,
    Path,
    Proposal,
    Score,
)
from treeact.planners.tree import ActionTree, Node
from treeact.trace.events import Event
from treeact.trace.log import EventLog


def add(number: int, *, votes: int = 1) -> Proposal:
    return Proposal(actions=(Call("add", {"number": number}),), votes=votes)


def answer(text: str, *, votes: int = 1) -> Proposal:
    return Proposal(actions=(Answer(text),), votes=votes)


class World:
    """Adds numbers up. Negative ones fail in every state, 13 fails in this one."""

    def __init__(self, numbers: tuple[int, ...] = (), *, slow: random.Random | None = None) -> None:
        self.numbers = numbers
        self.slow = slow
        self.closed = False
        self.stepped: list[str] = []
        self.live = [self]

    async def step(self, action: Action, *, id: str) -> Observation:
        assert not self.closed
        self.stepped.append(id)
        if self.slow:
            await asyncio.sleep(self.slow.random() / 200)
        if isinstance(action, Answer):
            return Observation(text="", answer=action.text)
        assert isinstance(action, Call)
        number = action.arguments["number"]
        if number < 0:
            return Observation(text=f"{number} is no number", ok=False, invalid=True)
        if number == 13:
            return Observation(text="13 brings bad luck", ok=False)
        self.numbers = (*self.numbers, number)
        return Observation(text=f"sum {sum(self.numbers)}")

    async def fork(self, *, id: str) -> "World":
        assert not self.closed
        twin = World(self.numbers, slow=self.slow)
        twin.stepped, twin.live = self.stepped, self.live
        self.live.append(twin)
        return twin

    async def choose(self, fork: "World", *, commit: bool = True) -> str:
        assert not fork.closed
        self.numbers = fork.numbers
        self.committed = commit
        await fork.close()
        return ""

    async def close(self) -> None:
        assert not self.closed
        self.closed = True
        self.live.remove(self)


class Table:
    """Proposes by a function of the path; remembers what it was asked."""

    def __init__(self, proposals: Callable[[Path, str], Sequence[Proposal]]) -> None:
        self.proposals = proposals
        self.asked: list[str] = []
        self.notes: dict[str, list[str]] = {}

    async def propose(
        self, path: Path, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> Sequence[Proposal]:
        self.asked.append(id)
        self.notes[id] = list(notes)
        return self.proposals(path, id)[:n]


class Judge:
    """Scores by a function of the path."""

    def __init__(self, score: Callable[[Path], float], reason: str = "") -> None:
        self.value = score
        self.reason = reason

    async def score(self, path: Path, *, id: str) -> Score:
        return Score(value=self.value(path), reason=self.reason)


class Chance:
    """Proposes and scores at random, from a seed and the node's id alone."""

    def __init__(self, seed: int, *, answers: float = 0.2, failures: float = 0.2) -> None:
        self.seed = seed
        self.answers = answers
        self.failures = failures

    async def propose(
        self, path: Path, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> Sequence[Proposal]:
        draw = random.Random(f"{self.seed}/{id}")
        found: dict[str, Proposal] = {}
        for _ in range(n):
            proposal = self._draw(draw)
            found.setdefault(proposal.actions[0].key, proposal)
        return list(found.values())

    def _draw(self, draw: random.Random) -> Proposal:
        if draw.random() < self.answers:
            return answer(str(draw.randrange(3)))
        if draw.random() < self.failures:
            return add(draw.choice([13, -1]))
        return add(draw.randrange(1, 10))

    async def score(self, path: Path, *, id: str) -> Score:
        return Score(value=random.Random(f"{self.seed}/{id}/score").random() * 0.8)


def numbers(path: Path) -> list[int]:
    """Return the numbers of a path that were added."""
    return [
        step.proposal.actions[0].arguments["number"]
        for step in path
        if step.proposal and isinstance(step.proposal.actions[0], Call) and step.observation.ok
    ]


def state_at(tree: ActionTree, node: Node) -> str:
    """Return what the world would say at a node, from its path alone."""
    return f"sum {sum(numbers(tree.path(node)))}"


def logged() -> tuple[ActionTree, EventLog]:
    log = EventLog()
    return ActionTree(log=log), log


def shape(log: EventLog) -> list[dict[str, Any]]:
    """Return the events of a search as they are compared: without times and numbers."""
    return [strip(event) for event in log.events()]


def strip(event: Event) -> dict[str, Any]:
    return event.model_dump(exclude={"seq", "time", "v"})

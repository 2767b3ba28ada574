"""PoAct without a model: its planner, prompts, selector and review, with simulated replies.

What is simulated is what a model would write, at stated rates, and the interpreter, which makes the
one call that code holds. All that is random derives from the seed and the id of a call alone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from treeact.agents.assembly import code_reader
from treeact.agents.calls import ModelCaller
from treeact.agents.control import Control
from treeact.agents.poact.action_space import ActionSpace
from treeact.agents.poact.agent import PoAct
from treeact.agents.poact.parts import PolicyModel, poact_opening, step_words
from treeact.agents.records.past import Past
from treeact.agents.run import Context
from treeact.agents.task import Task
from treeact.benchmarks.studies.hops import HopTask, make_tools
from treeact.benchmarks.studies.tokenizer import count_prompt, count_tokens
from treeact.errors import ToolError
from treeact.models.base import Message, Request
from treeact.models.scripted import ScriptedModel
from treeact.planners.poact import PoAct as Policies
from treeact.planners.protocols import Action, Answer, Code, Observation
from treeact.sandbox.base import HostTool
from treeact.tools import Tool
from treeact.tools.selection import BM25Selector, Selector
from treeact.trace.budget import Budget
from treeact.trace.log import EventLog
from treeact.trace.usage import Ledger

STEPS = 20
"""Steps of a run, as is the default of agents."""
OUTPUT = "Output:\n"
_SHOWN = re.compile(r"^def (\w+)\(", re.MULTILINE)
_CALL = re.compile(r"print\((?P<tool>\w+)\((?:(?P<name>\w+)=)?'(?P<key>\w+)'\)\)")


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How often what a model would write is right."""

    act: float = 1.0
    """Code does what its thought is after, where the tool for it is shown; else half of it fails
    with an error, and half calls another tool that is shown."""
    told: float = 1.0
    """A thought names both the thing and what is wanted of it; else the thing alone."""
    asks: float = 0.0
    """Code that needs a tool which is not shown calls it nevertheless; else one that is shown."""
    reviewer_recall: float = 0.0
    """A step that called a wrong tool is found by the review."""
    false_alarm: float = 0.0
    """A step that is right is taken for wrong by the review."""


class RecallSelector:
    """Shows the tool that a thought needs with a stated probability, and the best others.

    Args:
        tools: what there is.
        task: what is needed.
        recall: how often what is needed is shown.
        seed: where that comes from.
    """

    def __init__(self, tools: Sequence[Tool], task: HopTask, recall: float, seed: str) -> None:
        self._ranking = BM25Selector(tools)
        self._tools = {tool.name: tool for tool in tools}
        self._task = task
        self._recall = recall
        self._seed = seed

    def select(self, query: str, k: int) -> Sequence[Tool]:
        """Return at most `k` tools; see `Selector`."""
        ranked = list(self._ranking.select(query, k + 1))
        needed = [hop.tool for hop in self._task.hops if hop.words in query]
        if len(needed) != 1:  # a plan, or the question: the best for all of it
            return ranked[:k]
        others = [tool for tool in ranked if tool.name != needed[0]]
        is_shown = random.Random(f"{self._seed}/{query}").random() < self._recall
        return [*([self._tools[needed[0]]] if is_shown else []), *others][:k]


@dataclass
class Counts:
    """What happened in a run."""

    input: int = 0
    output: int = 0
    calls: int = 0
    shown: int = 0
    """Most tools that one prompt showed."""
    written: int = 0
    found: int = 0
    """Of the code that was written, how often the tool for it was shown."""
    raised: int = 0
    """Alarms of the review."""
    rightly: int = 0
    """Of them, how many were right."""


@dataclass
class Policy:
    """What a model would reply, knowing the task and erring at stated rates."""

    task: HopTask
    rates: Rates
    seed: str
    counts: Counts = field(default_factory=Counts)

    def __call__(self, request: Request) -> str:
        """Answer a request as the policy whose turn it is."""
        counts, prompt = self.counts, request.messages
        turn = request.path.rpartition("/")[2]
        replies: dict[str, Callable[[Request], str]] = {
            "plan": self._plan,
            "thought": self._think,
            "code": self._write,
            "review": self._review,
        }
        reply = replies[turn](request)
        counts.calls += 1
        counts.input += count_prompt(prompt)
        counts.output += count_tokens(reply)
        counts.shown = max(counts.shown, len(_shown(prompt)))
        return reply

    def _plan(self, request: Request) -> str:
        return "\n".join(f"{n}. Find {hop.words}." for n, hop in enumerate(self.task.hops, start=1))

    def _think(self, request: Request) -> str:
        values = _values(request.messages)
        if len(values) == len(self.task.hops):
            return f"<answer>{values[-1]}</answer>"
        hop, key = self.task.hops[len(values)], values[-1] if values else self.task.key
        step = request.path.split("/")[1]
        if self._chance(request, "told") < self.rates.told:
            return f"For {step} I find {hop.words} with the record {key}."
        return f"For {step} I find out more of the {hop.thing} with the record {key}."

    def _write(self, request: Request) -> str:
        values = _values(request.messages)
        hop, key = self.task.hops[len(values)], values[-1] if values else self.task.key
        shown = _shown(request.messages)
        self.counts.written += 1
        self.counts.found += hop.tool in shown
        tool, argument = self._call(request, hop.tool, shown)
        return f"```python\nprint({tool}({argument}'{key}'))\n```"

    def _call(self, request: Request, needed: str, shown: Sequence[str]) -> tuple[str, str]:
        """Return the tool that code calls, and the name by which it passes the record, if any."""
        act, luck = self.rates.act, self._chance(request, "act")
        if needed not in shown and self._chance(request, "asks") < self.rates.asks:
            return needed, ""
        if needed not in shown or luck >= (1 + act) / 2:
            others = [name for name in shown if name != needed] or [needed]
            return random.Random(f"{self.seed}/{request.path}/other").choice(others), ""
        return needed, "" if luck < act else "record="

    def _review(self, request: Request) -> str:
        messages = request.messages
        hop = self.task.hops[len(_values(messages)) - 1]
        is_right = _newest_tool(messages) == hop.tool
        rates = self.rates
        rate = rates.false_alarm if is_right else rates.reviewer_recall
        if self._chance(request, "review") >= rate:
            return "It did what the thought was after. <verdict>keep</verdict>"
        self.counts.raised += 1
        self.counts.rightly += not is_right
        return f"That was not {hop.words}: find that. <verdict>drop</verdict>"

    def _chance(self, request: Request, what: str) -> float:
        return random.Random(f"{self.seed}/{request.path}/{what}").random()


def _shown(messages: Sequence[Message]) -> list[str]:
    """Return the tools that the turn shows."""
    return _SHOWN.findall(messages[-1].content)


def _values(messages: Sequence[Message]) -> list[str]:
    """Return what the steps of a conversation have printed."""
    texts = (m.content for m in messages if m.role == "user" and m.content.startswith(OUTPUT))
    return [text.removeprefix(OUTPUT) for text in texts]


def _newest_tool(messages: Sequence[Message]) -> str:
    replies = [m.content for m in messages if m.role == "assistant"]
    found = _CALL.search(replies[-1])
    return found["tool"] if found else ""


class Calling:
    """An environment in which code is one call that is printed; its states are all alike.

    Args:
        tools: what can be called, and refuses what it has to.
    """

    def __init__(self, tools: Sequence[HostTool]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    async def step(self, action: Action, *, id: str) -> Observation:
        """Make the call; see `Environment.step`."""
        if isinstance(action, Answer):
            return Observation(text="", answer=action.text)
        found = _CALL.search(action.source) if isinstance(action, Code) else None
        if found is None:
            return Observation(text="There was no call.", ok=False, invalid=True)
        given = {found["name"]: found["key"]} if found["name"] else {}
        place = () if found["name"] else (found["key"],)
        try:
            result = await self._tools[found["tool"]].call(place, given)
        except ToolError as error:
            return Observation(text=f"ToolError: {error}", ok=False)
        return Observation(text=f"{OUTPUT}{result}")

    async def fork(self, *, id: str) -> Calling:
        """Return the state, which nothing changes."""
        return self

    async def choose(self, fork: Calling, *, commit: bool = True) -> str:
        """Do nothing: the states are alike."""
        return ""

    async def close(self) -> None:
        """Do nothing: nothing is held."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a run came to."""

    right: bool
    answered: bool
    steps: int
    counts: Counts


async def run_poact(
    task: HopTask,
    *,
    tools: int,
    shown: int,
    rates: Rates,
    reviews: int,
    recall: float | None,
    seed: str,
) -> Trial:
    """Let PoAct work on a task.

    Args:
        task: what is to be found.
        tools: size of the catalogue.
        shown: tools that a step is shown; where it is all of them, nothing selects.
        rates: how often replies are right.
        reviews: steps that the simulated model may review; 0 leaves it to the rules.
        recall: how often the selector shows what is needed; None is BM25, whatever it finds.
        seed: where all that is random comes from.
    """
    catalogue = make_tools(tools)
    selector: Selector | None = None
    if recall is not None:
        selector = RecallSelector(catalogue, task, recall, seed)
    space = ActionSpace(catalogue, most=shown, selector=selector)
    policy = Policy(task, rates, seed)
    agent = PoAct(ScriptedModel(policy), planner=Policies(reviews=reviews))
    context = _context(agent, task)
    proposer = PolicyModel(
        space,
        question=task.question,
        caller=ModelCaller(
            context.model, budget=context.budget, log=context.log, ledger=context.ledger
        ),
        control=context.control,
        log=context.log,
        opening=poact_opening(agent, context),
        read=code_reader(agent, [tool.name for tool in catalogue]),
        words=step_words,
    )
    env = Calling(space.guard(catalogue))
    solution = await agent.planner.solve(env, proposer, context.budget)
    return Trial(
        right=solution.answer == task.answer,
        answered=solution.answer is not None,
        steps=len(solution.path),
        counts=policy.counts,
    )


def _context(agent: PoAct, task: HopTask) -> Context:
    log = EventLog()
    assert not isinstance(agent.model, str)
    return Context(
        task=Task(task.question),
        model=agent.model,
        budget=Budget(steps=STEPS),
        log=log,
        ledger=Ledger(),
        control=Control(log),
        past=Past(),
    )

"""Runs of CodeAgents and of the JSON agent over planned tasks, and the tokens of each form of them.

Both agents are the real ones, with their prompts; in the model's place stands who knows the plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from treeact.agents.agent import Agent
from treeact.agents.codified.agent import CodeAgents
from treeact.agents.codified.role import Role
from treeact.agents.json_agent import JsonAgent
from treeact.agents.task import Task
from treeact.benchmarks.studies.english import in_english, language_of
from treeact.benchmarks.studies.plans import PlannedTask
from treeact.benchmarks.studies.tokenizer import MESSAGE_TOKENS, count_prompt, count_tokens
from treeact.models.base import Message, Request
from treeact.models.scripted import ScriptedModel
from treeact.planners.codified import nodes
from treeact.planners.codified.checker import Prior, check_plan
from treeact.planners.codified.narrate import narrate_steps
from treeact.planners.codified.render import render_steps
from treeact.planners.codified.scheduler import Invocation, Scheduler
from treeact.planners.codified.signatures import read_signature
from treeact.planners.codified.state import PlanState
from treeact.planners.codified.types import Type, Value
from treeact.planners.codified.values import show

WHOLE = 10**9
"""Characters of a value up to which it is shown whole, where nothing is kept back in variables."""
LEFT = "# The steps that were left\n"
REVIEWER = "(claim: str, facts: list[list[float]]) -> bool"
BUSY = "The call failed"


@dataclass(frozen=True)
class Tokens:
    """What the calls of one run come to."""

    input: int
    output: int
    calls: int
    language: int = 0
    """Of the input, what describes the language of plans."""


@dataclass(frozen=True)
class Asked:
    """One call of a model."""

    messages: tuple[Message, ...]
    reply: str


@dataclass
class Listening:
    """A script that also keeps what it was asked."""

    answer: Callable[[Request], str]
    asked: list[Asked] = field(default_factory=list)

    def __call__(self, request: Request) -> str:
        """Answer a request."""
        reply = self.answer(request)
        self.asked.append(Asked(request.messages, reply))
        return reply


# A whole plan at once -------------------------------------------------------------------------


async def plan_whole(task: PlannedTask, *, kept: bool) -> list[Asked]:
    """Have CodeAgents do a task, and return its model calls.

    Args:
        task: what is to be done.
        kept: whether prompts show long values by reference, as they do by default; else whole.
    """
    reviewer = Role(
        name="reviewer",
        signature=REVIEWER,
        instructions="Says whether values are what is claimed.",
        inline=Role.inline if kept else WHOLE,
    )

    def agent(model: ScriptedModel) -> Agent:
        inline = CodeAgents.inline if kept else WHOLE
        return CodeAgents(model, tools=task.tools, roles=[reviewer], inline=inline)

    return await _run(task, agent, lambda request: _plan_or_role(task, request))


def _plan_or_role(task: PlannedTask, request: Request) -> str:
    if not request.path.endswith("/propose"):
        return "They are of that kind.\n<answer>true</answer>"
    told = request.messages[-1].content
    if LEFT not in told:
        return f"{task.thought}\n```python\n{task.plan}```"
    return f"The service was busy for a moment.\n```python\n{_patch(task, told)}\n```"


def _patch(task: PlannedTask, told: str) -> str:
    """Return the steps that were left, with new names for what they change of what was set."""
    [counters] = re.findall(r"^best: .*\ntop: .*\n", task.plan, re.MULTILINE)
    steps = counters + told.partition(LEFT)[2].strip()
    return re.sub(r"\b(best|top)\b", r"\1_again", steps)


def tokens_of_plans(asked: Sequence[Asked], *, narrated: bool) -> Tokens:
    """Return the tokens of model calls, as they were or with everything codified in English."""
    language = sum(count_tokens(language_of(call.messages[0].content)) for call in asked)
    if narrated:
        asked = [_narrated(call) for call in asked]
    return Tokens(
        input=sum(count_prompt(call.messages) for call in asked),
        output=sum(count_tokens(call.reply) for call in asked),
        calls=len(asked),
        language=0 if narrated else language,
    )


def _narrated(call: Asked) -> Asked:
    messages = (Message(m.role, in_english(m.content)) for m in call.messages)
    return Asked(tuple(messages), in_english(call.reply))


# One call at a time ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Made:
    """One call of a plan as it is carried out."""

    tool: str
    arguments: dict[str, Value]
    result: Value
    type: Type

    @property
    def thought(self) -> str:
        """What whoever makes it says before."""
        return f"Next I need {self.tool.replace('_', ' ')}."


async def unroll(task: PlannedTask) -> tuple[list[Made], str]:
    """Return the calls of tools that a plan comes to, in order, and its answer."""
    tools = {tool.name: tool for tool in task.tools}
    made: list[Made] = []

    async def invoke(call: Invocation) -> Value:
        if call.callee.name not in tools:
            return True  # the reviewer
        tool = tools[call.callee.name]
        result: Value = await tool.call(call.arguments, call.named)
        names = [parameter.name for parameter in call.callee.parameters]
        arguments = dict(zip(names, call.arguments, strict=False)) | dict(call.named)
        made.append(Made(tool.name, arguments, result, call.returns))
        return result

    state = PlanState(callees={name: read_signature(t.signature) for name, t in tools.items()})
    state.callees = {**state.callees, "reviewer": read_signature(f"reviewer{REVIEWER}")}
    checked = check_plan(task.plan, state.callees, Prior())
    state.accept(checked)
    plan = Scheduler(state, checked.types, invoke, id="plan", concurrency=1)
    outcome = await plan.run(checked.plan.steps)
    return made, str(outcome.answer)


async def call_by_call(task: PlannedTask, calls: Sequence[Made], answer: str) -> list[Asked]:
    """Have the JSON agent do a task, a call in each reply, and return its model calls."""
    replies = [_in_json(call.thought, call.tool, call.arguments) for call in calls]
    replies.append(_in_json("That is the answer.", "final_answer", {"answer": answer}))
    done = 0

    def reply(request: Request) -> str:
        nonlocal done
        if len(request.messages) > 2 and not request.messages[-1].content.startswith(BUSY):
            done += 1
        return replies[done]

    def agent(model: ScriptedModel) -> Agent:
        return JsonAgent(model, tools=task.tools, max_steps=len(replies) + 20)

    return await _run(task, agent, reply, answer)


def _in_json(thought: str, tool: str, arguments: dict[str, Value]) -> str:
    return json.dumps({"thought": thought, "tool": tool, "arguments": arguments})


def tokens_of_calls(asked: Sequence[Asked]) -> Tokens:
    """Return the tokens of the model calls of the JSON agent, as they were."""
    return Tokens(
        input=sum(count_prompt(call.messages) for call in asked),
        output=sum(count_tokens(call.reply) for call in asked),
        calls=len(asked),
    )


def tokens_of_steps(
    asked: Sequence[Asked], calls: Sequence[Made], answer: str, *, narrated: bool, kept: bool
) -> Tokens:
    """Return the tokens of the same conversation, its calls written as steps of a plan.

    Args:
        asked: the model calls of the JSON agent.
        calls: what they made.
        answer: what the last of them gave.
        narrated: whether steps are written in English, or in the language of plans.
        kept: whether a result stays in a variable, that later calls name and prompts show by
            reference; else it is pasted, and written out where a call needs it.
    """
    steps = [_as_step(calls, place, kept) for place in range(len(calls))]
    written = [_say(c.thought, s, narrated) for c, s in zip(calls, steps, strict=True)]
    written.append(_say("That is the answer.", nodes.Answer(nodes.Constant(answer)), narrated))
    replies, outputs, done = [], [], 0
    for call in asked[1:]:
        observed = call.messages[-1].content
        replies.append(count_tokens(written[done]))
        if not observed.startswith(BUSY):
            shown = show(calls[done].result, CodeAgents.inline, calls[done].type)
            observed = shown if kept else observed
            done += 1
        outputs.append(count_tokens(observed))
    replies.append(count_tokens(written[done]))
    turns = [a + b + 2 * MESSAGE_TOKENS for a, b in zip(replies[:-1], outputs, strict=True)]
    opening = count_prompt(asked[0].messages)
    return Tokens(
        input=opening * len(asked) + sum(accumulate(turns)),
        output=sum(replies),
        calls=len(asked),
    )


def _as_step(calls: Sequence[Made], place: int, kept: bool) -> nodes.Step:
    call = calls[place]
    named = [_argument(value, calls[:place], kept) for value in call.arguments.values()]
    return nodes.Assign(f"result_{place + 1}", call.type, nodes.Call(call.tool, tuple(named)))


def _argument(value: Value, before: Sequence[Made], kept: bool) -> nodes.Expr:
    if not isinstance(value, list):
        return nodes.Constant(value)
    origin = next((n for n, call in enumerate(before, start=1) if call.result == value), None)
    if kept and origin is not None:
        return nodes.Name(f"result_{origin}")
    return nodes.Items(tuple(nodes.Constant(item) for item in value))


def _say(thought: str, step: nodes.Step, narrated: bool) -> str:
    if narrated:
        return f"{thought}\n{narrate_steps([step]).removeprefix('1. ')}"
    return f"{thought}\n```python\n{render_steps([step])}\n```"


# Either ---------------------------------------------------------------------------------------


async def _run(
    task: PlannedTask,
    make: Callable[[ScriptedModel], Agent],
    reply: Callable[[Request], str],
    answer: str | None = None,
) -> list[Asked]:
    script = Listening(reply)
    result = await make(ScriptedModel(script)).run(Task(task.question))
    if result.reason != "answered" or answer not in (None, result.answer):
        raise ValueError(f"the task ended with {result.answer!r} ({result.reason}), not {answer!r}")
    return script.asked

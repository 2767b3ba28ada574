"""CodeAgents: planner, replanner, solver and own roles, in runs with everything around them."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.agents.support import answer, code, observations, of_type, until
from tests.cli.support import treeact
from treeact import Budget, CodeAgents, Result, Role, ScriptedModel, Task, tool
from treeact.agents.control import CallResult
from treeact.benchmarks.scorers import gaia_score
from treeact.benchmarks.suites import load_suite
from treeact.benchmarks.suites.mini import recordings_folder
from treeact.errors import ConfigError, ModelError, PlanRejected, SearchExhausted, ToolError
from treeact.models import RecordingModel, ReplayModel
from treeact.models.base import Message, Request
from treeact.planners import MCTS
from treeact.trace.events import (
    ApprovalRequested,
    CodeRun,
    Event,
    ModelCalled,
    PlanChecked,
    PlanStepFinished,
    Replanned,
    SandboxStarted,
    ToolCalled,
)

LOCAL = {"sandbox": "unsafe-local"}
Replies = Mapping[str, Any]


def plan(text: str) -> str:
    return code(f'task("?", answer=Any)\n{text}')


@tool(effects="read")
def weather(city: str) -> float:
    """Return the temperature.

    Args:
        city: where.
    """
    return {"Oslo": 3.5, "Rome": 25.0}[city]


@tool(effects="read")
def rows(count: int) -> list[dict[str, int]]:
    """Return numbered rows.

    Args:
        count: how many.
    """
    return [{"number": n} for n in range(count)]


@pytest.fixture
def outbox() -> list[str]:
    return []


@pytest.fixture
def send(outbox: list[str]) -> Any:
    @tool(effects="write")
    def send(text: str) -> int:
        """Send a text and return its number.

        Args:
            text: what to send.
        """
        if text == "too much":
            raise ValueError("the line is down")
        outbox.append(text)
        return len(outbox)

    return send


def scripted(replies: Replies, asked: list[Request] | None = None) -> ScriptedModel:
    """Answer by the logical path of a call."""

    async def reply(request: Request) -> str:
        if asked is not None:
            asked.append(request)
        try:
            said = replies[request.path]
        except KeyError:
            raise ModelError(f"no reply is scripted for {request.path}") from None
        return await said(request) if callable(said) else said

    return ScriptedModel(reply)


async def run(
    replies: Replies,
    *,
    asked: list[Request] | None = None,
    budget: Budget | None = None,
    files: Sequence[Path] = (),
    **options: Any,
) -> tuple[Result, list[Event]]:
    agent = CodeAgents(scripted(replies, asked), **{**LOCAL, "tools": [weather, rows], **options})
    started = agent.start(Task("Which is the warmest?", tuple(files)), budget=budget)
    result = await started.result()
    return result, list(started.log.events())


def prompt(asked: list[Request], path: str) -> str:
    return "\n".join(message.content for message in request(asked, path).messages)


def request(asked: list[Request], path: str) -> Request:
    return next(request for request in asked if request.path == path)


WARMEST = """\
cities: list[str] = ["Oslo", "Rome"]
temps: list[float] = [weather(city) for city in cities]
best: str = cities[0]
for city, degrees in zip(cities, temps):
    if degrees == max(temps):
        best = city
answer(best)"""


async def test_a_plan_is_carried_out_to_its_answer_without_a_sandbox() -> None:
    result, events = await run({"run/step-1/propose": plan(WARMEST)})
    assert (result.answer, result.reason, result.steps) == ("Rome", "answered", 1)
    assert not of_type(events, SandboxStarted)
    assert [event.id for event in of_type(events, ToolCalled)] == [
        "run/step-1/2.1/weather",
        "run/step-1/2.2/weather",
    ]
    assert of_type(events, PlanChecked)[0].findings == ()
    done = {event.id: event.text for event in of_type(events, PlanStepFinished)}
    assert done["run/step-1/2"] == "temps: list[float] = [3.5, 25.0]"
    assert done["run/step-1/5"] == 'answer("Rome")'


async def test_a_plan_that_does_not_check_goes_back_with_its_findings() -> None:
    asked: list[Request] = []
    replies = {
        "run/step-1/propose": plan("x: float = wether('Oslo')\nsend('a')\nanswer(x)"),
        "run/step-2/propose": plan("x: float = weather('Oslo')\nanswer(x)"),
    }
    result, events = await run(replies, asked=asked)
    assert result.answer == "3.5"
    told = observations(result)[0]
    assert "- line 2, column 12: there is no role, tool or function wether: did you mean" in told
    assert "- line 3, column 1: there is no role, tool or function send" in told
    assert [len(event.findings) for event in of_type(events, PlanChecked)] == [2, 0]
    assert len(of_type(events, ToolCalled)) == 1
    assert request(asked, "run/step-2/propose").messages[-1].content == told


async def test_plans_that_never_check_end_in_a_typed_stop_with_a_best_effort() -> None:
    replies = {
        **{f"run/step-{n}/propose": plan("answer(x)") for n in range(1, 9)},
        "run/conclude": answer("perhaps Rome"),
    }
    result, events = await run(replies, max_rejections=2)
    assert (result.reason, result.answer, result.best_effort) == (
        "search exhausted",
        "perhaps Rome",
        True,
    )
    assert "3 plans in a row did not check, the last for line 2, column 8" in result.message
    assert len(of_type(events, PlanChecked)) == 3
    assert issubclass(PlanRejected, SearchExhausted)


async def test_replies_without_a_plan_are_told_the_form() -> None:
    replies = {"run/step-1/propose": "Hm.", "run/step-2/propose": answer("Rome")}
    result, _ = await run(replies)
    assert "Your reply held no plan." in observations(result)[0]
    assert result.answer == "Rome"


FAILING = """\
cities: list[str] = ["Oslo", "Rome"]
temps: list[float] = [weather(city) for city in cities]
assert min(temps) > 10, f"{min(temps)} is too cold"
best: str = cities[1]
answer(best)"""


async def test_the_replanner_gets_feedback_and_the_suffix_and_cannot_touch_the_past() -> None:
    asked: list[Request] = []
    replies = {
        "run/step-1/propose": plan(FAILING),
        "run/step-2/propose": code("temps = [30.0, 40.0]\nanswer(cities[0])"),
        "run/step-3/propose": code("warm = [t for t in temps if t > 10]\nanswer(str(warm))"),
    }
    result, events = await run(replies, asked=asked)
    assert result.answer == "[25.0]"
    text = request(asked, "run/step-2/propose").messages[-1].content
    assert 'Feedback(step="3", kind="assertion", expression="min(temps) > 10"' in text
    assert "temps: list[float] = [3.5, 25.0]" in text
    left = text[text.index("# The steps that were left") :]
    assert "assert min(temps) > 10" in left and "answer(best)" in left
    assert "best: str =" not in left  # it waits for nothing that failed, and was carried out
    assert "weather(" not in text  # what was executed is known by its variables alone
    assert "temps has its value from what was executed" in observations(result)[1]
    assert len(of_type(events, ToolCalled)) == 2  # nothing was called again
    replanned = of_type(events, Replanned)[0]
    assert (replanned.executed, replanned.dropped, replanned.added) == (3, 2, 2)
    roles = [(event.role, event.phase) for event in of_type(events, ModelCalled)]
    assert roles == [("planner", "plan"), ("replanner", "replan"), ("replanner", "replan")]


async def test_a_failing_tool_is_feedback_and_replans_are_bounded() -> None:
    replies = {
        f"run/step-{n}/propose": plan(f"a{n}: float = weather('Bonn')\nanswer(a{n})")
        for n in range(1, 9)
    }
    result, events = await run(
        {**replies, "run/conclude": answer("none")}, max_replans=2, max_steps=20
    )
    assert (result.reason, result.answer) == ("search exhausted", "none")
    assert "the plan failed after 2 replans" in result.message
    assert len(of_type(events, ToolCalled)) == 3
    failed = of_type(events, PlanStepFinished)[0]
    assert not failed.ok and "KeyError: 'Bonn'" in failed.text


async def test_a_write_is_made_once_however_a_replan_repeats_it(
    send: Any, outbox: list[str]
) -> None:
    replies = {
        "run/step-1/propose": plan(
            "a: int = send('one')\nfor t in ['two', 'two', 'too much', 'three']:\n    send(t)\n"
            "answer('sent')"
        ),
        "run/step-2/propose": code(
            "b: int = send(text='one')\nfor t in ['two', 'three', 'three']:\n    send(t)\n"
            "answer([a, b])"
        ),
    }
    result, _ = await run(replies, tools=[send])
    assert outbox == ["one", "two", "two", "three", "three"]
    assert result.answer == "1, 1"


async def test_each_role_has_its_model_its_prompt_and_its_line_in_the_ledger() -> None:
    asked: list[Request] = []
    checker = scripted({"run/step-1/2/checker-1": "It holds.\n<answer>true</answer>"}, asked)
    roles = [
        Role(
            name="checker",
            instructions="Says whether a claim can be.",
            signature="(claim: str, degrees: float) -> bool",
            model=checker,
            prompt="You check claims. The result is {{ returns }}.",
        ),
        Role(name="planner", prompt="You plan for {{ tools | length }} tools.\n{{ roles }}"),
    ]
    text = (
        "degrees: float = weather('Rome')\nfine: bool = checker('hot', degrees=degrees)\n"
        "word: str = namer(degrees)\nanswer(f'{fine} {word}')"
    )
    declared = (
        'def namer(degrees: float) -> str:\n    """Name that weather."""\n'
        "    assert len(result) > 3, 'a word is longer'"
    )
    replies = {
        "run/step-1/propose": plan(f"{declared}\n{text}"),
        "run/step-1/3/namer-1": "<answer>hot</answer>",
        "run/step-1/3/namer-2": "<answer>sunny</answer>",
    }
    result, _ = await run(replies, roles=roles, asked=asked)
    assert result.answer == "True sunny"
    assert prompt(asked, "run/step-1/propose").startswith("You plan for 2 tools.")
    assert "checker(claim: str, degrees: float) -> bool" in prompt(asked, "run/step-1/propose")
    assert request(asked, "run/step-1/2/checker-1").messages == (
        Message("system", "You check claims. The result is bool."),
        Message(
            "user",
            'claim: str = "hot"\ndegrees: float = 25.0\n'
            "result: bool = checker(claim=claim, degrees=degrees)",
        ),
    )
    assert "Name that weather." in prompt(asked, "run/step-1/3/namer-1")
    assert "len(result) > 3: a word is longer" in prompt(asked, "run/step-1/3/namer-2")
    ledger = {(role, phase): entry for role, phase, entry in result.ledger.rows()}
    assert {key: entry.calls for key, entry in ledger.items()} == {
        ("planner", "plan"): 1,
        ("checker", "act"): 1,
        ("namer", "act"): 2,
    }
    assert ledger["namer", "act"].usage.input_tokens > 100
    parts = ledger["planner", "plan"].parts
    assert sum(parts.values()) == ledger["planner", "plan"].usage.input_tokens
    assert parts["tools"] > 0 and parts["task"] > 0


async def test_the_ledger_tells_what_a_replanner_reads() -> None:
    replies = {
        "run/step-1/propose": plan(FAILING),
        "run/step-2/propose": code("answer(x)"),
        "run/step-3/propose": code("answer(cities[0])"),
    }
    result, _ = await run(replies)
    ledger = {(role, phase): entry for role, phase, entry in result.ledger.rows()}
    assert set(ledger["replanner", "replan"].parts) == {
        "system",
        "tools",
        "task",
        "history",
        "observation",
    }


async def test_the_solver_works_in_python_on_whole_values_and_gives_typed_results(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.csv").write_text("x,2\ny,3\n")
    asked: list[Request] = []
    replies = {
        "run/step-1/propose": plan(
            "class Row:\n    name: str\n    n: int\n"
            "many: list[dict[str, int]] = rows(3000)\n"
            "last: int = solver('the last number', many=many)\n"
            "table: list[Row] = solver('read it', file=files[0])\n"
            "answer(f'{last} {table[1].name} {sum(r.n for r in table)}')"
        ),
        "run/step-1/2/solver-1": code("last = many[-1]['number']\nprint(last)"),
        "run/step-1/2/solver-2": answer("2999"),
        "run/step-1/3/solver-1": code(
            "pairs = [line.split(',') for line in open(file).read().split()]\n"
            "final_answer([{'name': a, 'n': b} for a, b in pairs])"
        ),
        "run/step-1/3/solver-2": code("final_answer([{'name': a, 'n': int(b)} for a, b in pairs])"),
    }
    result, events = await run(replies, asked=asked, files=[tmp_path / "a.csv"])
    assert result.answer == "2999 y 5", result.message
    shown = request(asked, "run/step-1/2/solver-1").messages[-1].content
    assert "many: list[dict[str, int]] = <list[dict[str, int]], 3000 items, begins" in shown
    assert len(shown) < 3000
    told = request(asked, "run/step-1/3/solver-2").messages[-1].content
    assert "That cannot be the result: the result[0]['n'] is '2' of type str, not int." in told
    assert "class Row:" in prompt(asked, "run/step-1/3/solver-1")
    assert result.steps == 1 + 4
    assert len(of_type(events, SandboxStarted)) == 1
    assert len(of_type(events, CodeRun)) == 5  # the values of either call, and three replies' code


async def test_a_role_with_eyes_sees_what_it_draws() -> None:
    asked: list[Request] = []
    drawing = "from PIL import Image\ndisplay(Image.new('RGB', (4, 4), 'red'))"
    replies = {
        "run/step-1/propose": plan("colour: str = solver('draw it')\nanswer(colour)"),
        "run/step-1/1/solver-1": code(drawing),
        "run/step-1/1/solver-2": answer("red"),
    }
    result, _ = await run(replies, asked=asked, vision=True)
    assert result.answer == "red"
    seen = request(asked, "run/step-1/1/solver-2").messages[-1]
    assert [image.media_type for image in seen.images] == ["image/png"]


async def test_a_role_without_a_usable_result_is_feedback() -> None:
    replies = {
        "run/step-1/propose": plan("n: int = solver('count')\nanswer(n)"),
        "run/step-1/1/solver-1": "Many.",
        "run/step-1/1/solver-2": answer("many"),
        "run/step-2/propose": code("answer(0)"),
    }
    roles = [Role(name="solver", python=True, max_turns=2)]
    result, _ = await run(replies, roles=roles)
    assert result.answer == "0"
    told = observations(result)[0]
    assert 'kind="role error"' in told and "solver gave no usable result in 2 replies" in told


async def test_a_role_can_call_only_the_tools_it_was_given(send: Any, outbox: list[str]) -> None:
    replies = {
        "run/step-1/propose": plan(
            '@can(python, weather)\ndef reader(city: str) -> str:\n    "Read it."\n'
            "a: str = reader('Rome')\nb: str = solver('send')\nanswer(a + b)"
        ),
        "run/step-1/1/reader-1": code(
            "try:\n    send('x')\nexcept ToolError as error:\n"
            "    final_answer(f'{weather(city)} {error} ')"
        ),
        "run/step-1/2/solver-1": code("final_answer(str(send('y')))"),
    }
    result, _ = await run(replies, tools=[weather, send])
    assert result.answer == "25.0 this role may not call send; it may call weather 1"
    assert outbox == ["y"]


async def test_long_values_are_references_in_every_prompt() -> None:
    asked: list[Request] = []
    replies = {
        "run/step-1/propose": plan(
            'def judge(many: list[dict[str, int]]) -> bool:\n    "Judge them."\n'
            "many: list[dict[str, int]] = rows(2000)\nfine: bool = judge(many)\n"
            "assert len(many) > 5000, 'few'\nanswer(1)"
        ),
        "run/step-1/2/judge-1": answer("true"),
        "run/step-2/propose": code("answer(len(many))"),
    }
    result, _ = await run(replies, asked=asked)
    assert result.answer == "2000"
    for path in ("run/step-1/2/judge-1", "run/step-2/propose"):
        text = prompt(asked, path)
        assert "<list[dict[str, int]], 2000 items, begins" in text
        assert '"number": 100' not in text
    assert len(request(asked, "run/step-2/propose").messages[-1].content) < 2000


async def test_a_plan_waits_for_approval_and_may_be_edited_or_rejected() -> None:
    replies = {f"run/step-{n}/propose": plan("answer('a')") for n in (1, 2, 3)}
    agent = CodeAgents(scripted(replies), approve="all", **LOCAL)
    started = agent.start("?")
    edited = 'task("?", answer=str)\nanswer(x)'
    verdicts = iter([lambda: started.reject("no!"), lambda: started.edit(edited), started.approve])
    async for event in started.events():
        if isinstance(event, ApprovalRequested):
            assert next(verdicts)()
    result = await started.result()
    told = observations(result)
    assert "did not allow" in told[0] and "no!" in told[0]
    assert "changed your code" in told[1] and "the variable x is not defined" in told[1]
    assert result.answer == "a"


async def test_a_refused_call_is_feedback(send: Any, outbox: list[str]) -> None:
    replies = {
        "run/step-1/propose": plan("t: float = weather('Oslo')\nsend('x')\nanswer(t)"),
        "run/step-2/propose": code("answer('not sent')"),
    }
    agent = CodeAgents(scripted(replies), tools=[weather, send], approve="risky", **LOCAL)
    started = agent.start("?")
    asked = await until(started, ApprovalRequested)
    assert (asked.what, asked.text) == ("call", "send('x')")
    started.reject("ask first")
    result = await started.result()
    assert (result.answer, outbox) == ("not sent", [])
    assert 'kind="tool error"' in observations(result)[0]
    assert "The user did not allow this call. ask first" in observations(result)[0]


@pytest.mark.parametrize(
    ("policy", "rules", "asked"),
    [
        ("none", {"weather": "always"}, ["weather('Oslo')"]),
        ("risky", {"send": "never"}, []),
        ("risky", {"weather": "always"}, ["weather('Oslo')", "send('x')"]),
    ],
)
async def test_rules_for_single_tools_hold_in_plans(
    policy: str, rules: dict[str, str], asked: list[str], send: Any, outbox: list[str]
) -> None:
    said = {"run/step-1/propose": plan("t: float = weather('Oslo')\nsend('x')\nanswer(t)")}
    options: dict[str, Any] = {"approve": policy, "approve_tools": rules, **LOCAL}
    started = CodeAgents(scripted(said), tools=[weather, send], **options).start("?")
    texts = []
    async for event in started.events():
        if isinstance(event, ApprovalRequested):
            texts.append(event.text)
            started.approve()
    assert (texts, outbox) == (asked, ["x"])
    assert (await started.result()).answer == "3.5"


async def test_results_are_reviewed_before_a_plan_has_them() -> None:
    def review(call: CallResult) -> Any:
        if call.args == ("Rome",):
            raise ToolError("not this city")
        return 4.5

    both = "a: float = weather('Oslo')\nb: float = weather('Rome')\nanswer(b)"
    replies = {
        "run/step-1/propose": plan(both),
        "run/step-2/propose": code("answer(a)"),
    }
    result, events = await run(replies, tools=[weather], review=review)
    assert result.answer == "4.5"
    assert "the result of weather was withheld: not this city" in observations(result)[0]
    assert [called.result for called in of_type(events, ToolCalled)] == ["4.5", None]


async def test_a_write_that_gave_no_answer_is_not_made_again() -> None:
    begun: list[str] = []

    @tool(effects="write")
    async def post(text: str) -> None:
        """Post a text.

        Args:
            text: what.
        """
        begun.append(text)
        await asyncio.sleep(60)

    replies = {
        "run/step-1/propose": plan("post('x')\nanswer('posted')"),
        "run/step-2/propose": code("post(text='x')\nanswer('posted')"),
        "run/step-3/propose": code("answer('perhaps posted')"),
    }
    result, _ = await run(replies, tools=[post], step_timeout=0.05)
    assert (result.answer, begun) == ("perhaps posted", ["x"])
    told = observations(result)
    assert "it did not end within 0.05 seconds" in told[0]
    assert "may have taken effect, and is not called again" in told[1]


async def test_waiting_for_a_person_takes_no_time_of_a_call(send: Any, outbox: list[str]) -> None:
    replies = {"run/step-1/propose": plan("n: int = send('x')\nanswer(n)")}
    agent = CodeAgents(scripted(replies), tools=[send], approve="risky", step_timeout=0.3, **LOCAL)
    started = agent.start("?")
    await until(started, ApprovalRequested)
    await asyncio.sleep(0.5)
    assert started.approve()
    assert (await started.result()).answer == "1"


async def test_an_interrupt_stops_the_plan_and_its_words_reach_the_replanner() -> None:
    begun = asyncio.Event()

    async def slow(request: Request) -> str:
        begun.set()
        await asyncio.sleep(60)
        return ""

    asked: list[Request] = []
    text = "t: float = weather('Oslo')\na: str = solver('a')\nb: str = solver('b')\nanswer(a + b)"
    replies = {
        "run/step-1/propose": plan(text),
        "run/step-1/2/solver-1": slow,
        "run/step-2/propose": code("answer(str(t))"),
    }
    started = CodeAgents(scripted(replies, asked), tools=[weather], **LOCAL).start("?")
    await begun.wait()
    assert started.interrupt("use what you have")
    result = await asyncio.wait_for(started.result(), 20)
    assert result.answer == "3.5"
    told = request(asked, "run/step-2/propose").messages[-1].content
    assert 'kind="interrupted"' in told
    assert "The user says: use what you have" in told


async def test_an_interrupt_stops_a_planner_and_code_of_a_role() -> None:
    begun = asyncio.Event()

    async def slow(request: Request) -> str:
        begun.set()
        await asyncio.sleep(60)
        return ""

    replies = {
        "run/step-1/propose": slow,
        "run/step-2/propose": plan("a: str = solver('a')\nanswer(a)"),
        "run/step-2/1/solver-1": code("import time\nprint('on')\ntime.sleep(60)"),
        "run/step-3/propose": code("answer('stopped')"),
    }
    started = CodeAgents(scripted(replies), **LOCAL).start("?")
    await begun.wait()
    assert started.interrupt("go on")
    await until(started, SandboxStarted)
    await asyncio.sleep(0.7)
    assert started.interrupt("enough")
    result = await asyncio.wait_for(started.result(), 30)
    assert result.answer == "stopped"
    told = observations(result)
    assert "The user says: go on" in told[0]
    assert "The user says: enough" in told[1]


async def test_a_message_and_a_follow_up_question_are_heard() -> None:
    asked: list[Request] = []
    replies = {
        "run/step-1/propose": plan("t: float = weather('Rome')\nanswer(t)"),
        "run/step-2/propose": code("answer(f'{t} C')"),
        "run/step-4/propose": code("u: float = weather('Oslo')\nanswer(t - u)"),
    }
    agent = CodeAgents(scripted(replies, asked), tools=[weather], **LOCAL)
    async with agent.start("How warm?", follow_up=True) as started:
        started.send("with the unit")
        assert (await started.result()).answer == "25.0 C"
        told = request(asked, "run/step-2/propose").messages[-1].content
        assert "Your answer was: 25" in told and "The user says: with the unit" in told
        started.send("And the difference to Oslo?")
        assert (await started.result()).answer == "21.5"
    assert request(asked, "run/step-4/propose").messages[-1].content == (
        "And the difference to Oslo?"
    )


async def test_limits_end_the_run_with_a_best_effort_from_the_variables() -> None:
    asked: list[Request] = []
    replies = {
        "run/step-1/propose": plan("t: float = weather('Rome')\na: str = solver('a')\nanswer(a)"),
        "run/step-1/2/solver-1": code("print(1)"),
        "run/conclude": answer("about 25"),
    }
    result, _ = await run(replies, asked=asked, max_steps=2)
    assert (result.reason, result.answer, result.best_effort) == ("step limit", "about 25", True)
    assert "t: float = 25.0" in prompt(asked, "run/conclude")
    result, _ = await run(replies, budget=Budget(tokens=20))
    assert (result.reason, result.answer) == ("budget", None)


async def test_a_failing_model_ends_the_run_as_such() -> None:
    result, _ = await run({"run/step-1/propose": plan("a: str = solver('a')\nanswer(a)")})
    assert result.reason == "model failure"


RESUMED: dict[str, Any] = {
    "run/step-1/propose": plan(
        "t: float = look('Rome')\nsend('one')\nn: int = solver('n', t=t)\nsend(f'{n}')\n"
        "assert n > 5, 'small'\nanswer(n)"
    ),
    "run/step-1/3/solver-1": code("send('two')\nn = 2"),
    "run/step-1/3/solver-2": code("final_answer(n)"),
    "run/step-2/propose": code("send('one')\nsend('two')\nm: int = solver('m')\nanswer(n + m)"),
    "run/step-2/3/solver-1": code("final_answer(40)"),
}


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
async def test_a_run_goes_on_from_its_record(
    steps: int, send: Any, outbox: list[str], tmp_path: Path
) -> None:
    looked: list[str] = []

    @tool(effects="read")
    def look(city: str) -> float:
        """Look.

        Args:
            city: where.
        """
        looked.append(city)
        return 25.0

    asked: list[Request] = []

    def agent(most: int) -> CodeAgents:
        return CodeAgents(
            scripted({**RESUMED, "run/conclude": answer("?")}, asked),
            **{**LOCAL, "tools": [look, send], "max_steps": most},
        )

    first = await agent(steps).run("?", trace=tmp_path / "first")
    assert first.reason == "step limit"
    resumed = agent(20).start("?", trace=tmp_path / "second", resume=tmp_path / "first")
    result = await resumed.result()
    assert result.answer == "42", result.message
    assert outbox == ["one", "two", "2"]
    assert looked == ["Rome"]
    paths = [request.path for request in asked if request.path != "run/conclude"]
    assert sorted(paths) == sorted(set(paths)), "no call is paid twice"


def shape(events: list[Event]) -> list[Any]:
    kinds = (ModelCalled, PlanStepFinished, ToolCalled, PlanChecked, Replanned)
    hidden = {"seq", "time", "latency", "duration", "prompt"}
    return sorted(
        repr((event.id, type(event).__name__, event.model_dump(exclude=hidden)))
        for event in events
        if isinstance(event, kinds)
    )


async def test_serial_and_parallel_runs_are_the_same() -> None:
    @tool(effects="read")
    async def slow(n: int) -> int:
        """Return the number after a while.

        Args:
            n: it.
        """
        await asyncio.sleep(0.002 * (7 - n))
        if n == 5:
            raise ValueError("five")
        return n

    replies = {
        "run/step-1/propose": plan(
            'def word(n: int) -> str:\n    "Say it."\n'
            "a: int = slow(1)\nb: int = slow(2)\nfive: int = slow(5)\nc: str = word(b)\n"
            "ns: list[int] = [slow(n) for n in range(4)]\nanswer(a + five)"
        ),
        "run/step-1/4/word-1": answer("two"),
        "run/step-2/propose": code("answer(f'{a + b} {c} {sum(ns)}')"),
    }
    serial, serial_events = await run(replies, tools=[slow], concurrency=1)
    parallel, parallel_events = await run(replies, tools=[slow], concurrency=8)
    assert serial.answer == parallel.answer == "3 two 6"
    assert shape(serial_events) == shape(parallel_events)


def wrong(make: Callable[[], CodeAgents]) -> str:
    async def start() -> None:
        make().start("?")

    with pytest.raises(ConfigError) as caught:
        asyncio.run(start())
    return str(caught.value)


def test_wrong_settings_are_refused_before_anything_runs() -> None:
    model = ScriptedModel([])

    def named(name: str) -> Any:
        @tool(effects="none", name=name)
        def anything(a: int) -> int:
            """Do it.

            Args:
                a: what.
            """
            return a

        return anything

    assert "steps back in state" in wrong(lambda: CodeAgents(model, planner=MCTS()))
    assert "is a word of the language" in wrong(lambda: CodeAgents(model, tools=[named("len")]))
    assert "is a word of the language" in wrong(lambda: CodeAgents(model, tools=[named("answer")]))
    assert "are named 'solver'" in wrong(lambda: CodeAgents(model, tools=[named("solver")]))
    twice = [Role(name="a"), Role(name="a")]
    assert "two roles have the same name" in wrong(lambda: CodeAgents(model, roles=twice))
    bad = [Role(name="a", signature="claim -> ")]
    assert "the signature of the role 'a'" in wrong(lambda: CodeAgents(model, roles=bad))


def test_importing_it_is_cheap() -> None:
    program = (
        "import sys\nfrom treeact import CodeAgents, Role, ScriptedModel\n"
        "CodeAgents(ScriptedModel([]), roles=[Role(name='a')])\nprint(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "treeact" in loaded, done.stderr
    assert not loaded & {"networkx", "pydantic", "asyncio", "jinja2", "rich", "litellm"}


def test_a_recorded_run_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Oslo,3\nRome,25\n")
    replies = [
        plan("n: int = solver('count', file=files[0])\nassert n > 2, f'{n}'\nanswer(n)"),
        code("final_answer(len(open(file).read().split()))"),
        code("answer(f'{n} cities')"),
    ]
    paths = ["run/step-1/propose", "run/step-1/1/solver-1", "run/step-2/propose"]
    tape = tmp_path / "tape.jsonl"

    async def record() -> None:
        model = RecordingModel(ScriptedModel(replies), tape)
        for path in paths:
            await model.complete(Request(messages=(Message("user", "?"),), path=path))
        await model.aclose()

    asyncio.run(record())
    done = treeact(
        tmp_path,
        *["run", "How many?", "--agent", "codeagents", "--model", f"replay:{tape}"],
        *["--file", "a.csv", "--sandbox", "unsafe-local"],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "codeagents · replay:",
        "  plan checked: 3 steps",
        '  ▸ 1 n: int = solver("count", file=files[0])',
        "  ✓ 1 n: int = 2",
        '  ✗ 2 Feedback(step="2", kind="assertion", expression="n > 2", got="n = 2"',
        "  replanned: 1 steps stay, 1 replace 2",
        "answer: 2 cities",
    ):
        assert words in done.stdout, words
    again = treeact(tmp_path, "trace", "show")
    assert again.stdout == done.stdout[: done.stdout.index("trace: ")]


RECORDINGS = sorted(recordings_folder("codeagents").glob("*"))


@pytest.mark.jail
@pytest.mark.parametrize("tape", RECORDINGS, ids=lambda path: path.stem)
async def test_recorded_runs_of_the_mini_suite_play_word_for_word(tape: Path) -> None:
    suite = load_suite("mini")
    sample = next(sample for sample in suite.samples if sample.task.id == tape.stem)
    started = CodeAgents(ReplayModel(tape, strict=True), sandbox="jail").start(sample.task)
    result = await started.result()
    assert gaia_score(result.answer, sample.truth), (result.answer, result.message)
    assert {event.author for event in of_type(list(started.log.events()), ModelCalled)} == {"hand"}


def test_there_are_recordings_of_plans_alone_and_of_replanning() -> None:
    texts = {tape.stem: tape.read_text() for tape in RECORDINGS}
    assert len(texts) >= 3
    assert any("step-2/propose" in text for text in texts.values())
    assert any("solver-1" not in text for text in texts.values())

"""PoAct over real interpreters: what each policy is shown, and what a dropped step takes back."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.agents.policies import KEEP, RULES_ONLY, STEPS, agent, prompt, run, scripted
from tests.agents.support import Dying, answer, code, of_type
from treeact import Budget, CodeAct, PoAct, Run, ScriptedModel, Task
from treeact.agents.poact.parts import read_verdict
from treeact.agents.registry import AGENTS, look_up, make_planner
from treeact.benchmarks.scorers import gaia_score
from treeact.benchmarks.suites import load_suite
from treeact.benchmarks.suites.mini import recordings_folder
from treeact.cli.display import Plain
from treeact.errors import ConfigError
from treeact.models import ReplayModel
from treeact.models.base import Request
from treeact.planners import BestOfN
from treeact.planners import PoAct as Policies
from treeact.tools import Tool
from treeact.trace.events import (
    Answered,
    ApprovalRequested,
    BranchForked,
    CodeRun,
    ContextCompacted,
    Event,
    ModelCalled,
    PolicySwitched,
    SandboxStarted,
    StepDropped,
)

RECORDINGS = recordings_folder("poact")
ROLES = {"plan": "planner", "thought": "thinker", "code": "programmer", "review": "reviewer"}


# Policies -----------------------------------------------------------------------------------------


async def test_each_policy_is_shown_its_own_role_and_no_other() -> None:
    asked: list[Request] = []
    result, events = await run(STEPS, asked, planner=Policies(replan_every_step=True))
    assert result.answer == "20"
    assert {request.path.rpartition("/")[2] for request in asked} == set(ROLES)
    assert len({request.messages[0] for request in asked}) == 1  # one prompt that all share
    for request in asked:
        policy = request.path.rpartition("/")[2]
        text = "\n".join(message.content for message in request.messages)
        shown = [role for role in ROLES.values() if f"the {role} now" in text]
        assert shown == [ROLES[policy]]
        assert request.messages[-1].content.startswith(f"You are the {ROLES[policy]} now.")
    assert [event.policy for event in of_type(events, PolicySwitched)][-1] == "done"
    phases = {phase for _, phase, _ in result.ledger.rows()}
    assert phases == set(ROLES)


async def test_a_step_is_told_as_thought_and_code_with_what_came_of_it() -> None:
    asked: list[Request] = []
    await run(STEPS, asked, planner=RULES_ONLY)
    roles = [message.role for message in asked[-1].messages]
    assert roles == ["system", "user", *["assistant", "user"] * 3, "user"]
    assert asked[-1].messages[2].content == ("Set x to 20.\n```python\nx = 20\nprint('set')\n```")
    assert asked[-1].messages[3].content == "Output:\nset"


# Dropping -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sandbox",
    [
        "unsafe-local",
        pytest.param("jail", marks=pytest.mark.jail),
        pytest.param("docker", marks=pytest.mark.docker),
    ],
)
async def test_a_dropped_step_is_gone_from_the_prompt_and_the_state_but_not_from_the_trace(
    sandbox: str,
) -> None:
    asked: list[Request] = []
    replies = {**STEPS, "2/review": "x is to stay as it was. <verdict>drop</verdict>"}
    result, events = await run(replies, asked, sandbox=sandbox)
    assert result.answer == "20"
    shown = {event.id: str(event.stdout) for event in of_type(events, CodeRun)}
    assert shown["run/step-2"] == "now 42 MISLEADING\n"  # in the trace
    assert shown["run/step-3"] == "20\n"  # live state is as it was before step 2
    assert "MISLEADING" in prompt(asked, "2/review")
    for path in ("3/thought", "3/code", "3/review", "4/thought"):
        assert "MISLEADING" not in prompt(asked, path)
        assert "x * 2 + 2" not in prompt(asked, path)
    assert "x is to stay as it was." in prompt(asked, "3/thought")
    [dropped] = of_type(events, StepDropped)
    assert (dropped.id, dropped.rolled_back) == ("run/step-2", True)
    assert [bool(step.dropped) for step in result.path] == [False, True, False, False]


async def test_rules_drop_a_repeat_without_a_model() -> None:
    asked: list[Request] = []
    replies = {
        "1/code": code("print(7)"),
        "2/code": code("print( 7 )  # once more"),
        "3/thought": answer("7"),
    }
    result, events = await run(replies, asked, planner=RULES_ONLY)
    assert result.answer == "7"
    assert [event.id for event in of_type(events, StepDropped)] == ["run/step-2"]
    assert "once more" not in prompt(asked, "3/thought")
    assert not any(request.path.endswith("review") for request in asked)


async def test_without_rollback_nothing_is_forked() -> None:
    replies = {**STEPS, "2/review": "<verdict>drop</verdict>", "4/thought": answer("42")}
    _, events = await run(replies, planner=Policies(rollback=False))
    assert not of_type(events, BranchForked)
    assert not of_type(events, StepDropped)[0].rolled_back
    assert str(of_type(events, CodeRun)[2].stdout) == "42\n"


async def test_a_step_with_effects_is_never_dropped(send: Tool, outbox: list[str]) -> None:
    replies = {
        "1/code": code("print(send('a'))"),
        "1/review": "Not that. <verdict>drop</verdict>",
        "2/code": code("print(send('a'))"),  # the same, and yet no repeat to be taken back
        "3/thought": answer("sent"),
    }
    result, events = await run(replies, tools=[send], planner=Policies(reviews=1))
    assert outbox == ["a", "a"]
    assert not of_type(events, StepDropped)
    assert not any(step.dropped for step in result.path)


async def test_what_the_user_said_is_never_dropped() -> None:
    asked: list[Request] = []
    replies = {**STEPS, "1/review": "No. <verdict>drop</verdict>"}
    started = agent(replies, asked).start(Task("?"))
    started.send("use metres")
    await started.result()
    assert "The user says: use metres" in prompt(asked, "4/thought")


async def test_a_step_in_which_the_sandbox_died_cannot_be_taken_back() -> None:
    Dying.deaths = 1
    replies = {
        "1/code": code("x = 1"),
        "1/review": "Go on without it. <verdict>drop</verdict>",
        "2/code": code("print('alive')"),
        "3/thought": answer("alive"),
    }
    result, events = await run(replies, planner=Policies(repairs=0), sandbox=Dying)
    assert result.answer == "alive"
    assert [e.restarted is None for e in of_type(events, SandboxStarted)] == [True, False]
    assert result.path[1].observation.text == "Output:\nalive"
    [dropped] = of_type(events, StepDropped)
    assert not dropped.rolled_back


# What every run does ------------------------------------------------------------------------------


async def test_an_error_is_repaired_for_the_same_thought() -> None:
    asked: list[Request] = []
    replies = {"1/thought": "Divide.", "1/code": code("1 / 0"), "2/code": code("print(5)")}
    await run({**replies, "3/thought": answer("5")}, asked, planner=RULES_ONLY)
    assert [request.path for request in asked] == [
        f"run/step-{path}" for path in ("1/plan", "1/thought", "1/code", "2/code", "3/thought")
    ]
    turn = asked[3].messages[-1].content
    assert "for this thought:\nDivide." in turn
    assert "mend the cause" in turn


async def test_a_limit_asks_for_a_best_effort() -> None:
    asked: list[Request] = []
    replies = {"conclude": answer("perhaps 20")}
    result, events = await run({**STEPS, **replies}, asked, max_steps=2)
    assert (result.reason, result.answer, result.best_effort) == ("step limit", "perhaps 20", True)
    assert of_type(events, Answered)[0].best_effort
    assert not any(role in asked[-1].messages[-1].content for role in ROLES.values())


async def test_a_token_budget_is_kept() -> None:
    started = agent({**STEPS, "conclude": answer("20")}).start(
        Task("?"), budget=Budget(tokens=20_000)
    )
    result = await started.result()
    assert result.reason == "budget"
    assert result.ledger.total.usage.total_tokens <= 20_000


async def test_code_waits_for_approval() -> None:
    started = agent(STEPS, approve="all", planner=RULES_ONLY).start(Task("?"))
    asked = []
    async for event in started.events():
        if isinstance(event, ApprovalRequested):
            asked.append(event.id)
            assert started.reject("not so") if event.id == "run/step-2" else started.approve()
    result = await started.result()
    assert asked[:2] == ["run/step-1", "run/step-2"]
    assert "not so" in result.path[1].observation.text


@pytest.mark.parametrize("policy", ["plan", "thought", "code", "review"])
async def test_an_interrupted_policy_lets_the_user_speak(policy: str) -> None:
    asked: list[Request] = []
    gate = asyncio.Event()

    async def reply(request: Request) -> str:
        asked.append(request)
        key = request.path.removeprefix("run/step-")
        if key.endswith(policy) and not gate.is_set():
            gate.set()
            await asyncio.sleep(60)
        steps = {"plan": "1. x", "thought": "Look.", "code": code("print(1)"), "review": KEEP}
        number, _, what = key.partition("/")
        return answer("1") if (what == "thought" and int(number) > 3) else steps[what]

    started = PoAct(ScriptedModel(reply), sandbox="unsafe-local").start(Task("?"))
    await gate.wait()
    assert started.interrupt()
    await asyncio.sleep(0.05)
    before = len(asked)
    await asyncio.sleep(0.05)
    assert len(asked) == before  # it waits for words
    started.send("use metres")
    result = await asyncio.wait_for(started.result(), 30)
    assert result.answer == "1"
    assert "The user says: use metres" in "".join(m.content for m in asked[-1].messages)
    assert sum(request.path.endswith("plan") for request in asked) <= 2


async def test_a_follow_up_goes_on_in_the_same_state() -> None:
    replies = {
        **STEPS,
        "6/plan": "1. Add.",
        "6/code": code("print(x + 1)"),
        "7/thought": answer("43"),
    }
    async with agent(replies, planner=RULES_ONLY).start(Task("?"), follow_up=True) as started:
        await started.result()
        started.send("and one more?")
        result = await started.result()
        assert result.answer == "43"
        assert result.path[5].observation.text == "Output:\n43"


async def test_a_long_run_is_compacted() -> None:
    asked: list[Request] = []
    pages = {f"{n}/code": code(f"print('{n} ' * 1500)") for n in range(1, 15)}
    replies = {**pages, "15/thought": answer("read")}
    result, events = await run(replies, asked, planner=RULES_ONLY, context_tokens=6000)
    assert result.answer == "read"
    assert of_type(events, ContextCompacted)
    assert max(sum(len(m.content) for m in request.messages) for request in asked) < 30_000


def course(events: list[Event]) -> list[dict[str, Any]]:
    kinds = (PolicySwitched, StepDropped)
    return [
        event.model_dump(exclude={"seq", "time"}) for event in events if isinstance(event, kinds)
    ]


async def test_a_resumed_run_equals_the_uninterrupted_one(
    send: Tool, outbox: list[str], tmp_path: Path
) -> None:
    """Cut the log at many events: nothing on record is asked or done again."""
    replies = {
        **STEPS,
        "1/code": code("x = 20\nprint(send('a'))"),
        "2/review": "x is to stay. <verdict>drop</verdict>",
        "3/code": code("print(x, send('b'))"),
    }
    asked: list[Request] = []
    poact = agent(replies, asked, tools=[send])
    whole = poact.start(Task("?"), trace=tmp_path / "whole")
    assert (await whole.result()).answer == "20"
    expected, sent = course(list(whole.log.events())), list(outbox)
    assert sent == ["a", "b"]
    lines = (tmp_path / "whole" / "events.jsonl").read_text().splitlines(keepends=True)
    for cut in range(2, len(lines), 4):
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        (folder / "events.jsonl").write_text("".join(lines[:cut]) + '{"half')
        recorded = [line for line in lines[:cut] if '"model_called"' in line]
        asked.clear(), outbox.clear()
        resumed = poact.start(Task("?"), resume=folder)
        assert (await resumed.result()).answer == "20"
        events = list(resumed.log.events())
        assert course(events) == expected
        assert len(asked) == len(of_type(events, ModelCalled)) - len(recorded)
        made = [line for line in lines[:cut] if '"tool":"send"' in line]
        assert outbox == sent[len(made) :]


async def test_the_trace_does_not_repeat_the_conversation() -> None:
    _, events = await run(STEPS, planner=RULES_ONLY)
    added = [len(call.prompt.added) for call in of_type(events, ModelCalled)]
    assert max(added[1:]) <= 3  # a step, what came of it, and the turn


# Settings -----------------------------------------------------------------------------------------


async def test_agent_and_planner_belong_together() -> None:
    with pytest.raises(ConfigError, match="leave the planner out"):
        agent({}, planner=BestOfN()).start(Task("?"))
    with pytest.raises(ConfigError, match="use the poact agent"):
        await CodeAct(scripted({}), sandbox="unsafe-local", planner=Policies()).run(Task("?"))


def test_names_on_the_command_line() -> None:
    assert look_up("poact", AGENTS, "agent") is PoAct
    assert make_planner("poact:reviews=0,replan_every_step=true") == Policies(
        reviews=0, replan_every_step=True
    )


@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [
        ("Fine. <verdict>keep</verdict>", "keep", "Fine."),
        ("<verdict>drop</verdict> or rather\n<VERDICT> Replan </VERDICT>", "replan", None),
        ("The unit is wrong. <verdict>repair", "repair", "The unit is wrong."),
        ("<verdict>perhaps</verdict>", "keep", ""),
        ("", "keep", ""),
    ],
)
def test_verdicts_are_read_tolerantly(reply: str, kind: str, reason: str | None) -> None:
    verdict = read_verdict(reply)
    assert verdict.kind == kind
    if reason is not None:
        assert verdict.reason == reason
    assert len(read_verdict("x" * 9000 + "<verdict>drop").reason) <= 500


@pytest.mark.parametrize("name", ["mini-2-loans", "mini-1-menu"])
async def test_the_recordings_of_a_person_play(name: str) -> None:
    """Each prompt is the one that the person answered, word for word."""
    suite = load_suite("mini")
    [sample] = [sample for sample in suite.samples if sample.task.id == name]
    model = ReplayModel(RECORDINGS / f"{name}.jsonl", strict=True)
    started: Run = PoAct(model, sandbox="unsafe-local").start(sample.task)
    result = await started.result()
    assert result.reason == "answered"
    assert gaia_score(result.answer, sample.truth)
    assert {call.author for call in of_type(list(started.log.events()), ModelCalled)} == {"hand"}


async def test_policies_are_shown_in_one_line_each() -> None:
    replies = {**STEPS, "2/review": "x is to stay. <verdict>drop</verdict>"}
    started = agent(replies).start(Task("?"))
    await started.result()
    console = Console(width=120, highlight=False, soft_wrap=True)
    with console.capture() as capture:
        display = Plain(started.log.blobs, console)
        for event in started.log.events():
            display.show(event)
    lines = [line for line in capture.get().splitlines() if line.startswith("  ~ ")]
    assert lines == [
        "  ~ plan: 1. Set x. 2. Print it.",
        "  ~ review: keep, model: Sound.",
        "  ~ run/step-2 is dropped from the context; the state is as before it",
        "  ~ review: drop, model: x is to stay.",
        "  ~ review: keep, model: Sound.",
    ]

"""Searches over code that really runs, in forks of live state."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.agents.support import answer, code, of_type
from treeact import Budget, CodeAct, JsonAgent, Result, ScriptedModel, Task, tool
from treeact.agents.judging import read_score
from treeact.errors import ConfigError
from treeact.models.base import Request
from treeact.planners import MCTS, BestOfN, ToolChain
from treeact.trace.events import (
    Answered,
    ApprovalRequested,
    BranchForked,
    CodeRun,
    Event,
    ModelCalled,
    NodeChosen,
    NodePruned,
)

Replies = dict[str, Sequence[str]]


def scripted(replies: Replies, asked: list[Request] | None = None) -> ScriptedModel:
    """Answer by the logical path of a call; what is not named is judged to be fine."""

    def reply(request: Request) -> str | list[str]:
        if asked is not None:
            asked.append(request)
        id, _, what = request.path.rpartition("/")
        if what == "score":
            return "It serves the question. <score>7</score>"
        return [*replies[id], *[replies[id][-1]] * request.n][: request.n]

    return ScriptedModel(reply)


async def run(
    replies: Replies, planner: Any, sandbox: str = "unsafe-local", **options: Any
) -> tuple[Result, list[Event]]:
    agent = CodeAct(scripted(replies), sandbox=sandbox, planner=planner, **options)
    started = agent.start(Task("?"))
    result = await started.result()
    return result, list(started.log.events())


WRONG = "total = 0\nfor n in numbers:\n    total += n\nprint(total / 0)"
STEP_BACK: Replies = {
    "run/root": [
        code(
            "held = object()\nident = id(held)\nlines = (n * n for n in range(10))\n"
            "print(next(lines), next(lines))"
        )
    ],
    # looks right and is wrong in a way that only running it shows
    "run/1": [
        code("rest = list(lines)\nheld = None\nprint(max(rest) / (len(rest) - 8))"),
        code("third = next(lines)\nprint(third, id(held) == ident)"),
    ],
    "run/1.2": [code("print(next(lines))")],
    "run/1.2.1": [answer("9")],
}


@pytest.mark.parametrize(
    "sandbox",
    [
        pytest.param("jail", marks=pytest.mark.jail),
        pytest.param("docker", marks=pytest.mark.docker),
    ],
)
@pytest.mark.parametrize("planner", [BestOfN(n=2), MCTS(n=2, threshold=0.7), ToolChain(k=2)])
async def test_a_search_steps_back_to_live_state(planner: Any, sandbox: str) -> None:
    result, events = await run(STEP_BACK, planner, sandbox)
    assert result.answer == "9"
    assert [step.id for step in result.path] == ["run/1", "run/1.2", "run/1.2.1", "run/1.2.1.1"]
    shown = {event.id: str(event.stdout) for event in of_type(events, CodeRun)}
    assert shown["run/1"] == "0 1\n"
    assert shown["run/1.2"] == "4 True\n"  # the same object, and a generator that was not used up
    assert shown["run/1.2.1"] == "9\n"
    assert len(shown) == len(of_type(events, CodeRun)) == 4  # and no code ran twice
    forks = {event.id: event for event in of_type(events, BranchForked)}
    assert forks["run/1.1"].of == forks["run/1.2"].of == forks["run/1"].branch
    pruned = {event.id: event.reason for event in of_type(events, NodePruned)}
    assert "ZeroDivisionError" in pruned["run/1.1"]
    assert of_type(events, NodeChosen)[-1].id == "run/1.2.1.1"
    assert of_type(events, Answered)[0].answer == "9"


async def test_writes_happen_on_the_chosen_path_alone_and_in_order(
    send: Any, outbox: list[str]
) -> None:
    replies = {
        "run/root": [code("send('a')\nx = 1"), code("send('b')\nx = 1 / 0"), code("send('c')")],
        "run/1": [*[code("send('d')\nsend('e')")] * 2, code("send('f')\nprint(y)")],
        "run/1.1": [answer("sent")],
        "run/3": [answer("never")],
    }
    result, _ = await run(replies, MCTS(n=3, threshold=0.7), tools=[send])
    assert result.answer == "sent"
    assert outbox == ["a", "d", "e"]


async def test_a_write_that_fails_when_it_is_made_is_told(send: Any, outbox: list[str]) -> None:
    replies = {"run/root": [code("send('too much')")], "run/1": [answer("x")]}
    result, _ = await run(replies, BestOfN(n=1), tools=[send])
    assert "has failed now: " in result.path[0].observation.text
    assert "the line is down" in result.path[0].observation.text
    assert outbox == []


async def test_candidates_wait_for_approval_one_after_the_other() -> None:
    replies = {"run/root": [code("print(1)"), code("print(2)")], "run/2": [answer("2")]}
    agent = CodeAct(scripted(replies), sandbox="unsafe-local", planner=BestOfN(n=2), approve="all")
    started = agent.start(Task("?"))
    asked = []
    async for event in started.events():
        if isinstance(event, ApprovalRequested):
            asked.append((event.id, event.text))
            assert started.reject("no") if event.text == "print(1)" else started.approve()
            assert not started.approve()
    result = await started.result()
    assert asked == [("run/1", "print(1)"), ("run/2", "print(2)")]
    assert [step.id for step in result.path] == ["run/2", "run/2.1"]


async def test_what_the_user_says_reaches_every_later_path() -> None:
    asked: list[Request] = []
    replies = {
        "run/root": [code("print(1)"), code("print(2)")],
        "run/1": [code("print(3)")],
        "run/1.1": [answer("3")],
    }
    agent = CodeAct(scripted(replies, asked), sandbox="unsafe-local", planner=BestOfN(n=2))
    started = agent.start(Task("?"))
    started.send("use metres")
    await started.result()
    proposals = [r for r in asked if r.path.endswith("propose")]
    assert all(r.messages[-1].content.endswith("The user says: use metres") for r in proposals)


async def test_an_interrupt_stops_all_candidates_and_waits_for_words() -> None:
    slow = "import time\nprint('on', flush=True)\ntime.sleep(60)"
    replies = {
        "run/root": [code(f"a = 1\n{slow}"), code(f"b = 2\n{slow}")],
        "run/1": [answer("1")],
    }
    asked: list[Request] = []
    agent = CodeAct(scripted(replies, asked), sandbox="unsafe-local", planner=BestOfN(n=2))
    started = agent.start(Task("?"))
    async for event in started.events():
        if isinstance(event, BranchForked) and event.id == "run/2":
            break
    await asyncio.sleep(0.6)
    assert started.interrupt()
    await asyncio.sleep(0.5)
    started.send("be quick")
    result = await asyncio.wait_for(started.result(), 30)
    assert result.answer == "1"
    assert "The user says: be quick" in asked[-1].messages[-1].content


async def test_a_follow_up_goes_on_in_the_chosen_state() -> None:
    replies = {
        "run/root": [code("x = 20"), code("x = 1 / 0")],
        "run/1": [answer("20")],
        "run/from-3/root": [code("print(x + 1)"), code("del x")],
        "run/from-3/1": [answer("21")],
    }
    agent = CodeAct(scripted(replies), sandbox="unsafe-local", planner=BestOfN(n=2))
    async with agent.start(Task("?"), follow_up=True) as started:
        assert (await started.result()).answer == "20"
        started.send("and one more?")
        result = await started.result()
        assert result.answer == "21"
        assert "21" in result.path[3].observation.text


async def test_the_best_path_so_far_can_be_seen_at_any_moment() -> None:
    gate = asyncio.Event()

    async def reply(request: Request) -> list[str]:
        if request.path == "run/1/propose":
            await gate.wait()
            return [answer("x")]
        return [code("x = 1")]

    agent = CodeAct(ScriptedModel(reply), sandbox="unsafe-local", planner=BestOfN(n=1))
    started = agent.start(Task("?"))
    async for event in started.events():
        if isinstance(event, NodeChosen):
            break
    assert [step.id for step in started.best] == ["run/1"]
    gate.set()
    result = await started.result()
    assert started.best == result.path


async def test_a_time_limit_keeps_the_best_path() -> None:
    async def reply(request: Request) -> list[str]:
        if request.path == "run/1/propose":
            await asyncio.sleep(60)
        return [code("x = 1")]

    agent = CodeAct(ScriptedModel(reply), sandbox="unsafe-local", planner=BestOfN(n=1))
    result = await agent.run(Task("?"), budget=Budget(seconds=3))
    assert result.reason == "time limit"
    assert [step.id for step in result.path] == ["run/1"]


async def test_the_json_agent_refuses_planners_that_fork() -> None:
    with pytest.raises(ConfigError, match="use the codeact agent"):
        JsonAgent(ScriptedModel([]), planner=BestOfN()).start(Task("?"))


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("Good. <score>7</score>", 0.7),
        ("<score>3</score> no, <score> 8.5 </score>", 0.85),
        ("<SCORE>10/10</SCORE>", 1.0),
        ("<score>12</score>", 1.0),
        ("Fine <score>6", 0.6),
        ("no number", 0.5),
        ("<score>many</score>", 0.5),
        ("", 0.5),
    ],
)
def test_scores_are_read_tolerantly(reply: str, value: float) -> None:
    assert read_score(reply).value == value


# Resuming ---------------------------------------------------------------------------------------


@pytest.fixture
def look() -> Any:
    @tool(effects="read")
    def look(number: int) -> dict[str, int]:
        """Look a number up.

        Args:
            number: which.
        """
        look.seen.append(number)  # type: ignore[attr-defined]
        return {"next": number + 1}

    look.__dict__["seen"] = []
    return look


TREE: Replies = {
    "run/root": [code("send('a')\nx = look(1)['next']"), code("send('b')\nx = look(5)['next']")],
    "run/1": [code("send('c')\ny = look(x)['next']\nprint(x, y)"), code("print(x / 0)")],
    "run/1.1": [code("print(look(y))"), code("send('d')\nprint('other')")],
    "run/1.1.1": [answer("4")],
    "run/2": [code("print(x)")],
    "run/2.1": [answer("6")],
    "run": [answer("best effort")],
}


def tree_of(events: Sequence[Event]) -> list[dict[str, Any]]:
    kinds = ("node_", "value_", "stepped_")
    return [
        event.model_dump(exclude={"seq", "time", "v"})
        for event in events
        if event.type.startswith(kinds)  # type: ignore[attr-defined]
    ]


@pytest.mark.parametrize(
    ("planner", "answer"),
    [(BestOfN(n=2), "4"), (MCTS(n=2, threshold=0.7), "4"), (ToolChain(k=2), "6")],
)
async def test_a_resumed_search_equals_the_uninterrupted_one(
    planner: Any, answer: str, send: Any, look: Any, outbox: list[str], tmp_path: Path
) -> None:
    def make(asked: list[Request], **options: Any) -> CodeAct:
        model = scripted(TREE, asked)
        return CodeAct(
            model, sandbox="unsafe-local", planner=planner, tools=[send, look], **options
        )

    whole_asked: list[Request] = []
    whole = make(whole_asked).start(Task("?"), trace=tmp_path / "whole")
    assert (await whole.result()).answer == answer
    expected = tree_of(list(whole.log.events()))
    sent, seen = list(outbox), sorted(look.seen)  # candidates run side by side
    for cut in (1, 2, 3):
        outbox.clear(), look.seen.clear()
        asked: list[Request] = []
        part = await make(asked, max_steps=cut).run(Task("?"), trace=tmp_path / f"cut-{cut}")
        assert part.reason == "step limit"
        resumed = make(asked).start(Task("?"), resume=tmp_path / f"cut-{cut}")
        result = await resumed.result()
        assert tree_of(list(resumed.log.events())) == expected
        assert outbox == sent
        assert sorted(look.seen) == seen
        paths = [request.path for request in asked if request.path != "run/conclude"]
        assert sorted(paths) == sorted(request.path for request in whole_asked)
        assert result.ledger.total.calls == len(whole_asked)


async def test_a_run_that_was_killed_between_two_events_resumes(
    send: Any, look: Any, outbox: list[str], tmp_path: Path
) -> None:
    """Cut the log at every event: nothing on record is asked or done again."""
    model: list[Request] = []
    agent = CodeAct(
        scripted(TREE, model), sandbox="unsafe-local", planner=BestOfN(n=2), tools=[send, look]
    )
    whole = agent.start(Task("?"), trace=tmp_path / "whole")
    await whole.result()
    expected, sent = tree_of(list(whole.log.events())), list(outbox)
    lines = (tmp_path / "whole" / "events.jsonl").read_text().splitlines(keepends=True)
    for cut in range(2, len(lines), 5):
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        (folder / "events.jsonl").write_text("".join(lines[:cut]) + '{"half')
        recorded = [line for line in lines[:cut] if '"model_called"' in line]
        model.clear(), outbox.clear()
        resumed = agent.start(Task("?"), resume=folder)
        await resumed.result()
        events = list(resumed.log.events())
        assert tree_of(events) == expected
        assert len(model) == len(of_type(events, ModelCalled)) - len(recorded)
        made = [line for line in lines[:cut] if '"tool":"send"' in line and '"done"' in line]
        assert outbox == sent[len(made) :]


async def test_another_run_is_not_resumed(tmp_path: Path) -> None:
    agent = CodeAct(scripted({"run/root": [answer("1")]}), planner=BestOfN(n=1))
    await agent.run(Task("one?"), trace=tmp_path / "one")
    with pytest.raises(ConfigError, match=r"question was 'one\?' and is 'two\?'"):
        agent.start(Task("two?"), resume=tmp_path / "one")
    other = CodeAct(scripted({}), planner=BestOfN(n=2))
    with pytest.raises(ConfigError, match="planner's n was 1 and is 2"):
        other.start(Task("one?"), resume=tmp_path / "one")


def test_planners_are_told_on_the_command_line() -> None:
    from treeact.agents.registry import make_planner

    assert make_planner("mcts:n=3,w=0.5") == MCTS(n=3, w=0.5)
    assert make_planner("best-of-n") == BestOfN()
    assert make_planner("treeact.planners.mcts:MCTS") == MCTS()
    assert make_planner("treeact.planners.mcts:MCTS:depth=2") == MCTS(depth=2)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mtcs", "did you mean mcts"),
        ("mcts:m=3", "no setting 'm'"),
        ("mcts:n=many", "give a whole number"),
        ("mcts:scorer=x", "no setting 'scorer'"),
        ("greedy:n=3", "it has none"),
        ("nowhere.to:Find", "cannot be imported"),
    ],
)
def test_wrong_planners_are_told_with_the_choices(spec: str, message: str) -> None:
    from treeact.agents.registry import make_planner

    with pytest.raises(ConfigError, match=message):
        make_planner(spec)


def test_names_are_those_of_the_registry() -> None:
    from treeact.agents.registry import PLANNERS, look_up

    make: Callable[[str], Any] = lambda name: look_up(name, PLANNERS, "planner")  # noqa: E731
    assert {name: make(name).name for name in PLANNERS} == {name: name for name in PLANNERS}

"""A recorded path is played to its K-th step, compared with its record; then the run is live."""

from pathlib import Path
from typing import Any

import pytest

from tests.agents.support import agent, answer, code, of_type, run
from tests.agents.test_search import scripted
from treeact import CodeAct, CodeAgents, Result, ScriptedModel, Task
from treeact.agents.blocks import blocks_of
from treeact.agents.records.divergence import excerpts, read_replay
from treeact.benchmarks.suites import load_suite
from treeact.benchmarks.suites.mini import recordings_folder
from treeact.errors import ConfigError, TraceError
from treeact.models.replay import ReplayModel
from treeact.planners import BestOfN
from treeact.trace.events import CodeRun, Diverged, Event, ModelCalled, Replayed, ToolCalled
from treeact.trace.log import read_events

READ = "text = open('a.csv').read()\nprint(len(text))"
THREE = [code("x = 3"), code(READ), code("open('out.txt', 'w').write(text)"), answer("4")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("1,2\n")
    return path


def change(file: Path, text: str) -> None:
    file.write_text(text)


async def record(file: Path, replies: list[Any] = THREE, **options: Any) -> Path:
    directory = file.parent / "first"
    await run(replies, files=[file], trace=directory, **options)
    return directory


async def replay(
    directory: Path, until: int, replies: list[Any], file: Path, **options: Any
) -> tuple[Result, list[Event]]:
    started = agent(replies, **options).start(
        Task("What is it?", (file,)), resume=directory, at=until
    )
    result = await started.result()
    return result, list(started.log.events())


def differences(result: Result) -> list[tuple[str, str]]:
    assert result.replay is not None
    return [(it.step, it.what) for it in result.replay.divergences]


async def test_what_is_the_same_has_no_divergence_and_the_model_is_asked_from_there(
    file: Path,
) -> None:
    result, events = await replay(await record(file), 2, [code("print(x)"), answer("3")], file)
    assert (result.answer, len(result.path)) == ("3", 4)
    assert differences(result) == []
    assert result.replay is not None
    assert (result.replay.steps, result.replay.recorded) == (2, 4)
    assert [call.id for call in of_type(events, ModelCalled)] == [
        "run/step-3/propose",
        "run/step-4/propose",
    ]
    assert read_replay(events) == result.replay


async def test_a_whole_path_is_played_without_a_model(file: Path) -> None:
    result, events = await replay(await record(file), 4, [], file)
    assert (result.answer, result.reason, result.ledger.total.calls) == ("4", "answered", 0)
    assert differences(result) == []
    assert of_type(events, Replayed)[0].steps == 4


async def test_a_changed_file_is_told_at_the_steps_that_it_changes(file: Path) -> None:
    directory = await record(file)
    change(file, "1,2,3\n")
    result, _ = await replay(directory, 4, [], file)
    assert differences(result) == [
        ("run/step-2", "output"),
        ("run/step-3", "output"),
        ("run/step-3", "files"),
    ]
    assert result.replay is not None
    first, _, last = result.replay.divergences
    assert (first.before.strip(), first.now.strip()) == ("4", "6")
    assert (last.before, last.now) == ("out.txt (4 bytes)", "out.txt (6 bytes)")


async def test_another_prompt_is_told_once(file: Path) -> None:
    result, _ = await replay(await record(file), 3, [answer("4")], file, instructions="Be brief.")
    assert differences(result) == [("run/step-1", "prompt")]
    assert result.replay is not None
    assert "Be brief." in result.replay.divergences[0].now


async def test_an_error_and_another_call_are_told_and_no_effect_happens(
    file: Path, send: Any, outbox: list[str]
) -> None:
    replies = [code("send(open('a.csv').read())"), code("1 / len(open('a.csv').read())")]
    directory = await record(file, [*replies, answer("4")], tools=[send])
    assert outbox == ["1,2\n"]
    change(file, "")
    result, events = await replay(directory, 3, [], file, tools=[send])
    assert outbox == ["1,2\n"]
    (call,) = of_type(events, ToolCalled)
    assert call.status == "failed"
    assert differences(result)[0] == ("run/step-1", "calls")
    assert ("run/step-2", "error") in differences(result)


@pytest.mark.parametrize("before", ["", "1"])
async def test_a_call_beyond_those_on_record_is_not_made(
    file: Path, send: Any, outbox: list[str], before: str
) -> None:
    change(file, before)
    each = code("for sign in open('a.csv').read():\n    send(sign)")
    directory = await record(file, [each, answer("4")], tools=[send])
    change(file, before + "2")
    result, _ = await replay(directory, 2, [], file, tools=[send])
    assert outbox == [*before], "what is sent now was not sent then"
    assert differences(result)[0] == ("run/step-1", "calls")


async def test_none_of_the_steps_is_a_run_that_is_live_from_its_beginning(file: Path) -> None:
    result, _ = await replay(await record(file), 0, [answer("5")], file)
    assert (result.answer, len(result.path)) == ("5", 1)
    assert result.replay is not None
    assert (result.replay.steps, result.replay.recorded) == (0, 4)


@pytest.mark.parametrize("until", [5, -1])
async def test_more_steps_than_there_are_is_an_error_that_says_how_many(
    file: Path, until: int
) -> None:
    directory = await record(file)
    with pytest.raises(ConfigError, match=r"has 4 steps.* give 0 to 4"):
        await replay(directory, until, [], file)


async def test_of_a_search_the_chosen_path_is_played(file: Path) -> None:
    model = scripted(
        {
            "run/root": [code("1 / 0"), code("x = 2")],
            "run/2": [code("x / 0"), code("print(x)")],
            "run/2.2": [answer("2")],
        }
    )
    searching = CodeAct(model, sandbox="unsafe-local", planner=BestOfN(n=2))
    directory = file.parent / "first"
    started = searching.start(Task("What is it?", (file,)), trace=directory)
    first = await started.result()
    chosen = [step.proposal.actions[0].text for step in first.path if step.proposal]
    result, _ = await replay(directory, len(chosen) - 1, [answer("live")], file)
    assert chosen == ["x = 2", "print(x)", "2"]
    again = [step.proposal.actions[0].text for step in result.path[:-1] if step.proposal]
    assert again == chosen[:-1]
    assert result.answer == "live"
    assert differences(result) == []


async def test_what_roles_of_a_plan_were_told_is_not_asked_again(tmp_path: Path) -> None:
    task = next(it.task for it in load_suite("mini").samples if it.task.id == "mini-1-menu")
    model = ReplayModel(recordings_folder("codeagents") / f"{task.id}.jsonl")
    recorded = CodeAgents(model, sandbox="unsafe-local")
    first = await recorded.start(task, trace=tmp_path / "first").result()
    again = CodeAgents(ScriptedModel([]), sandbox="unsafe-local")
    result = await again.start(task, resume=tmp_path / "first", at=len(first.path)).result()
    assert (result.answer, result.reason) == (first.answer, "answered")
    assert result.ledger.total.usage.total_tokens == 0 < first.ledger.total.usage.total_tokens
    assert differences(result) == []


async def test_a_damaged_record_names_the_line(file: Path) -> None:
    directory = await record(file)
    events = directory / "events.jsonl"
    lines = events.read_text().splitlines()
    events.write_text("\n".join([*lines[:3], lines[3][:-9], *lines[4:], ""]))
    with pytest.raises(TraceError, match="line 4"):
        await replay(directory, 2, [], file)


async def test_a_text_that_is_missing_ends_the_run_with_the_reason(file: Path) -> None:
    directory = await record(file, [code("print('x' * 9000)"), answer("x")])
    (ran,) = of_type(list(read_events(directory)), CodeRun)
    (directory / "blobs" / ran.stdout.blob).unlink()
    result, _ = await replay(directory, 1, [], file)
    assert result.reason == "trace failure"
    assert "is missing" in result.message


async def test_a_record_that_was_cut_off_is_played_as_far_as_it_goes(file: Path) -> None:
    directory = await record(file)
    events = directory / "events.jsonl"
    whole = events.read_text().splitlines(keepends=True)
    cut = next(n for n, line in enumerate(whole) if '"run/step-3/propose"' in line)
    events.write_text("".join(whole[:cut]) + whole[cut][:40])
    result, _ = await replay(directory, 2, [answer("cut")], file)
    assert (result.answer, differences(result)) == ("cut", [])


def test_a_divergence_is_a_block_of_screens() -> None:
    diverged = Diverged(id="run/step-2", what="output", before="4", now="6")
    before, now = blocks_of(diverged, 7)
    assert (before.title, before.text) == ("output not as recorded; it was", "4")
    assert (now.title, now.text, now.kind) == ("and is", "6", "error")
    (end,) = blocks_of(Replayed(id="run", steps=2, recorded=3, divergences=1), 8)
    assert end.title == "replayed 2 of 3 steps: 1 not as recorded"


def test_excerpts_begin_where_texts_differ() -> None:
    assert excerpts("a\nb\nc", "a\nB\nc") == ("b\nc", "B\nc")
    assert excerpts("a", "a\nb") == ("", "b")
    assert len(excerpts("x" * 9999, "y")[0]) == 400

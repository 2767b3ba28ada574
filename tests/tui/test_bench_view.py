"""What the dashboard tells of a benchmark, from its events and its directory, whatever they are."""

import asyncio
import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.reports.made import make_run, write_data
from tests.benchmarks.runner.test_driver import CONFIG, SUITE, answer, right, run
from treeact import ScriptedModel, Task
from treeact.benchmarks.results import Row, read_results
from treeact.benchmarks.runner.directory import BenchDirectory, Job, Manifest
from treeact.benchmarks.runner.driver import RunSettings
from treeact.benchmarks.scorers import GAIA
from treeact.benchmarks.scoring import Verdict
from treeact.benchmarks.suite import Sample, Suite
from treeact.errors import ConfigError, ModelError
from treeact.models.retry import Fault, RetryPolicy
from treeact.trace import events as ev
from treeact.trace.log import EventLog
from treeact.trace.usage import Ledger, Usage
from treeact.tui import bench_session
from treeact.tui.bench_session import BenchSession
from treeact.tui.views.bench import BenchView, Progress
from treeact.tui.views.bench_lines import (
    COLUMNS,
    PADDING,
    Cells,
    about,
    bars,
    columns,
    failed_alike,
    headline,
    kinds,
    remarks,
)

NOW = 1000.0


def suite_of(tasks: int, **options: Any) -> Suite:
    samples = (
        Sample(Task(f"What is {n}?", id=f"t-{n}"), f"truth {n}", level=n % 2 + 1)
        for n in range(tasks)
    )
    return Suite("toy", tuple(samples), GAIA, **options)


def view_of(tasks: int, *, epochs: int = 1, suite: str = "toy", **options: Any) -> BenchView:
    made = suite_of(tasks, **options)
    manifest = Manifest(
        config=CONFIG.model_copy(update={"suite": suite}),
        config_hash="",
        fingerprint="",
        scorer="gaia 1",
        tasks=tuple(sample.task.id for sample in made.samples),
        epochs=epochs,
        versions={},
        created="",
    )
    return BenchView(Path("somewhere"), manifest, made)


def at(time: float, event: ev.Event) -> ev.Event:
    return event.model_copy(update={"time": time})


def begin(number: int, *, time: float = 0.0, attempt: int = 1) -> ev.Event:
    task = f"t-{number}"
    event = ev.TaskStarted(id=f"bench/{task}.1", task=task, epoch=1, attempt=attempt, level=1)
    return at(time, event)


def end(number: int, *, state: str = "answered", attempt: int = 1, **more: Any) -> ev.Event:
    task = f"t-{number}"
    given: dict[str, Any] = {"reason": state, "answer": "x" if state == "answered" else None}
    return ev.TaskEnded(
        id=f"bench/{task}.1", task=task, epoch=1, attempt=attempt, state=state, **{**given, **more}
    )


def row(number: int, *, right: bool = True, **more: Any) -> Row:
    given = {"state": "answered", "reason": "answered", "answer": "x", "attempts": 1}
    verdict = Verdict(right=right)
    return Row(
        **{"task": f"t-{number}", "epoch": 1, "level": number % 2 + 1, "verdict": verdict}
        | given
        | more
    )


def take(view: BenchView, events: Iterable[ev.Event]) -> BenchView:
    for event in events:
        view.take(event)
    return view


def bench(*events: ev.Event, left: int = 0, time: float = 0.0) -> list[ev.Event]:
    return [at(time, ev.BenchStarted(id="bench", suite="toy", jobs=left, left=left)), *events]


def test_the_head_has_shares_with_intervals_from_ten_tasks_on() -> None:
    view = take(view_of(165), bench(left=165))
    assert headline(view, NOW) == ["0/165 done", "0 right", "0 answered", "cost $0.0000"]
    for number in range(9):
        view.settle(row(number, right=number < 4))
    assert headline(view, NOW)[:3] == ["9/165 done", "4 right", "9 answered"]
    for number in range(9, 62):
        view.settle(row(number, right=number < 36))
    assert headline(view, NOW)[:4] == [
        "62/165 done", "31 right", "50.0% (37.9–62.1)", "100% answered",
    ]  # fmt: skip
    assert bars(view, NOW)[:2] == ["all: 31 of 62, 50.0% (37.9–62.1)", "▓▓▓▓▓▓▓▓▒▒▒▒░░░░░░░░"]
    assert [line.partition(":")[0] for line in bars(view, NOW)[::2]] == [
        "all", "level 1", "level 2",
    ]  # fmt: skip


def test_what_failed_counts_as_wrong_as_it_does_in_reports() -> None:
    view = take(view_of(12), bench(left=12))
    for number in range(9):
        view.settle(row(number))
    for number in (9, 10, 11):
        view.settle(row(number, state="errored", answer=None, verdict=None, reason="ModelError"))
    assert headline(view, NOW)[:5] == [
        "9/12 done", "9 right", "75.0% (46.8–91.1)", "75% answered", "3 errored",
    ]  # fmt: skip


def test_a_price_that_is_not_known_is_never_nothing() -> None:
    view = view_of(2)
    known, unknown = Ledger(), Ledger()
    unknown.add("agent", "act", Usage(input_tokens=5), None)
    view.settle(row(0, ledger=unknown))
    assert "cost n/a" in headline(view, NOW)
    known.add("agent", "act", Usage(input_tokens=5), 0.5)
    view.settle(row(1, ledger=known))
    assert "cost >= $0.5000" in headline(view, NOW)


def test_jobs_in_progress_show_how_far_they_are() -> None:
    view = take(view_of(20), bench(*(begin(n, time=NOW - 5 * n) for n in (1, 2)), left=20))
    progress = Progress()
    progress.run.step = 3
    progress.run.ledger.add("agent", "act", Usage(input_tokens=1200), 0.25)
    view.progress = {Job(task="t-1", epoch=1): progress}
    cells = Cells(view)
    assert cells.of(Job(task="t-1", epoch=1), NOW) == {
        "task": "t-1", "level": "2", "state": "running", "steps": "3", "time": "0:05",
        "tokens": "1,200", "cost": "$0.2500", "answer": "", "verdict": "",
    }  # fmt: skip
    progress.waiting = True
    assert cells.of(Job(task="t-1", epoch=1), NOW)["state"] == "waiting"
    assert headline(view, NOW)[-2:] == ["2 running", "1 waiting for the server"]
    assert cells.of(Job(task="t-3", epoch=1), NOW)["state"] == "queued"
    assert cells.of(Job(task="t-3", epoch=1), NOW)["steps"] == ""


def test_the_time_that_is_left_is_told_once_ten_have_ended() -> None:
    jobs = [event for n in range(10) for event in (begin(n), end(n))]
    view = take(view_of(31), bench(*jobs[:-1], left=31))
    assert not any("left" in part for part in headline(view, 100.0))
    take(view, [jobs[-1], begin(10)])
    assert headline(view, 100.0)[-1] == "about 3:30 left"


def test_what_a_dead_process_was_at_is_cut_off_and_not_running() -> None:
    view = take(view_of(3), bench(begin(0), begin(1), end(1), left=3))
    assert list(view.running) == [Job(task="t-0", epoch=1)]
    view.unread.clear()
    view.set_live(False)
    assert not view.running
    assert remarks(view, NOW)[0] == "cut off with 1 jobs in progress"
    assert list(view.unread) == [Job(task="t-0", epoch=1)], "its trace tells what it came to"
    view.set_live(True)
    take(view, [*bench(left=3), ev.BenchEnded(id="bench", done=1, left=2, message="stopped")])
    assert remarks(view, NOW)[0] == "stopped"


def test_lines_that_are_not_in_order_leave_nothing_running() -> None:
    view = take(view_of(3), [end(0), begin(0), begin(7), *bench(left=3)])
    view = take(view_of(3), bench(end(0), begin(0), end(1), end(1), left=3))
    assert not view.running
    take(view, [begin(0, attempt=2)])
    assert list(view.running) == [Job(task="t-0", epoch=1)]


def test_a_task_that_is_in_no_manifest_is_a_row_too() -> None:
    view = take(view_of(1), bench(begin(7), end(8), left=1))
    assert {it.task: it.level for it in view.rows(NOW)} == {"t-0": 1, "t-7": 1, "t-8": None}


EVENTS = [
    *bench(left=4),
    *[
        event
        for n in range(4)
        for event in (begin(n), end(n, state=["answered", "errored"][n % 2]))
    ],
    begin(1, attempt=2),
    end(1, attempt=2),
    ev.Noticed(id="bench", text="4 jobs at once"),
    ev.BenchEnded(id="bench", done=4, left=0),
    ev.Unknown(id="bench", type="from_later"),
]


@settings(max_examples=40)
@given(st.permutations(EVENTS), st.sets(st.integers(0, len(EVENTS) - 1)))
def test_events_in_any_order_and_with_any_missing_are_told_of(
    events: list[ev.Event], missing: set[int]
) -> None:
    view = view_of(4)
    for number, event in enumerate(events):
        if number not in missing:
            view.take(event)
    assert len(view.rows(NOW)) == 4
    for job in view.jobs(NOW):
        assert Cells(view).of(job, NOW)["task"] == job.task
        assert about(view, job, NOW)
    assert headline(view, NOW)[0].endswith("/4 done")
    assert bars(view, NOW) and failed_alike(view, NOW) and remarks(view, NOW)
    failed = view.jobs(NOW, shown="failed")
    assert sum(kind.count for kind in kinds(view, NOW)) == len(failed)


def settled() -> BenchView:
    view = take(view_of(6), bench(begin(5), left=6))
    view.settle(row(0, duration=3.0))
    view.settle(row(1, right=False, duration=9.0, message="odd \x1b[2J answer"))
    view.settle(
        row(
            2,
            right=False,
            state="stopped",
            reason="step limit",
            answer=None,
            message="at 20\nsteps",
        )
    )
    view.settle(row(3, state="errored", reason="ModelError", answer=None, verdict=None))
    view.settle(row(4, verdict=None, scoring_error="ZeroDivisionError: division"))
    return view


def numbers(jobs: Iterable[Job]) -> str:
    return " ".join(job.task.removeprefix("t-") for job in jobs)


def test_rows_are_filtered_and_sorted() -> None:
    view = settled()
    assert numbers(view.jobs(NOW)) == "0 1 2 3 4 5"
    assert numbers(view.jobs(NOW, shown="failed")) == "2 3 4"
    assert numbers(view.jobs(NOW, shown="wrong")) == "1 2"
    assert numbers(view.jobs(NOW, shown="running")) == "5"
    assert numbers(view.jobs(3.5, order="time")) == "1 5 0 2 3 4"
    assert numbers(view.jobs(NOW, order="verdict")) == "1 2 0 3 4 5"
    assert numbers(view.jobs(NOW, order="state")) == "0 1 4 3 2 5"


def test_failures_are_told_by_kind_with_the_first_example() -> None:
    view = settled()
    view.settle(row(0, state="stopped", reason="step limit", answer=None, message="the first"))
    assert failed_alike(view, NOW) == [
        "! 2 stopped, step limit", "  t-0: the first", "! 1 errored, ModelError", "  t-3",
        "! 1 not scored", "  t-4: ZeroDivisionError: division",
    ]  # fmt: skip


def test_blind_hides_all_that_tells_of_verdicts() -> None:
    view, job = settled(), Job(task="t-1", epoch=1)
    cells = Cells(view)
    assert cells.of(job, NOW)["verdict"] == "✗ wrong"
    assert "truth: truth 1" in about(view, job, NOW)
    view.blind = True
    assert cells.of(job, NOW)["verdict"] == "hidden"
    assert headline(view, NOW)[1] == "score hidden"
    assert bars(view, NOW) == ["score hidden"]
    assert not any("truth" in line for line in about(view, job, NOW))
    assert numbers(view.jobs(NOW, shown="wrong")) == numbers(view.jobs(NOW, order="verdict"))


def test_what_a_stranger_wrote_steers_no_terminal() -> None:
    view = settled()
    for job in view.jobs(NOW):
        told = [*Cells(view).of(job, NOW).values(), *about(view, job, NOW)]
        assert not any("\x1b" in text for text in told)


def test_of_data_that_must_not_be_handed_on_no_question_and_no_truth_is_shown() -> None:
    view = view_of(2, suite="gaia")
    view.settle(row(0))
    told = "\n".join(about(view, Job(task="t-0", epoch=1), NOW))
    assert "What is" not in told
    assert "truth" not in told
    assert "answer: x" in told


def test_where_truths_are_placeholders_nothing_is_scored() -> None:
    view = view_of(1, scored=False)
    view.settle(row(0, verdict=None))
    assert headline(view, NOW)[1] == "not scored"
    assert "placeholders" in bars(view, NOW)[0]
    assert Cells(view).of(Job(task="t-0", epoch=1), NOW)["verdict"] == "? answered"


@settings(max_examples=40)
@given(st.integers(20, 300))
def test_columns_are_dropped_by_what_they_are_worth(width: int) -> None:
    shown = columns(width)
    assert {"task", "state", "verdict"} <= set(shown) <= set(COLUMNS)
    assert list(shown) == [name for name in COLUMNS if name in shown]
    assert set(shown) <= set(columns(width + 1))
    if width >= 47:
        assert sum(shown.values()) + PADDING * len(shown) <= width


# Directories


async def looked_at(directory: Path, **options: Any) -> BenchSession:
    session = BenchSession(directory, **options)
    await until_read(session)
    return session


async def until_read(session: BenchSession) -> None:
    async with asyncio.timeout(20):
        await session.refresh()
        while session.behind or (session.view is not None and session.view.unread):
            await session.refresh()


def wrong_or_lost(task: str) -> Any:
    lost = ModelError("the server is gone")
    return {"toy-2": answer("no"), "toy-3": lost}.get(task, right(task))


async def test_a_directory_is_told_as_results_are_that_are_read_whole(tmp_path: Path) -> None:
    results = await run(tmp_path, wrong_or_lost, settings=RunSettings(epochs=2))
    session = await looked_at(tmp_path, suite=SUITE)
    assert session.view is not None
    assert not session.problem
    for shown, read in zip(session.view.rows(NOW), results.rows, strict=True):
        assert replace(shown, ledger=read.ledger, trace=None) == replace(read, trace=None)
        assert shown.total == read.total
    assert headline(session.view, NOW)[:2] == ["10/12 done", "8 right"]
    (kind,) = kinds(session.view, NOW)
    assert (kind.count, kind.task, kind.example) == (2, "toy-3", "the server is gone")


async def test_live_attached_and_over_are_one_path(tmp_path: Path) -> None:
    session = BenchSession(tmp_path, suite=SUITE)
    assert not await session.refresh() or session.problem
    assert session.problem == f"no benchmark is in {tmp_path} yet"
    seen: list[str] = []
    asked: list[str] = []

    async def script(request: Any) -> Any:
        await until_read(session)
        assert session.view is not None
        asked.append(request.path)
        if len(asked) == 4:
            return Fault("slow down", retryable=True, billed="no", retry_after=0.05)
        if len(asked) == 5:
            assert headline(session.view, NOW)[-1] == "1 waiting for the server"
        seen.append(headline(session.view, NOW)[0])
        assert len(session.view.running) == 1
        return right(request.path.partition("/")[0])

    model = ScriptedModel(script, retry=RetryPolicy(attempts=2))
    await run(tmp_path, model=model, settings=RunSettings(concurrency=1))
    await until_read(session)
    assert seen == [f"{number}/6 done" for number in range(6)]
    assert len(asked) == 7
    assert session.view is not None
    whole = await looked_at(tmp_path, suite=SUITE)
    assert whole.view is not None
    assert headline(session.view, NOW) == headline(whole.view, NOW)
    assert not session.view.running


async def test_a_log_cut_off_anywhere_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    await run(tmp_path, wrong_or_lost)
    log = tmp_path / "events.jsonl"
    data = log.read_bytes()
    for cut in range(0, len(data), max(1, len(data) // 25)):
        log.write_bytes(data[:cut])
        session = await looked_at(tmp_path, suite=SUITE)
        assert session.view is not None
        assert not session.problem
        assert headline(session.view, NOW)[0] == "5/6 done", "the traces tell what came of them"


async def test_a_damaged_line_is_named_and_the_rest_is_told(tmp_path: Path) -> None:
    await run(tmp_path)
    log = tmp_path / "events.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:3], b'{"type": "task_ended"}\n', b"\xff\x00\n", *lines[3:]]))
    session = await looked_at(tmp_path, suite=SUITE)
    assert "line 4 of the events is damaged" in session.problem
    assert session.view is not None
    assert headline(session.view, NOW)[0] == "6/6 done"


async def test_a_long_log_is_taken_in_over_several_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run(tmp_path)
    log = EventLog(tmp_path, append=True)
    for number in range(1000):
        log.emit(begin(number % 6, attempt=number + 2).model_copy())
        log.emit(end(number % 6, attempt=number + 2).model_copy())
    log.close()
    monkeypatch.setattr(bench_session, "SLICE", 0.0)
    session = BenchSession(tmp_path, suite=SUITE)
    await session.refresh()
    assert session.view is not None
    assert session.behind == len(session.index.entries) == 2014
    monkeypatch.setattr(bench_session, "SLICE", 60.0)
    await until_read(session)
    assert session.index.read == 2014, "each line is read whole once"
    assert len(session.view.rows(NOW)) == 12


async def test_what_was_never_begun_by_a_sandbox_is_told_from_the_events(tmp_path: Path) -> None:
    view = take(view_of(2), bench(begin(0), end(0, state="errored", message="no engine"), left=2))
    view.settle(Row(task="t-0", epoch=1, level=1))  # there is no trace
    assert failed_alike(view, NOW) == ["! 1 errored", "  t-0: no engine"]
    assert about(view, Job(task="t-0", epoch=1), NOW)[0] == "t-0, epoch 1, attempt 1"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({}, "no benchmark is in"),
        ({"": "a file"}, "is no directory"),
        ({"run.json": "{nonsense"}, "run.json is damaged"),
    ],
)
async def test_what_is_no_benchmark_says_so(
    tmp_path: Path, made: Mapping[str, str], said: str
) -> None:
    directory = tmp_path / "d"
    for name, text in made.items():
        path = directory / name if name else directory
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    session = BenchSession(directory)
    assert await session.refresh()
    assert said in session.problem
    assert session.view is None


async def test_without_events_the_rows_are_there(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl")
    made = make_run(tmp_path / "run", data, {"t-1": ["1"], "t-2": [None]})
    session = await looked_at(made)
    assert session.view is not None
    assert remarks(session.view, NOW)[0] == "nothing has begun yet"
    assert headline(session.view, NOW)[0] == "2/12 done"
    data.unlink()
    session = await looked_at(made)
    assert session.view is not None
    assert session.problem.startswith("not scored: ")
    assert headline(session.view, NOW)[:2] == ["2/12 done", "not scored"]
    with pytest.raises(ConfigError):
        session.write(tmp_path / "r.html")


async def test_tasks_and_epochs_that_are_added_later_become_rows(tmp_path: Path) -> None:
    await run(tmp_path, settings=RunSettings())
    session = await looked_at(tmp_path, suite=SUITE)
    await run(tmp_path, settings=RunSettings(epochs=2))
    await until_read(session)
    assert session.view is not None
    assert headline(session.view, NOW)[0] == "12/12 done"


async def test_a_run_is_set_beside_another_and_reported(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl", mark="secret-")
    mine = {f"t-{n}": [f"secret-truth {n}"] for n in range(1, 7)}
    other = {f"t-{n}": [f"secret-truth {n}"] for n in range(5, 10)}
    made = make_run(tmp_path / "mine", data, mine)
    session = await looked_at(made)
    found = session.compare(make_run(tmp_path / "other", data, other))
    assert (found.both, found.gained, found.lost, found.neither) == (2, 4, 3, 3)
    with pytest.raises(ConfigError, match="holds no benchmark"):
        session.compare(tmp_path / "nowhere")
    assert session.write(tmp_path / "r.html") == f"{tmp_path / 'r.html'} is written"
    assert "secret-question" in (tmp_path / "r.html").read_text()
    with pytest.raises(ConfigError, match="names no format"):
        session.write(tmp_path / "r.doc")


async def test_reports_of_gaia_have_no_texts(tmp_path: Path) -> None:
    row = {"task_id": "a", "Question": "secret question", "Level": 1, "Final answer": "secret",
           "file_name": "", "Annotator Metadata": {}}  # fmt: skip
    data = tmp_path / "2023" / "validation" / "metadata.jsonl"
    data.parent.mkdir(parents=True)
    data.write_text(json.dumps(row) + "\n")
    config = CONFIG.model_copy(update={"suite": "gaia", "data": tmp_path / "2023"})
    model = ScriptedModel(lambda request: answer("secret"))
    await run(tmp_path / "run", config=config, suite=None, model=model)
    session = await looked_at(tmp_path / "run")
    assert session.view is not None
    assert headline(session.view, NOW)[:2] == ["1/1 done", "1 right"]
    assert "terms forbid" in session.write(tmp_path / "r.html")
    assert "secret" not in (tmp_path / "r.html").read_text()


async def test_a_process_that_is_gone_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_session, "LOOK", 0.0)
    await run(tmp_path)
    log = tmp_path / "events.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:4]))  # killed with jobs in progress
    session = await looked_at(tmp_path, suite=SUITE)
    assert session.view is not None
    assert not session.view.running
    assert session.view.tally.running
    home = BenchDirectory(tmp_path)
    with home.locked():
        assert home.busy
        await session.refresh()
        assert session.view.running
    assert not home.busy
    assert read_results(tmp_path, suite=SUITE).accuracy == 1.0


def test_shuffled_rows_come_to_the_same_figures() -> None:
    rows = [row(n, right=n % 3 == 0) for n in range(30)]
    told = []
    for seed in range(3):
        view = view_of(30)
        for it in random.Random(seed).sample(rows, len(rows)):
            view.settle(it)
        told.append((headline(view, NOW), bars(view, NOW)))
    assert told[0] == told[1] == told[2]

"""Workers and parcels, without what carries them: what travels, and what must not."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from treeact.agents.task import Task
from treeact.benchmarks.runner.bench import Bench
from treeact.benchmarks.runner.config import BenchConfig
from treeact.benchmarks.runner.directory import Job
from treeact.benchmarks.runner.executor import Outcome, Work
from treeact.benchmarks.runner.remote import (
    Failure,
    Growth,
    Parcel,
    Piece,
    Setup,
    Worker,
    check_spreads,
    is_blob,
    left_of,
)
from treeact.benchmarks.runner.scratch import PREFIX, scratch_folder
from treeact.benchmarks.suite import Sample, Suite
from treeact.benchmarks.suites import load_suite
from treeact.errors import ConfigError, SandboxUnavailable, TreeActError
from treeact.models import ScriptedModel
from treeact.trace.budget import Amounts, Budget
from treeact.trace.events import Observed
from treeact.trace.log import EventLog, read_events

JOB = Job(task="flat-movie", epoch=1)
CONFIG = BenchConfig(suite="household", model="oracle:act=1.0,seed=3")


def bench(config: BenchConfig = CONFIG, suite: Suite | None = None, **options: object) -> Bench:
    suite = suite or load_suite(config.suite)
    return Bench(config, suite, home=Path("x"), concurrency=2, **options)  # type: ignore[arg-type]


def household_work(trace: Path, **more: object) -> Work:
    sample = next(it for it in load_suite("household").samples if it.task.id == JOB.task)
    work = Work(job=JOB, sample=sample, trace=trace, resume=None, budget=Budget(), working=None)
    return replace(work, **more)  # type: ignore[arg-type]


async def carry_out(work: Work) -> tuple[list[Piece], Outcome | Failure]:
    worker = Worker(Setup.of(bench(), concurrency=1))
    assert (await worker.open())[1] is None
    try:
        told = [it async for it in worker.work(Parcel.pack(work, with_truth=True))]
    finally:
        await worker.close()
    *pieces, last = told
    assert isinstance(last, Outcome | Failure)
    return pieces, last  # type: ignore[return-value]


def is_gone(folder: Path | None) -> bool:
    return folder is not None and not folder.exists()


async def test_a_worker_tells_the_whole_trace_and_keeps_nothing(tmp_path: Path) -> None:
    pieces, outcome = await carry_out(household_work(tmp_path))
    assert isinstance(outcome, Outcome)
    assert outcome.result.answer == "done"
    (tmp_path / "events.jsonl").write_bytes(b"".join(piece.lines for piece in pieces))
    kinds = [event.type for event in read_events(tmp_path)]  # type: ignore[attr-defined]
    assert (kinds[0], kinds[-1]) == ("run_started", "run_ended")
    assert is_gone(outcome.result.directory)


async def test_a_run_that_cannot_start_is_told(tmp_path: Path) -> None:
    _, failure = await carry_out(household_work(tmp_path, resume=make_log(tmp_path / "x")))
    assert isinstance(failure, Outcome)  # the record was no run's: it began anew
    task = Task(" ", id=JOB.task)
    sample = replace(household_work(tmp_path).sample, task=task)
    _, failure = await carry_out(household_work(tmp_path, sample=sample))
    assert failure == Failure("the question is empty: say what is to be done", is_config=True)


def make_log(folder: Path, text: str = "seen") -> Path:
    log = EventLog(folder)
    log.emit(Observed(id="run/step-1", text=log.text(text), ok=True))
    log.close()
    return folder


def test_a_parcel_has_the_files_and_the_record_but_no_truth(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\x00\xff")
    sample = Sample(Task("?", (tmp_path / "a.csv",), "a"), "the secret truth", 1)
    record = make_log(tmp_path / "record", "y" * 9000)
    work = household_work(tmp_path / "t", sample=sample, resume=record)
    parcel = pickle.loads(pickle.dumps(Parcel.pack(work, with_truth=False)))
    assert b"secret" not in pickle.dumps(parcel)
    assert str(tmp_path).encode() not in pickle.dumps(parcel)
    there = tmp_path / "there"
    there.mkdir()
    made = parcel.unpack(there)
    assert [file.read_bytes() for file in made.sample.task.files] == [b"\x00\xff"]
    assert made.sample.task.files[0].parent == there / "files"
    assert list(read_events(made.resume)) == list(read_events(record))
    assert len(list((there / "record" / "blobs").iterdir())) == 1


def test_budgets_travel_as_what_is_left_of_them(tmp_path: Path) -> None:
    whole = Budget(name="benchmark", usd=1.0)
    whole.spent += Amounts(usd=0.75, tokens=10)
    task = whole.child(name="task", tokens=100, seconds=60.0)
    parcel = Parcel.pack(household_work(tmp_path, budget=task), with_truth=True)
    (tmp_path / "there").mkdir()
    inner, outer = parcel.unpack(tmp_path / "there").budget.chain()
    assert (inner.name, inner.limits) == ("task", {"tokens": 100, "seconds": 60.0})
    assert (outer.name, outer.limits) == ("benchmark", {"usd": 0.25})
    whole.spent += Amounts(usd=5.0)
    assert 0 < left_of(whole)["usd"] < 1e-6


def test_growth_tells_whole_lines_after_their_blobs(tmp_path: Path) -> None:
    growth = Growth(tmp_path / "trace")
    assert list(growth.look()) == []
    make_log(tmp_path / "trace", "z" * 9000)
    (tmp_path / "trace" / "blobs" / "half.tmp").write_bytes(b"not a blob")
    (piece,) = growth.look()
    assert [is_blob(name) for name in piece.blobs] == [True]
    assert json.loads(piece.lines)["text"]["blob"] in piece.blobs
    with (tmp_path / "trace" / "events.jsonl").open("ab") as file:
        file.write(b'{"torn')
        file.flush()
        assert list(growth.look()) == []
        file.write(b'": 1}\n{"more"')
    assert [(piece.lines, piece.blobs) for piece in growth.look()] == [(b'{"torn": 1}\n', {})]


def test_long_traces_are_told_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("treeact.benchmarks.runner.remote.MOST_BYTES", 8)
    lines = [b"1\n", b"22\n", b"333333333333\n", b"4\n"]
    (tmp_path / "events.jsonl").write_bytes(b"".join(lines))
    told = [piece.lines for piece in Growth(tmp_path).look()]
    assert told == [b"1\n22\n", b"333333333333\n", b"4\n"]


@pytest.mark.parametrize("name", ["", "..", "../x", "a" * 63, "A" * 64, "a" * 63 + "/", "\n" * 64])
def test_only_hashes_are_written_as_blobs(name: str) -> None:
    assert not is_blob(name)


def test_what_does_not_spread_is_refused() -> None:
    learning = CONFIG.model_copy(update={"agent": "dynasaur"})
    with pytest.raises(ConfigError, match="library that grows"):
        check_spreads(bench(learning))
    frozen = learning.model_copy(update={"library": Path("x"), "frozen": True})
    check_spreads(bench(frozen))
    with pytest.raises(ConfigError, match="cannot travel"):
        check_spreads(bench(model=ScriptedModel([])))


def test_errors_travel_as_what_they_mean() -> None:
    for error, kind in (
        (SandboxUnavailable("x"), ConfigError),
        (ConfigError("x"), ConfigError),
        (TreeActError("x"), TreeActError),
    ):
        made = pickle.loads(pickle.dumps(Failure.of(error))).error()
        assert (type(made), str(made)) == (kind, "x")


def test_folders_of_killed_workers_are_removed_and_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    being_made, dead = tmp_path / f"{PREFIX}made", tmp_path / f"{PREFIX}dead"
    for folder in (being_made, dead):
        (folder / "files").mkdir(parents=True)
    (dead / "lock").touch()
    with scratch_folder() as mine:
        with scratch_folder() as other:
            assert {mine, other, being_made} == set(tmp_path.iterdir())
        assert {mine, being_made} == set(tmp_path.iterdir())
    assert [being_made] == list(tmp_path.iterdir())

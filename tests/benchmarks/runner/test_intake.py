"""What a person may say of jobs while they are done, and what becomes of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.runner.test_driver import SUITE, answer, right, run, told
from treeact import ScriptedModel
from treeact.benchmarks.results import Row
from treeact.benchmarks.runner.directory import Job
from treeact.benchmarks.runner.driver import RunSettings
from treeact.benchmarks.runner.intake import Do, Intake
from treeact.errors import ModelError
from treeact.trace.events import BenchEnded, Noticed, TaskEnded

JOBS = [Job(task=f"t-{number}", epoch=1) for number in range(6)]


class Jobs:
    """Jobs that are over when the test says so."""

    def __init__(self) -> None:
        self.gates = {job: asyncio.Event() for job in JOBS}
        self.begun: list[Job] = []

    async def do(self, job: Job, row: Row) -> None:
        self.begun.append(job)
        await self.gates[job].wait()

    def end(self, *jobs: Job) -> None:
        for job in jobs:
            self.gates[job].set()


@asynccontextmanager
async def working(
    jobs: Jobs, concurrency: int, do: Do | None = None
) -> AsyncIterator[tuple[Intake, list[str]]]:
    intake, said = Intake(), []
    intake.open(concurrency, said.append)
    for job in JOBS:
        intake.add(job, Row(task=job.task, epoch=1, level=None))
    doing = asyncio.ensure_future(intake.work(do or jobs.do))
    yield intake, said
    jobs.end(*JOBS)
    await doing


async def until(holds: Callable[[], Any]) -> None:
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came")


async def test_as_many_are_in_progress_as_are_wanted() -> None:
    jobs = Jobs()
    async with working(jobs, 2) as (intake, said):
        await until(lambda: len(jobs.begun) == 2)
        intake.widen(+2)
        await until(lambda: len(jobs.begun) == 4)
        intake.widen(-3)
        jobs.end(*JOBS[:3])
        await until(lambda: len(intake.running) == 1)
        assert (len(jobs.begun), intake.left) == (4, 2)
        intake.widen(-7)
        assert intake.concurrency == 1
        assert said == ["4 jobs at once", "1 jobs at once", "1 jobs at once"]
    assert jobs.begun == JOBS


async def test_a_pause_begins_nothing_and_ends_nothing() -> None:
    jobs = Jobs()
    async with working(jobs, 2) as (intake, said):
        await until(lambda: len(jobs.begun) == 2)
        intake.pause()
        jobs.end(*JOBS[:2])
        await until(lambda: not intake.running)
        assert intake.left == 4, "it waits, and is not over"
        intake.pause(False)
        await until(lambda: len(jobs.begun) == 4)
        assert said == ["no more jobs are begun", "jobs are begun again"]


async def test_a_job_that_is_cancelled_twice_still_writes_its_end() -> None:
    ended: list[Job] = []

    async def do(job: Job, row: Row) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0.01)
            ended.append(job)

    async with working(Jobs(), 1, do) as (intake, _):
        await until(lambda: intake.running)
        await asyncio.sleep(0.01)
        assert intake.cancel(JOBS[0])
        await asyncio.sleep(0)
        assert intake.cancel(JOBS[0]), "it is in progress until it is over"
        await asyncio.sleep(0)
        intake.close(cancel=True)
    assert ended == JOBS[:1]


async def test_a_job_that_is_cancelled_before_its_turn_can_be_done_again() -> None:
    jobs = Jobs()
    async with working(jobs, 6) as (intake, _):
        await until(lambda: intake.running)
        assert intake.cancel(JOBS[5]), "it waits for the others to begin"
        await until(lambda: len(intake.running) == 5)
        assert intake.requeue() == 1
    assert jobs.begun == JOBS


async def test_a_failure_cancels_the_others() -> None:
    jobs, ended = Jobs(), []

    async def do(job: Job, row: Row) -> None:
        if job == JOBS[1]:
            raise ModelError("gone")
        try:
            await jobs.do(job, row)
        finally:
            ended.append(job)

    intake = Intake()
    intake.open(3, str)
    for job in JOBS:
        intake.add(job, Row(task=job.task, epoch=1, level=None))
    with pytest.raises(ModelError):
        await intake.work(do)
    assert ended == [job for job in (JOBS[0], JOBS[2]) if job in jobs.begun]
    assert (intake.running, intake.left, intake.requeue()) == ([], 0, 0)


async def test_a_job_is_cancelled_and_done_again_with_what_failed(tmp_path: Path) -> None:
    intake, tries = Intake(), []
    cancelled = Job(task="toy-3", epoch=1)

    async def script(request: Any) -> Any:
        task = request.path.partition("/")[0]
        tries.append(task)
        if task == "toy-1" and tries.count(task) == 1:
            return ModelError("gone")
        if task == "toy-3" and tries.count(task) == 1:
            assert intake.cancel(cancelled)
            await asyncio.sleep(30)
        if task == "toy-5":  # by now the others are over
            await until(lambda: len(told(tmp_path, TaskEnded)) == 5)
            assert intake.requeue() == 2
        return right(task)

    settings = RunSettings(concurrency=1)
    model = ScriptedModel(script)
    results = await run(tmp_path, model=model, settings=settings, intake=intake)
    assert results.accuracy == 1.0
    states = [(it.task, it.state) for it in told(tmp_path, TaskEnded)]
    assert ("toy-3", "cancelled") in states
    assert states[-2:] == [("toy-1", "answered"), ("toy-3", "answered")]
    assert [it.text for it in told(tmp_path, Noticed)] == ["2 jobs are tried again"]
    (end,) = told(tmp_path, BenchEnded)
    assert (end.done, end.left) == (len(SUITE.samples), 0)
    assert not intake.cancel(cancelled), "nothing is in progress"


async def test_what_was_cancelled_is_left_for_another_day(tmp_path: Path) -> None:
    intake = Intake()

    async def script(request: Any) -> Any:
        if "toy-0" in request.path:
            intake.cancel(Job(task="toy-0", epoch=1))
            await asyncio.sleep(30)
        return answer("1")

    results = await run(tmp_path, model=ScriptedModel(script), intake=intake)
    assert [row.state for row in results.rows] == ["cancelled", *["answered"] * 5]
    intake.widen(1)  # long over: nobody is told
    assert (await run(tmp_path)).rows[0].state == "answered"

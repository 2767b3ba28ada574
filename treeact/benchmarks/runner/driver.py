"""The driver: what is left to be done is done, so many jobs at once, until it is or must stop."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from treeact.benchmarks.results import DONE, Results, Row, read_results, read_row, state_of
from treeact.benchmarks.runner.bench import Bench
from treeact.benchmarks.runner.config import BenchConfig
from treeact.benchmarks.runner.directory import BenchDirectory, Job, Manifest, prepare
from treeact.benchmarks.runner.executor import Executor, LocalExecutor, MakeExecutor, Outcome, Work
from treeact.benchmarks.runner.selection import EVERYTHING, Selection, select
from treeact.benchmarks.suites import load_suite
from treeact.errors import ConfigError, TreeActError, WorkerLost
from treeact.trace.budget import Amounts, Budget
from treeact.trace.events import BenchEnded, BenchStarted, Event, TaskEnded, TaskStarted
from treeact.trace.log import EventLog

if TYPE_CHECKING:
    from treeact.benchmarks.suite import Suite
    from treeact.models.base import Model

STAGGER = 0.002
"""Seconds between the beginnings of the first jobs: in step they would wait for each other."""
MOST_LOSSES = 3
"""Workers that one job may lose before it counts as failed: more is the doing of its own code."""
BENCHMARK = "benchmark"
"""How the budget of a whole benchmark is called, which tells its refusals from those of a task."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How a benchmark is run; none of it changes what comes of a sample."""

    epochs: int = 1
    concurrency: int = 4
    """Jobs at once."""
    usd: float | None = None
    """Dollars of the whole benchmark, what was spent before included."""
    seconds: float | None = None
    """Wall time of this process's part of it."""
    selection: Selection = EVERYTHING
    again: bool = False
    """Try once more what stopped without an answer."""
    new: bool = False
    """Put away what is in the directory."""
    cache: Path | None = None
    """Folder of the cache of replies."""


async def run_benchmark(
    config: BenchConfig,
    directory: Path,
    settings: RunSettings | None = None,
    *,
    suite: Suite | None = None,
    model: Model | None = None,
    executor: MakeExecutor = LocalExecutor,
    listen: Callable[[Event], None] = lambda event: None,
    stop: asyncio.Event | None = None,
) -> Results:
    """Run a suite, or what is left of it, and return the results.

    What is answered or stopped at a limit of its own is done. What was cut off, cancelled or failed
    for reasons that are not the agent's goes on from its record. Each attempt leaves its trace.

    Args:
        config: what decides the results.
        directory: where everything is kept; a run that is there goes on.
        settings: the rest.
        suite: the suite, where it is none that `load_suite` knows.
        model: who answers, in the place of whom the configuration names.
        executor: where jobs are worked on.
        listen: called with each event of the benchmark.
        stop: when it is set, no job is begun any more, and those in progress are cancelled.

    Raises:
        ConfigError: a name stands for nothing, the directory holds another run, or another process
            has it.
        SandboxUnavailable: the sandbox cannot be used here.
        TraceError: the directory cannot be written any more, for example because the disk is full.
    """
    settings = settings or RunSettings()
    if settings.concurrency < 1 or settings.epochs < 1:
        raise ConfigError("concurrency and epochs are at least 1")
    suite = suite or load_suite(config.suite, data=config.data, split=config.split)
    home = BenchDirectory(directory)
    with home.locked():
        if settings.new and home.read() is not None:
            home.put_away()
        wanted = select(suite, settings.selection)
        manifest = prepare(home, config, suite, wanted, settings.epochs)
        log = EventLog(directory, append=True)
        log.subscribe(listen)
        try:
            bench = Bench(
                config,
                suite,
                home=directory,
                concurrency=settings.concurrency,
                cache=settings.cache,
                model=model,
            )
            async with executor(bench) as carrying:
                driver = Driver(home, manifest, suite, wanted, settings, log)
                await driver.run(carrying, stop or asyncio.Event())
        finally:
            log.close()
    return read_results(directory, suite=suite)


class Driver:
    """Does the jobs of a benchmark that are left, and writes down what is begun and ended.

    Args:
        home: the directory.
        manifest: its manifest.
        suite: its suite.
        wanted: ids of the samples that are to be run now.
        settings: how it is run.
        log: where events are written.
    """

    def __init__(
        self,
        home: BenchDirectory,
        manifest: Manifest,
        suite: Suite,
        wanted: Sequence[str],
        settings: RunSettings,
        log: EventLog,
    ) -> None:
        self._home = home
        self._config = manifest.config
        self._settings = settings
        self._log = log
        self._samples = {sample.task.id: sample for sample in suite.samples}
        self._budget = Budget(name=BENCHMARK, usd=settings.usd)
        self._jobs = manifest.jobs()
        rows = [read_row(home, job, self._samples[job.task], suite) for job in self._jobs]
        chosen = set(wanted)
        self._left = deque(
            (job, row)
            for job, row in zip(self._jobs, rows, strict=True)
            if job.task in chosen and self._is_left(row)
        )
        self._done = sum(row.over for row in rows)
        self._count_spent(rows)
        self._message = ""
        self._losses: Counter[Job] = Counter()

    def _is_left(self, row: Row) -> bool:
        return not row.over or (self._settings.again and row.answer is None)

    def _count_spent(self, rows: Sequence[Row]) -> None:
        """Book what was spent before; what goes on from its record books its own once more."""
        left = {(job.task, job.epoch) for job, _ in self._left}
        for row in rows:
            if (row.task, row.epoch) not in left:
                total = row.total
                self._budget.spent += Amounts(usd=total.cost, tokens=total.usage.total_tokens)

    async def run(self, executor: Executor, stop: asyncio.Event) -> None:
        """Do what is left.

        Raises:
            ConfigError: a job cannot be started as the configuration has it.
            TraceError: the directory cannot be written any more.
        """
        self._log.emit(
            BenchStarted(
                id="bench",
                suite=self._config.suite,
                jobs=len(self._jobs),
                left=len(self._left),
            )
        )
        self._budget.start()
        workers = [
            asyncio.ensure_future(self._work_on(executor, STAGGER * number))
            for number in range(min(self._settings.concurrency, len(self._left)))
        ]
        halting = asyncio.ensure_future(self._halt(stop, workers))
        try:
            await asyncio.gather(*workers)
        except asyncio.CancelledError:
            if not stop.is_set() and not self._message:
                raise
        finally:
            halting.cancel()
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, halting, return_exceptions=True)
            self._write_end()

    async def _halt(self, stop: asyncio.Event, workers: Sequence[asyncio.Future[None]]) -> None:
        """Cancel everything when that is asked for, or the time is over."""
        try:
            async with asyncio.timeout(self._settings.seconds):
                await stop.wait()
            self._message = "stopped on request"
        except TimeoutError:
            self._message = f"the {self._settings.seconds:g} seconds of the benchmark are over"
        for worker in workers:
            worker.cancel()

    async def _work_on(self, executor: Executor, delay: float) -> None:
        """Do one job after the other."""
        await asyncio.sleep(delay)
        while self._left and not self._message:
            job, row = self._left.popleft()
            try:
                await self._do(executor, job, row)
            except WorkerLost:
                self._losses[job] += 1
                if self._losses[job] < MOST_LOSSES:
                    self._left.append((job, replace(row, state="unfinished")))
            except asyncio.CancelledError:
                self._left.appendleft((job, row))
                raise

    async def _do(self, executor: Executor, job: Job, row: Row) -> None:
        sample = self._samples[job.task]
        fresh = row.over  # the same limits would stop its record at the same place
        self._done -= fresh
        aside = self._home.set_aside(job)
        attempt = len(self._home.earlier(job)) + 1
        id = f"bench/{job.folder}"
        self._log.emit(
            TaskStarted(id=id, task=job.task, epoch=job.epoch, attempt=attempt, level=sample.level)
        )
        work = Work(
            job=job,
            sample=sample,
            trace=self._home.trace(job),
            resume=None if fresh else aside,
            budget=self._budget.child(name="task", **self._config.limits.budget()),
            working=self._config.limits.working,
        )
        try:
            outcome = await executor.execute(work)
        except ConfigError:
            raise  # what is wrong with one is wrong with all
        except TreeActError as error:
            self._write_error(id, job, attempt, error)
            if isinstance(error, WorkerLost):
                raise
        else:
            self._write_outcome(id, job, attempt, outcome)
            self._done += state_of(outcome.result.reason, outcome.result.message) in DONE

    def _write_error(self, id: str, job: Job, attempt: int, error: TreeActError) -> None:
        self._log.emit(
            TaskEnded(
                id=id,
                task=job.task,
                epoch=job.epoch,
                attempt=attempt,
                state="errored",
                reason=type(error).__name__,
                message=str(error),
            )
        )

    def _write_outcome(self, id: str, job: Job, attempt: int, outcome: Outcome) -> None:
        result = outcome.result
        total = result.ledger.total
        state = state_of(result.reason, result.message)
        self._log.emit(
            TaskEnded(
                id=id,
                task=job.task,
                epoch=job.epoch,
                attempt=attempt,
                state=state,
                reason=result.reason,
                message=result.message,
                answer=None if result.answer is None else self._log.text(result.answer),
                steps=result.steps,
                tokens=total.usage.total_tokens,
                cost=total.cost,
                unpriced=total.unpriced,
                duration=result.duration,
                working=outcome.working,
            )
        )
        if state == "cancelled" and result.reason == "budget" and not self._message:
            self._message = f"the ${self._settings.usd:g} of the benchmark are spent"

    def _write_end(self) -> None:
        left = len(self._jobs) - self._done
        self._log.emit(BenchEnded(id="bench", done=self._done, left=left, message=self._message))

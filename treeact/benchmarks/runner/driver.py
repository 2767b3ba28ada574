"""The driver: what is left to be done is done, so many jobs at once, until it is or must stop."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from treeact.benchmarks.results import Results, Row, State, read_row, score_rows, state_of
from treeact.benchmarks.runner.bench import Bench
from treeact.benchmarks.runner.config import BenchConfig
from treeact.benchmarks.runner.directory import BenchDirectory, Job, Manifest, prepare
from treeact.benchmarks.runner.executor import Executor, LocalExecutor, MakeExecutor, Outcome, Work
from treeact.benchmarks.runner.intake import Intake
from treeact.benchmarks.runner.selection import EVERYTHING, Selection, select
from treeact.benchmarks.suites import load_suite
from treeact.errors import ConfigError, TreeActError, WorkerLost
from treeact.trace.budget import Amounts, Budget
from treeact.trace.events import BenchEnded, BenchStarted, Event, Noticed, TaskEnded, TaskStarted
from treeact.trace.log import EventLog

if TYPE_CHECKING:
    from treeact.benchmarks.suite import Suite
    from treeact.models.base import Model

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
    intake: Intake | None = None,
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
        intake: what a person steers the jobs by while they are done.

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
                driver = Driver(home, manifest, suite, wanted, settings, log, intake or Intake())
                await driver.run(carrying, stop or asyncio.Event())
        finally:
            log.close()
    return score_rows(directory, manifest, suite, driver.rows)


class Driver:
    """Does the jobs of a benchmark that are left, and writes down what is begun and ended.

    Args:
        home: the directory.
        manifest: its manifest.
        suite: its suite.
        wanted: ids of the samples that are to be run now.
        settings: how it is run.
        log: where events are written.
        intake: which jobs are worked on when.
    """

    def __init__(
        self,
        home: BenchDirectory,
        manifest: Manifest,
        suite: Suite,
        wanted: Sequence[str],
        settings: RunSettings,
        log: EventLog,
        intake: Intake,
    ) -> None:
        self._home = home
        self._config = manifest.config
        self._settings = settings
        self._log = log
        self._budget = Budget(name=BENCHMARK, usd=settings.usd)
        self._suite = suite
        self._rows = {job: self._read(job) for job in manifest.jobs()}
        self._intake = intake
        intake.open(settings.concurrency, self._note)
        chosen = set(wanted)
        for job, row in self._rows.items():
            self._budget.spent += _paid(row)
            if job.task in chosen and self._is_left(row):
                intake.add(job, row)
        self._message = ""
        self._losses: Counter[Job] = Counter()

    @property
    def rows(self) -> list[Row]:
        """What came of each job so far, in their order, not scored."""
        return list(self._rows.values())

    def _read(self, job: Job) -> Row:
        return read_row(self._home, job, self._suite.by_id[job.task], self._suite)

    def _is_left(self, row: Row) -> bool:
        return not row.over or (self._settings.again and row.answer is None)

    def _note(self, text: str) -> None:
        self._log.emit(Noticed(id="bench", text=text))

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
                jobs=len(self._rows),
                left=self._intake.left,
            )
        )
        self._budget.start()
        halting = asyncio.ensure_future(self._halt(stop))
        try:
            await self._intake.work(partial(self._attempt, executor))
        finally:
            halting.cancel()
            await asyncio.gather(halting, return_exceptions=True)
            self._write_end()

    async def _halt(self, stop: asyncio.Event) -> None:
        """Cancel everything when that is asked for, or the time is over."""
        try:
            async with asyncio.timeout(self._settings.seconds):
                await stop.wait()
            self._message = "stopped on request"
        except TimeoutError:
            self._message = f"the {self._settings.seconds:g} seconds of the benchmark are over"
        self._intake.close(cancel=True)

    async def _attempt(self, executor: Executor, job: Job, row: Row) -> None:
        """Do a job, and put it back where its worker was lost."""
        budget = self._budget.child(name="task", **self._config.limits.budget())
        if not row.over:
            self._budget.spent -= _paid(self._rows[job])  # its record books that once more
        try:
            await self._do(executor, job, row, budget)
        except WorkerLost:
            self._losses[job] += 1
            if self._losses[job] < MOST_LOSSES:
                self._intake.add(job, replace(row, state="unfinished"))
        finally:
            self._rows[job] = self._read(job)  # now, while others wait for their models
            self._book_rest(self._rows[job], budget)

    def _book_rest(self, row: Row, budget: Budget) -> None:
        """Book what a trace tells and its budget does not, as that of a worker that was lost."""
        rest = _paid(row) - budget.spent
        self._budget.spent += Amounts(usd=max(0.0, rest.usd), tokens=max(0, rest.tokens))

    async def _do(self, executor: Executor, job: Job, row: Row, budget: Budget) -> None:
        fresh = row.over  # the same limits would stop its record at the same place
        aside = self._home.set_aside(job)
        attempt = len(self._home.earlier(job)) + 1
        self._log.emit(
            TaskStarted(
                id=_id(job),
                task=job.task,
                epoch=job.epoch,
                attempt=attempt,
                level=self._suite.by_id[job.task].level,
            )
        )
        try:
            outcome = await executor.execute(self._work(job, None if fresh else aside, budget))
        except ConfigError:
            raise  # what is wrong with one is wrong with all
        except TreeActError as error:
            self._intake.give_up(job, row)
            self._write_failure(job, attempt, "errored", type(error).__name__, str(error))
            if isinstance(error, WorkerLost):
                raise
        except asyncio.CancelledError:
            if not self._message:  # it alone, and not the whole
                self._write_failure(job, attempt, "cancelled", "cancelled")
            raise
        else:
            if self._write_outcome(job, attempt, outcome) == "errored":
                self._intake.give_up(job, row)

    def _work(self, job: Job, resume: Path | None, budget: Budget) -> Work:
        return Work(
            job=job,
            sample=self._suite.by_id[job.task],
            trace=self._home.trace(job),
            resume=resume,
            budget=budget,
            working=self._config.limits.working,
        )

    def _write_failure(
        self, job: Job, attempt: int, state: State, reason: str, message: str = ""
    ) -> None:
        self._log.emit(
            TaskEnded(
                id=_id(job),
                task=job.task,
                epoch=job.epoch,
                attempt=attempt,
                state=state,
                reason=reason,
                message=message,
            )
        )

    def _write_outcome(self, job: Job, attempt: int, outcome: Outcome) -> State:
        """Write down what came of a job, and return the state that it is in."""
        result = outcome.result
        total = result.ledger.total
        state = state_of(result.reason, result.message)
        self._log.emit(
            TaskEnded(
                id=_id(job),
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
            self._intake.close()
        return state

    def _write_end(self) -> None:
        done = sum(row.over for row in self.rows)
        left = len(self._rows) - done
        self._log.emit(BenchEnded(id="bench", done=done, left=left, message=self._message))


def _paid(row: Row) -> Amounts:
    """Return what the newest attempt at a job used, as its trace tells."""
    total = row.total
    return Amounts(usd=total.cost, tokens=total.usage.total_tokens)


def _id(job: Job) -> str:
    return f"bench/{job.folder}"

"""Where jobs are worked on. The local executor does it in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from treeact.benchmarks.runner.bench import Bench
from treeact.benchmarks.runner.directory import Job
from treeact.errors import TraceError
from treeact.trace.events import Event, ModelRetried

if TYPE_CHECKING:
    from treeact.agents.run import Result, Run
    from treeact.benchmarks.suite import Sample
    from treeact.trace.budget import Budget


@dataclass(frozen=True, kw_only=True)
class Work:
    """One attempt at a job."""

    job: Job
    sample: Sample
    trace: Path
    """The directory that the run's trace is to be written to."""
    resume: Path | None
    """The trace of the attempt before, to go on from."""
    budget: Budget
    """Of this attempt; what it spends counts against the benchmark's as well."""
    working: float | None
    """Seconds that it may take, without those of waiting for rate limits."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of an attempt."""

    result: Result
    working: float
    """Seconds without those of waiting."""


class Executor(Protocol):
    """Carries work out: when it is back, the trace is in the work's directory, whole."""

    async def execute(self, work: Work) -> Outcome:
        """Work on a sample; being cancelled, end the run and its trace.

        Raises:
            TreeActError: the run could not be started.
            WorkerLost: what worked on it is gone; its trace is whole as far as it goes.
        """
        ...


class LocalExecutor:
    """Carries work out in this process. It is used as an async context manager, as all are.

    Args:
        bench: what makes the agents.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def __aenter__(self) -> Self:
        await self._bench.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._bench.__aexit__(*exc)

    async def execute(self, work: Work) -> Outcome:
        """Work on a sample; see `Executor.execute`."""
        agent = self._bench.agent(work.job, work.sample)
        task, began = work.sample.task, time.monotonic()
        try:
            run = agent.start(task, budget=work.budget, trace=work.trace, resume=work.resume)
        except TraceError:
            if work.resume is None:
                raise
            # the record cannot be gone on from: begin anew
            run = agent.start(task, budget=work.budget, trace=work.trace)
        clock = _WorkingClock(run, work.working)
        try:
            result = await run.result()
        finally:
            clock.stop()
        return Outcome(result=result, working=time.monotonic() - began - clock.waited)


class _WorkingClock:
    """Counts the seconds that a run waits for its model's server, and ends it after the others."""

    def __init__(self, run: Run, limit: float | None) -> None:
        self.waited = 0.0
        self._run = run
        self._limit = limit
        self._began = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None
        run.log.subscribe(self._hear)
        self._set()

    def _hear(self, event: Event) -> None:
        if isinstance(event, ModelRetried):
            self.waited += event.wait
            self._set()

    def _set(self) -> None:
        if self._limit is None:
            return
        self.stop()
        left = self._began + self._limit + self.waited - time.monotonic()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, left), self._end)

    def _end(self) -> None:
        self._run.limit("seconds", 0.001)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


MakeExecutor = Callable[[Bench], AbstractAsyncContextManager[Executor]]
"""Returns what carries out the work of a benchmark, of which nothing is open yet."""

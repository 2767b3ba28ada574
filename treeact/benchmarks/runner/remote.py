"""The part of a benchmark that runs on other machines: it works, and tells as it goes.

Nothing here knows what carries it there. A worker gets a sample without its truth, and the bytes of
its files; it gives back the bytes of the trace, as they are written.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from treeact.agents.workspace import read_file
from treeact.benchmarks.runner.bench import Bench
from treeact.benchmarks.runner.config import BenchConfig
from treeact.benchmarks.runner.directory import Job
from treeact.benchmarks.runner.executor import LocalExecutor, Outcome, Work
from treeact.benchmarks.runner.scratch import scratch_folder
from treeact.benchmarks.suite import Sample, Suite
from treeact.errors import ConfigError, SandboxUnavailable, TraceError, TreeActError
from treeact.trace.budget import Budget
from treeact.trace.log import BLOBS_FOLDER, EVENTS_FILE

INTERVAL = 0.1
"""Seconds between looks at what was written meanwhile."""
MOST_BYTES = 4 * 1024 * 1024
"""Bytes of events that are told at once."""
LEAST = 1e-9
"""Of a limit, where nothing is left of it: a limit of zero is none that can be set."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What every worker of a benchmark is made with."""

    config: BenchConfig
    suite: Suite
    """Without its samples."""
    concurrency: int
    """Jobs of one worker at once."""
    cache: Path | None = None

    @classmethod
    def of(cls, bench: Bench, *, concurrency: int) -> Setup:
        """Return the set-up of workers that do a part of a benchmark."""
        suite = replace(bench.suite, samples=(), faults=())
        return cls(config=bench.config, suite=suite, concurrency=concurrency, cache=bench.cache)


def check_spreads(bench: Bench) -> None:
    """Check that a benchmark can be worked on by several processes.

    Raises:
        ConfigError: its agent learns from task to task, in a library that workers do not share, or
            its model is at hand here alone.
    """
    config = bench.config
    if config.agent == "dynasaur" and not (config.library and config.frozen):
        raise ConfigError(
            "a library that grows cannot be shared between machines: run this benchmark with the "
            "local executor, or with a library that is frozen"
        )
    if bench.has_own_model:
        raise ConfigError("a model that is given as an object cannot travel: name one instead")


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One attempt at a job, as it travels to a worker."""

    job: Job
    sample: Sample
    files: Mapping[str, bytes]
    """The task's files by name."""
    record: Mapping[str, bytes] | None
    """The trace of the attempt before, by the names of its files."""
    budgets: tuple[tuple[str, dict[str, Any]], ...]
    """Name and limits of the budgets, from that of the benchmark to that of the attempt."""
    working: float | None

    @classmethod
    def pack(cls, work: Work, *, with_truth: bool) -> Parcel:
        """Return what a worker needs for some work.

        Args:
            work: the work.
            with_truth: whether the truth goes along, which worlds are made of.

        Raises:
            ConfigError: a file of the task cannot be read.
            TraceError: the record cannot be read.
        """
        task = replace(work.sample.task, files=())
        truth = work.sample.truth if with_truth else None
        return cls(
            job=work.job,
            sample=replace(work.sample, task=task, truth=truth),
            files={file.name: read_file(file) for file in work.sample.task.files},
            record=None if work.resume is None else read_trace(work.resume),
            budgets=tuple((it.name, left_of(it)) for it in reversed([*work.budget.chain()])),
            working=work.working,
        )

    def unpack(self, folder: Path) -> Work:
        """Return the work, with its files in a folder of this machine."""
        files = []
        for name, data in self.files.items():
            files.append(folder / "files" / name)
            files[-1].parent.mkdir(exist_ok=True)
            files[-1].write_bytes(data)
        for name, data in (self.record or {}).items():
            place = folder / "record" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        budget: Budget | None = None
        for name, limits in self.budgets:
            budget = budget.child(name=name, **limits) if budget else Budget(name=name, **limits)
        assert budget is not None
        return Work(
            job=self.job,
            sample=replace(self.sample, task=replace(self.sample.task, files=tuple(files))),
            trace=folder / "trace",
            resume=None if self.record is None else folder / "record",
            budget=budget,
            working=self.working,
        )


@dataclass(frozen=True)
class Piece:
    """A part of a trace, in the order in which it has to be written."""

    blobs: Mapping[str, bytes]
    """Values that the lines refer to, by their hashes."""
    lines: bytes
    """Whole lines of events."""


@dataclass(frozen=True)
class Failure:
    """Why something could not be started, in a form that travels."""

    message: str
    is_config: bool
    """Whether what is wrong with it is wrong with all."""

    @classmethod
    def of(cls, error: TreeActError) -> Failure:
        """Return what an error comes to."""
        return cls(str(error), isinstance(error, ConfigError | SandboxUnavailable))

    def error(self) -> TreeActError:
        """Return an error to raise here."""
        return (ConfigError if self.is_config else TreeActError)(self.message)


class Worker:
    """Works on jobs that come as parcels, several at once.

    Args:
        setup: what they have in common.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._stack = AsyncExitStack()
        self._home = Path()
        self._executor: LocalExecutor | None = None
        self._running: dict[str, asyncio.Future[Outcome]] = {}

    async def open(self) -> tuple[str, Failure | None]:
        """Get ready; return the version of TreeAct here, and why that failed, if it did."""
        self._home = self._stack.enter_context(scratch_folder())
        setup = self._setup
        bench = Bench(
            setup.config,
            setup.suite,
            home=self._home,
            concurrency=setup.concurrency,
            cache=setup.cache,
        )
        try:
            self._executor = await self._stack.enter_async_context(LocalExecutor(bench))
        except TreeActError as error:
            await self.close()
            return version("treeact"), Failure.of(error)
        return version("treeact"), None

    async def close(self) -> None:
        """End what runs, and give back what is held."""
        for running in self._running.values():
            running.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await self._stack.aclose()

    async def work(self, parcel: Parcel) -> AsyncIterator[Piece | Outcome | Failure]:
        """Work on a job; yield its trace as it grows, and at last what came of it."""
        assert self._executor is not None, "the worker is not open"
        with TemporaryDirectory(dir=self._home) as folder:
            work = parcel.unpack(Path(folder))
            running = asyncio.ensure_future(self._executor.execute(work))
            self._running[parcel.job.folder] = running
            growth = Growth(work.trace)
            try:
                while not running.done():
                    await asyncio.wait([running], timeout=INTERVAL)
                    for piece in growth.look():
                        yield piece
                for piece in growth.look():  # what was written after the last look
                    yield piece
                yield _ending(running)
            finally:
                del self._running[parcel.job.folder]
                running.cancel()

    async def stop(self, job: Job) -> None:
        """Have a job end now; what it tells then still comes."""
        if running := self._running.get(job.folder):
            running.cancel()


class Growth:
    """What is new in a trace since the last look.

    Args:
        trace: its directory.
    """

    def __init__(self, trace: Path) -> None:
        self._trace = trace
        self._offset = 0
        self._told: set[str] = set()

    def look(self) -> Iterator[Piece]:
        """Yield what was added. Blobs are listed after the lines, and so are there for all."""
        while lines := self._lines():
            blobs = self._trace / BLOBS_FOLDER
            names = {file.name for file in blobs.iterdir()} if blobs.is_dir() else set()
            new = {name for name in names - self._told if is_blob(name)}
            self._told |= new
            yield Piece({name: (blobs / name).read_bytes() for name in sorted(new)}, lines)

    def _lines(self) -> bytes:
        """Return whole lines from where the last look ended: a few megabytes, but at least one."""
        try:
            with (self._trace / EVENTS_FILE).open("rb") as file:
                file.seek(self._offset)
                lines = file.read(MOST_BYTES)
                if b"\n" not in lines:
                    lines += file.readline()
        except FileNotFoundError:
            return b""
        lines = lines[: lines.rfind(b"\n") + 1]
        self._offset += len(lines)
        return lines


def is_blob(name: str) -> bool:
    """Return whether a name is that of a blob: a hash, and nothing that leads elsewhere."""
    return len(name) == 64 and set(name) <= set("0123456789abcdef")


def left_of(budget: Budget) -> dict[str, Any]:
    """Return what is left of the limits of a budget, as limits."""
    left: dict[str, Any] = {}
    for limit, value in budget.limits.items():
        if isinstance(value, int | float):
            spent = getattr(budget.spent, limit, 0)
            left[limit] = max(value - spent, LEAST) if limit != "seconds" else value
    return left


def read_trace(trace: Path) -> dict[str, bytes]:
    """Return the events and blobs of a trace by the names of their files.

    Raises:
        TraceError: a file cannot be read.
    """
    files = [trace / EVENTS_FILE, *(trace / BLOBS_FOLDER).glob("*")]
    try:
        return {str(file.relative_to(trace)): file.read_bytes() for file in files}
    except OSError as error:
        raise TraceError(f"cannot read the trace in {trace}: {error.strerror}") from error


def _ending(running: asyncio.Future[Outcome]) -> Outcome | Failure:
    try:
        return running.result()
    except asyncio.CancelledError:
        return Failure("the job was stopped before it began", is_config=False)
    except TreeActError as error:
        return Failure.of(error)

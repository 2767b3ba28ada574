"""The executor that has jobs worked on by a Ray cluster.

Workers are actors that run anywhere in the cluster. They tell the trace of each run as it grows;
this process alone writes the directory of the benchmark. Where a worker or its machine is lost, the
driver has the job go on from what was told, on another one.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from treeact.benchmarks.runner.bench import Bench
from treeact.benchmarks.runner.executor import Outcome, Work
from treeact.benchmarks.runner.remote import (
    Failure,
    Parcel,
    Piece,
    Setup,
    Worker,
    check_spreads,
    is_blob,
)
from treeact.errors import ConfigError, TraceError, TreeActError, WorkerLost
from treeact.trace.budget import Amounts, Budget
from treeact.trace.log import BLOBS_FOLDER, EVENTS_FILE

START_SECONDS = 300.0
"""How long a worker may take to start: a cluster may have to get a machine first."""
MOST_STARTS = 3
"""How often a worker is started that dies before it is ready."""
GRACE_SECONDS = 10.0
"""How long to wait for the other workers, once one is there, so that jobs are shared fairly."""
STOP_SECONDS = 30.0
"""How long a job that is stopped may take to tell its end."""
LOCAL = "local"
"""The address that stands for a cluster of this process's own."""


class RayExecutor:
    """Carries work out by workers of a Ray cluster. Use it as an async context manager.

    Args:
        bench: what the benchmark is run with; nothing of it is opened in this process.
        address: `local` starts a cluster in this process, which ends with it; `auto` joins the one
            that `ray start` began on this machine, and `HOST:PORT` the one whose head that is.
        workers: how many processes work, each on its part of the jobs that are done at once and
            with one CPU of the cluster; 0 is as many as there are CPUs.
    """

    def __init__(self, bench: Bench, *, address: str = LOCAL, workers: int = 0) -> None:
        self._bench = bench
        self._address = address
        self._workers = workers
        self._with_truth = bench.suite.world is not None
        self._places: list[_Place] = []
        self._ray: Any = None

    async def __aenter__(self) -> Self:
        """Join the cluster, or start it, and start workers.

        Raises:
            ConfigError: Ray is not installed, there is no cluster at the address, the benchmark
                cannot be spread over machines, a name in its configuration stands for nothing, or
                no worker can be started.
            SandboxUnavailable: the sandbox cannot be used there.
        """
        self._bench.check()
        check_spreads(self._bench)
        try:
            import ray
        except ImportError as error:
            raise ConfigError("Ray is not installed: pip install 'treeact[ray]'") from error
        jobs = self._bench.concurrency
        cpus = await asyncio.to_thread(_join, ray, self._address, self._workers)
        self._ray = ray
        try:
            count = min(self._workers or cpus, jobs)
            setup = Setup.of(self._bench, concurrency=-(-jobs // count))
            # each job may be stopped, too
            self._places = [_Place(ray, setup, 2 * jobs + 2) for _ in range(count)]
            await self._choose()
            await asyncio.wait([it.starting for it in self._places], timeout=GRACE_SECONDS)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await asyncio.gather(*(place.close() for place in self._places))
        await asyncio.to_thread(self._ray.shutdown)

    async def execute(self, work: Work) -> Outcome:
        """Work on a sample; see `Executor.execute`.

        Raises:
            WorkerLost: the worker, or its machine, is gone.
        """
        parcel = Parcel.pack(work, with_truth=self._with_truth)
        place = await self._choose()
        worker = place.worker
        place.jobs += 1
        try:
            return await self._carry_out(worker, parcel, work)
        except self._ray.exceptions.RayError as error:
            place.replace(worker)
            raise WorkerLost(f"a worker was lost ({type(error).__name__})") from error
        finally:
            place.jobs -= 1

    async def _choose(self) -> _Place:
        """Return the place with a worker that has least to do, waiting for one."""
        while not (ready := [place for place in self._places if place.worker is not None]):
            waiting = [it.starting for it in self._places if not it.starting.done()]
            if not waiting:
                raise self._places[0].starting.exception() or WorkerLost("no worker is left")
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        return min(ready, key=lambda place: place.jobs)

    async def _carry_out(self, worker: Any, parcel: Parcel, work: Work) -> Outcome:
        receiving = asyncio.ensure_future(_receive(worker.work.remote(parcel), work))
        try:
            return await asyncio.shield(receiving)
        except asyncio.CancelledError:
            await _see_through(self._stop(worker, work, receiving))
            raise
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    async def _stop(self, worker: Any, work: Work, receiving: asyncio.Future[Outcome]) -> None:
        """Have a job end, and receive the end of its trace."""
        with suppress(TimeoutError, self._ray.exceptions.RayError):  # then it is lost, and over
            async with asyncio.timeout(STOP_SECONDS):
                await worker.stop.remote(work.job)
                await asyncio.wait([receiving])


async def _see_through(ending: Coroutine[Any, Any, None]) -> None:
    """Wait for something short that must not be cut off, however often that is asked for."""
    task = asyncio.ensure_future(ending)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)


class _Place:
    """Room for one worker, which is replaced when it is lost.

    Args:
        ray: the module.
        setup: what workers are made with.
        most: calls of one worker at once.
    """

    def __init__(self, ray: Any, setup: Setup, most: int) -> None:
        self.jobs = 0
        self._ray = ray
        self._setup = setup
        self._most = most
        self.starting = asyncio.ensure_future(self._start())

    @property
    def worker(self) -> Any:
        """The worker, where there is one."""
        known = self.starting.done() and not self.starting.cancelled()
        return self.starting.result() if known and not self.starting.exception() else None

    def replace(self, worker: Any) -> None:
        """Start another in the place of a worker that is lost, if that was not done yet."""
        if self.worker is worker:
            self.starting = asyncio.ensure_future(self._start())

    async def _start(self) -> Any:
        for _ in range(MOST_STARTS - 1):
            with suppress(WorkerLost):  # with its machine, perhaps: there may be others
                return await self._start_one()
        return await self._start_one()

    async def _start_one(self) -> Any:
        options = {"num_cpus": 1, "max_concurrency": self._most, "scheduling_strategy": "SPREAD"}
        worker = self._ray.remote(Worker).options(**options).remote(self._setup)
        try:
            await self._open(worker)
        except BaseException:
            self._ray.kill(worker)
            raise
        return worker

    async def _open(self, worker: Any) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                theirs, fault = await worker.open.remote()
        except TimeoutError as error:
            raise ConfigError(
                f"the Ray cluster started no worker in {START_SECONDS:g} s: see with `ray status` "
                "whether it has free CPUs"
            ) from error
        except self._ray.exceptions.RayError as error:
            problem = str(error).strip().splitlines()[-1]
            raise WorkerLost(f"a worker could not be started: {problem}") from error
        if theirs != version("treeact"):
            raise ConfigError(
                f"a machine of the cluster has TreeAct {theirs} and this one {version('treeact')}: "
                "install the same everywhere"
            )
        if fault is not None:
            raise fault.error()

    async def close(self) -> None:
        """End the worker, and the start of one."""
        self.starting.cancel()
        await asyncio.gather(self.starting, return_exceptions=True)
        if (worker := self.worker) is not None:
            with suppress(TimeoutError, self._ray.exceptions.RayError):  # it is ended anyhow
                async with asyncio.timeout(STOP_SECONDS):
                    await worker.close.remote()
            self._ray.kill(worker)


def _join(ray: Any, address: str, workers: int) -> int:
    """Connect to a cluster, and return how many CPUs it has."""
    own = {"num_cpus": workers or None, "include_dashboard": False} if address == LOCAL else {}
    try:
        _check_answers(address)
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **own)
    except Exception as error:  # Ray raises bare ones, too
        problem = " ".join(str(error).split())[:300]
        raise ConfigError(
            f"no Ray cluster can be used at {address!r} ({problem}): begin one with `ray start "
            "--head`, or leave the address out"
        ) from error
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _check_answers(address: str) -> None:
    """Raise OSError where nobody listens, which Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


async def _receive(told: Any, work: Work) -> Outcome:
    """Write the trace as it is told, and return what came of the run."""
    async for coming in told:
        match await coming:
            case Piece() as piece:
                await asyncio.to_thread(_write, piece, work.trace)
            case Failure() as failure:
                raise failure.error()
            case Outcome() as outcome:
                _book(work.budget, outcome)
                return replace(outcome, result=replace(outcome.result, directory=work.trace))
    raise TreeActError(f"the worker told no end of {work.job.task}")


def _write(piece: Piece, trace: Path) -> None:
    try:
        (trace / BLOBS_FOLDER).mkdir(parents=True, exist_ok=True)
        for name, data in piece.blobs.items():
            if is_blob(name):
                (trace / BLOBS_FOLDER / name).write_bytes(data)
        with (trace / EVENTS_FILE).open("ab") as file:
            file.write(piece.lines)
    except OSError as error:
        raise TraceError(f"cannot write the trace in {trace}: {error.strerror}") from error


def _book(budget: Budget, outcome: Outcome) -> None:
    total = outcome.result.ledger.total
    used = Amounts(usd=total.cost, tokens=total.usage.total_tokens, steps=outcome.result.steps)
    for level in budget.chain():
        level.spent += used

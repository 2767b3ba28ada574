"""Benchmarks on a Ray cluster of several nodes, for real: the same results, whatever is lost."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard

import pytest

from treeact.agents.plans.agent import World
from treeact.benchmarks.results import Results, Row
from treeact.benchmarks.runner.cluster import RayExecutor
from treeact.benchmarks.runner.config import BenchConfig
from treeact.benchmarks.runner.driver import RunSettings, run_benchmark
from treeact.benchmarks.runner.selection import Selection
from treeact.benchmarks.suite import Sample, Suite
from treeact.benchmarks.suites import load_suite, mini
from treeact.errors import ConfigError
from treeact.trace.events import Event, TaskEnded
from treeact.trace.log import read_events

CONFIG = BenchConfig(suite="household", model="oracle:act=0.9,seed=3")
SETTINGS = RunSettings(concurrency=4, selection=Selection(ids=("flat-*",)))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two nodes, as `ray start --head` and `ray start --address` make them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef0123456789abcdef")
        from ray.cluster_utils import Cluster

        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        made.add_node(num_cpus=1)
        try:
            yield made
        finally:
            made.shutdown()


def slow(suite: Suite, seconds: float, pids: Path) -> Suite:
    """The suite with a pause before each step, and a file for each process that works on it.

    What stands in here is carried to the workers by value.
    """

    class Slow:
        def __init__(self, world: Any) -> None:
            self.world = world

        async def step(self, action: Any, *, id: str) -> Any:
            import asyncio
            import os

            (pids / str(os.getpid())).touch()
            await asyncio.sleep(seconds)
            return await self.world.step(action, id=id)

        async def close(self) -> None:
            await self.world.close()

    def world(sample: Sample) -> World:
        made = sample.truth.world
        return replace(made, start=lambda: Slow(made.start()))

    pids.mkdir()
    return replace(suite, world=world)


def told(results: Results) -> list[tuple[Any, ...]]:
    return [(r.task, r.state, r.answer, r.steps, r.verdict, events_of(r)) for r in results.rows]


def events_of(row: Row) -> list[tuple[str, str]]:
    assert row.trace
    return [(event.type, event.id) for event in read_events(row.trace)]  # type: ignore[attr-defined]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # what it is about happens in other processes
            await asyncio.sleep(0.02)


def processes(pids: Path) -> list[int]:
    return [int(file.name) for file in pids.iterdir()]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def is_loss(event: Event) -> TypeGuard[TaskEnded]:
    return isinstance(event, TaskEnded) and event.reason == "WorkerLost"


async def test_a_lost_worker_and_a_lost_node_change_nothing(cluster: Any, tmp_path: Path) -> None:
    suite, pids = load_suite("household"), tmp_path / "pids"
    local = await run_benchmark(CONFIG, tmp_path / "local", SETTINGS)
    doomed = cluster.add_node(num_cpus=1)
    seen: list[Event] = []

    async def lose() -> None:
        await until(lambda: len(processes(pids)) == 3)
        await asyncio.sleep(0.1)
        os.kill(processes(pids)[0], signal.SIGKILL)
        await until(lambda: any(map(is_loss, seen)))
        await asyncio.to_thread(cluster.remove_node, doomed, allow_graceful=False)

    losing = asyncio.ensure_future(lose())
    remote = await run_benchmark(
        CONFIG,
        tmp_path / "ray",
        replace(SETTINGS, concurrency=9),
        suite=slow(suite, 0.2, pids),
        executor=partial(RayExecutor, address=cluster.address, workers=3),
        listen=seen.append,
    )
    await losing
    assert told(remote) == told(local)
    lost = [event for event in seen if is_loss(event)]
    again = {row.task for row in remote.rows if row.attempts > 1}
    assert again
    assert again <= {event.task for event in lost}  # one may be lost before its first event
    await until(lambda: not any(map(alive, processes(pids))))


async def test_a_run_that_is_stopped_goes_on_here(cluster: Any, tmp_path: Path) -> None:
    suite, pids, stop = load_suite("household"), tmp_path / "pids", asyncio.Event()

    async def halt() -> None:
        traces = tmp_path / "run" / "tasks"
        await until(lambda: len(list(traces.glob("*/events.jsonl"))) == SETTINGS.concurrency)
        stop.set()

    halting = asyncio.ensure_future(halt())
    halted = await run_benchmark(
        CONFIG,
        tmp_path / "run",
        SETTINGS,
        suite=slow(suite, 0.25, pids),
        executor=partial(RayExecutor, address=cluster.address, workers=2),
        stop=stop,
    )
    await halting
    begun = [row for row in halted.rows if row.trace]
    assert {row.state for row in begun} == {"cancelled"}
    assert len(begun) == SETTINGS.concurrency
    whole = await run_benchmark(CONFIG, tmp_path / "run", SETTINGS)
    local = await run_benchmark(CONFIG, tmp_path / "local", SETTINGS)
    assert told(whole) == told(local)


async def test_files_and_big_values_travel(cluster: Any, tmp_path: Path) -> None:
    folder = next(Path(mini.__file__).parent.rglob("mini-1-ledger.jsonl")).parent
    config = BenchConfig(suite="mini", model=f"replay:{folder}", sandbox="unsafe-local")
    settings = RunSettings(concurrency=1, selection=Selection(ids=("mini-1-ledger",)))
    remote = await run_benchmark(
        config,
        tmp_path / "ray",
        settings,
        executor=partial(RayExecutor, address=cluster.address, workers=1),
    )
    (row,) = remote.rows
    assert (row.state, row.right) == ("answered", True)
    local = await run_benchmark(config, tmp_path / "local", settings)
    assert told(remote) == told(local)


async def test_what_cannot_be_run_there_is_told(cluster: Any, tmp_path: Path) -> None:
    config = BenchConfig(suite="mini", model="replay:/nowhere", agent="dynasaur")
    with pytest.raises(ConfigError, match="library that grows"):
        await run_benchmark(config, tmp_path / "a", executor=RayExecutor)
    config = BenchConfig(suite="mini", model=f"replay:{tmp_path}", tools=("spanner",))
    there = partial(RayExecutor, address=cluster.address)
    with pytest.raises(ConfigError, match="spanner"):
        await run_benchmark(config, tmp_path / "b", executor=there)
    with pytest.raises(ConfigError, match="no Ray cluster can be used at 'no:1'"):
        await run_benchmark(CONFIG, tmp_path / "c", executor=partial(RayExecutor, address="no:1"))

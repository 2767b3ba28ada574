"""Latency, as ratios of one run on one machine: a fork is worth it only if it is far cheaper."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from statistics import median

from treeact.sandbox.conformance.suite import Bench, in_area, require, run

ROUNDS = 5
FORK_RATIO = 5.0
"""How many times a new sandbox has to cost what a fork with its first run costs, at least."""
RUN_RATIO = 10.0
ROLLBACK_RATIO = 2.0
GRACE = 0.05


async def _seconds(action: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await action()
    return time.perf_counter() - began


async def _start_seconds(bench: Bench) -> float:
    """Return what a new sandbox with a first run costs."""
    began = time.perf_counter()
    async with bench.unopened() as sandbox:
        await run(await sandbox.branch(), "x = 1")
        return time.perf_counter() - began


async def _compare(
    bench: Bench, action: Callable[[], Awaitable[object]], least: float, what: str
) -> str:
    """Require that a new sandbox costs at least `least` times what `action` does."""
    starts, actions = [], []
    for _ in range(ROUNDS):  # interleaved, so that a busy machine slows both
        starts.append(await _start_seconds(bench))
        actions += [await _seconds(action) for _ in range(3)]
    ratio = median(starts) / median(actions)
    require(ratio >= least, f"{what} is only {ratio:.1f} times faster than a new sandbox")
    return f"{ratio:.0f} times faster than a new sandbox"


@in_area("latency")
async def forks_are_fast(bench: Bench) -> str:
    """A fork, its first run included, is many times faster than a new sandbox."""
    branch = await bench.branch()
    await run(branch, "items = list(range(1000))")

    async def fork_and_run() -> None:
        await run(await branch.fork(), "items.append(1)")

    return await _compare(bench, fork_and_run, FORK_RATIO, "a fork")


@in_area("latency")
async def runs_are_fast(bench: Bench) -> str:
    """A short run is many times faster than a new sandbox."""
    branch = await bench.branch()
    return await _compare(bench, lambda: run(branch, "x = 1"), RUN_RATIO, "a run")


@in_area("latency")
async def large_state_forks_fast(bench: Bench) -> str:
    """A fork's cost hardly grows with the state: 64 MB are not copied."""
    branch = await bench.branch()
    await run(branch, "block = bytearray(b'x') * (64 << 20)")

    async def fork_and_run() -> None:
        twin = await branch.fork()
        await run(twin, "block[0] = 1")
        await twin.close()

    return await _compare(bench, fork_and_run, FORK_RATIO / 2, "a fork of 64 MB")


@in_area("latency")
async def rollbacks_are_fast(bench: Bench) -> str:
    """A kill with rollback is faster than a new sandbox."""
    branch = await bench.branch(grace=GRACE)
    await run(branch, "import os")

    async def die() -> None:
        execution = await branch.run("os.kill(os.getpid(), 9)")
        require(execution.rolled_back, "the killed run was not rolled back")

    return await _compare(bench, die, ROLLBACK_RATIO, "a rollback")

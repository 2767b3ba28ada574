"""The dashboard of a benchmark: one that is run by the command, and one that is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from treeact.benchmarks.results import Results
from treeact.benchmarks.runner.intake import Intake
from treeact.benchmarks.suite import Suite
from treeact.tui.bench_app import BenchApp
from treeact.tui.bench_session import BenchSession
from treeact.tui.live_bench import LiveBench


class RunBench(Protocol):
    """Runs what is left of a benchmark; as `run_benchmark`, of which the rest is settled."""

    async def __call__(self, *, stop: asyncio.Event, intake: Intake) -> Results:
        """Return the results."""
        ...


async def bench_on_screen(
    run: RunBench, directory: Path, suite: Suite, stop: asyncio.Event, look: Mapping[str, Any]
) -> Results:
    """Run a benchmark, show it until the person leaves, and return the results.

    Raises:
        TreeActError: it could not be run.
    """
    live = LiveBench(lambda intake, stop: run(stop=stop, intake=intake), stop)
    app = BenchApp(BenchSession(directory, suite=suite), live, **look)
    live.begin()  # after the person's keys were found to be right
    await app.run_async()
    return await live.end()


def show_bench(directory: Path, look: Mapping[str, Any]) -> None:
    """Show a benchmark, running or not, without steering it."""
    BenchApp(BenchSession(directory), **look).run()

"""A benchmark that is run in this process, and the hand on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from treeact.benchmarks.results import Results
from treeact.benchmarks.runner.intake import Intake

Start = Callable[[Intake, asyncio.Event], Awaitable[Results]]
"""Runs what is left of a benchmark, steered by an intake, until it is done or an event is set."""


class LiveBench:
    """Runs a benchmark beside the screens, as often as is asked for.

    Args:
        start: what runs it.
        stop: ends it when it is set.
    """

    def __init__(self, start: Start, stop: asyncio.Event) -> None:
        self.intake = Intake()
        self.stop = stop
        self._start = start
        self._working: asyncio.Future[Results] | None = None

    def begin(self) -> None:
        """Do what is left."""
        self._working = asyncio.ensure_future(self._start(self.intake, self.stop))

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._working is not None and not self._working.done()

    @property
    def failed(self) -> bool:
        """Whether it could not be run; `end` raises why."""
        working = self._working
        if working is None or not working.done():
            return False
        return working.cancelled() or working.exception() is not None

    async def end(self) -> Results:
        """Return the results, once it has ended; one that runs is stopped.

        Raises:
            TreeActError: it could not be run.
        """
        assert self._working is not None
        if self.running:
            self.stop.set()
        return await self._working

"""Which jobs are worked on: those that wait, those in progress, and what a person says of them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace

from treeact.benchmarks.results import Row
from treeact.benchmarks.runner.directory import Job

STAGGER = 0.0015
"""Seconds between the beginnings of two jobs: in step they would wait for each other again and
again, at each reply that comes."""

Tell = Callable[[str], None]
"""Takes in what a person decided."""
Do = Callable[[Job, Row], Awaitable[None]]
"""Does a job, of which a row tells what came before."""


class Intake:
    """Takes in the next job when one is over, so that as many are in progress as are wanted.

    Give one to `run_benchmark` to steer it from the same event loop.
    """

    def __init__(self) -> None:
        self.concurrency = 1
        """Jobs at once; `widen` changes it."""
        self.paused = False
        """Whether no job is begun at the moment."""
        self._tell: Tell = _tell_nobody
        self._waiting: deque[tuple[Job, Row]] = deque()
        self._running: dict[asyncio.Task[None], tuple[Job, Row]] = {}
        self._given_up: dict[Job, Row] = {}
        self._failure: BaseException | None = None
        self._news = asyncio.Event()
        self._closed = False
        self._turn = 0.0

    @property
    def left(self) -> int:
        """Jobs that wait."""
        return len(self._waiting)

    @property
    def running(self) -> list[Job]:
        """Jobs in progress."""
        return [job for job, _ in self._running.values()]

    def pause(self, paused: bool = True) -> None:
        """Begin no more jobs, or go on; those in progress go on either way."""
        self.paused = paused
        self._tell("no more jobs are begun" if paused else "jobs are begun again")
        self._news.set()

    def widen(self, by: int) -> None:
        """Have so many more jobs in progress at once, or fewer; it stays at least one."""
        self.concurrency = max(1, self.concurrency + by)
        self._tell(f"{self.concurrency} jobs at once")
        self._news.set()

    def cancel(self, job: Job) -> bool:
        """Cancel a job in progress; return whether it is. Its record stays, to go on from."""
        found = [working for working, (its, _) in self._running.items() if its == job]
        for working in found:
            _cancel(working)
        return bool(found)

    def requeue(self) -> int:
        """Have jobs done again that were cancelled or failed for reasons that are not the agent's.

        They go on from their records.

        Returns:
            How many they are.
        """
        count = 0 if self._closed else len(self._given_up)
        for job, row in list(self._given_up.items())[:count]:
            self.add(job, replace(row, state="unfinished"))
        if count:
            self._tell(f"{count} jobs are tried again")
        return count

    def open(self, concurrency: int, tell: Tell) -> None:
        """Begin a benchmark: with so many jobs at once, and `tell` for what a person decided."""
        self.concurrency, self._tell = concurrency, tell
        self._failure, self._closed = None, False
        self._waiting.clear()
        self._given_up.clear()

    def add(self, job: Job, row: Row) -> None:
        """Have a job done when its turn comes."""
        if not self._closed:
            self._given_up.pop(job, None)
            self._waiting.append((job, row))
            self._news.set()

    def give_up(self, job: Job, row: Row) -> None:
        """Leave a job for `requeue`, or for another day."""
        self._given_up[job] = row

    def close(self, *, cancel: bool = False) -> None:
        """Begin nothing any more, and with `cancel` end what is in progress."""
        self._closed = True
        self._waiting.clear()
        for working in self._running if cancel else ():
            _cancel(working)
        self._news.set()

    async def work(self, do: Do) -> None:
        """Do the jobs; be back when none waits or is in progress.

        Raises:
            Exception: what `do` raises first; the jobs in progress are cancelled then.
        """
        try:
            while self._waiting or self._running:
                self._news.clear()
                self._take_in(do)
                await self._news.wait()
                if self._failure is not None:
                    raise self._failure
        finally:
            self.close(cancel=True)
            self._tell = _tell_nobody
            await asyncio.gather(*self._running, return_exceptions=True)

    def _take_in(self, do: Do) -> None:
        while self._waiting and not self.paused and len(self._running) < self.concurrency:
            job, row = self._waiting.popleft()
            working = asyncio.create_task(self._work_on(do, job, row))
            self._running[working] = job, row
            working.add_done_callback(self._end)

    async def _work_on(self, do: Do, job: Job, row: Row) -> None:
        now = time.monotonic()
        self._turn = max(now, self._turn + STAGGER)
        await asyncio.sleep(self._turn - now)
        await do(job, row)

    def _end(self, done: asyncio.Task[None]) -> None:
        job, row = self._running.pop(done)
        if done.cancelled():
            self.give_up(job, row)
        else:
            self._failure = self._failure or done.exception()
        self._news.set()


def _cancel(working: asyncio.Task[None]) -> None:
    """Cancel a job once: a second time would cut off the end that it writes."""
    if not working.cancelling():
        working.cancel()


def _tell_nobody(text: str) -> None:
    """Leave it at that."""

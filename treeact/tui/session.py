"""One run that is looked at: its log as it grows, and the way to steer it where there is one."""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from treeact.agents.remote import Order
from treeact.errors import TraceError, TreeActError
from treeact.trace.events import ModelCalled
from treeact.trace.index import Entry, LiveText, TraceIndex
from treeact.tui.asking import Asking
from treeact.tui.views.run import RunView
from treeact.tui.views.search import SearchView
from treeact.tui.views.sides import SidesView
from treeact.tui.views.timeline import Timeline
from treeact.tui.views.uses import Uses

Steer = Callable[[Order], Awaitable[bool]]
"""Gives an order to the run; returns whether anything waited for it. Raises TreeActError."""

SLICE = 0.05
"""Seconds of one refresh: longer logs are taken in over several, so that keys are never kept
waiting."""
PORTION = 1_000_000
"""Bytes of the log that are looked through before it is asked whether the slice is over."""

STALE = 600.0
"""Seconds without an event after which a run that is only looked at has no clock that goes on."""


class Session:
    """Reads a run directory piece by piece. A live run, an attached one and a replay are the same.

    Args:
        directory: the run directory.
        steer: how to give orders; None for a run that can only be looked at.
        asking: prompts that wait for the person at this screen.
    """

    def __init__(
        self, directory: Path, steer: Steer | None = None, *, asking: Asking | None = None
    ) -> None:
        self.directory = directory
        self.asking = asking or Asking()
        self.index = TraceIndex(directory)
        self.live = LiveText(directory)
        self.view = RunView()
        self.search = SearchView(self.index.blobs)
        self.sides = SidesView(self.index.blobs)
        self.timeline = Timeline()
        self.uses = Uses(self.index.blobs)
        self.steer = steer
        self.problem = ""
        """Why the log cannot be read any further; empty while it can."""
        self._taken = 0

    @property
    def behind(self) -> int:
        """How many events are known of and not taken in yet."""
        return len(self.index.entries) - self._taken

    @property
    def damage(self) -> str:
        """Which lines of the log are no events; empty while all are."""
        damaged = self.index.damaged
        if not damaged:
            return ""
        more = f", and {len(damaged) - 1} more lines" if len(damaged) > 1 else ""
        return f"line {damaged[0].line} of the trace is damaged: {damaged[0].reason}{more}"

    def refresh(self) -> bool:
        """Look for news for a moment; return whether there were any."""
        until = time.monotonic() + SLICE
        changed = self.live.refresh()  # first: what is in the log by now is forgotten then
        changed = self._look_through(until) or changed
        while self.behind and time.monotonic() < until:
            self._take(self.index.entries[self._taken])
            self._taken += 1
            changed = True
        if time.monotonic() >= until:
            gc.freeze()  # what was read stays: to look through it for cycles would stall the screen
        return changed

    def _look_through(self, until: float) -> bool:
        """Find where the events are that were added; return whether there were any."""
        changed = False
        try:
            while self.index.refresh(most=PORTION):
                changed = True
                if time.monotonic() >= until:
                    break
        except TraceError as error:
            self.problem = str(error)
        return changed

    def _take(self, entry: Entry) -> None:
        for event in self.index.events([entry]):
            self.view.take(event)
            self.search.take(event)
            self.sides.take(event)
            self.timeline.take(entry, event)
            self.uses.take(entry.number, event)
            if isinstance(event, ModelCalled):
                self.live.forget(event.id)

    def now(self) -> float:
        """Return the time that the run's clock is read at: its end where the log ends with it."""
        entries = self.index.entries
        over = self.steer is None and entries and time.time() - entries[-1].time > STALE
        return entries[-1].time if over else time.time()

    async def give(self, order: Order) -> str:
        """Give an order; return what is to be said about it: nothing, where it was taken."""
        if self.steer is None:
            return "this run is only looked at: it cannot be steered from here"
        try:
            if await self.steer(order):
                return ""
        except TreeActError as error:
            return str(error)
        return "too late: nothing waits for that any more"

"""How many calls one model gets at once: as many as its server takes, found by trying."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from treeact.models.base import SILENT, Completion, Listener, Meter, Model, Request
from treeact.models.wrapped import WrappedModel

FIRST = 20
"""Calls at once at the beginning."""
CUT = 0.8
"""What a refusal multiplies the limit by, once for all refusals that come together."""
EPISODE = 1.0
"""Seconds in which refusals count as one."""
STORM = (5, 10.0)
"""So many refusals in so many seconds pause every call until the server's own time is over."""


class Pace:
    """Grows while a server takes what it gets, and shrinks when it refuses.

    The limit doubles until the first refusal and grows by one a round after it, as congestion
    control does (additive increase, multiplicative decrease).

    Args:
        most: calls at once that are never exceeded.
        first: those at the beginning.
    """

    def __init__(self, *, most: int = 100, first: int = FIRST) -> None:
        self.most = most
        self.limit = float(min(first, most))
        """Calls at once for the moment; its whole part counts."""
        self.in_flight = 0
        self.refusals = 0
        """How often the server refused a call."""
        self._slow = False
        self._last_cut = -EPISODE
        self._paused_until = 0.0
        self._recent: deque[float] = deque(maxlen=STORM[0])
        self._free = asyncio.Condition()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for room, and hold it while the block runs."""
        async with self._free:
            await self._free.wait_for(lambda: self.in_flight < int(self.limit))
            self.in_flight += 1
        try:
            await self._wait_out_pauses()
            yield
        finally:
            self.in_flight -= 1
            async with self._free:
                self._free.notify_all()

    async def _wait_out_pauses(self) -> None:
        if (wait := self._paused_until - time.monotonic()) > 0:
            await asyncio.sleep(wait)
            await self._wait_out_pauses()  # another may have begun meanwhile

    def succeeded(self) -> None:
        """Note that a call was answered."""
        step = 1.0 / self.limit if self._slow else 1.0
        self.limit = min(float(self.most), self.limit + step)

    def refused(self, wait: float) -> None:
        """Note that a call was refused, and that it will be made again after `wait` seconds."""
        now = time.monotonic()
        self.refusals += 1
        self._slow = True
        self._recent.append(now)
        if now - self._last_cut >= EPISODE:
            self._last_cut = now
            self.limit = max(1.0, self.limit * CUT)
        if len(self._recent) == STORM[0] and now - self._recent[0] <= STORM[1]:
            self._paused_until = max(self._paused_until, now + wait)


class PacedModel(WrappedModel):
    """A model whose calls keep to a pace, which all that share the server share.

    Args:
        model: who answers.
        pace: how many calls there may be at once.
    """

    def __init__(self, model: Model, pace: Pace) -> None:
        super().__init__(model)
        self._pace = pace

    async def complete(
        self, request: Request, *, meter: Meter | None = None, listener: Listener = SILENT
    ) -> Completion:
        """Answer when there is room; see `Model.complete`."""

        def refused(wait: float) -> None:
            self._pace.refused(wait)
            if listener.on_rate_limit is not None:
                listener.on_rate_limit(wait)

        async with self._pace.slot():
            heard = replace(listener, on_rate_limit=refused)
            completion = await self._model.complete(request, meter=meter, listener=heard)
        self._pace.succeeded()
        return completion

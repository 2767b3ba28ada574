"""How long an event loop keeps others waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import thread_time

BEAT = 0.01
"""Seconds between two beats."""


class Heartbeat:
    """Beats every 10 ms, and keeps how much processor time the loop took between two beats.

    What other processes take of the machine is not in it.
    """

    def __init__(self) -> None:
        self.worst = 0.0
        """Seconds."""

    async def beat(self) -> None:
        """Beat until cancelled."""
        while True:
            began = thread_time()
            await asyncio.sleep(BEAT)
            self.worst = max(self.worst, thread_time() - began)


@asynccontextmanager
async def heartbeat() -> AsyncIterator[Heartbeat]:
    """Measure the worst stall of the running loop while the block runs."""
    heart = Heartbeat()
    beating = asyncio.ensure_future(heart.beat())
    try:
        yield heart
        await asyncio.sleep(2 * BEAT)  # a stall that still goes on is seen by the beat after it
    finally:
        beating.cancel()

"""Waiting for what a screen is going to show."""

import asyncio
from typing import Any

from textual.pilot import Pilot


async def until(pilot: Pilot[None], holds: Any) -> None:
    """Wait until something holds on the screen."""
    async with asyncio.timeout(20):
        while not holds():
            await pilot.pause(0.02)

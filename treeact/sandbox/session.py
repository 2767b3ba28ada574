"""A sandbox that runs the driver: what Docker, the jail and unsafe-local have in common."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, Self

from treeact.errors import SandboxError
from treeact.sandbox.base import HostTool, Limits
from treeact.sandbox.branch import DriverBranch, make_root
from treeact.sandbox.effects import Tools
from treeact.sandbox.link.channel import Channel
from treeact.sandbox.link.connection import Connection
from treeact.sandbox.live import LiveBranch

START_PATIENCE = 60.0
MAX_RELAUNCHES = 3
"""Times in a row that a sandbox may die without one branch coming to life in it."""
MEMORY_SHARE = 0.7
"""Part of the memory that idle branches may hold before the longest unused are put aside."""
TRIM_INTERVAL = 0.5
"""Seconds between two looks at what idle branches hold."""


class DriverSandbox(ABC):
    """Base of every sandbox kind; a kind says how to launch the driver, and no more."""

    kind: str

    def __init__(self, *, limits: Limits | None = None, preload: Sequence[str] = ()) -> None:
        self.limits = limits or Limits()
        self.preload = tuple(preload)
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._branches: dict[DriverBranch, None] = {}  # least recently used first
        self._roots = 0
        self._failures = 0
        self._closed = False
        self._trimming: asyncio.Task[None] | None = None

    @classmethod
    @abstractmethod
    async def available(cls) -> str | None:
        """Return None when this kind works here, else the reason and the remedy in one line."""

    @abstractmethod
    async def _launch(self) -> Channel:
        """Start a driver and return its channel; called again when the sandbox has to be replaced.

        Raises:
            SandboxUnavailable: this kind cannot run here; the message names the remedy.
            SandboxError: the start failed.
        """

    # The public face ------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the sandbox, so that the first branch need not wait for it."""
        await self._connect()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Kill everything inside; branches cannot be used afterwards."""
        self._closed = True
        if self._trimming:
            self._trimming.cancel()
            await asyncio.gather(self._trimming, return_exceptions=True)
        if self._connection:
            await self._connection.close()

    @property
    def alive(self) -> bool:
        """True while a started driver can be used."""
        return self._connection is not None and self._connection.lost is None

    async def branch(self, *, tools: Sequence[HostTool] = ()) -> DriverBranch:
        """Return a new root branch, a fresh interpreter whose code can call `tools`."""
        self._roots += 1
        branch = make_root(self, self._roots, tools)
        self.adopt(branch)
        await branch.start()
        return branch

    # What branches need ---------------------------------------------------------------------

    def adopt(self, branch: DriverBranch) -> None:
        """Count a branch among the sandbox's own."""
        self._branches[branch] = None

    def forget(self, branch: DriverBranch) -> None:
        """Stop counting a closed branch."""
        self._branches.pop(branch, None)

    def touch(self, branch: DriverBranch) -> None:
        """Note that a branch is used now."""
        if branch in self._branches:
            del self._branches[branch]
            self._branches[branch] = None

    async def open_live(self, branch: DriverBranch, seed: int, tools: Tools) -> LiveBranch:
        """Start fresh processes for a branch."""
        await self._make_room(branch)
        connection = await self._connect()
        try:
            live = await self._open(connection, seed, tools)
        except SandboxError:
            # It may have no processes left to give: sandlock counts killed ones for ever.
            await connection.close("the sandbox could start no more processes and was replaced")
            live = await self._open(await self._connect(), seed, tools)
        self._failures = 0
        return live

    async def _open(self, connection: Connection, seed: int, tools: Tools) -> LiveBranch:
        live = LiveBranch(connection)
        await live.open(0, seed=seed, tools=tools.stubs())
        return live

    async def fork_live(self, branch: DriverBranch, origin: LiveBranch) -> LiveBranch | None:
        """Fork live processes; None when their state cannot be forked and has to be replayed."""
        await self._make_room(branch)
        try:
            live = await origin.fork()
        except SandboxError:
            return None
        if self._trimming is None or self._trimming.done():
            self._trimming = asyncio.create_task(self._trim())
        return live

    # Bounds ---------------------------------------------------------------------------------

    async def _make_room(self, newcomer: DriverBranch) -> None:
        """Put the longest unused branches aside when too many live or they hold too much."""
        live = [branch for branch in self._branches if branch.is_live and branch is not newcomer]
        excess = len(live) + 1 - self.limits.live_branches
        for branch in live:
            if excess > 0 and await branch.evict():
                excess -= 1

    async def _trim(self) -> None:
        """Put the longest unused branches aside while the idle ones hold too much memory."""
        await asyncio.sleep(TRIM_INTERVAL)
        try:
            held = {branch: await branch.memory() for branch in list(self._branches)}
        except SandboxError:
            return  # it died; there is nothing left to put aside
        excess = sum(held.values()) - MEMORY_SHARE * self.limits.memory
        for branch, bytes_held in held.items():
            if excess > 0 and bytes_held and await branch.evict():
                excess -= bytes_held

    async def _connect(self) -> Connection:
        async with self._connecting:
            if self._closed:
                raise SandboxError("the sandbox was closed")
            if self._connection is None or self._connection.lost is not None:
                self._connection = await self._launch_driver()
            return self._connection

    async def _launch_driver(self) -> Connection:
        self._failures += 1
        if self._failures > MAX_RELAUNCHES:
            reason = self._connection.lost if self._connection else "unknown"
            raise SandboxError(f"the sandbox died {MAX_RELAUNCHES} times in a row: {reason}")
        connection = Connection(await _to_the_end(self._launch()), self.limits)
        try:
            await connection.wait_ready(START_PATIENCE)
        except BaseException:
            await connection.close()
            raise
        return connection


async def _to_the_end(launch: Coroutine[Any, Any, Channel]) -> Channel:
    """Wait for a start; when the caller is cancelled, undo it as soon as it is through."""
    task = asyncio.create_task(launch)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(SandboxError):
            await (await task).kill()
        raise

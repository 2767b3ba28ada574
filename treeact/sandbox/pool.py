"""Warm sandboxes, so that a task need not wait for one to start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

from treeact.errors import SandboxError
from treeact.sandbox.session import DriverSandbox

RETRY_DELAY = 1.0
"""Seconds after a failed start before the next one."""


class SandboxPool:
    """Keeps some sandboxes started; each is handed out once and never comes back.

    A sandbox belongs to whoever claims it, and is closed by them:

        async with SandboxPool(JailSandbox, size=2) as pool:
            async with await pool.claim() as sandbox:
                branch = await sandbox.branch()
    """

    def __init__(self, make: Callable[[], DriverSandbox], *, size: int = 1) -> None:
        """Describe a pool; nothing is started yet.

        Args:
            make: returns a new sandbox that is not started, such as a class or a `partial` of one.
            size: how many sandboxes to keep started, at least 1.
        """
        if size < 1:
            raise ValueError("a pool keeps at least one sandbox")
        self._make = make
        self._ready: asyncio.Queue[DriverSandbox] = asyncio.Queue()
        self._room = asyncio.Semaphore(size)
        self._fault: SandboxError | None = None
        self._filling: asyncio.Task[None] | None = None
        self._failed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._filling = asyncio.create_task(self._fill())
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._filling:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)
        while not self._ready.empty():
            await self._ready.get_nowait().close()

    async def claim(self) -> DriverSandbox:
        """Return a started sandbox, which is the caller's to close.

        Raises:
            SandboxError: the latest sandbox could not be started.
        """
        sandbox = await self._next()
        self._room.release()
        if not sandbox.alive:  # it died while it waited
            await sandbox.close()
            return await self.claim()
        return sandbox

    async def _next(self) -> DriverSandbox:
        if not self._ready.empty():
            return self._ready.get_nowait()
        getting = asyncio.create_task(self._ready.get())
        failing = asyncio.create_task(self._failed.wait())
        try:
            await asyncio.wait((getting, failing), return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
            raise self._fault or SandboxError("the pool was closed")
        finally:
            getting.cancel()
            failing.cancel()

    async def _fill(self) -> None:
        while True:
            await self._room.acquire()
            sandbox = self._make()
            try:
                await sandbox.start()
            except SandboxError as error:
                self._fault = error
                self._failed.set()
                self._room.release()
                await asyncio.sleep(RETRY_DELAY)
            except BaseException:
                await sandbox.close()
                raise
            else:
                self._failed.clear()
                self._ready.put_nowait(sandbox)

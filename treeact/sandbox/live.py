"""A branch's processes in a sandbox, as the host sees them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from treeact.errors import SandboxError
from treeact.sandbox.base import FileInfo
from treeact.sandbox.connection import Connection
from treeact.sandbox.protocol import (
    Died,
    Done,
    Fields,
    Kind,
    ProtocolError,
    State,
    load,
    parse_files,
    parse_reply,
    parse_state,
)
from treeact.sandbox.run import Run

PIECE = 4 * 1024**2
"""Bytes of a file in one frame."""
OPEN_PATIENCE = 60.0
REPLY_PATIENCE = 60.0
STATE_PATIENCE = 5.0


class LiveBranch:
    """Speaks for one branch over the connection; one operation at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._reply: asyncio.Future[tuple[Fields, bytes]] | None = None
        self._run: Run | None = None
        self._unclaimed = 0
        self._put: list[str] = []
        self._settled = asyncio.Event()
        self._step = 0
        self._before: tuple[int, State | None] = (0, None)
        self.state: State | None = None
        """Fingerprint after the last run; None until it has come."""
        self.lost: str | None = None
        """Why the processes are gone; None while they live."""
        self.number = connection.register(self)

    # Frames ---------------------------------------------------------------------------------

    def on_frame(self, kind: Kind, payload: bytes) -> None:
        """Take one frame."""
        match kind:
            case Kind.STATE:
                state = parse_state(payload)
                if state.step == self._step:
                    self.state = state
                    self._settled.set()
                elif state.step == self._before[0]:  # come late, and needed after a rollback
                    self._before = (state.step, state)
            case Kind.REPLY:
                reply = parse_reply(payload)
                if self._unclaimed:  # its request was given up; answers come in order
                    self._unclaimed -= 1
                elif self._reply and not self._reply.done():
                    self._reply.set_result(reply)
            case _ if self._run:
                self._run.on_frame(kind, payload)
            case Kind.READY if not self._opened.done():
                self._opened.set_result(None)
            case Kind.FAILED if not self._opened.done():
                self.lost = Fields(load(payload)).text("error")
                self._opened.set_exception(SandboxError(self.lost))
            case _:
                raise ProtocolError(f"the sandbox sent {kind.name} out of turn")

    def on_lost(self, reason: str) -> None:
        """Take notice that the processes are gone."""
        self.lost = self.lost or reason
        error = SandboxError(reason)
        for future in (self._opened, self._reply):
            if future and not future.done():
                future.set_exception(error)
                future.exception()  # waited for or not, it has been seen
        if self._run:
            self._run.on_lost(reason)
        self._settled.set()

    async def fork(self) -> LiveBranch:
        """Return a copy of the branch.

        Raises:
            SandboxError: the state cannot be forked, or the sandbox died.
        """
        twin = LiveBranch(self._connection)
        await twin.open(self.number, step=self._step)
        return twin

    # Operations -----------------------------------------------------------------------------

    async def open(
        self, parent: int, *, step: int = 0, seed: int = 0, tools: Sequence[dict[str, Any]] = ()
    ) -> None:
        """Fork the branch from a live one after `step`, or from the zygote when `parent` is 0.

        Raises:
            SandboxError: the state cannot be forked, or the sandbox died.
        """
        self._step = step
        request = {"parent": parent, "seed": seed, "tools": list(tools)}
        self._connection.send(self.number, Kind.OPEN, request)
        if self._connection.lost is not None:
            self.on_lost(self._connection.lost)
        try:
            async with asyncio.timeout(OPEN_PATIENCE):
                await asyncio.shield(self._opened)
        except TimeoutError:
            self.drop("the sandbox does not answer")
            raise SandboxError("the sandbox does not answer") from None

    def begin(self, code: str, step: int) -> None:
        """Have code run; `follow` is to come before anything else."""
        self._connection.send(
            self.number, Kind.EXEC, {"code": code, "step": step, "put": self._put}
        )
        self._put = []
        self._before, self._step = (self._step, self.state), step
        self.state = None
        self._settled.clear()

    async def follow(self, run: Run, timeout: float) -> Done | Died:
        """Hand what the code says to `run` until its end; see `Run` for the deadline."""
        self._run = run
        if self.lost is not None:
            run.on_lost(self.lost)
        run.start(timeout)
        try:
            end = await run.wait()
        finally:
            self._run = None
        if isinstance(end, Died):
            self._step, self.state = self._before
            if not end.restored:
                self.drop(end.reason or "its processes ended")
        return end

    def send(self, kind: Kind, payload: bytes | dict[str, Any]) -> None:
        """Send one frame of this branch."""
        self._connection.send(self.number, kind, payload)

    async def settle(self) -> None:
        """Wait until the state after the last run is known, within reason."""
        if self.state is None and self.lost is None:
            try:
                async with asyncio.timeout(STATE_PATIENCE):
                    await self._settled.wait()
            except TimeoutError:
                return

    async def put(self, name: str, data: bytes) -> None:
        """Write a file, piece by piece."""
        for offset in range(0, max(len(data), 1), PIECE):
            head = json.dumps({"name": name, "offset": offset}).encode() + b"\n"
            await self._request(Kind.PUT, head + data[offset : offset + PIECE])
        self._put.append(name)

    async def get(self, name: str, limit: int) -> bytes:
        """Read a file, piece by piece; it may not grow beyond `limit` bytes."""
        data = bytearray()
        while True:
            request = {"name": name, "offset": len(data), "size": PIECE}
            fields, piece = await self._request(Kind.GET, request)
            data += piece
            if fields.count("size") > limit or len(data) > limit or len(piece) > PIECE:
                raise SandboxError(f"file {name!r} is larger than {limit} bytes")
            if not piece or len(data) >= fields.count("size"):
                return bytes(data)

    async def list(self) -> list[FileInfo]:
        """List the regular files."""
        fields, _ = await self._request(Kind.LIST)
        return sorted(parse_files(fields), key=lambda file: file.name)

    async def memory(self) -> int:
        """Return the bytes that the branch's frozen process holds, its share of common pages."""
        fields, _ = await self._request(Kind.STAT)
        return fields.count("memory")

    async def close(self) -> None:
        """Kill the processes and remove the files."""
        if self.lost is None:
            with suppress(SandboxError):
                await self._request(Kind.CLOSE)
            self.drop("the branch was closed")

    def drop(self, reason: str) -> None:
        """Forget processes that are gone or to go."""
        self._connection.unregister(self.number)
        if self.lost is None:
            self._connection.send(self.number, Kind.CLOSE)
        self.on_lost(reason)

    async def _request(
        self, kind: Kind, payload: bytes | dict[str, Any] = b""
    ) -> tuple[Fields, bytes]:
        if self.lost is not None:
            raise SandboxError(self.lost)
        reply = self._reply = self._loop.create_future()
        self._connection.send(self.number, kind, payload)
        await self._connection.drain()
        try:
            async with asyncio.timeout(REPLY_PATIENCE):
                fields, data = await reply
        except TimeoutError:
            raise SandboxError("the sandbox does not answer") from None
        finally:
            self._reply = None
            self._unclaimed += reply.cancelled() or not reply.done()
        if (error := fields.text_or_none("error")) is not None:
            raise SandboxError(error)
        return fields, data

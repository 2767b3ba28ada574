"""One driver's stream, shared by the branches that live in it."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from treeact.errors import SandboxError
from treeact.sandbox.base import Limits
from treeact.sandbox.link.channel import Channel
from treeact.sandbox.link.line import Line
from treeact.sandbox.link.protocol import (
    VERSION,
    Decoder,
    Fields,
    Kind,
    ProtocolError,
    encode,
    load,
)

FRAME_SLACK = 1 << 16
"""What the driver may add to a payload of the largest allowed size."""


class Receiver(Protocol):
    """Takes the frames of one branch, in order."""

    def on_frame(self, kind: Kind, payload: bytes) -> None:
        """Take one frame; a ProtocolError means that the branch has to go."""

    def on_lost(self, reason: str) -> None:
        """Take notice that nothing will come any more."""


class Connection:
    """Sends frames to a driver and hands the ones from it to the branches they name."""

    def __init__(self, channel: Channel, limits: Limits) -> None:
        self._channel = channel
        self.max_frame = limits.frame + FRAME_SLACK
        self._decoder = Decoder(self.max_frame)
        self._receivers: dict[int, Receiver] = {}
        self._numbers = 0
        self._hello: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read())
        self.lost: str | None = None
        """Why the driver is gone; None while it lives."""

    async def wait_ready(self, timeout: float) -> None:
        """Wait until the driver has said hello.

        Raises:
            SandboxError: it did not, within `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(self._hello)
        except TimeoutError:
            await self.close("it was not ready in time")
            raise SandboxError(
                f"the sandbox's driver did not start within {timeout:g} s: "
                f"{await self._channel.diagnose()}"
            ) from None

    def register(self, receiver: Receiver) -> int:
        """Return a new branch number, whose frames go to `receiver`."""
        self._numbers += 1
        self._receivers[self._numbers] = receiver
        return self._numbers

    def unregister(self, number: int) -> None:
        """Drop the frames of a branch from now on."""
        self._receivers.pop(number, None)

    def send(self, branch: int, kind: Kind, payload: bytes | dict[str, Any] = b"") -> None:
        """Send one frame."""
        if self.lost is None:
            self._channel.write(encode(branch, kind, payload))

    @property
    def carries_lines(self) -> bool:
        """True when lines can be handed to the driver."""
        return self.lost is None and self._channel.carries_descriptors

    def send_line(self, branch: int, line: Line) -> bool:
        """Hand the far end of a line over; False where that cannot be done, or not now."""
        frame = encode(branch, Kind.LINE, {"line": line.number})
        sent = self._channel.pass_descriptor(frame, line.far_end)
        line.hand_over()
        return sent

    async def drain(self) -> None:
        """Wait until the driver has taken most of what was sent."""
        await self._channel.drain()

    async def close(self, reason: str = "the sandbox was closed") -> None:
        """Kill the sandbox; branches in it learn the reason."""
        self._lose(reason)
        await self._channel.kill()
        if self._reader is not asyncio.current_task():
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self) -> None:
        try:
            await self._channel.pump(self._feed)
            reason = f"the sandbox died: {await self._channel.diagnose()}"
        except ProtocolError as error:
            reason = str(error)
        except Exception as error:  # whatever it is, those who wait must hear of it
            reason = f"reading from the sandbox failed: {type(error).__name__}: {error}"
        await self.close(reason)

    def _feed(self, data: bytes) -> None:
        for branch, kind, payload in self._decoder.feed(data):
            self._dispatch(branch, kind, payload)

    def _dispatch(self, branch: int, kind: Kind, payload: bytes) -> None:
        if branch == 0 and kind == Kind.HELLO:
            self._greet(Fields(load(payload)))
        receiver = self._receivers.get(branch)
        if receiver is None:
            return  # of a branch that was closed, or never was
        try:
            receiver.on_frame(kind, payload)
        except ProtocolError as error:
            self.unregister(branch)
            self.send(branch, Kind.CLOSE)
            receiver.on_lost(str(error))

    def _greet(self, fields: Fields) -> None:
        if fields.count("version") != VERSION:
            raise ProtocolError("the sandbox's driver is of another version: rebuild its image")
        if not self._hello.done():
            self._hello.set_result(fields.text("python"))

    def _lose(self, reason: str) -> None:
        if self.lost is not None:
            return
        self.lost = reason
        if not self._hello.done():
            self._hello.set_exception(SandboxError(reason))
            self._hello.exception()  # waited for or not, it has been seen
        receivers, self._receivers = list(self._receivers.values()), {}
        for receiver in receivers:
            receiver.on_lost(reason)

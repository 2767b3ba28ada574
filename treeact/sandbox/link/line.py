"""A line: a child's own stream to the host, past the supervisor, for the one run it is forked for.

The host makes both ends and hands one to the supervisor, which gives it to the next child. It takes
no descriptor from the sandbox, and what a child sends over its line counts for its branch alone.
"""

from __future__ import annotations

import itertools
import os
import socket
from typing import Any, Protocol

from treeact.sandbox.link.protocol import Decoder, Kind, ProtocolError, encode
from treeact.sandbox.link.wire import Wire

FROM_CHILD = frozenset({Kind.CALL, Kind.IMAGE, Kind.DONE})
_NUMBERS = itertools.count(1)


class Owner(Protocol):
    """Takes what comes over a line."""

    def on_line_frame(self, line: Line, kind: Kind, payload: bytes) -> None:
        """Take one frame; a ProtocolError ends the line."""

    def on_line_lost(self, line: Line, reason: str | None) -> None:
        """Take notice that the child has gone, or broke the protocol as the reason says."""


class Line:
    """The host's end of a line."""

    def __init__(self, owner: Owner, max_frame: int) -> None:
        near, far = socket.socketpair()
        self.number = next(_NUMBERS)
        self.far_end = far.detach()
        self._owner = owner
        self._closed = False
        self._decoder = Decoder(max_frame)
        descriptor = near.detach()
        self._wire = Wire(descriptor, descriptor)
        self._wire.listen(self._feed, self._ended)

    def hand_over(self) -> None:
        """Close the far end here, once the supervisor has it."""
        os.close(self.far_end)

    def send(self, kind: Kind, payload: dict[str, Any] | bytes) -> None:
        """Send one frame."""
        self._wire.write(encode(0, kind, payload))

    def attend(self, milliseconds: int) -> None:
        """Take what the child says next, if it comes so soon, without a turn of the event loop."""
        self._wire.attend(milliseconds)

    def close(self) -> None:
        """Hear no more of the child, nor it of us."""
        self._closed = True
        self._wire.close()

    def _feed(self, data: bytes) -> None:
        for _, kind, payload in self._decoder.feed(data):
            if kind not in FROM_CHILD:
                raise ProtocolError(f"the sandbox sent {kind.name} out of turn")
            self._owner.on_line_frame(self, kind, payload)

    def _ended(self, error: Exception | None) -> None:
        if not self._closed:
            self._owner.on_line_lost(self, str(error) if error else None)

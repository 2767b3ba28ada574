"""A byte stream over open descriptors, read and written in the event loop's own callbacks.

asyncio's streams take two more turns of the loop for each message, a good part of a short run.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import Callable
from functools import partial

PIECE = 1 << 16
"""Bytes read at once; for more, an allocator would ask the kernel for memory each time."""
BACKLOG = 1 << 16
"""Bytes that may wait to be written before `drain` waits, too."""

Feed = Callable[[bytes], None]
Ended = Callable[[Exception | None], None]


class Wire:
    """Two descriptors, or one socket's twice, which are closed with it."""

    def __init__(self, source: int, sink: int) -> None:
        self._source, self._sink = source, sink
        self._loop = asyncio.get_running_loop()
        self._feed: Feed = _ignore
        self._ended: Ended | None = None
        self._backlog = bytearray()
        self._drained = asyncio.Event()
        self._drained.set()
        self._closed = False
        for fd in {source, sink}:
            os.set_blocking(fd, False)

    def listen(self, feed: Feed, ended: Ended) -> None:
        """Hand over what comes until the end, whatever ends it.

        Args:
            feed: takes bytes; the end has come when it raises.
            ended: told once, with what `feed` raised or None; also after a `close`.
        """
        if self._closed:
            ended(None)
        else:
            self._feed, self._ended = feed, ended
            self._loop.add_reader(self._source, self._take)

    async def pump(self, feed: Feed) -> None:
        """Hand over what comes until the end, whatever ends it; raise what `feed` raises."""
        ended: asyncio.Future[None] = self._loop.create_future()
        self.listen(feed, partial(_settle, ended))
        try:
            await ended
        finally:
            self._end(None)

    def attend(self, milliseconds: int) -> None:
        """Hand over what comes within so short a time, while nothing else has its turn.

        The thread sleeps: one that spins keeps a child on the same processor from its work.
        """
        readable = select.poll()
        readable.register(self._source, select.POLLIN)
        if self._ended and readable.poll(milliseconds):
            self._take()

    def _take(self) -> None:
        try:
            data = os.read(self._source, PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        try:
            if data:
                self._feed(data)
            else:
                self._end(None)
        except Exception as error:
            self._end(error)

    def _end(self, error: Exception | None) -> None:
        if self._ended:
            ended, self._ended = self._ended, None
            self._loop.remove_reader(self._source)
            ended(error)

    def write(self, data: bytes) -> None:
        """Write at once what the other side takes, queue the rest; dropped when it has gone."""
        if self._closed:
            return
        if not self._backlog:
            data = data[self._put(data) :]
            if data:
                self._loop.add_writer(self._sink, self._flush)
        self._backlog += data
        if len(self._backlog) > BACKLOG:
            self._drained.clear()

    def pass_descriptor(self, data: bytes, descriptor: int) -> bool:
        """Write bytes with a descriptor into a local socket at once; False when nothing was."""
        if self._closed or self._backlog:
            return False
        sock = socket.socket(fileno=self._sink)
        try:
            sent = socket.send_fds(sock, [data], [descriptor])
        except OSError:
            return False
        finally:
            sock.detach()
        self.write(data[sent:])
        return True

    def _put(self, data: bytes | bytearray) -> int:
        """Return how many bytes are dealt with: written, or lost with a reader that has gone."""
        try:
            return os.write(self._sink, data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)

    def _flush(self) -> None:
        del self._backlog[: self._put(self._backlog)]
        if not self._backlog:
            self._loop.remove_writer(self._sink)
        if len(self._backlog) <= BACKLOG:
            self._drained.set()

    async def drain(self) -> None:
        """Wait until most of what was queued has been taken."""
        await self._drained.wait()

    def close(self) -> None:
        """Close the descriptors; the other side reads an end of file, and so do we."""
        if self._closed:
            return
        self._closed = True
        self._end(None)
        if self._backlog:
            self._loop.remove_writer(self._sink)
            self._backlog.clear()
        self._drained.set()
        for fd in {self._source, self._sink}:
            os.close(fd)


def _ignore(data: bytes) -> None:
    pass


def _settle(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():
        return
    if error:
        future.set_exception(error)
    else:
        future.set_result(None)

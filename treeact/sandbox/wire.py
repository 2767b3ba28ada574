"""A byte stream over open descriptors, read and written in the event loop's own callbacks.

asyncio's streams take two more turns of the loop for each message, a good part of a short run.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

PIECE = 1 << 18
"""Bytes read at once."""
BACKLOG = 1 << 16
"""Bytes that may wait to be written before `drain` waits, too."""


class Wire:
    """Two descriptors, or one socket's twice, which are closed with it."""

    def __init__(self, source: int, sink: int) -> None:
        self._source, self._sink = source, sink
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._backlog = bytearray()
        self._drained = asyncio.Event()
        self._drained.set()
        self._closed = False
        for fd in {source, sink}:
            os.set_blocking(fd, False)

    async def pump(self, feed: Callable[[bytes], None]) -> None:
        """Hand over what comes until the end, whatever ends it; raise what `feed` raises."""
        if not self._closed:
            self._loop.add_reader(self._source, self._take, feed)
        try:
            await self._ended
        finally:
            if not self._closed:
                self._loop.remove_reader(self._source)

    def _take(self, feed: Callable[[bytes], None]) -> None:
        try:
            data = os.read(self._source, PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        try:
            if data:
                feed(data)
            else:
                self._end(None)
        except Exception as error:
            self._end(error)

    def _end(self, error: Exception | None) -> None:
        if not self._closed:
            self._loop.remove_reader(self._source)
        if self._ended.done():
            return
        if error:
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)

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
        """Close the descriptors; the other side reads an end of file, and so does `pump`."""
        if self._closed:
            return
        self._end(None)
        self._loop.remove_writer(self._sink)
        self._closed = True
        self._backlog.clear()
        self._drained.set()
        for fd in {self._source, self._sink}:
            os.close(fd)

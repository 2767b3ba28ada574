"""The driver's stream in a container: the engine's attach call, spoken without a thread.

docker-py offers this stream only as a blocking socket, dug out of its HTTP library; the call itself
is one HTTP request, after which the connection is ours.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from treeact.errors import SandboxError, SandboxUnavailable
from treeact.sandbox.docker.engine import REMEDY, UNSUPPORTED, Endpoint

if TYPE_CHECKING:
    from docker.tls import TLSConfig

BUFFER = 256 * 1024
"""Bytes that may wait here before the engine, and then the container, has to."""
STDERR_TAIL = 4096
"""Bytes kept of stderr."""
ANSWER_TIMEOUT = 30.0
"""Seconds that the engine may take to accept the attach call."""
_STDOUT = 1


class AttachedStream:
    """A container's stdin, stdout and stderr over one connection."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._left = 0
        self._kind = _STDOUT
        self._stderr = b""

    @property
    def stderr(self) -> str:
        """The end of what the container wrote to stderr, as far as it has been read."""
        return self._stderr.decode(errors="replace")

    async def read(self) -> bytes:
        """Return the next bytes of stdout, `b""` at the end; stderr is put aside on the way."""
        while True:
            try:
                data = await self._next()
            except (OSError, EOFError):
                return b""
            if self._kind == _STDOUT:
                return data
            self._stderr = (self._stderr + data)[-STDERR_TAIL:]

    async def _next(self) -> bytes:
        """Return a piece of one stream; each of the engine's chunks has a head of 8 bytes."""
        while not self._left:
            head = await self._reader.readexactly(8)
            self._kind, self._left = head[0], int.from_bytes(head[4:], "big")
        data = await self._reader.read(min(self._left, BUFFER))
        if not data:
            raise EOFError
        self._left -= len(data)
        return data

    def write(self, data: bytes) -> None:
        """Queue bytes for stdin; dropped when the connection is gone."""
        if not self._writer.transport.is_closing():
            self._writer.write(data)

    async def drain(self) -> None:
        """Wait until most of what was queued has been taken."""
        try:
            await self._writer.drain()
        except OSError:
            return

    def close(self) -> None:
        """Give the connection up; the container's stdin ends with it."""
        self._writer.transport.abort()


async def attach(endpoint: Endpoint, container: str, *, api_version: str) -> AttachedStream:
    """Attach to a container that has been created and not yet started, so that nothing is missed.

    Raises:
        SandboxError: the engine refused.
        SandboxUnavailable: the engine cannot be reached.
    """
    try:
        reader, writer = await _dial(endpoint)
    except OSError as error:
        raise SandboxUnavailable(f"no Docker engine answers ({error}): {REMEDY}") from error
    try:
        writer.write(_request(container, api_version))
        await _read_answer(reader)
    except BaseException:
        writer.transport.abort()
        raise
    return AttachedStream(reader, writer)


async def _read_answer(reader: StreamReader) -> None:
    """Read the head of the engine's answer; the container's bytes follow it."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT):
            head = await reader.readuntil(b"\r\n\r\n")
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        reason = str(error) or type(error).__name__
        raise SandboxError(f"the Docker engine broke off the attach call: {reason}") from error
    status = head.split(b"\r\n", 1)[0].decode(errors="replace")
    if status.split(" ")[1:2] not in (["101"], ["200"]):
        raise SandboxError(f"the Docker engine refused to attach: {status}")


def _request(container: str, api_version: str) -> bytes:
    query = "stream=1&stdin=1&stdout=1&stderr=1"
    lines = [
        f"POST /v{api_version}/containers/{container}/attach?{query} HTTP/1.1",
        "Host: docker",
        "Connection: Upgrade",
        "Upgrade: tcp",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _dial(endpoint: Endpoint) -> tuple[StreamReader, StreamWriter]:
    url = urlsplit(endpoint.host)
    if url.scheme == "unix":
        return await asyncio.open_unix_connection(url.path, limit=BUFFER)
    if url.scheme in ("tcp", "http", "https"):
        context = _tls(endpoint.tls) if endpoint.tls else None
        port = url.port or (2376 if context else 2375)
        return await asyncio.open_connection(url.hostname, port, ssl=context, limit=BUFFER)
    raise SandboxUnavailable(UNSUPPORTED.format(host=endpoint.host))


def _tls(settings: TLSConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca_cert or None)
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.cert:
        context.load_cert_chain(*settings.cert)
    return context

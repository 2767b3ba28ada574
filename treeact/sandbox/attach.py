"""The driver's stream in a container: the engine's attach call, spoken without a thread.

docker-py offers this stream only as a blocking socket, dug out of its HTTP library; the call itself
is one HTTP request, after which the connection is ours.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import Process
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from treeact.errors import SandboxError, SandboxUnavailable
from treeact.sandbox.engine import REMEDY, Endpoint

if TYPE_CHECKING:
    from docker.tls import TLSConfig

BUFFER = 256 * 1024
"""Bytes that may wait here before the engine, and then the container, has to."""
STDERR_TAIL = 4096
"""Bytes kept of stderr."""
ANSWER_TIMEOUT = 30.0
"""Seconds that the engine may take to accept the attach call."""
_STDOUT, _STDERR = 1, 2


class AttachedStream:
    """A container's stdin, stdout and stderr over one connection."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._reader = connection.reader
        self._writer = connection.writer
        self._left = 0
        self._kind = _STDOUT
        self._stderr: deque[int] = deque(maxlen=STDERR_TAIL)

    @property
    def stderr(self) -> str:
        """The end of what the container wrote to stderr, as far as it has been read."""
        return bytes(self._stderr).decode(errors="replace")

    async def read(self) -> bytes:
        """Return the next bytes of stdout, `b""` at the end; stderr is put aside on the way."""
        while True:
            try:
                data = await self._next()
            except (OSError, EOFError):
                return b""
            if self._kind == _STDOUT:
                return data
            self._stderr.extend(data)

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

    async def close(self) -> None:
        """Give the connection up; the container's stdin ends with it."""
        await self._connection.close()


@dataclass(frozen=True)
class _Connection:
    reader: StreamReader
    writer: StreamWriter
    process: Process | None = None
    """The ssh client whose streams these are."""

    async def close(self) -> None:
        self.writer.transport.abort()
        if self.process:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


async def attach(endpoint: Endpoint, container: str, *, api_version: str) -> AttachedStream:
    """Attach to a container that has been created and not yet started, so that nothing is missed.

    Raises:
        SandboxError: the engine refused.
        SandboxUnavailable: the engine cannot be reached.
    """
    try:
        connection = await _dial(endpoint)
    except OSError as error:
        raise SandboxUnavailable(f"no Docker engine answers ({error}): {REMEDY}") from error
    try:
        await _upgrade(connection, _request(container, api_version))
    except BaseException:
        await connection.close()
        raise
    return AttachedStream(connection)


async def _upgrade(connection: _Connection, request: bytes) -> None:
    """Send the request and read the answer's head; the container's bytes follow it."""
    try:
        connection.writer.write(request)
        async with asyncio.timeout(ANSWER_TIMEOUT):
            head = await connection.reader.readuntil(b"\r\n\r\n")
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


async def _dial(endpoint: Endpoint) -> _Connection:
    url = urlsplit(endpoint.host)
    if url.scheme in ("unix", "http+unix"):
        return _Connection(*await asyncio.open_unix_connection(url.path, limit=BUFFER))
    if url.scheme in ("tcp", "http", "https"):
        context = _tls(endpoint.tls) if endpoint.tls else None
        port = url.port or (2376 if context else 2375)
        opened = asyncio.open_connection(url.hostname, port, ssl=context, limit=BUFFER)
        return _Connection(*await opened)
    if url.scheme == "ssh":
        return await _dial_ssh(endpoint.host)
    raise SandboxUnavailable(
        f"cannot attach through {endpoint.host}: set DOCKER_HOST to a unix, tcp or ssh URL"
    )


def _tls(settings: TLSConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca_cert or None)
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.cert:
        context.load_cert_chain(*settings.cert)
    return context


async def _dial_ssh(host: str) -> _Connection:
    """Reach the engine as Docker's own client does: the connection is ssh's stdin and stdout."""
    process = await asyncio.create_subprocess_exec(
        *("ssh", "-T", "-o", "BatchMode=yes", "--", host, "docker", "system", "dial-stdio"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=BUFFER,
    )
    assert process.stdin and process.stdout
    return _Connection(process.stdout, process.stdin, process)

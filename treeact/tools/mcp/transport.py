"""How an MCP server is talked to: over the pipes of a kept process, or over HTTP, within bounds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage

from treeact.errors import ConfigError
from treeact.tools.mcp.servers import McpServer

KEEPER = Path(__file__).parents[2] / "keeper.py"
LARGEST = 16 * 1024**2
"""Bytes of one message of a server: more than any result that can be passed on."""
TOO_LARGE = f"the answer is larger than {LARGEST // 1024**2} MB: ask for less at a time"
ENVIRONMENT = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER")
"""Variables of our environment that servers get: no keys are among them."""
WORDS = 2000
"""Bytes kept of what a server says on its error stream."""
PATIENCE = 30.0
ID = re.compile(rb"\"id\"\s*:\s*(\d+)")
Incoming = SessionMessage | Exception


class StdioTransport:
    """Starts a server and speaks with it in lines; when this process ends, its keeper kills it.

    A line that is too long is dropped, and the call that it may have answered fails.
    """

    ends_with_call = True
    """Whether a connection that closes during a call is closed for good."""

    def __init__(self, server: McpServer) -> None:
        self._server = server
        self._waiting: dict[Any, None] = {}
        self._words = bytearray()
        self._tasks: list[asyncio.Task[None]] = []
        self._process: asyncio.subprocess.Process | None = None
        self._control = -1

    async def __aenter__(
        self,
    ) -> tuple[MemoryObjectReceiveStream[Incoming], MemoryObjectSendStream[SessionMessage]]:
        """Start the server.

        Raises:
            ConfigError: there is no such command.
        """
        process = await self._start()
        to_us, ours = anyio.create_memory_object_stream[Incoming](0)
        theirs, to_them = anyio.create_memory_object_stream[SessionMessage](0)
        self._tasks = [
            asyncio.create_task(work)
            for work in (self._read(process, to_us), self._write(process, to_them), self._listen())
        ]
        return ours, theirs

    async def __aexit__(self, *exc: object) -> None:
        """End the server and everything that it has started."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._control >= 0:
            os.close(self._control)
            self._control = -1
        if self._process is not None:
            if self._process.stdin:
                self._process.stdin.close()
            with contextlib.suppress(TimeoutError):  # never kill the keeper: nobody else cleans up
                async with asyncio.timeout(PATIENCE):
                    await self._process.wait()

    async def _start(self) -> asyncio.subprocess.Process:
        server = self._server
        env = environment(server)
        program = shutil.which(server.command[0], path=env.get("PATH"))
        if program is None:
            raise ConfigError(
                f"there is no command {server.command[0]!r}: install it, or give its whole path"
            )
        ours, self._control = os.pipe()
        config = {
            "argv": [program, *server.command[1:]],
            "env": None,  # its own, since everybody on the machine can read arguments
            "cwd": server.cwd,
            "folder": None,
            "user": None,
            "sandlock": None,
            "control": ours,
        }
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", "-S", "-W", "ignore", str(KEEPER), json.dumps(config)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=env,
                pass_fds=(ours,),
                start_new_session=True,
            )
        finally:
            os.close(ours)
        return self._process

    async def _read(
        self, process: asyncio.subprocess.Process, out: MemoryObjectSendStream[Incoming]
    ) -> None:
        assert process.stdout
        async with out:
            with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                async for line in lines(process.stdout):
                    for message in self._messages(line):
                        await out.send(message)

    def _messages(self, line: bytes) -> list[Incoming]:
        if len(line) > LARGEST:
            return list(self._failures(line[:500]))
        try:
            message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
        except (ValueError, RecursionError) as error:
            return [ValueError(f"no message: {str(error)[:200]}")]
        self._waiting.pop(getattr(message, "id", None), None)
        return [SessionMessage(message)]

    def _failures(self, start: bytes) -> list[SessionMessage]:
        """Fail the call that a line which is too long answers, or where it is not known, all."""
        match = ID.search(start)
        answered = int(match[1]) if match else None
        failed = [answered] if answered in self._waiting else list(self._waiting)
        error = types.ErrorData(code=types.INTERNAL_ERROR, message=TOO_LARGE)
        for id in failed:
            del self._waiting[id]
        return [
            SessionMessage(types.JSONRPCError(jsonrpc="2.0", id=id, error=error)) for id in failed
        ]

    async def _write(
        self, process: asyncio.subprocess.Process, source: MemoryObjectReceiveStream[SessionMessage]
    ) -> None:
        assert process.stdin
        async with source:
            with contextlib.suppress(OSError):
                async for item in source:
                    if isinstance(item.message, types.JSONRPCRequest):
                        self._waiting[item.message.id] = None
                    line = item.message.model_dump_json(by_alias=True, exclude_unset=True)
                    process.stdin.write(line.encode() + b"\n")
                    await process.stdin.drain()

    async def _listen(self) -> None:
        assert self._process and self._process.stderr
        while piece := await self._process.stderr.read(4096):
            self._words += piece
            del self._words[:-WORDS]

    async def diagnose(self) -> str:
        """Return why the server is not there any more, as far as it can be known."""
        await asyncio.sleep(0.1)  # its last words may still be on their way
        if self._process is None or self._process.returncode is None:
            return "it has closed its output"
        words = self._words.decode("utf-8", "replace").strip().splitlines()[-3:]
        return f"exit code {self._process.returncode}: {' | '.join(words) or 'no message'}"


async def lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Iterate over the lines of a stream; of one that is too long only the beginning is kept."""
    start = bytearray()
    while piece := await stream.read(65536):
        *whole, rest = piece.split(b"\n")
        for part in whole:
            if line := bytes(start + part).strip():
                yield line
            start.clear()
        start += rest[: max(0, LARGEST + 1 - len(start))]


class HttpTransport:
    """Speaks with a server over streamable HTTP, where each call has a request of its own."""

    ends_with_call = False

    def __init__(self, server: McpServer) -> None:
        self._server = server
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Any:
        """Open the client; the first request is what finds the server."""
        client = httpx2.AsyncClient(
            headers={"Accept-Encoding": "identity", **self._server.headers},
            timeout=httpx2.Timeout(30.0, read=300.0),
            transport=_BoundedTransport(),
        )
        await self._stack.enter_async_context(client)
        streams = streamable_http_client(
            self._server.url, http_client=client, max_sse_event_size=LARGEST
        )
        return await self._stack.enter_async_context(streams)

    async def __aexit__(self, *exc: object) -> None:
        """Close the client."""
        await self._stack.aclose()

    async def diagnose(self) -> str:
        """Return what is to be looked at."""
        return f"is there a server at {self._server.url}?"


class _BoundedTransport(httpx2.AsyncHTTPTransport):
    """Ends a body that is too large; streams of events are bounded event by event.

    What goes wrong with one request is made the answer to it, since the client would end the whole
    connection for it.
    """

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await super().handle_async_request(request)
        except httpx2.TransportError as error:
            return _failure(request, str(error) or type(error).__name__)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            return _failure(request, "the server compresses its answer, which it was not to do")
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            response.stream = _Bounded(response.stream)
        return response


def _failure(request: httpx2.Request, text: str) -> httpx2.Response:
    """Return an answer that says what went wrong, in the protocol's form."""
    error = {"code": types.INTERNAL_ERROR, "message": text}
    return httpx2.Response(
        502, json={"jsonrpc": "2.0", "id": None, "error": error}, request=request
    )


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for piece in self._stream:
                size += len(piece)
                if size > LARGEST:
                    raise httpx2.StreamError(TOO_LARGE)
                yield piece
        except httpx2.TransportError as error:
            raise httpx2.StreamError(str(error) or type(error).__name__) from error

    async def aclose(self) -> None:
        await self._stream.aclose()


def transport_of(server: McpServer) -> StdioTransport | HttpTransport:
    """Return how to talk to `server`."""
    return HttpTransport(server) if server.url else StdioTransport(server)


def environment(server: McpServer) -> dict[str, str]:
    """Return the whole environment that a server is started with."""
    return {
        **{name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
        **server.env,
    }

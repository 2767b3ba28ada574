"""One MCP server that is connected: its life, its list of tools, its calls."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from treeact.errors import ConfigError, ToolError
from treeact.tools.mcp.content import value_of
from treeact.tools.mcp.servers import McpServer

if TYPE_CHECKING:
    import mcp_types as types
    from mcp import Client

    from treeact.tools.mcp.transport import HttpTransport, StdioTransport

CONNECTION_CLOSED = -32000
"""The code of the protocol for a connection that ended."""
MOST_TOOLS = 1000
PAGES = 100


class Connection:
    """A server and the task that owns the client, so that its end is nobody else's."""

    def __init__(self, server: McpServer) -> None:
        self.server = server
        self._client: Client | None = None
        self._stop = asyncio.Event()
        self._owner: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[list[types.Tool]] | None = None
        self._transport: StdioTransport | HttpTransport
        self._fault = "it was closed"

    async def open(self, timeout: float) -> list[types.Tool]:
        """Start the server and return what it has."""
        try:  # before the clock starts: it takes a second
            from treeact.tools.mcp.transport import transport_of
        except ImportError as error:
            raise ConfigError(
                f'MCP servers need the package {error.name}: pip install "treeact[mcp]"'
            ) from error
        self._transport = transport_of(self.server)
        self._ready = asyncio.get_running_loop().create_future()
        self._owner = asyncio.create_task(self._own())
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.shield(self._ready)
        except TimeoutError:
            raise ConfigError(
                f"MCP server {self.server.name} has not listed its tools within {timeout:g} "
                "seconds: run its command by hand to see what it waits for"
            ) from None

    async def close(self) -> None:
        """End the server."""
        self._stop.set()
        if self._ready is not None and not self._ready.done():
            self._ready.cancel()
            if self._owner is not None:
                self._owner.cancel()
        if self._owner is not None:
            await asyncio.gather(self._owner, return_exceptions=True)

    async def _own(self) -> None:
        from mcp import Client

        try:
            async with Client(self._transport, cache=None) as client:
                tools = await _list_tools(client)
                self._client = client
                assert self._ready
                self._ready.set_result(tools)
                await self._stop.wait()
        except ConfigError as error:
            self._fail(str(error))
        except (Exception, BaseExceptionGroup) as error:
            why = f"{_described(error)}; {await self._transport.diagnose()}"
            self._fail(f"it does not speak MCP: {why}")
        finally:
            self._client = None

    def _fail(self, why: str) -> None:
        self._fault = why
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(ConfigError(f"MCP server {self.server.name}: {why}"))

    async def call(self, tool: types.Tool, arguments: dict[str, Any]) -> Any:
        """Call a tool of the server.

        Raises:
            ToolError: the server says so, or has gone, or breaks the protocol.
        """
        try:
            result = await self._call(tool.name, arguments)
        except ToolError:
            raise
        except (Exception, BaseExceptionGroup) as error:
            closed = getattr(error, "code", None) == CONNECTION_CLOSED
            if closed and self._transport.ends_with_call:
                self._client, self._fault = None, await self._transport.diagnose()
                raise self._gone() from error
            reason = _described(error)
            raise ToolError(f"the server {self.server.name!r} failed: {reason}") from error
        return await value_of(result, tool)

    async def _call(self, name: str, arguments: dict[str, Any]) -> types.CallToolResult:
        """Return what the server answers, as long as it is there."""
        if self._client is None or self._owner is None:
            raise self._gone()
        work = asyncio.ensure_future(self._client.call_tool(name, arguments))
        try:
            await asyncio.wait([work, self._owner], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ToolError(f"the server {self.server.name!r} ended during the call")
            return work.result()
        finally:
            work.cancel()

    def _gone(self) -> ToolError:
        return ToolError(f"the server {self.server.name!r} is gone ({self._fault}): do without it")


async def _list_tools(client: Client) -> list[types.Tool]:
    tools: list[types.Tool] = []
    cursor: str | None = None
    for _ in range(PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor or len(tools) >= MOST_TOOLS:
            break
    return tools[:MOST_TOOLS]


def _described(error: BaseException) -> str:
    """Return an error as one short line; of a group, the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return " ".join(str(error).split())[:600] or type(error).__name__

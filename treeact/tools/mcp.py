"""Tools of MCP servers as tools of agents (Model Context Protocol, modelcontextprotocol.io).

    async with mcp_tools("npx -y @modelcontextprotocol/server-everything") as tools:
        await CodeAct(model, tools=tools).run(task)

The servers live as long as the block, and no longer than this process, however it ends.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import inspect
import mimetypes
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from treeact.calling import working_folder
from treeact.errors import ConfigError, ToolError
from treeact.tools.function import Effects, Tool, make_tool
from treeact.tools.mcp_servers import McpServer
from treeact.tools.schemas import WHOLE, Field, fields_of, hint_of, identifier

if TYPE_CHECKING:
    import mcp_types as types
    from mcp import Client

    from treeact.tools.mcp_transport import HttpTransport, StdioTransport

START_TIMEOUT = 120.0
"""Seconds until a server has started and listed its tools: `npx` may have to install it first."""
CALL_TIMEOUT = 60.0
"""Seconds of one call."""
CONNECTION_CLOSED = -32000
"""The code of the protocol for a connection that ended."""
MOST_TOOLS = 1000
PAGES = 100
LONGEST = 2000
"""Characters kept of a tool's description."""


@asynccontextmanager
async def mcp_tools(
    *servers: McpServer | str,
    taken: Iterable[str] = (),
    start_timeout: float = START_TIMEOUT,
    timeout: float = CALL_TIMEOUT,
) -> AsyncIterator[tuple[Tool, ...]]:
    """Connect to MCP servers and give their tools, as long as the block runs.

    Signatures come from the JSON Schemas. A tool is of effects `read` where the server says that it
    only reads, and `write` where it says otherwise or nothing. Names that are no Python names are
    changed, and names that clash get the server's in front.

    Args:
        servers: commands such as `npx -y PACKAGE`, URLs, or what `read_config` returns.
        taken: names of other tools of the same agent.
        start_timeout: seconds until a server has started and listed its tools.
        timeout: seconds of one call.

    Raises:
        ConfigError: the `mcp` package is missing, or a server cannot be started or does not speak
            MCP; the message names the server and the remedy.
    """
    chosen = [McpServer.parse(item) if isinstance(item, str) else item for item in servers]
    async with AsyncExitStack() as stack:
        connections = [_Connection(server) for server in chosen]
        for connection in connections:
            stack.push_async_callback(connection.close)
        listed = await asyncio.gather(*(each.open(start_timeout) for each in connections))
        pairs = list(zip(connections, listed, strict=True))
        yield tuple(_adapt(pairs, set(taken), timeout))


def _adapt(
    listed: Sequence[tuple[_Connection, Sequence[types.Tool]]], taken: set[str], timeout: float
) -> Iterable[Tool]:
    names = [identifier(tool.name) for _, tools in listed for tool in tools]
    clashing = taken | {name for name in names if len(listed) > 1 and names.count(name) > 1}
    for connection, tools in listed:
        for tool in tools:
            name = identifier(tool.name)
            if name in clashing:
                name = f"{identifier(connection.server.name)}_{name}"
            name = identifier(name, taken=taken)
            taken.add(name)
            yield _make_tool(connection, tool, name, timeout)


def _make_tool(connection: _Connection, tool: types.Tool, name: str, timeout: float) -> Tool:
    """Return a tool that calls a server's, whatever the server says of it."""
    effects: Effects = "write"
    if tool.annotations is not None and tool.annotations.read_only_hint is True:
        effects = "read"
    fields = fields_of(tool.input_schema)
    try:
        function = _make_function(connection, tool, fields)
        made = make_tool(function, effects=effects, name=name, timeout=timeout)
        _ = made.arguments  # types that cannot be checked are found now
    except (ConfigError, TypeError, ValueError, RecursionError):
        function = _make_function(connection, tool, None)
        made = make_tool(function, effects=effects, name=name, timeout=timeout)
    return made


def _make_function(connection: _Connection, tool: types.Tool, fields: list[Field] | None) -> Any:
    """Return an async function with the signature that a server's tool has."""
    if fields is None:
        hint = dict[str, Any]
        fields = [Field(name=WHOLE, key="", hint=hint, default={}, description="as the tool says")]

    names = [field.name for field in fields]

    async def call(*args: Any, **kwargs: Any) -> Any:
        given = dict(zip(names, args, strict=False)) | kwargs
        return await connection.call(tool, _arguments(fields, given))

    returns = str if tool.output_schema is None else hint_of(tool.output_schema)
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [field.parameter for field in fields], return_annotation=returns
    )
    call.__annotations__ = {field.name: field.hint for field in fields} | {"return": returns}
    call.__doc__ = _docstring(connection.server, tool, fields)
    return call


def _arguments(fields: Sequence[Field], given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments under the server's names, without what stands for not given."""
    if fields and not fields[0].key:
        whole: dict[str, Any] = given.get(WHOLE, {})
        return whole
    return {
        field.key: given[field.name]
        for field in fields
        if field.name in given and not (field.drops_none and given[field.name] is None)
    }


def _docstring(server: McpServer, tool: types.Tool, fields: Sequence[Field]) -> str:
    text = inspect.cleandoc(tool.description or tool.title or "")[:LONGEST].strip()
    lines = [text or f"Call {tool.name!r} of the server {server.name!r}, which does not say more."]
    described = [field for field in fields if field.description]
    if described:
        lines += ["", "Args:", *(f"    {each.name}: {each.description}" for each in described)]
    return "\n".join(lines)


class _Connection:
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
            from treeact.tools.mcp_transport import transport_of
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
        if self._client is None:
            raise self._gone()
        work = asyncio.ensure_future(self._client.call_tool(tool.name, arguments))
        assert self._owner
        try:
            await asyncio.wait([work, self._owner], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ToolError(f"the server {self.server.name!r} ended during the call")
        finally:
            work.cancel()
        try:
            result = work.result()
        except (Exception, BaseExceptionGroup) as error:
            if getattr(error, "code", None) == CONNECTION_CLOSED:
                self._client, self._fault = None, await self._transport.diagnose()
                raise self._gone() from error
            reason = _described(error)
            raise ToolError(f"the server {self.server.name!r} failed: {reason}") from error
        return await _value(result, tool)

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


async def _value(result: types.CallToolResult, tool: types.Tool) -> Any:
    """Return what a call gave: data where the tool has a type for it, else text."""
    if not result.is_error and tool.output_schema and result.structured_content is not None:
        return result.structured_content
    parts = [await _part(block, tool.name) for block in result.content]
    text = "\n".join(filter(None, parts))
    if result.is_error:
        raise ToolError(text or f"{tool.name} failed and did not say why")
    return text


async def _part(block: Any, tool: str) -> str:
    """Return one piece of content as text; what is no text is put into the working folder."""
    match block.type:
        case "text":
            return str(block.text)
        case "image" | "audio":
            return await _keep(block.data, block.mime_type, tool)
        case "resource" if hasattr(block.resource, "text"):
            return f"[{block.resource.uri}]\n{block.resource.text}"
        case "resource":
            return await _keep(block.resource.blob, block.resource.mime_type, tool)
        case _:
            return f"[{block.type} {getattr(block, 'uri', '')}]"


async def _keep(data: str, media_type: str | None, tool: str) -> str:
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return "[content that cannot be decoded]"
    try:
        folder = working_folder()
    except ToolError:
        return f"[{media_type or 'content'} of {len(content)} bytes]"
    extension = mimetypes.guess_extension(media_type or "") or ".bin"
    name = f"{identifier(tool)}{extension}"
    taken, number = set(await folder.names()), 1
    while name in taken:
        number += 1
        name = f"{identifier(tool)}-{number}{extension}"
    await folder.put(name, content)
    return f"[{media_type or 'content'} of {len(content)} bytes, saved as {name}]"

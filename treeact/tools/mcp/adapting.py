"""Tools of MCP servers as tools of agents (Model Context Protocol, modelcontextprotocol.io).

    async with mcp_tools("npx -y @modelcontextprotocol/server-everything") as tools:
        await CodeAct(model, tools=tools).run(task)

The servers live as long as the block, and no longer than this process, however it ends.
"""

from __future__ import annotations

import asyncio
import builtins
import inspect
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from treeact.errors import ConfigError
from treeact.tools.function import Effects, Tool, make_tool
from treeact.tools.mcp.connection import Connection
from treeact.tools.mcp.schemas import WHOLE, Field, fields_of, hint_of, identifier
from treeact.tools.mcp.servers import McpServer
from treeact.tools.naming import SEARCH_TOOLS

if TYPE_CHECKING:
    import mcp_types as types

START_TIMEOUT = 120.0
"""Seconds until a server has started and listed its tools: `npx` may have to install it first."""
CALL_TIMEOUT = 60.0
"""Seconds of one call."""
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
        connections = [Connection(server) for server in chosen]
        for connection in connections:
            stack.push_async_callback(connection.close)
        listed = await asyncio.gather(*(each.open(start_timeout) for each in connections))
        pairs = list(zip(connections, listed, strict=True))
        yield tuple(_adapt(pairs, set(taken), timeout))


def _adapt(
    listed: Sequence[tuple[Connection, Sequence[types.Tool]]], taken: set[str], timeout: float
) -> Iterable[Tool]:
    names = [identifier(tool.name) for _, tools in listed for tool in tools]
    clashing = taken | {name for name in names if len(listed) > 1 and names.count(name) > 1}
    clashing |= {SEARCH_TOOLS, *dir(builtins)}
    for connection, tools in listed:
        for tool in tools:
            name = identifier(tool.name)
            if name in clashing:
                name = f"{identifier(connection.server.name)}_{name}"
            name = identifier(name, taken=taken)
            taken.add(name)
            yield _make_tool(connection, tool, name, timeout)


def _make_tool(connection: Connection, tool: types.Tool, name: str, timeout: float) -> Tool:
    """Return a tool that calls a server's, whatever the server says of it."""
    effects: Effects = "write"
    if tool.annotations is not None and tool.annotations.read_only_hint is True:
        effects = "read"
    try:
        function = _make_function(connection, tool, fields_of(tool.input_schema))
        made = make_tool(function, effects=effects, name=name, timeout=timeout)
        _ = made.arguments  # types that cannot be checked are found now
    except (ConfigError, TypeError, ValueError, RecursionError):
        function = _make_function(connection, tool, None)
        made = make_tool(function, effects=effects, name=name, timeout=timeout)
    return made


def _make_function(connection: Connection, tool: types.Tool, fields: list[Field] | None) -> Any:
    """Return an async function with the signature that a server's tool has."""
    if fields is None:
        hint = dict[str, Any]
        whole = "all of them, by their names"
        fields = [Field(name=WHOLE, key=None, hint=hint, default={}, description=whole)]
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
    arguments: dict[str, Any] = {}
    for field in fields:
        if field.name not in given or (field.drops_none and given[field.name] is None):
            continue
        if field.key is None:
            arguments |= given[field.name]
        else:
            arguments[field.key] = given[field.name]
    return arguments


def _docstring(server: McpServer, tool: types.Tool, fields: Sequence[Field]) -> str:
    text = inspect.cleandoc(tool.description or tool.title or "")[:LONGEST].strip()
    lines = [text or f"Call {tool.name!r} of the server {server.name!r}, which does not say more."]
    described = [field for field in fields if field.description]
    if described:
        lines += ["", "Args:", *(f"    {each.name}: {each.description}" for each in described)]
    return "\n".join(lines)

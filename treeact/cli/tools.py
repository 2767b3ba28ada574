"""`treeact tools`, and the tools that `treeact run` is given."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treeact.agents.registry import TOOLS, look_up
from treeact.errors import ConfigError
from treeact.printable import printable

if TYPE_CHECKING:
    from treeact.tools import Tool


@dataclass(frozen=True)
class ToolChoice:
    """Which tools were asked for."""

    sets: tuple[str, ...] = ()
    """Names of sets, or `package.module:function` for one that returns tools."""
    servers: tuple[str, ...] = ()
    """MCP servers, as commands or URLs."""
    config: Path | None = None
    """A file with MCP servers."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was asked for."""
        return not (self.sets or self.servers or self.config)


@asynccontextmanager
async def open_tools(choice: ToolChoice) -> AsyncIterator[Sequence[Tool]]:
    """Give the tools of a choice; MCP servers live as long as the block.

    Raises:
        ConfigError: there is no such set, or a server cannot be used.
    """
    own: list[Tool] = []
    for name in choice.sets:
        own += look_up(name, TOOLS, "set of tools")()
    if not choice.servers and choice.config is None:
        yield own
        return
    from treeact.tools.mcp import mcp_tools
    from treeact.tools.mcp.servers import read_config

    listed = read_config(choice.config) if choice.config is not None else []
    async with mcp_tools(*choice.servers, *listed, taken=[tool.name for tool in own]) as tools:
        yield [*own, *tools]


def read_rules(texts: Sequence[str]) -> dict[str, Any]:
    """Return the rules for single tools that the command line gives.

    Raises:
        ConfigError: one is not of the form `TOOL=always` or `TOOL=never`.
    """
    rules = {}
    for text in texts:
        tool, _, rule = text.partition("=")
        if rule not in ("always", "never"):
            raise ConfigError(f"--approve-tool {text!r}: write TOOL=always or TOOL=never")
        rules[tool] = rule
    return rules


def list_tools(choice: ToolChoice, *, as_json: bool) -> None:
    """Print one line for each tool: its effects and its signature."""
    for tool in asyncio.run(_collect(choice)):
        if as_json:
            row = {"name": tool.name, "effects": tool.effects, "signature": tool.signature}
            sys.stdout.write(json.dumps({**row, "description": tool.description}) + "\n")
        else:
            sys.stdout.write(f"{tool.effects:<5} {printable(tool.signature)}\n")


def show_tools(choice: ToolChoice, names: Sequence[str], *, as_json: bool) -> None:
    """Print tools as a prompt shows them, or the JSON Schemas of their arguments."""
    tools = {tool.name: tool for tool in asyncio.run(_collect(choice))}
    for name in names:
        if name not in tools:
            known = ", ".join(tools) or "none"
            raise ConfigError(f"there is no tool named {name!r}; there are: {known}")
    for name in names or tools:
        tool = tools[name]
        if as_json:
            sys.stdout.write(json.dumps({**tool.json_schema(), "effects": tool.effects}) + "\n")
        else:
            sys.stdout.write(f"# effects: {tool.effects}\n{printable(tool.stub())}\n\n")


async def _collect(choice: ToolChoice) -> Sequence[Tool]:
    wanted = ToolChoice(sets=tuple(TOOLS)) if choice.is_empty else choice
    async with open_tools(wanted) as tools:
        return list(tools)

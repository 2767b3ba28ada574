"""The tools of one agent, by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from treeact.errors import ConfigError, ToolError
from treeact.tools.function import Tool


class ToolSet:
    """Tools in their order, with unique names.

    Args:
        tools: made with `@tool`.

    Raises:
        ConfigError: two tools have one name, something is no tool, or a tool's types cannot be
            checked.
    """

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            if not isinstance(tool, Tool):
                raise ConfigError(f"{tool!r} is no tool: decorate the function with @tool")
            if tool.name in self._tools:
                raise ConfigError(
                    f"two tools are named {tool.name!r}: rename one with @tool(name=...)"
                )
            _ = tool.arguments  # a type that cannot be checked is found now, not in a call
            self._tools[tool.name] = tool

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(self._tools)

    def __getitem__(self, name: str) -> Tool:
        """Return the tool named `name`.

        Raises:
            ToolError: there is none; the text names those that come close, or all.
        """
        if name in self._tools:
            return self._tools[name]
        close = difflib.get_close_matches(str(name)[:100], self._tools, n=3)
        hint = f"Did you mean {' or '.join(close)}?" if close else f"There are: {self._listed()}."
        raise ToolError(f"There is no tool named {str(name)[:100]!r}. {hint}")

    async def call(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call a tool by name; see `Tool.call`.

        Raises:
            ToolError: there is no such tool, or the call failed.
            StopExecution: the tool ends the execution.
        """
        return await self[name].call(args, kwargs)

    def _listed(self) -> str:
        return ", ".join(self._tools) or "none"

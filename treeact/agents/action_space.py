"""The tools that an agent is shown at one step, and a structured no for the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from treeact.agents.workspace import WrappedTool
from treeact.errors import ConfigError, ToolError
from treeact.planners.protocols import Path
from treeact.sandbox.base import HostTool
from treeact.tools import Tool
from treeact.tools.selection import BM25Selector, Selector


class ActionSpace:
    """Bounds what is shown of many tools, step by step.

    The selector of PoAct's action controller (Yuan et al. 2025), as far as it is described. What is
    shown depends on the path and the words alone. A tool that was shown once can be called from
    then on, since code that was written with it may still be in use.

    Args:
        tools: all tools of the agent.
        most: how many are shown at once, besides those that always are.
        always: names of tools that are always shown.
        selector: what ranks the others; by default `BM25Selector`.

    Raises:
        ConfigError: `always` names no tool, or `most` is below zero.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        *,
        most: int,
        always: Iterable[str] = (),
        selector: Selector | None = None,
    ) -> None:
        fixed = set(always)
        if missing := sorted(fixed - {tool.name for tool in tools}):
            raise ConfigError(f"always_shown names {missing[0]!r}, and there is no such tool")
        if most < 0:
            raise ConfigError(f"tools_shown is {most}: give a number of tools")
        self._always = [tool for tool in tools if tool.name in fixed]
        self._others = {tool.name: tool for tool in tools if tool.name not in fixed}
        self._most = most
        few = len(self._others) <= most
        self._selector = None if few else selector or BM25Selector(self._others.values())
        self._shown = {tool.name for tool in self._always}

    @property
    def hidden(self) -> int:
        """How many tools are not shown at one step."""
        return max(0, len(self._others) - self._most)

    def show(self, path: Path, words: Sequence[str]) -> list[Tool]:
        """Return what is shown at the end of `path`; it can be called from now on.

        Args:
            path: the steps so far. What the newest one called comes first, also in vain.
            words: what the tools are needed for, the most telling words first.
        """
        best = self._best(path, words)
        self._shown.update(tool.name for tool in best)
        return [*self._always, *best]

    def _best(self, path: Path, words: Sequence[str]) -> list[Tool]:
        if self._selector is None:
            return list(self._others.values())
        called = path[-1].proposal.actions[0].calls if path and path[-1].proposal else ()
        chosen = {name: self._others[name] for name in called if name in self._others}
        for query in words:
            for tool in self._selector.select(query, self._most):
                chosen.setdefault(tool.name, tool)
        return list(chosen.values())[: self._most]

    def guard(self, tools: Iterable[HostTool]) -> list[HostTool]:
        """Return the tools, those of this space as ones that refuse while they were not shown."""
        if self._selector is None:
            return list(tools)
        return [
            ShownTool(tool, self._shown) if tool.name in self._others else tool for tool in tools
        ]


class ShownTool(WrappedTool):
    """A tool that can only be called once it was shown.

    Args:
        tool: the tool.
        shown: names of the tools that were, as they become more.
    """

    def __init__(self, tool: HostTool, shown: set[str]) -> None:
        super().__init__(tool)
        self._shown = shown

    async def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call the tool.

        Raises:
            ToolError: it was not shown yet, or the call failed.
        """
        if self.name not in self._shown:
            signature = self.stub().partition("\n")[0].removeprefix("def ").rstrip(":")
            raise ToolError(
                f"hidden function '{self.name}': it was not among the functions of this step, and "
                f"will be among those of the next. It is called as {signature}"
            )
        return await super().call(args, kwargs)

"""The tools and library actions that one step is shown, and a structured no for other tools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from treeact.agents.workspace import WrappedTool
from treeact.errors import ConfigError, ToolError
from treeact.planners.protocols import Path
from treeact.sandbox.base import HostTool
from treeact.tools import Tool
from treeact.tools.selection import BM25Selector, Selector

if TYPE_CHECKING:
    from treeact.agents.library.records import StoredAction
    from treeact.agents.library.session import LibrarySession


class ActionSpace:
    """Bounds what is shown of many tools, and of a library of actions, step by step.

    The selector of PoAct's action controller (Yuan et al. 2025), as far as it is described. What is
    shown depends on the path, the words and the library alone. A tool that was shown once can be
    called from then on, since code that was written with it may still be in use.

    Actions of a library compete with the tools for the same places: either has a ranking of its
    own, whose scores cannot be compared, so that they take turns from the best on. An action that
    is named without being shown is loaded all the same, as for `DynaSaur`.

    Args:
        tools: all tools of the agent.
        most: how many tools and actions are shown at once, besides those that always are.
        always: names of tools that are always shown.
        selector: what ranks the others; by default `BM25Selector`.
        library: a library at work in the run, whose actions are shown, too.

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
        library: LibrarySession | None = None,
    ) -> None:
        fixed = set(always)
        if missing := sorted(fixed - {tool.name for tool in tools}):
            raise ConfigError(f"always_shown names {missing[0]!r}, and there is no such tool")
        if most < 0:
            raise ConfigError(f"tools_shown is {most}: give a number of tools")
        self._always = [tool for tool in tools if tool.name in fixed]
        self._others = {tool.name: tool for tool in tools if tool.name not in fixed}
        self._most = most
        self._library = library
        few = len(self._others) <= most
        is_all = few and library is None
        self._selector = None if is_all else selector or BM25Selector(self._others.values())
        self._rest = self._others if few else {}
        self._shown = {tool.name for tool in self._always}
        self.hidden = 0
        """How many tools are not shown at the step that was shown last."""

    async def show(self, path: Path, words: Sequence[str]) -> list[Tool | StoredAction]:
        """Return what is shown at the end of `path`; it can be called from now on.

        Args:
            path: the steps so far. What the newest one called comes first, also in vain.
            words: what the tools are needed for, the most telling words first.
        """
        best = await self._best(path, words)
        tools = [one for one in best if isinstance(one, Tool)]
        self.hidden = len(self._others) - len(tools)
        self._note_offered([one for one in best if not isinstance(one, Tool)])
        self._shown.update(one.name for one in best)
        return [*self._always, *best]

    async def _best(self, path: Path, words: Sequence[str]) -> list[Tool | StoredAction]:
        if self._selector is None:
            return list(self._others.values())
        called = path[-1].proposal.actions[0].calls if path and path[-1].proposal else ()
        chosen: dict[str, Tool | StoredAction] = {
            name: self._others[name] for name in called if name in self._others
        }
        for query in words:
            tools, actions = self._selector.select(query, self._most), await self._find(query)
            for one in chain.from_iterable(zip_longest(tools, actions)):
                if one is not None:
                    chosen.setdefault(one.name, one)
        for name, tool in self._rest.items():  # places that nothing else fits better
            chosen.setdefault(name, tool)
        return list(chosen.values())[: self._most]

    async def _find(self, query: str) -> list[StoredAction]:
        """Return actions for a query; what the run wrote itself is in its conversation."""
        if self._library is None:
            return []
        known = {*self._others, *(tool.name for tool in self._always), *self._library.written}
        found = await self._library.find(query, self._most)
        return [action for action in found if action.name not in known]

    def _note_offered(self, actions: Sequence[StoredAction]) -> None:
        fresh = [action for action in actions if action.name not in self._shown]
        if fresh and self._library is not None:
            self._library.note_given("offered", fresh)

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

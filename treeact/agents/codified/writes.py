"""Writes happen once: what a plan has done outside is not done again by the plan that mends it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from treeact.agents.workspace import WrappedTool
from treeact.errors import StopExecution, ToolError
from treeact.sandbox.base import HostTool
from treeact.tools import ToolSet

UNKNOWN = (
    "{name} was called with these arguments before, and gave no answer: it may have taken effect, "
    "and is not called again. Find out another way, or go on without it."
)


class Writes:
    """The calls with effects that were made, by tool and arguments.

    Within one plan a call may be made as often as the plan says; a later plan gets the result of
    the first time.

    Args:
        tools: the tools, for their parameters: however a call is written, it is the same call.
    """

    def __init__(self, tools: ToolSet) -> None:
        self._tools = tools
        self.plan = ""
        """Logical id of the plan that is carried out."""
        self._made: dict[str, tuple[str, Any, bool]] = {}

    def note(self, tool: str, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> None:
        """Note that a call was made."""
        self._made.setdefault(self._key(tool, args, kwargs), (self.plan, result, True))

    def wrap(self, tool: HostTool) -> HostTool:
        """Return the tool so that its calls are noted, if it has effects."""
        return OnceTool(tool, self) if tool.effects == "write" else tool

    async def once(
        self,
        tool: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        make: Callable[[], Awaitable[Any]],
    ) -> Any:
        """Make a call, or answer it as an earlier plan was answered.

        Args:
            tool: its name.
            args: arguments by position.
            kwargs: arguments by name.
            make: makes the call.

        Raises:
            ToolError: the call failed, or it is not known what became of it before.
        """
        key = self._key(tool, args, kwargs)
        before = self._made.get(key)
        if before is not None and before[0] != self.plan:
            if not before[2]:
                raise ToolError(UNKNOWN.format(name=tool))
            return before[1]
        self._made[key] = (self.plan, None, False)
        try:
            result = await make()
        except (ToolError, StopExecution):
            self._forget(key, before)  # it says itself that it failed: it may be tried again
            raise
        self._made[key] = (self.plan, result, True)
        return result

    def _forget(self, key: str, before: tuple[str, Any, bool] | None) -> None:
        if before is None:
            del self._made[key]
        else:
            self._made[key] = before

    def _key(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        given: Any = [[*args], dict(kwargs)]
        with suppress(TypeError):  # arguments that do not fit are for the tool to refuse
            given = self._tools[name].parameters.bind(*args, **kwargs).arguments
        return json.dumps([name, given], sort_keys=True, default=repr)


class OnceTool(WrappedTool):
    """A tool whose calls a later plan does not repeat."""

    def __init__(self, tool: HostTool, writes: Writes) -> None:
        super().__init__(tool)
        self._writes = writes

    async def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Make the call, or answer it as before.

        Raises:
            ToolError: see `Writes.once`.
        """
        return await self._writes.once(
            self.name, args, kwargs, lambda: self._tool.call(args, kwargs)
        )

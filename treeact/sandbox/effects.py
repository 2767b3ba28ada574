"""Host tools as one branch may call them: writes wait until the branch is chosen."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from treeact.errors import ToolError
from treeact.sandbox.base import HostTool, StopExecution, ToolCall
from treeact.sandbox.link.protocol import Call


@dataclass
class Deferred:
    """A write that waits for its branch to be chosen; forks share it, and it is made once."""

    tool: HostTool
    call: Call
    released: bool = False


class Tools:
    """The host tools of one branch, and the writes that its lineage has put off."""

    def __init__(
        self, tools: Sequence[HostTool], *, chosen: bool, deferred: Iterable[Deferred] = ()
    ) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self.chosen = chosen
        self.deferred = list(deferred)

    def fork(self) -> Tools:
        """Return the tools of a fork, which is tentative."""
        waiting = [item for item in self.deferred if not item.released]
        return Tools(list(self._tools.values()), chosen=False, deferred=waiting)

    def forget_deferred(self, kept: int) -> None:
        """Drop the writes that were put off after the first `kept`: their run was undone."""
        del self.deferred[kept:]

    def stubs(self) -> list[dict[str, str | None]]:
        """Return what the driver needs to define a function for each tool."""
        return [
            {"name": tool.name, "stub": tool.stub() if hasattr(tool, "stub") else None}
            for tool in self._tools.values()
        ]

    async def call(self, call: Call) -> ToolCall:
        """Make, defer or refuse a call from sandboxed code."""
        tool = self._tools.get(call.tool)
        if tool is None:
            return _record(call, "failed", error=f"there is no tool named {call.tool[:100]!r}")
        if tool.effects != "write" or self.chosen:
            return await _perform(tool, call)
        if tool.returns_nothing:
            self.deferred.append(Deferred(tool, call))
            return _record(call, "deferred")
        return _record(
            call,
            "refused",
            error=f"{call.tool} changes something outside and this branch is only tentative: "
            "its result cannot be had until the branch is chosen; do without it here",
        )

    async def commit(self, recorded: Sequence[ToolCall] = ()) -> tuple[ToolCall, ...]:
        """Choose the branch and make its deferred writes, in order, each once."""
        self.chosen = True
        known = list(recorded)
        made = []
        while self.deferred:
            item = self.deferred.pop(0)
            if not item.released:
                item.released = True
                made.append(known.pop(0) if known else await _perform(item.tool, item.call))
        return tuple(made)


def _record(call: Call, status: Any, **rest: Any) -> ToolCall:
    return ToolCall(tool=call.tool, args=call.args, kwargs=call.kwargs, status=status, **rest)


async def _perform(tool: HostTool, call: Call) -> ToolCall:
    began = time.perf_counter()
    status, result, error = "done", None, None
    try:
        result = await tool.call(call.args, call.kwargs)
        json.dumps(result, allow_nan=False)
    except StopExecution:
        status = "stopped"
    except ToolError as problem:
        status, error = "failed", str(problem)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise  # nobody waits for this call any more
        status, error = "failed", f"{call.tool} was cancelled"
    except Exception as problem:
        status, result = "failed", None
        error = f"{call.tool} failed: {type(problem).__name__}: {problem}"
    duration = time.perf_counter() - began
    return _record(call, status, result=result, error=error, duration=duration)


class Recorded:
    """Answers calls as they were answered before, so that a replay changes nothing outside."""

    def __init__(self, calls: Sequence[ToolCall]) -> None:
        self._calls = list(calls)
        self.departed = False
        """True when the replayed code did not make the calls that were recorded."""

    async def call(self, call: Call) -> ToolCall:
        """Return the recorded answer to the next call."""
        known = self._calls.pop(0) if self._calls else None
        asked = (call.tool, call.args, call.kwargs)
        if known is None or asked != (known.tool, known.args, dict(known.kwargs)):
            self.departed = True
            return _record(call, "failed", error="this call was not made when the code first ran")
        return known if known.status == "stopped" else replace(known, status="replayed")

    @property
    def used_up(self) -> bool:
        """True when every recorded call was asked for, and no other."""
        return not self._calls and not self.departed


class Resumed:
    """Answers the calls of code that is run again for good, and makes those that are new.

    What was put off or refused the first time goes to the live tools, which put it off again.

    Args:
        calls: what is on record.
        tools: the live tools.
        whole: whether the code came to its end then, so that a further call is none of it.
    """

    def __init__(self, calls: Sequence[ToolCall], tools: Tools, *, whole: bool) -> None:
        self._known = Recorded(calls)
        self._final = [call.is_final for call in calls]
        self._tools = tools
        self._whole = whole

    async def call(self, call: Call) -> ToolCall:
        """Return the recorded answer to the next call, or make it."""
        if self._known.used_up and not self._whole:
            return await self._tools.call(call)
        answer = await self._known.call(call)
        if self._known.departed or self._final.pop(0):
            return answer
        return await self._tools.call(call)

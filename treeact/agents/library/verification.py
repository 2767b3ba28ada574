"""Trying a recorded example again: the same result, in a sandbox that knows nothing else."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from treeact.agents.library.loading import PRELUDE, attempt_code, load_code
from treeact.agents.library.records import Example, StoredAction
from treeact.agents.library.reports import read_literal
from treeact.errors import ToolError
from treeact.sandbox.base import Branch, Effects, Execution, Sandbox, ToolCall

OpenSandbox = Callable[[], Awaitable[Sandbox]]
"""Returns a started sandbox that may be closed."""

TIMEOUT = 30.0
"""Seconds of one example."""
TOLERANCE = 1e-9
"""By which part of itself a float may differ, as it does between processors."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of trying an action's examples."""

    action: StoredAction
    ok: bool
    """Whether an example gave the recorded result."""
    reason: str = ""
    """Why not."""
    untried: bool = False
    """True when there is nothing to try, which says nothing about the action."""


async def verify_alone(
    action: StoredAction,
    closure: Sequence[StoredAction],
    open_sandbox: OpenSandbox,
    *,
    files: Sequence[Path] = (),
) -> Verdict:
    """Try an action in a sandbox of its own; see `ActionLibrary.verify`.

    Raises:
        SandboxError: the sandbox cannot be opened, or died.
    """
    if not action.examples:
        reason = "no call of it is on record whose arguments and result are plain data"
        return Verdict(action=action, ok=False, reason=reason, untried=True)
    sandbox = await open_sandbox()
    try:
        return await verify_in(sandbox, action, closure, files=files)
    finally:
        await sandbox.__aexit__(None, None, None)


async def verify_in(
    sandbox: Sandbox,
    action: StoredAction,
    closure: Sequence[StoredAction],
    *,
    files: Sequence[Path] = (),
) -> Verdict:
    """Try the examples of an action, newest first, each in a fresh interpreter, until one holds."""
    problem = ""
    for example in action.examples:
        reason = await _try(sandbox, action, closure, example, files)
        if reason is None:
            return Verdict(action=action, ok=True)
        problem = problem or reason
    return Verdict(action=action, ok=False, reason=problem)


async def _try(
    sandbox: Sandbox,
    action: StoredAction,
    closure: Sequence[StoredAction],
    example: Example,
    files: Sequence[Path],
) -> str | None:
    """Return why an example did not give its result again, None when it did."""
    record = _Record(example.calls)
    tools = sorted({tool for needed in closure for tool in needed.tools})
    branch = await sandbox.branch(tools=[_RecordedTool(name, record) for name in tools])
    try:
        for file in files:
            await branch.put(file.name, file.read_bytes())
        execution = await _attempt(branch, action, closure, example)
    finally:
        await branch.close()
    if not execution.ok:
        return _failure(execution)
    if record.left:
        return f"it did not call {record.left[0].tool} as it had"
    return _compare(execution.value, example.result)


async def _attempt(
    branch: Branch, action: StoredAction, closure: Sequence[StoredAction], example: Example
) -> Execution:
    execution = await branch.run(PRELUDE, timeout=TIMEOUT)
    if execution.ok:
        execution = await branch.run(load_code(closure), timeout=TIMEOUT)
    if execution.ok and execution.value != "{}":
        return replace(
            execution, outcome="error", notes=(f"it cannot be loaded: {execution.value}",)
        )
    if execution.ok:
        execution = await branch.run(attempt_code(action, example), timeout=TIMEOUT)
    return execution


def _failure(execution: Execution) -> str:
    if execution.error is not None:
        return f"it raised {execution.error.type}: {execution.error.message}"[:300]
    return (execution.notes[0] if execution.notes else execution.outcome)[:300]


def _compare(value: str | None, recorded: str) -> str | None:
    try:
        result = read_literal(value or "")["result"]
        if result is not None and is_same(read_literal(result), read_literal(recorded)):
            return None
    except (ValueError, TypeError, KeyError):
        result = None
    shown = "something that cannot be compared" if result is None else str(result)[:100]
    return f"it gave {shown} instead of {recorded[:100]}"


def is_same(one: Any, other: Any) -> bool:
    """Return whether two literals are equal, floats within a billionth of their size."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=TOLERANCE)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict):
        return is_same(list(one.items()), list(other.items()))
    return bool(one == other)


class _Record:
    """The recorded tool calls that are still to come."""

    def __init__(self, calls: Sequence[ToolCall]) -> None:
        self.left = list(calls)

    def answer(self, tool: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        known = self.left.pop(0) if self.left else None
        if known is None or (known.tool, list(known.args), dict(known.kwargs)) != (
            tool,
            list(args),
            dict(kwargs),
        ):
            raise ToolError(f"{tool} was not called like this when the example was recorded")
        if known.error is not None:
            raise ToolError(known.error)
        return known.result


class _RecordedTool:
    """A tool that answers as it is on record, and reaches nothing."""

    effects: Effects = "none"
    returns_nothing = False

    def __init__(self, name: str, record: _Record) -> None:
        self.name = name
        self._record = record

    def stub(self) -> str:
        return ""

    async def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return self._record.answer(self.name, args, kwargs)

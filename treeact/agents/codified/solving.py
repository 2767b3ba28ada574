"""Where roles of a plan run code: one interpreter, in which their values are variables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from treeact.agents.code_environment import CodeEnvironment
from treeact.agents.codified.writes import Writes
from treeact.agents.control import Control
from treeact.agents.workspace import Workspace, WrappedTool
from treeact.errors import ToolError
from treeact.planners.codified.scheduler import CallFailed
from treeact.planners.codified.types import Value
from treeact.planners.protocols import Observation
from treeact.sandbox.base import Execution, HostTool
from treeact.tools import FINAL_ANSWER
from treeact.trace.log import EventLog

MAX_VALUES = 6 * 1024**2
"""Bytes of the values of one call, as one message to the sandbox can hold them."""


class Permit:
    """The tools that the role whose code runs may call; None are all."""

    def __init__(self) -> None:
        self.tools: tuple[str, ...] | None = None


class PermittedTool(WrappedTool):
    """A tool that only some roles may call."""

    def __init__(self, tool: HostTool, permit: Permit) -> None:
        super().__init__(tool)
        self._permit = permit

    async def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Make the call, if the role may.

        Raises:
            ToolError: it may not, or the call failed.
        """
        allowed = self._permit.tools
        if allowed is not None and self.name not in (*allowed, FINAL_ANSWER):
            raise ToolError(
                f"this role may not call {self.name}; it may call {', '.join(allowed) or 'no tool'}"
            )
        return await super().call(args, kwargs)


class SolvingEnvironment(CodeEnvironment):
    """Runs the code of roles, one after the other, and catches the value that code submits.

    What the user says is not heard here: it is for whoever plans.

    Args:
        workspace: where code runs.
        writes: where calls with effects are noted.
        permit: which tools may be called at the moment.
        control: who approves, and who may interrupt.
        log: where everything is written.
        step_timeout: seconds of one piece of code.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        writes: Writes,
        permit: Permit,
        control: Control,
        log: EventLog,
        step_timeout: float,
    ) -> None:
        super().__init__(
            workspace, control=control, log=log, step_timeout=step_timeout, listens=False
        )
        self._writes = writes
        self._permit = permit
        self._values = ""
        self.submitted: Any = None
        """What the last code gave to `final_answer`."""
        self._last: Execution | None = None

    async def bind(
        self, values: Mapping[str, Value], *, id: str, tools: tuple[str, ...] | None
    ) -> None:
        """Make values variables of the interpreter, and let code call some tools from now on.

        Raises:
            CallFailed: they are too large, or cannot be put there.
        """
        self._permit.tools = tools
        texts = {name: json.dumps(value) for name, value in values.items()}
        if sum(map(len, texts.values())) > MAX_VALUES:
            raise CallFailed(f"the values exceed {MAX_VALUES} bytes: give less", kind="limit")
        self._values = "\n".join(
            ["import json", *(f"{name} = json.loads({text!r})" for name, text in texts.items())]
        )
        observation = await self._run(self._values, f"{id}/values")
        if not observation.ok:
            raise CallFailed(observation.text[:500], kind="role error")

    async def _take(self, action: Any, id: str) -> Observation:
        self._last = self.submitted = None
        observation = await super()._take(action, id)
        execution: Execution | None = self._last
        if execution is not None and execution.outcome == "interrupted":
            raise CallFailed("the user interrupted the plan", kind="interrupted", halts=True)
        return observation

    async def _recover(self, reason: str) -> Observation:
        """Restart the sandbox, with the values of the call in it again."""
        observation = await super()._recover(reason)
        await self._run(self._values, "values")
        return observation

    def _log_execution(self, execution: Execution, id: str) -> None:
        super()._log_execution(execution, id)
        self._last = execution
        for call in execution.calls:
            if call.tool == FINAL_ANSWER and call.status == "stopped":
                given = [*call.args, *call.kwargs.values()]
                self.submitted = given[0] if given else None
            elif call.status in ("done", "replayed"):
                self._writes.note(call.tool, call.args, call.kwargs, call.result)

"""The environment whose actions are plans: they are checked, approved, and carried out."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from treeact.agents.answers import AnswerCheck
from treeact.agents.codified.cast import Cast, RolePlayer, interruption
from treeact.agents.codified.writes import Writes
from treeact.agents.control import Control, Interrupted
from treeact.agents.environment import AgentEnvironment, as_answer
from treeact.agents.observations import EDITED, INTERRUPTED, REJECTED
from treeact.agents.records.past import Past
from treeact.agents.reviewing import call_reviewed
from treeact.errors import PlanRejected, SearchExhausted, StopExecution, ToolError
from treeact.planners.codified.checker import Checked, check_plan
from treeact.planners.codified.scheduler import CallFailed, Invocation, Outcome, Scheduler
from treeact.planners.codified.state import PlanState
from treeact.planners.codified.types import Value
from treeact.planners.normalise import python_call
from treeact.planners.protocols import Call, Code, Observation
from treeact.sandbox.base import HostTool, ToolCall
from treeact.trace.events import PlanChecked, Replanned, ToolCalled
from treeact.trace.log import EventLog

MOST_FINDINGS = 12
"""Findings that a planner is told at once."""


class PlanEnvironment(AgentEnvironment):
    """Checks plans and carries them out; what came of them is in the state.

    Args:
        state: the run's variables and declarations.
        calls: who carries out the calls of tools and roles.
        writes: the calls with effects that were made.
        control: who approves, speaks and interrupts.
        log: where everything is written.
        max_rejections: plans in a row that may fail the check.
        max_replans: patches that may be executed.
        concurrency: calls at the same time.
        answers: see `AgentEnvironment`.
    """

    def __init__(
        self,
        state: PlanState,
        calls: Calls,
        *,
        writes: Writes,
        control: Control,
        log: EventLog,
        max_rejections: int,
        max_replans: int,
        concurrency: int,
        answers: AnswerCheck | None = None,
    ) -> None:
        super().__init__(control=control, log=log, answers=answers)
        self._state = state
        self._calls = calls
        self._writes = writes
        self._max_rejections = max_rejections
        self._max_replans = max_replans
        self._concurrency = concurrency
        self._rejections = 0

    async def _take(self, action: Code | Call, id: str) -> Observation:
        if isinstance(action, Call):
            raise TypeError("a plan environment takes plans, not single calls")
        text, before = action.source, ""
        decision = await self._control.approve("code", text, id=id, risky=False)
        if decision.verdict == "reject":
            return Observation(text=f"{REJECTED} {decision.text}".strip(), ok=False)
        if decision.verdict == "edit":
            text, before = decision.text, f"{EDITED}\n{decision.text}\n\n"
        checked = self._check(text, id)
        if checked.findings:
            return self._rejected(checked, before)
        self._rejections = 0
        return await self._execute(checked, id, before)

    def _check(self, text: str, id: str) -> Checked:
        checked = check_plan(text, self._state.callees, self._state.prior)
        findings = tuple(map(str, checked.findings))
        self._log.emit(PlanChecked(id=id, steps=len(checked.plan.steps), findings=findings))
        return checked

    def _rejected(self, checked: Checked, before: str) -> Observation:
        self._rejections += 1
        shown = "\n".join(f"- {finding}" for finding in checked.findings[:MOST_FINDINGS])
        if self._rejections > self._max_rejections:
            raise PlanRejected(
                f"{self._rejections} plans in a row did not check, the last for "
                f"{checked.findings[0]}: use a stronger model for the planner, or a simpler task"
            )
        text = f"{before}The plan does not check, and nothing of it was run:\n{shown}\n"
        return Observation(
            text=f"{text}Write the whole of it again, corrected.", ok=False, invalid=True
        )

    async def _execute(self, checked: Checked, id: str, before: str) -> Observation:
        state, steps = self._state, checked.plan.steps
        if state.plans:
            self._log.emit(
                Replanned(
                    id=id,
                    executed=len(state.executed),
                    dropped=len(state.remaining),
                    added=len(steps),
                )
            )
        state.accept(checked)
        state.plans, state.last, state.feedback, self._writes.plan = state.plans + 1, id, (), id
        scheduler = Scheduler(
            state,
            checked.types,
            self._calls.make,
            id=id,
            log=self._log,
            concurrency=self._concurrency,
        )
        outcome = await scheduler.run(steps)
        state.feedback = outcome.feedback
        return await self._told(outcome, before)

    async def _told(self, outcome: Outcome, before: str) -> Observation:
        if outcome.answered:
            return Observation(text=before, **as_answer(outcome.answer))
        text = before + "\n".join(map(str, outcome.feedback))
        if any(feedback.kind == "interrupted" for feedback in outcome.feedback):
            return await self._hear(Observation(text=f"{text}\n{INTERRUPTED}", ok=False))
        if self._state.plans > self._max_replans:
            raise SearchExhausted(
                f"the plan failed after {self._max_replans} replans, the last time for {text}: "
                "allow more with max_replans, or make the task simpler"
            )
        return Observation(text=text, ok=False)


class Calls:
    """Carries out the calls of plans: tools by themselves, roles by models.

    Args:
        tools: the tools by name.
        casts: the roles that can be called.
        state: for the roles that plans declare.
        player: who plays roles.
        declared: makes a role of a declaration.
        control: where interrupts come from.
        log: where calls are written.
        timeout: seconds of one call of a tool.
        past: calls that were made before the run was resumed.
        writes: where calls with effects are noted.
    """

    def __init__(
        self,
        tools: Mapping[str, HostTool],
        casts: Mapping[str, Cast],
        *,
        state: PlanState,
        player: RolePlayer,
        declared: Callable[[Any], Cast],
        control: Control,
        log: EventLog,
        timeout: float,
        past: Past,
        writes: Writes,
    ) -> None:
        self._tools = tools
        self._casts = casts
        self._state = state
        self._player = player
        self._declared = declared
        self._control = control
        self._log = log
        self._timeout = timeout
        self._past = past
        self._writes = writes

    async def make(self, call: Invocation) -> Value:
        """Make one call; see `scheduler.Invoke`."""
        name = call.callee.name
        if name in self._tools:
            return await self._call_tool(self._tools[name], call)
        cast = self._casts.get(name) or self._declared(self._state.declared[name])
        return await self._player.play(cast, call)

    async def _call_tool(self, tool: HostTool, call: Invocation) -> Value:
        began = time.monotonic()
        known = self._past.calls(call.id)
        made = known[0] if known else await self._carry_out(tool, call)
        if made.status == "done":
            self._writes.note(tool.name, made.args, made.kwargs, made.result)
        self._log.emit(
            ToolCalled(
                id=f"{call.id}/{tool.name}",
                parent=call.id,
                tool=tool.name,
                args=made.args,
                kwargs=dict(made.kwargs),
                status=made.status,
                result=self._log.text(json.dumps(made.result)) if made.status == "done" else None,
                error=made.error,
                duration=time.monotonic() - began,
            )
        )
        if made.status == "done":
            return made.result
        raise CallFailed(made.error or "it gave no result")

    async def _carry_out(self, tool: HostTool, call: Invocation) -> ToolCall:
        def end(status: Any, result: Any = None, error: str | None = None) -> ToolCall:
            return ToolCall(
                tool=tool.name,
                args=call.arguments,
                kwargs=call.named,
                status=status,
                result=result,
                error=error,
            )

        try:
            return end("done", await self._control.interruptible(self._result(tool, call)))
        except ToolError as error:
            return end("failed", error=str(error))
        except TimeoutError:
            return end("failed", error=f"it did not end within {self._timeout:g} seconds")
        except StopExecution:
            return end("stopped", error="it ended the task by itself, which a plan may not")
        except Interrupted:
            raise interruption() from None

    async def _result(self, tool: HostTool, call: Invocation) -> Any:
        """Return what a tool returns once it is approved, of a write only the first time."""
        if tool.effects != "write":
            return await self._approved(tool, call)
        return await self._writes.once(
            tool.name, call.arguments, call.named, lambda: self._approved(tool, call)
        )

    async def _approved(self, tool: HostTool, call: Invocation) -> Any:
        await self._control.allow(
            tool.name,
            python_call(tool.name, call.named, call.arguments),
            id=call.id,
            risky=tool.effects == "write",
        )
        return await call_reviewed(
            lambda: self._timed(tool, call),
            tool=tool.name,
            args=call.arguments,
            kwargs=call.named,
            control=self._control,
            id=call.id,
        )

    async def _timed(self, tool: HostTool, call: Invocation) -> Any:
        async with asyncio.timeout(self._timeout):
            return await tool.call(call.arguments, call.named)

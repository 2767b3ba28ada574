"""Tool calls in JSON: how a reply is read as one, and the environment that carries it out."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from treeact.agents.answers import AnswerCheck
from treeact.agents.control import Control, Interrupted
from treeact.agents.environment import AgentEnvironment, as_answer
from treeact.agents.host_folder import HostFolder
from treeact.agents.looking import Looker
from treeact.agents.observations import INTERRUPTED, REJECTED
from treeact.agents.proposers import Reading
from treeact.agents.records.past import Past
from treeact.agents.replies.wrapped import json_objects
from treeact.agents.reviewing import call_reviewed
from treeact.agents.workspace import file_blobs
from treeact.calling import Look, lend
from treeact.errors import StopExecution, ToolError
from treeact.planners.protocols import Call, Code, NoAction, Observation
from treeact.sandbox.base import ToolCall
from treeact.tools import ToolSet
from treeact.trace.events import ToolCalled
from treeact.trace.log import EventLog

FORM = (
    "Reply with one JSON object and nothing else: "
    '{"thought": "...", "tool": "NAME", "arguments": {...}}'
)


def read_call(text: str) -> Reading:
    """Read a reply as one tool call; what is wrong with it is told to the model."""
    for _, value in json_objects(text):
        if isinstance(value, dict) and "tool" in value:
            return _read_object(value)
    problem = "no call" if text.strip() else "empty reply"
    return Reading(NoAction(f"Your reply held no tool call. {FORM}"), problem=problem)


def _read_object(value: Mapping[str, Any]) -> Reading:
    tool, arguments = value["tool"], value.get("arguments", {})
    thought = str(value.get("thought") or "")
    if isinstance(tool, str) and isinstance(arguments, dict):
        return Reading(Call(tool, arguments), thought=thought)
    feedback = f'"tool" must be a text and "arguments" an object. {FORM}'
    return Reading(NoAction(feedback), thought=thought, problem="malformed call")


class ToolEnvironment(AgentEnvironment):
    """Carries out single tool calls.

    Args:
        tools: what can be called.
        control: who approves calls with effects.
        log: where calls are written.
        timeout: seconds of one call.
        past: calls that were made before the run was resumed.
        folder: the working folder that tools read and write.
        looker: what looks at pictures for the tools, given the logical id of the step.
        answers: see `AgentEnvironment`.
    """

    def __init__(
        self,
        tools: ToolSet,
        *,
        control: Control,
        log: EventLog,
        timeout: float,
        past: Past,
        folder: HostFolder,
        looker: Looker,
        answers: AnswerCheck | None = None,
    ) -> None:
        super().__init__(control=control, log=log, answers=answers)
        self._folder = folder
        self._looker = looker
        self._tools = tools
        self._timeout = timeout
        self._past = past

    async def _take(self, action: Code | Call, id: str) -> Observation:
        if isinstance(action, Code):
            raise TypeError("a tool environment takes single calls, not code")
        began = time.monotonic()
        look = await self._looker(id)
        known = self._past.calls(id)
        if known:
            self._folder.restore(known[0].files)
        observation = _as_before(action, known[0]) if known else await self._call(action, id, look)
        if self._is_risky(action):
            observation = replace(observation, lasting=True)
        self._log.emit(
            ToolCalled(
                id=f"{id}/{action.tool}",
                parent=id,
                tool=action.tool,
                kwargs=dict(action.arguments),
                status=_status(observation),
                result=self._log.text(json.dumps(observation.text)) if observation.ok else None,
                error=None if observation.ok else observation.text,
                duration=time.monotonic() - began,
                files=file_blobs(self._log, self._folder.take_new()),
            )
        )
        return observation

    def _is_risky(self, action: Call) -> bool:
        return action.tool in self._tools and self._tools[action.tool].effects == "write"

    async def _call(self, action: Call, id: str, look: Look) -> Observation:
        decision = await self._control.approve(
            "call", action.text, id=id, risky=self._is_risky(action), tool=action.tool
        )
        if decision.verdict != "approve":
            return Observation(text=f"{REJECTED} {decision.text}".strip(), ok=False)
        call = self._call_reviewed(action, id, look)
        try:
            async with asyncio.timeout(self._timeout):
                result = await self._control.interruptible(call)
        except ToolError as error:
            return Observation(text=f"The call failed: {error}", ok=False)
        except TimeoutError:
            text = f"The call did not end within {self._timeout:g} seconds."
            return Observation(text=text, ok=False)
        except Interrupted:
            return await self._hear(Observation(text=INTERRUPTED, ok=False))
        except StopExecution:
            return _given_answer(action)
        return Observation(text=result if isinstance(result, str) else json.dumps(result))

    async def _call_reviewed(self, action: Call, id: str, look: Look) -> Any:
        with lend(folder=self._folder, look=look):
            return await call_reviewed(
                lambda: self._tools.call(action.tool, (), action.arguments),
                tool=action.tool,
                args=(),
                kwargs=action.arguments,
                control=self._control,
                id=id,
            )


def _given_answer(action: Call) -> Observation:
    value = next(iter(action.arguments.values()), "")
    return Observation(text="", **as_answer(value))


def _status(observation: Observation) -> str:
    if observation.done:
        return "stopped"
    return "done" if observation.ok else "failed"


def _as_before(action: Call, call: ToolCall) -> Observation:
    """Return the observation of a call that was made before the run was resumed."""
    if call.status == "stopped":
        return _given_answer(action)
    if call.status == "failed":
        return Observation(text=call.error or "", ok=False)
    return Observation(text=str(call.result))

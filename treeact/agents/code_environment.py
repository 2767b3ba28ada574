"""The environment that code actions act on: a workspace, and the person who may say no."""

from __future__ import annotations

from typing import Any

from treeact.agents import observations
from treeact.agents.answers import AnswerCheck
from treeact.agents.control import Control, Interrupted
from treeact.agents.environment import AgentEnvironment, as_answer
from treeact.agents.workspace import Workspace
from treeact.errors import SandboxError
from treeact.planners.normalise import is_no_python
from treeact.planners.protocols import Call, Code, Observation
from treeact.sandbox.base import Execution
from treeact.tools import FINAL_ANSWER
from treeact.trace.events import CodeRun
from treeact.trace.log import EventLog


class CodeEnvironment(AgentEnvironment):
    """Runs code actions in a workspace and words what came of them.

    Args:
        workspace: where code runs.
        control: who approves, and who may interrupt.
        log: where everything is written.
        step_timeout: seconds of one code action.
        listens: see `AgentEnvironment`.
        answers: see `AgentEnvironment`.
        node: logical id of the node that a tentative copy is for.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        control: Control,
        log: EventLog,
        step_timeout: float,
        listens: bool = True,
        answers: AnswerCheck | None = None,
        node: str = "",
    ) -> None:
        super().__init__(control=control, log=log, listens=listens, answers=answers)
        self._workspace = workspace
        self._step_timeout = step_timeout
        self._node = node

    async def fork(self, *, id: str) -> CodeEnvironment:
        """Return a copy of the live interpreter and its files; see `Forkable.fork`."""
        return CodeEnvironment(
            await self._workspace.fork(id=id),
            control=self._control,
            log=self._log,
            step_timeout=self._step_timeout,
            listens=False,
            answers=self._answers.in_fork(),
            node=id,
        )

    async def choose(self, fork: CodeEnvironment, *, commit: bool = True) -> str:
        """Go on in the live state of a fork; see `Forkable.choose`."""
        made = await self._workspace.adopt(fork._workspace, id=fork._node, commit=commit)
        return observations.describe_failed_writes(made)

    async def close(self) -> None:
        """Drop the state of a copy; the first one's is the run's to close."""
        if self._workspace.tentative:
            await self._workspace.close()

    async def _take(self, action: Code | Call, id: str) -> Observation:
        if isinstance(action, Call):
            raise TypeError("a code environment takes code, not single calls")
        return await self._run_approved(action.source, id)

    async def _run_approved(self, source: str, id: str) -> Observation:
        decision = await self._control.approve("code", source, id=id, risky=False)
        match decision.verdict:
            case "reject":
                text = f"{observations.REJECTED} {decision.text}".strip()
                return Observation(text=text, ok=False)
            case "edit":
                before = f"{observations.EDITED}\n{decision.text}\n\n"
                return await self._run(decision.text, id, before)
            case "approve":
                return await self._run(source, id)

    async def _run(self, source: str, id: str, before: str = "") -> Observation:
        try:
            execution = await self._workspace.run(
                source, timeout=self._step_timeout, id=id, control=self._control
            )
        except SandboxError as error:
            return await self._recover(str(error).rstrip("."))
        except Interrupted:
            return await self._hear(Observation(text=observations.INTERRUPTED, ok=False))
        self._log_execution(execution, id)
        given = given_answer(execution)
        told = observations.describe_execution(
            execution, timeout=self._step_timeout, answered=bool(given)
        )
        observation = Observation(
            text=before + told,
            ok=execution.ok,
            invalid=_is_no_python(execution, source),
            empty=told == observations.EMPTY,
            lasting=any(map(self._workspace.has_effects, execution.calls)),
            **given,
            images=tuple(picture.data for picture in execution.images),
        )
        if execution.outcome == "interrupted":
            return await self._hear(observation)
        return observation

    async def _recover(self, reason: str) -> Observation:
        if self._workspace.tentative:  # the sandbox rebuilds it when it is used again
            return Observation(text=observations.DIED.format(reason=reason), ok=False)
        await self._workspace.restart(reason)
        return Observation(text=observations.RESTARTED.format(reason=reason), ok=False)

    def _log_execution(self, execution: Execution, id: str) -> None:
        log, error = self._log, execution.error
        self._log.emit(
            CodeRun(
                id=id,
                outcome=execution.outcome,
                stdout=log.text(execution.stdout),
                stderr=log.text(execution.stderr),
                value=None if execution.value is None else log.text(execution.value),
                error=None if error is None else f"{error.type}: {error.message}",
                files=tuple(file.name for file in execution.files),
                sizes=tuple(file.size for file in execution.files),
                images=tuple(
                    log.blobs.put(picture.data, media_type=picture.media_type)
                    for picture in execution.images
                ),
                duration=execution.duration,
                cpu_seconds=execution.usage.cpu_seconds,
                memory=execution.usage.memory,
                rolled_back=execution.rolled_back,
                notes=execution.notes,
            )
        )


def _is_no_python(execution: Execution, source: str) -> bool:
    """Return whether the code can run in no state, since it does not even compile."""
    error = execution.error
    return error is not None and error.type.endswith("SyntaxError") and is_no_python(source)


def given_answer(execution: Execution) -> dict[str, Any]:
    """Return what an observation says of the answer that the code gave; nothing for none."""
    for call in reversed(execution.calls):
        if call.tool == FINAL_ANSWER and call.status == "stopped":
            values = [*call.args, *call.kwargs.values()]
            return as_answer(values[0] if values else "")
    return {}

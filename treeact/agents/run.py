"""One run of an agent: the only mutable object, and what everybody watches and steers it by."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Generic, cast

from treeact.agents.answers import AnswerCheck, AnswerForm
from treeact.agents.conclude import LastCall
from treeact.agents.control import Control, Decision
from treeact.agents.proposers import ModelProposer
from treeact.agents.records.divergence import Replay, read_replay
from treeact.agents.records.past import Past
from treeact.agents.records.retracing import retrace
from treeact.agents.task import T, Task
from treeact.errors import (
    AnswerError,
    BudgetExceeded,
    ContextFull,
    ModelError,
    SandboxError,
    SearchExhausted,
    TraceError,
    TreeActError,
)
from treeact.planners.protocols import (
    Environment,
    Observation,
    Path,
    Planner,
    Proposer,
    Solution,
    Step,
)
from treeact.planners.tree import ActionTree
from treeact.trace.budget import Budget, LimitName
from treeact.trace.events import Answered, Event, RunEnded, StopReason
from treeact.trace.log import EventLog
from treeact.trace.usage import Ledger

if TYPE_CHECKING:
    from treeact.models.base import Model


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a run gives an agent to build its parts with."""

    task: Task[Any]
    model: Model
    budget: Budget
    log: EventLog
    ledger: Ledger
    control: Control
    past: Past
    """What is answered from the record, in a run that is resumed."""
    form: AnswerForm | None = None
    """What the answer has to be; None where any text will do."""

    @cached_property
    def answers(self) -> AnswerCheck:
        """What looks at the run's answers."""
        return AnswerCheck(self.form, self.log)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What an agent makes a run of."""

    planner: Planner
    env: Environment
    proposer: Proposer
    last_call: LastCall | None
    """None where there is no model to ask for a best effort."""
    close: Callable[[], Awaitable[None]]
    """Releases what the parts hold, such as the sandbox."""


@dataclass(frozen=True, kw_only=True)
class Result(Generic[T]):
    """What came of a run."""

    answer: str | None
    """The answer as text; as JSON where the task says of what type it is."""
    reason: StopReason
    """Why the run stopped."""
    message: str
    """The reason in a sentence, with the remedy where there is one."""
    best_effort: bool
    """True when the answer was asked for after a limit was reached."""
    path: Path
    """The steps that led here; empty when the run was cut off in the middle."""
    steps: int
    """Steps that were begun."""
    ledger: Ledger
    """Tokens and dollars by role and phase."""
    duration: float
    """Seconds of wall time."""
    directory: FilePath | None
    """The run directory, when the trace was kept."""
    rejected: str | None = None
    """The last answer that was not of the type that is asked for, where the run ended with it."""
    form: AnswerForm | None = field(default=None, repr=False, compare=False)
    """What the answer has to be."""
    replay: Replay | None = None
    """How taking steps of an earlier run again went, when the run began with that."""

    @property
    def value(self) -> T:
        """The answer as a value of the type that the task asks for, or as text if it asks for none.

        Raises:
            AnswerError: there is no answer, or none of that type.
        """
        if self.answer is None:
            said = f"there is no answer ({self.reason}): {self.message}"
            raise AnswerError(said, answer=self.rejected or "")
        return cast(T, self.answer if self.form is None else self.form.value(self.answer))


class Run(Generic[T]):
    """A run in progress, or ended. Made by `agent.start(task)` inside an event loop.

    Use it as an async context manager when it was started with `follow_up=True`, so that its
    sandbox is closed at the end.
    """

    def __init__(self, context: Context, parts: Parts, *, follow_up: bool) -> None:
        self.log = context.log
        """The run's events."""
        self.budget = context.budget
        """What the run may still spend."""
        self.ledger = context.ledger
        """What it has spent, by role and phase."""
        self._root = context.task.id
        self._form = context.form
        self._answers = context.answers
        self._rejected: str | None = None
        self._control = context.control
        self._trail = context.past.trail
        self._retraces = self._trail is not None
        self._parts = parts
        self._follow_up = follow_up
        self._path: Path = ()
        self._tree = ActionTree()
        self._closed = False
        self._begin_turn()

    def _begin_turn(self) -> None:
        self._cancelled = self._finished = False
        self._deadline: asyncio.Timeout | None = None
        self._tree = ActionTree(run=self._root, path=self._path, log=self.log)
        self._work: asyncio.Future[Result[T]] | None = None
        self._rejected = None
        self._turn = asyncio.ensure_future(self._take_turn())

    async def __aenter__(self) -> Run[T]:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def events(self) -> AsyncIterator[Event]:
        """Iterate over the run's events from its first to the end of the turn."""
        return self.log.follow()

    async def result(self) -> Result[T]:
        """Wait for the end of the turn and return what came of it.

        Cancelling the waiting coroutine cancels the run, which still ends its trace.

        Raises:
            TreeActError: the run could not be started as it was asked for.
        """
        try:
            return await asyncio.shield(self._turn)
        except asyncio.CancelledError:
            self.cancel()
            await self.wait()
            raise

    @property
    def best(self) -> Path:
        """The best path so far, at any moment; of an ended run, the one it ended with."""
        return self._path if self._finished else self._tree.path(self._tree.best)

    def send(self, text: str) -> None:
        """Tell the agent something.

        A run in progress hands it over with the next observation; one that has ended, and was
        started with `follow_up=True`, goes on with it as the next question.

        Raises:
            TreeActError: the run has ended and takes no follow-up.
        """
        if not self._turn.done():
            self._control.send(text)
            return
        if not self._follow_up or self._closed:
            raise TreeActError("the run has ended: start it with follow_up=True to go on")
        self._control.note("send", text)
        said = Step(
            id=f"{self._root}/step-{len(self._path) + 1}",
            proposal=None,
            observation=Observation(text=text),
        )
        self._path = (*self._path, said)
        self._begin_turn()

    def approve(self) -> bool:
        """Let the waiting action happen; return whether one was waiting."""
        return self._control.decide(Decision("approve"))

    def edit(self, code: str) -> bool:
        """Let `code` run in the place of the waiting code; return whether one was waiting."""
        return self._control.decide(Decision("edit", code))

    def reject(self, instructions: str = "") -> bool:
        """Refuse the waiting action and say why; return whether one was waiting."""
        return self._control.decide(Decision("reject", instructions))

    def interrupt(self, text: str = "") -> bool:
        """Stop what the run is doing right now, keeping its state where possible.

        The run then waits for `send`; with `text` it goes on with that at once.

        Returns:
            Whether there was anything to stop.
        """
        stopped = self._control.interrupt()
        if stopped and text:
            self._control.send(text)
        return stopped

    def limit(self, name: LimitName, value: float | None) -> None:
        """Set a limit of the run from now on.

        Args:
            name: which one; `steps` are all those of the run, as `seconds` are from its start.
            value: None lifts it. One that is below what was spent already stops the run.

        Raises:
            ConfigError: it is zero or negative.
        """
        self.budget.change(name, value)
        self._control.note("limit", f"{name}={'none' if value is None else f'{value:g}'}")
        left = self.budget.seconds_left()
        if self._deadline is not None and not self._deadline.expired():
            now = asyncio.get_running_loop().time()
            self._deadline.reschedule(None if left is None else now + left)

    def cancel(self) -> None:
        """End the run now; `result` then says that it was cancelled."""
        if self._finished or self._cancelled:
            return
        self._cancelled = True
        self._control.note("cancel")
        if self._work is not None:
            self._work.cancel()

    async def close(self) -> None:
        """End the run if it still goes on, and release what it holds."""
        self.cancel()
        await self.wait()
        await self._release()

    async def wait(self) -> None:
        """Wait for the end of the turn; giving up the wait leaves the run as it is."""
        await asyncio.wait([self._turn])

    async def _take_turn(self) -> Result[T]:
        """Run to an answer or a stop, and write down how it ended. It is never cancelled itself."""
        ended = False
        try:
            result = self._write_end(await self._outcome(time.monotonic()))
            ended = True
            return result
        finally:
            self._finished = True
            if self._parts.last_call:
                self._parts.last_call.release()
            if not (ended and self._follow_up):
                await self._release()

    async def _outcome(self, began: float) -> Result[T]:
        """Do the work in a task of its own, which a cancellation ends."""
        self._work = asyncio.ensure_future(self._solve_and_conclude(began))
        if self._cancelled:
            self._work.cancel()
        await asyncio.wait([self._work])
        if self._work.cancelled():
            return self._result("cancelled", "the run was cancelled", began)
        try:
            return self._work.result()
        except TraceError as error:
            return self._result("trace failure", str(error), began)

    async def _solve_and_conclude(self, began: float) -> Result[T]:
        self.budget.start()
        if self._parts.last_call:
            self._parts.last_call.hold()
        return await self._conclude(await self._solve(), began)

    async def _solve(self) -> Solution:
        self._deadline = asyncio.timeout(self.budget.seconds_left())
        try:
            async with self._deadline:
                return await self._retrace() or await self._parts.planner.solve(
                    self._parts.env, self._parts.proposer, self.budget, tree=self._tree
                )
        except TimeoutError:
            if not self._deadline.expired():
                raise
            stop = BudgetExceeded("the time limit is reached", limit="seconds")
            return Solution(path=self._tree.path(self._tree.best), stopped=stop)

    async def _retrace(self) -> Solution | None:
        """Take the steps again that the run is to go on from; return where that ended it."""
        trail, self._trail = self._trail, None
        if trail is None:
            return None
        parts = self._parts
        try:
            path = await retrace(trail, parts.env, parts.proposer, self.log, run=self._root)
        except TreeActError as stop:
            return Solution(path=(), stopped=stop)
        if path and path[-1].observation.done:
            return Solution(path=path)
        self._tree = ActionTree(run=self._root, path=path, log=self.log)
        return None

    async def _release(self) -> None:
        """Give back what the run holds, once, whoever stops waiting for it."""
        if not self._closed:
            self._closed = True
            try:
                await asyncio.shield(self._parts.close())
            finally:
                self.log.close()

    async def _conclude(self, solution: Solution, began: float) -> Result[T]:
        """Turn a solution into a result, asking for a best effort where a limit was reached."""
        self._path = solution.path
        stopped = solution.stopped
        if solution.answer is not None:
            self._answered(solution.answer)
            return self._result("answered", str(stopped or ""), began, answer=solution.answer)
        if stopped is None:
            raise TypeError(f"the planner {self._parts.planner.name} stopped and gave no reason")
        reason = stop_reason(stopped)
        answer = None
        if isinstance(stopped, AnswerError):
            self._rejected = stopped.answer
        if reason in ("step limit", "budget", "context full", "search exhausted"):
            answer = await self._best_effort()
        return self._result(reason, str(stopped), began, answer=answer, best_effort=True)

    async def _best_effort(self) -> str | None:
        proposer, last_call = self._parts.proposer, self._parts.last_call
        if last_call is None or not isinstance(proposer, ModelProposer):
            return None
        messages = proposer.prompt(self._path)
        try:
            async with asyncio.timeout(self.budget.seconds_left()):
                reply = await last_call.ask(messages, id=f"{self._root}/conclude")
        except (ModelError, TimeoutError):
            return None
        if reply is None or not (answer := proposer.read_answer(reply)):
            return None
        try:
            answer = self._answers.accept(answer, answer, f"{self._root}/conclude")
        except AnswerError as error:
            self._rejected = error.answer
            return None
        self._answered(answer, best_effort=True)
        return answer

    def _answered(self, answer: str, *, best_effort: bool = False) -> None:
        self.log.emit(
            Answered(
                id=f"{self._root}/answer", answer=self.log.text(answer), best_effort=best_effort
            )
        )

    def _result(
        self,
        reason: StopReason,
        message: str,
        began: float,
        *,
        answer: str | None = None,
        best_effort: bool = False,
    ) -> Result[T]:
        return Result(
            answer=answer,
            reason=reason,
            message=message,
            best_effort=best_effort and answer is not None,
            path=self._path,
            steps=self.budget.spent.steps,
            ledger=self.ledger,
            duration=time.monotonic() - began,
            directory=self.log.directory,
            rejected=self._rejected,
            form=self._form,
            replay=self._replay(),
        )

    def _replay(self) -> Replay | None:
        return read_replay(self.log.events(), self.log.blobs) if self._retraces else None

    def _write_end(self, result: Result[T]) -> Result[T]:
        """Write the end down; where even that fails, the result says so."""
        total = self.ledger.total
        event = RunEnded(
            id=self._root,
            reason=result.reason,
            message=result.message,
            answer=None if result.answer is None else self.log.text(result.answer),
            steps=result.steps,
            calls=total.calls,
            input_tokens=total.usage.input_tokens,
            output_tokens=total.usage.output_tokens,
            estimated=total.usage.estimated,
            cost=total.cost,
            unpriced=total.unpriced,
            duration=result.duration,
        )
        try:
            self.log.emit(event)
        except TraceError as error:
            return replace(result, reason="trace failure", message=str(error))
        return result


_REASONS: tuple[tuple[type[TreeActError], StopReason], ...] = (
    (ContextFull, "context full"),
    (ModelError, "model failure"),
    (SandboxError, "sandbox failure"),
    (SearchExhausted, "search exhausted"),
    (AnswerError, "invalid answer"),
    (TraceError, "trace failure"),
)


def stop_reason(stop: TreeActError) -> StopReason:
    """Return the reason that `stop` is.

    Raises:
        TreeActError: `stop` itself, when it is no reason to stop but a fault of the set-up.
    """
    if isinstance(stop, BudgetExceeded):
        return {"steps": "step limit", "seconds": "time limit"}.get(stop.limit, "budget")  # type: ignore[return-value]
    for kind, reason in _REASONS:
        if isinstance(stop, kind):
            return reason
    raise stop

"""How people and programs steer a run: approvals, messages, interrupts."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from treeact.errors import ToolError
from treeact.trace.events import ApprovalRequested, Command, CommandReceived, Noticed
from treeact.trace.log import EventLog

ApprovalPolicy = Literal["all", "risky", "none"]
"""What needs a yes: every code action and tool call with effects; only the latter; nothing."""

ToolRule = Literal["always", "never"]
"""Whether calls of one tool need a yes, whatever the policy says."""


@dataclass(frozen=True, kw_only=True)
class CallResult:
    """What a tool gave, before the agent has it."""

    tool: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    result: Any
    """JSON values."""
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """What the call puts into the working folder unless its result is withheld, by name."""


Reviewer = Callable[[CallResult], Any]
"""Returns what the agent is to get for a result, or a coroutine of it; to withhold it, it raises
ToolError, whose text the agent is told. Where it fails in another way the result is withheld."""

T = TypeVar("T")


@dataclass(frozen=True)
class Decision:
    """What was decided about an action that waited for approval."""

    verdict: Literal["approve", "edit", "reject"]
    text: str = ""
    """The edited code, or the instructions that go with a rejection."""


class Interrupted(Exception):
    """What the run was doing was interrupted; it goes on with the user's next message."""


@dataclass(eq=False, slots=True)
class _Stop:
    """What an interrupt calls, and whether it did."""

    call: Callable[[], object]
    called: bool = False


class Control:
    """The receiving end of a run's commands. Each accepted command is an event."""

    def __init__(
        self,
        log: EventLog,
        *,
        policy: ApprovalPolicy = "none",
        rules: Mapping[str, ToolRule] | None = None,
        reviewer: Reviewer | None = None,
        root: str = "run",
    ) -> None:
        self._log = log
        self._rules = rules or {}
        self._reviewer = reviewer
        self.policy = policy
        """What needs a yes."""
        self._root = root
        self._decision: asyncio.Future[Decision] | None = None
        self._editable = False
        self._messages: asyncio.Queue[str] = asyncio.Queue()
        self._asking = asyncio.Lock()
        self._stops: list[_Stop] = []
        self._paused = False

    def needs_yes(self, *, risky: bool, tool: str | None = None) -> bool:
        """Return whether an action has to be approved: by the rule of its tool, or the policy."""
        if tool is not None and tool in self._rules:
            return self._rules[tool] == "always"
        return self.policy == "all" or (self.policy == "risky" and risky)

    def asks_in_code(self, *, risky: bool, tool: str) -> bool:
        """Return whether a call that code makes has to be approved.

        The policy `all` asks about the code itself, and so leaves alone what is not risky in it.
        """
        return (risky or tool in self._rules) and self.needs_yes(risky=risky, tool=tool)

    async def allow(self, tool: str, text: str, *, id: str, risky: bool) -> None:
        """Have a call approved that code or a plan makes, where that is needed.

        Args:
            tool: its name.
            text: the call as Python would write it.
            id: logical id of the call.
            risky: whether it has effects outside of the sandbox.

        Raises:
            ToolError: the call was not allowed.
        """
        if not self.asks_in_code(risky=risky, tool=tool):
            return
        decision = await self.approve("call", text, id=id, risky=risky, tool=tool)
        if decision.verdict != "approve":
            raise ToolError(f"The user did not allow this call. {decision.text}".strip())

    @property
    def reviews(self) -> bool:
        """Whether results are reviewed."""
        return self._reviewer is not None

    async def review(self, call: CallResult, *, id: str) -> Any:
        """Return what the agent gets for a result: what the reviewer makes of it.

        Raises:
            ToolError: the reviewer withholds it, or fails.
        """
        if self._reviewer is None:
            return call.result
        tool = call.tool
        try:
            seen = self._reviewer(call)
            seen = await seen if inspect.isawaitable(seen) else seen
        except ToolError as error:
            raise ToolError(f"the result of {tool} was withheld: {error}") from error
        except Exception as error:
            self._log.emit(Noticed(id=id, text=f"the review of {tool} failed: {error!r}"))
            raise ToolError(f"the result of {tool} was withheld: its review failed") from error
        if seen != call.result:
            self._log.emit(Noticed(id=id, text=f"the review changed the result of {tool}"))
        return seen

    async def approve(
        self,
        what: Literal["code", "call"],
        text: str,
        *,
        id: str,
        risky: bool,
        tool: str | None = None,
    ) -> Decision:
        """Wait for a decision about an action, where the policy asks for one.

        Args:
            what: what waits; only code can be edited.
            text: the code, or the call as Python would write it.
            id: logical id of the action.
            risky: whether the action itself has effects outside of the sandbox.
            tool: the tool that is called.
        """
        if not self.needs_yes(risky=risky, tool=tool):
            return Decision("approve")
        async with self._asking:  # candidates of a search may ask at once: one after the other
            self._decision = asyncio.get_running_loop().create_future()
            self._editable = what == "code"
            self._log.emit(ApprovalRequested(id=id, what=what, text=self._log.text(text)))
            try:
                return await self._decision
            finally:
                self._decision = None

    def decide(self, decision: Decision) -> bool:
        """Answer the waiting request; return whether there was one that can be answered so."""
        if self._decision is None or self._decision.done():
            return False
        if decision.verdict == "edit" and not self._editable:
            return False
        self.note(decision.verdict, decision.text)
        self._decision.set_result(decision)
        return True

    def send(self, text: str) -> None:
        """Leave a message that the agent reads with its next observation."""
        self.note("send", text)
        self._messages.put_nowait(text)

    def interrupt(self) -> bool:
        """Stop what the run is doing; return whether there was anything to stop.

        An action that waits for a yes counts as rejected, but for a call that code makes: that
        ends with the code. The run then waits for a message before it goes on.
        """
        asked = self._decision if self._decision and not self._decision.done() else None
        if not self._stops and asked is None:
            return False
        self.note("interrupt")
        self._paused = True
        stops, self._stops = self._stops, []
        for stop in stops:
            stop.called = True
            stop.call()
        if asked and (self._editable or not stops):
            asked.set_result(Decision("reject"))
        return True

    @contextmanager
    def stoppable(self, stop: Callable[[], object]) -> Iterator[_Stop]:
        """Let an interrupt call `stop`, once, while the block runs."""
        registered = _Stop(stop)
        self._stops.append(registered)
        try:
            yield registered
        finally:
            if not registered.called:
                self._stops.remove(registered)

    async def interruptible(self, work: Awaitable[T]) -> T:
        """Return what `work` returns; an interrupt cancels it.

        It runs in the caller's own task, since a task for each call would cost more than the rest
        of a step; as with `asyncio.timeout`, the cancellation is taken back where it was ours.

        Raises:
            Interrupted: it was interrupted.
        """
        task = asyncio.current_task()
        assert task is not None
        with self.stoppable(task.cancel) as stop:
            try:
                return await work
            except asyncio.CancelledError:
                if not stop.called or task.uncancel() > 0:  # cancelled from outside, alone or too
                    raise
                raise Interrupted from None

    def waiting_messages(self) -> list[str]:
        """Return the messages that came since the last look."""
        messages = []
        while not self._messages.empty():
            messages.append(self._messages.get_nowait())
        return messages

    async def next_message(self) -> str:
        """Return the next message, waiting for it."""
        message = await self._messages.get()
        self._paused = False
        return message

    async def catch_up(self) -> list[str]:
        """Return the messages that came, and after an interrupt wait for the first."""
        first = [await self.next_message()] if self._paused else []
        return first + self.waiting_messages()

    def note(
        self,
        command: Command,
        text: str = "",
    ) -> None:
        """Write down that a command was accepted."""
        self._log.emit(CommandReceived(id=f"{self._root}/command", command=command, text=text))

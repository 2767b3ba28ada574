"""How people and programs steer a run: approvals, messages, interrupts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

from treeact.trace.events import ApprovalRequested, CommandReceived
from treeact.trace.log import EventLog

ApprovalPolicy = Literal["all", "risky", "none"]
"""What needs a yes: every code action and tool call with effects; only the latter; nothing."""

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
        self, log: EventLog, *, policy: ApprovalPolicy = "none", root: str = "run"
    ) -> None:
        self._log = log
        self.policy = policy
        """What needs a yes."""
        self._root = root
        self._decision: asyncio.Future[Decision] | None = None
        self._editable = False
        self._messages: asyncio.Queue[str] = asyncio.Queue()
        self._asking = asyncio.Lock()
        self._stops: list[_Stop] = []
        self._paused = False

    async def approve(
        self, what: Literal["code", "call"], text: str, *, id: str, risky: bool
    ) -> Decision:
        """Wait for a decision about an action, where the policy asks for one.

        Args:
            what: what waits; only code can be edited.
            text: the code, or the call as Python would write it.
            id: logical id of the action.
            risky: whether the action itself has effects outside of the sandbox.
        """
        if self.policy == "none" or (self.policy == "risky" and not risky):
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

        The run then waits for a message before it goes on.
        """
        if not self._stops:
            return False
        self.note("interrupt")
        self._paused = True
        stops, self._stops = self._stops, []
        for stop in stops:
            stop.called = True
            stop.call()
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
        command: Literal["approve", "edit", "reject", "send", "interrupt", "cancel"],
        text: str = "",
    ) -> None:
        """Write down that a command was accepted."""
        self._log.emit(CommandReceived(id=f"{self._root}/command", command=command, text=text))

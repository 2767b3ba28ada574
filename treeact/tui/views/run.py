"""A run as it stands: who works, what it has spent, what it waits for, and its blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from treeact.agents.blocks import Block, blocks_of
from treeact.trace import events as ev
from treeact.trace.budget import LimitName
from treeact.trace.usage import Ledger

State = Literal["starting", "working", "waiting", "interrupted", "ended"]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """An action that waits for a yes."""

    id: str
    what: Literal["code", "call"]
    text: ev.Text


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A model call failed and will be tried again."""

    problem: str
    attempts: int
    """Attempts of this call that have failed."""
    until: float
    """When the next one begins, in seconds since the epoch."""

    def line(self, now: float) -> str:
        """Return it with a countdown, for people."""
        left = max(0.0, self.until - now)
        when = f"again in {left:.0f} s" if left else "trying again"
        return f"! the model failed, attempt {self.attempts}: {self.problem}; {when}"


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """How much of a limit is spent."""

    limit: LimitName
    spent: float
    allowed: float | None
    """None where there is no limit."""
    at_least: bool = False
    """Whether more may be spent than is known: some prices are not known."""

    @property
    def share(self) -> float | None:
        """The part that is spent, from 0 up; None where there is no limit."""
        return None if self.allowed is None else self.spent / self.allowed

    @property
    def alarm(self) -> str:
        """`!` from 80 %, `!!` from 95 %: as text, since colour alone would not do."""
        share = self.share or 0.0
        return "!!" if share >= 0.95 else "!" if share >= 0.8 else ""


@dataclass
class RunView:
    """What is known of a run from its events; take them in any number of portions, in order."""

    agent: str = ""
    model: str = ""
    planner: str = ""
    question: ev.Text = ""
    state: State = "starting"
    reason: str = ""
    """Why it ended."""
    began: float | None = None
    ended: float | None = None
    step: int = 0
    """Steps begun, as far as events tell."""
    answer: ev.Text | None = None
    waiting: Waiting | None = None
    failure: Failure | None = None
    """The model call that is to be tried again, if there is one."""
    approve: str = ""
    """What needs a yes: none, risky or all; empty where nothing says so."""
    tools: tuple[str, ...] = ()
    blocks: list[Block] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    limits: dict[LimitName, float | None] = field(default_factory=dict)
    expansions: int = 0
    _steps: set[str] = field(default_factory=set)
    _taken: int = 0

    def take(self, event: ev.Event) -> None:
        """Take the next event in."""
        self._follow(event)
        self.blocks.extend(blocks_of(event, self._taken))
        self._taken += 1

    def _follow(self, event: ev.Event) -> None:
        match event:
            case ev.RunStarted():
                self._start(event)
            case ev.ModelRetried():
                failed = 1 + (self.failure.attempts if self.failure else 0)
                until = event.time + event.wait
                self.failure = Failure(problem=event.problem, attempts=failed, until=until)
            case ev.ModelCalled():
                self.failure = None
                self.ledger.add(event.role, event.phase, event.usage, event.cost, event.parts)
            case ev.Proposed():
                self.state = "working"
                self._steps.add(event.id)
                self.step = len(self._steps)
            case ev.NodeExpanded():
                self.expansions += 1
            case ev.ApprovalRequested():
                self.state = "waiting"
                self.waiting = Waiting(id=event.id, what=event.what, text=event.text)
            case ev.CommandReceived():
                self._obey(event)
            case ev.Answered():
                self.answer = event.answer
            case ev.RunEnded():
                self.state, self.reason, self.ended = "ended", event.reason, event.time
                self.step, self.waiting, self.failure = event.steps, None, None

    def _start(self, event: ev.RunStarted) -> None:
        self.state, self.began = "working", event.time
        self.agent, self.model, self.planner = event.agent, event.model, event.planner
        self.question = event.question
        self.limits |= event.settings.get("budget") or {}
        self.approve = str(event.settings.get("approve") or "")
        self.tools = tuple(map(str, event.settings.get("tools") or ()))

    def _obey(self, event: ev.CommandReceived) -> None:
        match event.command:
            case "approve" | "edit" | "reject":
                self.state, self.waiting = "working", None
            case "interrupt":
                self.state, self.waiting = "interrupted", None
            case "send":
                self.state = "working" if self.waiting is None else self.state
                self.ended = None
            case "limit":
                name, _, value = event.text.partition("=")
                self.limits[name] = None if value == "none" else float(value)  # type: ignore[index]

    @property
    def stopped_short(self) -> bool:
        """Whether the run has ended without an answer of its own, so that it can be tried again."""
        return self.state == "ended" and self.reason != "answered"

    def gauges(self, now: float) -> list[Gauge]:
        """Return the gauges: steps, tokens, dollars and seconds, those with a limit and in use.

        Args:
            now: seconds since the epoch.
        """
        total = self.ledger.total
        seconds = (self.ended or now) - self.began if self.began is not None else 0.0
        spent: dict[LimitName, float] = {
            "steps": self.step,
            "expansions": self.expansions,
            "tokens": total.usage.total_tokens,
            "usd": total.cost,
            "seconds": max(0.0, seconds),
        }
        return [
            Gauge(
                limit=name,
                spent=value,
                allowed=self.limits.get(name),
                at_least=name == "usd" and total.unpriced > 0,
            )
            for name, value in spent.items()
            if name != "expansions" or value or self.limits.get(name)
        ]

    @property
    def cost(self) -> str:
        """The cost for people; an unknown price is never shown as nothing."""
        total = self.ledger.total
        if total.unpriced and total.unpriced == total.calls:
            return "cost n/a"
        return f"{'>= ' if total.unpriced else ''}${total.cost:.4f}"

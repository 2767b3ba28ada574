"""Budgets: reserve before a call, settle what it really used, never overspend.

A budget is a tree: a child's spending counts against every ancestor, and each may refuse. All of it
runs on one event loop, so a decision and its booking are never interleaved with another's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, Unpack

from treeact.errors import BudgetExceeded, ConfigError

LimitName = Literal["usd", "tokens", "steps", "expansions", "seconds"]


class BudgetLimits(TypedDict, total=False):
    """The limits that a budget can have; one that is missing or None does not limit."""

    usd: float | None
    """Dollars of model calls."""
    tokens: int | None
    """Input plus output tokens of model calls."""
    steps: int | None
    """Steps of a planner, one action taken each."""
    expansions: int | None
    """Nodes that a search expands."""
    seconds: float | None
    """Wall time from the first use of the budget."""


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """How much of each limit was used or is asked for. `tokens` are input plus output."""

    usd: float = 0.0
    tokens: int = 0
    steps: int = 0
    expansions: int = 0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            usd=self.usd + other.usd,
            tokens=self.tokens + other.tokens,
            steps=self.steps + other.steps,
            expansions=self.expansions + other.expansions,
        )

    def __sub__(self, other: Amounts) -> Amounts:
        return Amounts(
            usd=self.usd - other.usd,
            tokens=self.tokens - other.tokens,
            steps=self.steps - other.steps,
            expansions=self.expansions - other.expansions,
        )


NOTHING = Amounts()


class Reservation:
    """Room held in a budget. Close it once: `settle`, or `release` when nothing was used."""

    def __init__(self, budget: Budget, amounts: Amounts, *, standing: bool) -> None:
        self._budget = budget
        self._standing = standing
        self.amounts = amounts
        """What is held at the moment."""
        self.open = True

    def settle(self, used: Amounts) -> None:
        """Give the room back and book what was really used, even where it is more."""
        if not self.open:
            return
        self.open = False
        for budget in self._budget.chain():
            budget._held -= self.amounts
            budget._in_flight -= not self._standing
            budget.spent += used
        self._budget._wake()

    def release(self) -> None:
        """Give the room back; nothing was used."""
        self.settle(NOTHING)

    def resize(self, amounts: Amounts) -> None:
        """Hold `amounts` from now on, without waiting.

        Raises:
            BudgetExceeded: there is no room for the difference; the reservation stays as it was.
            ValueError: the reservation was closed.
        """
        if not self.open:
            raise ValueError("a closed reservation holds nothing that could be resized")
        difference = amounts - self.amounts
        refusal = self._budget._refusal(difference)
        if refusal is not None:
            raise refusal
        for budget in self._budget.chain():
            budget._held += difference
        self.amounts = amounts
        self._budget._wake()


class Budget:
    """Limits on what a run, or a group of runs, may spend.

    Args:
        name: how messages call this budget.
        limits: see `BudgetLimits`.

    Raises:
        ConfigError: a limit is zero or negative, or not a number.
    """

    def __init__(self, *, name: str = "run", **limits: Unpack[BudgetLimits]) -> None:
        unknown = limits.keys() - BudgetLimits.__annotations__.keys()
        if unknown:
            raise TypeError(f"a budget has no limit {', '.join(sorted(unknown))}")
        self._set(limits)
        self.name = name
        self.spent = NOTHING
        """What was booked so far, children included."""
        self._held = NOTHING
        self._in_flight = 0
        self._parent: Budget | None = None
        self._started: float | None = None
        self._freed: asyncio.Event | None = None

    def _set(self, limits: BudgetLimits) -> None:
        for limit, value in limits.items():
            if isinstance(value, int | float) and not value > 0:
                raise ConfigError(f"budget {limit} is {value}: give a number above zero, or none")
        self.limits = limits
        self._counted = tuple(
            (limit, value)
            for limit, value in limits.items()
            if limit != "seconds" and isinstance(value, int | float)
        )

    def change(self, limit: LimitName, value: float | None) -> None:
        """Set one limit from now on; what was spent stays spent, and what is held is held.

        Raises:
            ConfigError: it is zero or negative.
        """
        changed = self.limits.copy()
        changed[limit] = value
        self._set(changed)
        self._wake()

    def child(self, *, name: str = "", **limits: Unpack[BudgetLimits]) -> Budget:
        """Return a budget with limits of its own whose spending counts against this one too."""
        budget = Budget(name=name or self.name, **limits)
        budget._parent = self
        return budget

    def chain(self) -> Iterator[Budget]:
        """Yield this budget and its ancestors, nearest first."""
        budget: Budget | None = self
        while budget is not None:
            yield budget
            budget = budget._parent

    def limits_money(self) -> bool:
        """Return whether a dollar limit applies, here or in an ancestor."""
        return any(budget.limits.get("usd") is not None for budget in self.chain())

    def start(self) -> None:
        """Start the clock of `seconds`, here and in every ancestor, where it does not run yet."""
        now = time.monotonic()
        for budget in self.chain():
            if budget._started is None:
                budget._started = now

    def seconds_left(self) -> float | None:
        """Return the wall seconds left, or None without a limit; never below zero."""
        left: float | None = None
        for budget in self.chain():
            limit = budget.limits.get("seconds")
            if limit is None:
                continue
            elapsed = 0.0 if budget._started is None else time.monotonic() - budget._started
            left = min(limit - elapsed, left if left is not None else limit)
        return None if left is None else max(0.0, left)

    def take(self, limit: Literal["steps", "expansions"], count: int = 1) -> None:
        """Spend `count` steps or expansions at once.

        Raises:
            BudgetExceeded: they are not there, or the time is over; nothing was spent.
        """
        amounts = Amounts(**{limit: count})
        refusal = self._refusal(amounts)
        if refusal is not None:
            raise refusal
        for budget in self.chain():
            budget.spent += amounts

    async def reserve(self, amounts: Amounts) -> Reservation:
        """Hold room for a call, waiting while calls in flight may still give some back.

        Raises:
            BudgetExceeded: there is no room and none can come; nothing is held.
        """
        while (refusal := self._refusal(amounts)) is not None:
            if not self._may_free(amounts):
                raise refusal
            await self._freed_event().wait()
        return self._hold(amounts, standing=False)

    def set_aside(self, amounts: Amounts) -> Reservation:
        """Hold room for something that comes much later; nobody waits for such room to be freed.

        Raises:
            BudgetExceeded: there is no room.
        """
        refusal = self._refusal(amounts)
        if refusal is not None:
            raise refusal
        return self._hold(amounts, standing=True)

    def _hold(self, amounts: Amounts, *, standing: bool) -> Reservation:
        for budget in self.chain():
            budget._held += amounts
            budget._in_flight += not standing
        return Reservation(self, amounts, standing=standing)

    def _refusal(self, amounts: Amounts) -> BudgetExceeded | None:
        """Return why `amounts` do not fit, or None if they do."""
        if self.seconds_left() == 0.0:
            return BudgetExceeded("the time limit is reached", limit="seconds")
        for budget in self.chain():
            lacking = budget._lacks(amounts)
            if lacking is not None:
                return budget._explain(lacking, amounts)
        return None

    def _lacks(self, amounts: Amounts) -> str | None:
        """Return the first limit that has no room for `amounts`, or None."""
        for limit, allowed in self._counted:
            asked = getattr(amounts, limit)
            # a sum of many small floats may differ from the limit by rounding alone
            if asked > 0 and (
                getattr(self.spent, limit) + getattr(self._held, limit) + asked
                > allowed * (1 + 1e-12)
            ):
                return limit
        return None

    def _may_free(self, amounts: Amounts) -> bool:
        """Return whether every budget that lacks room has calls in flight that may free some."""
        if self.seconds_left() == 0.0:
            return False
        lacking = [budget for budget in self.chain() if budget._lacks(amounts) is not None]
        return all(budget._in_flight > 0 for budget in lacking)

    def _allowed(self, limit: str) -> Any:
        return self.limits.get(limit)

    def _explain(self, limit: str, amounts: Amounts) -> BudgetExceeded:
        allowed = self._allowed(limit)
        spent, asked = getattr(self.spent, limit), getattr(amounts, limit)
        if limit in ("steps", "expansions"):
            text = f"the limit of {allowed} {limit} is reached"
        else:
            unit = "$" if limit == "usd" else ""
            text = (
                f"the {limit} budget of the {self.name} has no room: {unit}{spent:.6g} of "
                f"{unit}{allowed:.6g} spent, and the next call may take up to {unit}{asked:.6g}"
            )
        return BudgetExceeded(text, limit=limit)

    def _freed_event(self) -> asyncio.Event:
        root = list(self.chain())[-1]
        if root._freed is None:
            root._freed = asyncio.Event()
        return root._freed

    def _wake(self) -> None:
        """Let every waiting reservation look again."""
        root = list(self.chain())[-1]
        if root._freed is not None:
            root._freed.set()
            root._freed = None

"""A meter that writes down what happens to each charge, and short ways to make requests."""

from __future__ import annotations

from typing import Any

from treeact.models import Message, Model, Request, RetryPolicy, Usage


class Book:
    """A meter that admits everything and keeps its charges."""

    def __init__(self) -> None:
        self.charges: list[BookedCharge] = []

    async def reserve(self, request: Request, *, model: Model) -> BookedCharge:
        self.charges.append(BookedCharge(request))
        return self.charges[-1]

    @property
    def outcomes(self) -> list[str]:
        return [charge.outcome for charge in self.charges]

    @property
    def usage(self) -> Usage:
        return sum((charge.usage for charge in self.charges), Usage())


class BookedCharge:
    """One charge; it fails the test if it is closed twice."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.outcome = "open"
        self.usage = Usage()
        self.cost: float | None = None

    def settle(self, usage: Usage, cost: float | None) -> None:
        self._close("settled")
        self.usage, self.cost = usage, cost

    def release(self) -> None:
        self._close("released")

    def forfeit(self) -> None:
        self._close("forfeited")

    def _close(self, outcome: str) -> None:
        assert self.outcome == "open", f"{self.outcome}, then {outcome}"
        self.outcome = outcome


class Sleeps(list[float]):
    """A sleep that takes no time and remembers for how long it was asked."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def quick(**options: Any) -> RetryPolicy:
    """Return a policy that never really sleeps."""
    return RetryPolicy(**{"sleep": Sleeps(), "attempts": 3, **options})


def ask(text: str = "hi there", **options: Any) -> Request:
    """Return a request of one message."""
    return Request(messages=(Message("user", text),), **{"path": "run/step-1", **options})

"""Going round: from one of several to the next, and from the last back to the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def after(current: T, choices: Sequence[T]) -> T:
    """Return the choice behind the current one, the first behind the last."""
    return choices[(choices.index(current) + 1) % len(choices)]


def next_hit(here: int, count: int, holds: Callable[[int], bool], *, forward: bool) -> int | None:
    """Return the next place that is wanted, itself the last that is looked at; None where none is.

    Args:
        here: the place to begin behind.
        count: places that there are.
        holds: whether a place is wanted.
        forward: whether to go on or back.
    """
    by = 1 if forward else -1
    places = ((here + distance * by) % count for distance in range(1, count + 1))
    return next(filter(holds, places), None)

"""The steps of a run on one line: a cell each, as high as the step was long or dear."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from treeact.trace import events as ev
from treeact.trace.index import Entry

By = Literal["time", "tokens"]
_STEP = re.compile(r"(.+?/(?:from-\d+/)?(?:step-\d+|root|\d+(?:\.\d+)*))(?:/|$)")
"""A step of a run, or a node of one of its trees."""
HEIGHTS = "▁▂▃▄▅▆▇█"


@dataclass
class _Step:
    first: float
    last: float
    tokens: int = 0
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of the line: a step, or several beside each other where there is little room."""

    steps: tuple[str, ...]
    sign: str
    """A bar, or `!` where a step failed."""


class Timeline:
    """What each step took, from the envelopes of its events and the calls of models in it."""

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}

    def take(self, entry: Entry, event: ev.Event) -> None:
        """Take the next event in."""
        id = step_of(entry.id)
        if id is None:
            return
        step = self._steps.setdefault(id, _Step(entry.time, entry.time))
        step.last = max(step.last, entry.time)
        step.failed = step.failed or entry.failed
        if isinstance(event, ev.ModelCalled):
            step.tokens += event.usage.total_tokens

    def tokens(self, id: str) -> int:
        """Return the tokens of a step; 0 for what is none."""
        return self._steps[id].tokens if id in self._steps else 0

    def cells(self, by: By, *, width: int) -> list[Cell]:
        """Return at most `width` cells, in the order of time; of several steps the highest counts.

        Args:
            by: what makes a cell high.
            width: cells that there is room for.
        """
        steps = list(self._steps.items())
        if not steps or width < 1:
            return []
        most = max(_size(step, by) for _, step in steps) or 1.0
        share = -(-len(steps) // width)
        groups = (steps[first : first + share] for first in range(0, len(steps), share))
        return [
            Cell(
                steps=tuple(id for id, _ in group),
                sign=_sign([step for _, step in group], by, most),
            )
            for group in groups
        ]


def step_of(id: str) -> str | None:
    """Return the step that a logical id belongs to, or None for what belongs to the whole run."""
    found = _STEP.match(id)
    return found[1] if found else None


def _size(step: _Step, by: By) -> float:
    return step.last - step.first if by == "time" else float(step.tokens)


def _sign(steps: list[_Step], by: By, most: float) -> str:
    if any(step.failed for step in steps):
        return "!"
    size = max(_size(step, by) for step in steps)
    return HEIGHTS[min(len(HEIGHTS) - 1, max(0, int(size / most * len(HEIGHTS))))]

"""The search of a run at any moment of it, told from its events alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from treeact.errors import TraceError
from treeact.planners.export import read_trees, rows
from treeact.planners.export.drawing import FOLD, Line, draw
from treeact.planners.export.rows import Row
from treeact.planners.tree import ActionTree
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore

MOST_LINES = 5000
"""Lines of a drawing: a tree beyond that is shown down to where they end."""
_TICKS = (ev.NodeExpanded, ev.NodePruned, ev.SteppedBack, ev.NodeChosen)
"""What moves the clock: the rest happens between."""
_NEVER_DRAWN = (ev.ModelCalled, ev.CodeRun, ev.ToolCalled)
"""What makes up most of a log, and tells nothing of its trees: it is not kept."""


@dataclass(frozen=True, kw_only=True)
class StepBack:
    """A search has stepped back."""

    number: int
    to: str
    undone: str


class SearchView:
    """Keeps what tells of searches, and draws them as they were at a tick of the clock.

    Args:
        blobs: where big texts are.
    """

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._events: list[ev.Event] = []
        self._ticks: list[int] = []
        """After how many events each tick is over."""
        self.backs: list[StepBack] = []
        """The times that the search stepped back, in order."""
        self.problem = ""
        """Why the tree cannot be drawn; empty where it can."""
        self._drawn: tuple[tuple[int, int | None, int], list[Line]] | None = None

    def take(self, event: ev.Event) -> None:
        """Take the next event of the run in."""
        if isinstance(event, _NEVER_DRAWN):
            return
        self._events.append(event)
        if isinstance(event, _TICKS):
            self._ticks.append(len(self._events))
        if isinstance(event, ev.SteppedBack):
            number = len(self.backs) + 1
            self.backs.append(StepBack(number=number, to=event.id, undone=event.undone))

    @property
    def size(self) -> int:
        """How many events were kept."""
        return len(self._events)

    @property
    def ticks(self) -> int:
        """How many ticks the clock has; 0 where nothing was searched."""
        return len(self._ticks)

    def trees(self, tick: int | None = None) -> list[ActionTree]:
        """Return the trees as they were after a tick, counted from 1; None is now."""
        last = len(self._events) if tick is None else self._ticks[tick - 1] if tick else 0
        try:
            self.problem = ""
            return read_trees(self._events[:last], self._blobs)
        except TraceError as error:
            self.problem = str(error)
            return []

    def lines(self, tick: int | None = None, *, width: int = 160, fold: bool = True) -> list[Line]:
        """Return the drawing of the trees after a tick."""
        key = (len(self._events) if tick is None else -tick, FOLD if fold else None, width)
        if self._drawn is None or self._drawn[0] != key:
            drawing = draw(self.trees(tick), width=width, fold=key[1])
            self._drawn = (key, [line for line, _ in zip(drawing, range(MOST_LINES), strict=False)])
        return self._drawn[1]

    def frontier(self, tick: int | None = None, *, most: int = 50) -> list[Row]:
        """Return the nodes that may be expanded, the cheapest first, then the best scored."""
        waiting = [row for row in rows(*self.trees(tick)) if row.status == "open"]
        waiting.sort(key=lambda row: (row.f, -(row.score or 0.0), row.order or 0))
        return waiting[:most]

    def summary(self, tick: int | None = None) -> str:
        """Return how many nodes there are of each status."""
        counts = Counter(row.status for row in rows(*self.trees(tick)) if row.action != "root")
        return ", ".join(f"{count} {status}" for status, count in counts.items()) or "no nodes"

"""The search of a run at any moment of it, told from its events alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Literal

from treeact.errors import TraceError
from treeact.planners.export import Row, read_trees, rows
from treeact.planners.export.drawing import FOLD, Line, draw_rows
from treeact.planners.export.outline import SIGNS
from treeact.planners.tree import ActionTree
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore

MOST_NODES = 5000
"""Nodes that are drawn: of a larger tree those of the first levels, with counts of the rest."""
_TICKS = (ev.NodeExpanded, ev.NodePruned, ev.SteppedBack, ev.NodeChosen)
"""What moves the clock: the rest happens between."""
_NEVER_DRAWN = (ev.ModelCalled, ev.CodeRun, ev.ToolCalled)
"""What makes up most of a log, and tells nothing of its trees: it is not kept."""
Order = Literal["tree", "f", "expansion"]


@dataclass(frozen=True, kw_only=True)
class StepBack:
    """A search has stepped back."""

    number: int
    to: str
    undone: str
    tick: int
    """When."""


@dataclass(frozen=True)
class Moment:
    """A search at one tick of its clock; what is asked for twice is worked out once."""

    nodes: Sequence[Row]
    """Each after the one above it."""
    position: str | None = None
    """The node that a search stands at which follows plans; None where there is no such one."""
    problem: str = ""
    """Why the tree cannot be drawn; empty where it can."""

    @cached_property
    def summary(self) -> str:
        """How many nodes there are of each status."""
        counts = Counter(row.status for row in self.nodes if row.action != "root")
        return ", ".join(f"{count} {status}" for status, count in counts.items()) or "no nodes"

    @cached_property
    def frontier(self) -> list[Row]:
        """The nodes that may be expanded, the cheapest first, then the best scored."""
        waiting = [row for row in self.nodes if row.status == "open"]
        waiting.sort(key=lambda row: (row.f, -(row.score or 0.0), row.order or 0))
        return waiting

    @cached_property
    def shown(self) -> tuple[Sequence[Row], int]:
        """The nodes that are drawn, and how many below them are not."""
        if len(self.nodes) <= MOST_NODES:
            return self.nodes, 0
        depths = _depths(self.nodes)
        levels = Counter(depths.values())
        room, deepest = MOST_NODES, -1
        while (room := room - levels[deepest + 1]) >= 0:
            deepest += 1
        drawn = [row for row in self.nodes if depths[row.id] <= max(0, deepest)][:MOST_NODES]
        return drawn, len(self.nodes) - len(drawn)

    def lines(self, *, width: int = 160, fold: bool = True, order: Order = "tree") -> list[Line]:
        """Return a drawing, or a list in the order of costs or of expansion."""
        drawn, _ = self.shown
        if order == "f":
            drawn = sorted(drawn, key=lambda row: (row.status == "pruned", row.f))
        elif order == "expansion":
            drawn = sorted((row for row in drawn if row.order), key=lambda row: row.order or 0)
        signs = None if self.position is None else self._sign
        if order != "tree":
            drawn, fold = [_alone(row) for row in drawn], False
        limit = FOLD if fold else None
        return list(draw_rows(drawn, width=width, fold=limit, sign=signs, costs=False))

    def _sign(self, row: Row) -> str:
        """Return the sign of a node of plans: where the search is, was, and what failed."""
        if row.id == self.position:
            return "@"
        return "✓" if row.status == "open" and row.ok else SIGNS[row.status]


class SearchView:
    """Keeps what tells of searches, and shows them as they were at a tick of the clock.

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
        self._made: tuple[int, Moment] | None = None

    def take(self, event: ev.Event) -> None:
        """Take the next event of the run in."""
        if isinstance(event, _NEVER_DRAWN):
            return
        self._events.append(event)
        if isinstance(event, _TICKS):
            self._ticks.append(len(self._events))
        if isinstance(event, ev.SteppedBack):
            number, tick = len(self.backs) + 1, len(self._ticks)
            back = StepBack(number=number, to=event.id, undone=event.undone, tick=tick)
            self.backs.append(back)

    @property
    def size(self) -> int:
        """How many events were kept."""
        return len(self._events)

    @property
    def ticks(self) -> int:
        """How many ticks the clock has; 0 where nothing was searched."""
        return len(self._ticks)

    def trees(self, tick: int | None = None) -> list[ActionTree]:
        """Return the trees as they were after a tick, counted from 1; None is now.

        Raises:
            TraceError: the events contradict each other.
        """
        return read_trees(self._events[: self._last(tick)], self._blobs)

    def at(self, tick: int | None = None) -> Moment:
        """Return the search as it was after a tick, counted from 1; None is now."""
        last = self._last(tick)
        if self._made is None or self._made[0] != last:
            self._made = (last, self._moment(tick))
        return self._made[1]

    def _moment(self, tick: int | None) -> Moment:
        try:
            return Moment(rows(*self.trees(tick)), self._position(self._last(tick)))
        except TraceError as error:
            return Moment((), problem=str(error))

    def _last(self, tick: int | None) -> int:
        return len(self._events) if tick is None else self._ticks[tick - 1] if tick else 0

    def _position(self, last: int) -> str | None:
        """Return where a search of plans is: it carries out what is planned, and steps back."""
        follows_plans, position = False, None
        for event in islice(self._events, last):
            match event:
                case ev.NodeAdded(carried_out=False):
                    follows_plans = True
                case ev.NodeObserved(ok=True) | ev.SteppedBack():
                    position = event.id
        return position if follows_plans else None

    def back_before(self, tick: int | None) -> StepBack | None:
        """Return the last step back before a tick, the very last before now; None if none is."""
        now = self.ticks + 1 if tick is None else tick
        return next((back for back in reversed(self.backs) if back.tick < now), None)


def _depths(nodes: Sequence[Row]) -> dict[str, int]:
    depths: dict[str, int] = {}
    for row in nodes:
        depths[row.id] = depths.get(row.parent or "", -1) + 1
    return depths


def _alone(row: Row) -> Row:
    """Return a node as one that nothing is above, so that a list of them is flat."""
    return replace(row, parent=None)


def columns(row: Row) -> str:
    """Return the figures of a node in columns: costs, else score and value."""
    if row.g or row.h:
        return f"{row.g:7.2f} {row.h:7.2f} {row.f:7.2f}"
    score = "" if row.score is None else f"{row.score:.2f}"
    value = f"{row.value:.2f}" if row.visits else ""
    return f"{score:>7} {value:>7} {row.visits or '':>7}"


def heading(nodes: Sequence[Row]) -> str:
    """Return what `columns` are called; nothing where no node has figures."""
    costs = any(row.g or row.h for row in nodes)
    if not costs and all(row.score is None and not row.visits for row in nodes):
        return ""
    names = ("g", "h", "f") if costs else ("score", "value", "visits")
    return " ".join(f"{name:>7}" for name in names)


def describe(row: Row) -> str:
    """Return everything that is known of a node."""
    figures = [f"g {row.g:.3f}  h {row.h:.3f}  f {row.f:.3f}"] if row.g or row.h else []
    if row.score is not None:
        figures.append(f"score {row.score:.2f}  {row.score_reason}")
    if row.visits:
        figures.append(f"value {row.value:.3f} over {row.visits} visits")
    parts = [
        f"{row.id}  {row.status}{f': {row.reason}' if row.reason else ''}",
        *figures,
        row.thought,
        row.text,
        f"--- came to\n{row.observation}" if row.observation else "",
        f"--- answer\n{row.answer}" if row.answer is not None else "",
    ]
    return "\n\n".join(filter(None, parts))

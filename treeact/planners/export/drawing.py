"""Trees drawn as text, for terminals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from treeact.planners.export.outline import CHOSEN, SIGNS, Place, cut, facts, label, outline
from treeact.planners.export.rows import Row, rows
from treeact.planners.tree import ActionTree

FOLD = 5
"""Pruned siblings beyond this many are one line."""
WIDTH = 160
"""Characters of a line that no terminal limits."""

_STYLES = {"answered": "green", "pruned": "dim", "planned": "dim"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a drawing."""

    place: Place
    """What it is about."""
    text: str
    style: str
    """For terminals that have styles: `dim`, `bold green`, or nothing."""


def draw(
    trees: Sequence[ActionTree], *, width: int = WIDTH, fold: int | None = FOLD
) -> Iterator[Line]:
    """Yield the lines of an outline of trees; see `draw_rows`.

    Args:
        trees: the trees of a run, one a turn.
        width: characters of a line.
        fold: pruned siblings beyond this many are one line; None shows them all.
    """
    return draw_rows(rows(*trees), width=width, fold=fold)


def draw_rows(
    nodes: Sequence[Row],
    *,
    width: int = WIDTH,
    fold: int | None = FOLD,
    sign: Callable[[Row], str] | None = None,
    costs: bool = True,
) -> Iterator[Line]:
    """Yield the lines of an outline of nodes.

    Args:
        nodes: as `rows` returns them.
        width: characters of a line.
        fold: pruned siblings beyond this many are one line; None shows them all.
        sign: how a node is marked; None marks it by its status.
        costs: whether the lines hold the figures of the nodes.
    """
    mark = sign or _sign
    goes_on: list[bool] = []
    """For each level, whether the line that branches come off goes on below."""
    for place in outline(nodes, fold=fold):
        del goes_on[place.level :]
        rails = ["│  " if on else "   " for on in goes_on]
        if not place.straight:
            rails[-1] = "├─ " if not place.last else "└─ "
            goes_on[-1] = not place.last
        goes_on.append(True)
        head = "".join(rails)
        words = _folded(place) if len(place.rows) > 1 else _node(place, width, mark, costs)
        yield Line(place, cut(f"{head}{words}", width), _style(place))


def _sign(row: Row) -> str:
    return SIGNS[row.status]


def _node(place: Place, width: int, sign: Callable[[Row], str], costs: bool) -> str:
    row = place.row
    name = f"{sign(row)} {row.id}{f' {CHOSEN}' if row.on_path else ''}"
    figures = ", ".join(facts(row, costs=costs))
    reason = next(iter(row.reason.splitlines()), "")
    room = (width // 2 if reason else width - len(figures) - 4) - len(name)
    parts = (name, cut(label(row), max(16, room)), figures, reason)
    return "  ".join(" ".join(part.split()) for part in parts if part)


def _folded(place: Place) -> str:
    reasons = Counter(next(iter(row.reason.splitlines()), "") for row in place.rows)
    below = f", {place.hidden} nodes below them" if place.hidden else ""
    why = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    return f"{SIGNS['pruned']} {len(place.rows)} pruned{below}: {why}"


def _style(place: Place) -> str:
    style = _STYLES.get(place.row.status, "")
    return f"bold {style}".strip() if place.row.on_path else style

"""The order and the words in which trees are shown, in terminals and in pictures."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

from treeact.planners.export.rows import Row

SIGNS = {"planned": "·", "open": "○", "expanded": "●", "answered": "✓", "pruned": "✗"}
"""A sign for each status, so that nothing depends on colour alone."""
CHOSEN = "★"
"""Marks the nodes of the chosen path."""

_LEADS = {"answer": "answer: ", "none": "no action: ", "sketch": "imagined: ", "message": "you: "}


@dataclass(frozen=True, slots=True)
class Place:
    """One line of an outline: a node, or pruned siblings that are folded into one line."""

    rows: tuple[Row, ...]
    level: int
    """How far it is set in."""
    straight: bool
    """Whether it goes straight on below the node above it, instead of branching off."""
    last: bool
    """Whether nothing else is attached to the node above it."""
    hidden: int = 0
    """Nodes below folded siblings."""

    @property
    def row(self) -> Row:
        """The node, or the first of the folded ones."""
        return self.rows[0]


def outline(nodes: Sequence[Row], *, fold: int | None = None) -> list[Place]:
    """Return the lines of an outline of trees.

    From each node one child goes straight on without being set in: the one on the chosen path,
    else an only child, else the one with most nodes below it. It comes last, after its siblings,
    which branch off in their order. So a chain stays a column, and each level that is set in holds
    half as many nodes as the one before, or the chosen path leaves it.

    Args:
        nodes: as `rows` returns them.
        fold: pruned siblings beyond this many become one line; None shows them all.
    """
    children, sizes = _shape(nodes)
    tops = [Place((row,), 0, straight=True, last=True) for row in children[None]]
    waiting = tops[::-1]
    places = []
    while waiting:
        place = waiting.pop()
        places.append(place)
        if len(place.rows) == 1:
            below = _below(children[place.row.id], place.level, sizes, fold)
            waiting.extend(reversed(below))
    return places


def label(row: Row) -> str:
    """Return what a node is called: the first line of its action, imports aside."""
    lines = [stripped for line in row.text.splitlines() if (stripped := line.strip())]
    telling = (line for line in lines if not line.startswith(("import ", "from ")))
    return _LEADS.get(row.action, "") + next(telling, lines[0] if lines else "")


def facts(row: Row, *, costs: bool = True) -> list[str]:
    """Return what is to be said of a node besides its action: with its figures, if it has any."""
    found = []
    if row.action != "answer" and row.answer is not None:
        found.append(f"answer: {row.answer}")
    if row.status != "pruned" and row.ok is False:
        found.append("failed")
    if costs:
        found += _figures(row)
    if row.votes > 1:
        found.append(f"{row.votes} votes")
    return found


def _figures(row: Row) -> list[str]:
    found = []
    if row.g or row.h:
        found.append(f"g {row.g:.2f} h {row.h:.2f}")
    if row.score is not None:
        found.append(f"score {row.score:.2f}")
    if row.visits:
        plural = "" if row.visits == 1 else "s"
        found.append(f"value {row.value:.2f} ({row.visits} visit{plural})")
    return found


def cells(text: str) -> int:
    """Return the width of `text` where characters have one width; wide ones take two cells."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def cut(text: str, width: int) -> str:
    """Return `text` shortened to a width in cells."""
    start = text[: width + 1]
    if cells(start) <= width:
        return start
    while cells(start) > width - 1:
        start = start[:-1]
    return f"{start}…"


def xml_text(text: str) -> str:
    """Return `text` with the characters that XML cannot hold spelt out."""
    return _NOT_XML.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


_NOT_XML = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _shape(nodes: Sequence[Row]) -> tuple[dict[str | None, list[Row]], dict[str, int]]:
    """Return the children of each node, and how many nodes are at it and below."""
    children: dict[str | None, list[Row]] = defaultdict(list)
    sizes: dict[str | None, int] = defaultdict(int)
    for row in nodes:
        children[row.parent].append(row)
    for row in reversed(nodes):
        sizes[row.id] += 1
        sizes[row.parent] += sizes[row.id]
    return children, sizes  # type: ignore[return-value]


def _below(children: list[Row], level: int, sizes: dict[str, int], fold: int | None) -> list[Place]:
    """Return the places right below a node, in order."""
    main = _main(children, sizes)
    branches = [(row,) for row in children if row is not main]
    pruned = [row for (row,) in branches if row.status == "pruned"]
    folds = fold is not None and len(pruned) > fold
    shown: list[tuple[Row, ...]] = [b for b in branches if not folds or b[0].status != "pruned"]
    if folds:
        shown.append(tuple(pruned))
    places = [
        Place(
            rows,
            level + 1,
            straight=False,
            last=main is None and number == len(shown),
            hidden=sum(sizes[row.id] - 1 for row in rows) if len(rows) > 1 else 0,
        )
        for number, rows in enumerate(shown, start=1)
    ]
    return places if main is None else [*places, Place((main,), level, straight=True, last=True)]


def _main(children: list[Row], sizes: dict[str, int]) -> Row | None:
    """Return the child that goes straight on, where one does."""
    for row in children:
        if row.on_path or len(children) == 1:
            return row
    largest = max(children, key=lambda row: sizes[row.id], default=None)
    return largest if largest and sizes[largest.id] > 1 else None

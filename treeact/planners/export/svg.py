"""Action trees as pictures that need nothing but a browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from treeact.planners.export.formats import COLOURS, TOOLTIP_LENGTH
from treeact.planners.export.outline import (
    CHOSEN,
    SIGNS,
    Place,
    cells,
    cut,
    facts,
    label,
    outline,
    xml_text,
)
from treeact.planners.export.rows import Row, rows
from treeact.planners.tree import ActionTree

LINE, BOX = 46, 38
"""Pixels from one box to the next, and of one box."""
INDENT, MARGIN, CELL = 30, 12, 7.3
"""Pixels of a level, of the border, and of a character."""
LABEL_CELLS = 64
"""Characters of a box's first line."""
SMALL = 0.85
"""Size of its second line, in that of the first."""

STYLE = """
text { font: 12px "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1a1a1a; }
.small { font-size: 10px; fill: #424242; }
.bold { font-weight: bold; }
rect { stroke: #78909c; stroke-width: 1; }
rect.bold { stroke: #1e88e5; stroke-width: 2.5; }
rect.pruned { stroke-dasharray: 4 3; }
path { fill: none; stroke: #888888; stroke-width: 1.2; }
path.bold { stroke-width: 3; }
"""


def to_svg(*trees: ActionTree) -> str:
    """Return trees as SVG: one box a line, siblings branching off to the right of a straight path.

    A box has the sign and colour of its status, and the figures of the node; pointing at it shows
    the whole action, what came of it, and why it was pruned. The path that was chosen is bold. The
    background is left as it is, light or dark.
    """
    places = outline(rows(*trees))
    lines = {place.row.id: number for number, place in enumerate(places, start=1)}
    by_id = {place.row.id: place for place in places}
    width = max([_right(place) for place in places] + [_width(_LEGEND) + 2 * MARGIN])
    height = (len(places) + 1) * LINE + 2 * MARGIN
    svg = _element(
        None,
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        width=width,
        height=height,
        viewBox=f"0 0 {width} {height}",
        role="img",
    )
    _element(svg, "title", text=f"Action tree of {trees[0].run if trees else 'no run'}")
    _element(svg, "style", text=STYLE)
    _box(svg, MARGIN, MARGIN, _width(_LEGEND), "", COLOURS["planned"], [_LEGEND, _totals(places)])
    for place in places:
        if place.row.parent is not None:
            above = by_id[place.row.parent]
            _edge(svg, above, lines[above.row.id], place, lines[place.row.id])
    for number, place in enumerate(places, start=1):
        _node(svg, place, number)
    ElementTree.indent(svg, space=" ")
    return ElementTree.tostring(svg, encoding="unicode") + "\n"


_LEGEND = ", ".join([*(f"{sign} {name}" for name, sign in SIGNS.items()), f"{CHOSEN} chosen path"])


def _totals(places: Sequence[Place]) -> str:
    pruned = sum(place.row.status == "pruned" for place in places)
    expanded = sum(place.row.order is not None for place in places)
    return f"{len(places)} nodes, {expanded} expanded, {pruned} pruned"


def _node(svg: ElementTree.Element, place: Place, line: int) -> None:
    row = place.row
    group = _element(svg, "g")
    _element(group, "title", text=_tooltip(row))
    names = [name for name, wanted in (("bold", row.on_path), (row.status, True)) if wanted]
    _box(
        group,
        _left(place),
        MARGIN + line * LINE,
        _width(*_words(row)),
        " ".join(names),
        COLOURS[row.status],
        _words(row),
    )


def _box(
    parent: ElementTree.Element,
    x: float,
    y: float,
    width: float,
    names: str,
    fill: str,
    words: Sequence[str],
) -> None:
    shape: dict[str, Any] = {"x": x, "y": y, "width": width, "height": BOX, "rx": 7, "fill": fill}
    _element(parent, "rect", **shape, **{"class": names})
    for text, small, top in zip(words, ("", "small"), (16, 31), strict=False):
        style = f"{names.partition(' ')[0] if not small else ''} {small}".strip()
        _element(parent, "text", text=text, x=x + 9, y=y + top, **{"class": style})


def _edge(svg: ElementTree.Element, above: Place, above_line: int, place: Place, line: int) -> None:
    x, top = _left(above) + INDENT / 2, MARGIN + above_line * LINE + BOX
    y = MARGIN + line * LINE
    way = f"V {y}" if place.straight else f"V {y + BOX / 2 - 8} q 0 8 8 8 H {_left(place)}"
    _element(svg, "path", d=f"M {x} {top} {way}", **{"class": "bold" if place.row.on_path else ""})


def _words(row: Row) -> list[str]:
    mark = f"{CHOSEN} " if row.on_path else ""
    name = f"{SIGNS[row.status]} {mark}{label(row) or row.action}"
    figures = " · ".join([row.id, *facts(row)])
    return [cut(name, LABEL_CELLS), cut(figures, round(LABEL_CELLS / SMALL))]


def _tooltip(row: Row) -> str:
    order = f"expansion {row.order}" if row.order else ""
    reason = f"pruned: {row.reason}" if row.status == "pruned" else ""
    parts = [f"{row.id}: {row.status}", order, reason, row.score_reason, row.text, row.observation]
    return "\n".join(part[:TOOLTIP_LENGTH] for part in parts if part)


def _left(place: Place) -> int:
    return MARGIN + place.level * INDENT


def _right(place: Place) -> float:
    return _left(place) + _width(*_words(place.row)) + MARGIN


def _width(*words: str) -> float:
    longest = max(cells(words[0]), *(SMALL * cells(text) for text in words[1:]), 12)
    return round(longest * CELL + 20, 1)


def _element(
    parent: ElementTree.Element | None, tag: str, *, text: str = "", **attributes: Any
) -> ElementTree.Element:
    plain = {name: str(value) for name, value in attributes.items() if value != ""}
    made = ElementTree.Element(tag, plain)
    if parent is not None:
        parent.append(made)
    made.text = xml_text(text) or None
    return made

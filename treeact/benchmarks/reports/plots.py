"""Plots as SVG that stands in a page: no scripts, no files, and wide enough for a phone."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as XML

from treeact.benchmarks.statistics import Estimate
from treeact.printable import printable

WIDTH = 360
"""Units across; a phone shows one as a pixel, so that its letters can be read."""
LEFT, RIGHT, LINE = 96, 24, 24
"""Units of the labels, of the right border, and of a line."""
SPAN = WIDTH - LEFT - RIGHT


def whiskers(rows: Sequence[tuple[str, Estimate]]) -> str:
    """Return shares from 0 to 1 with their intervals, one a line."""
    svg = _svg(len(rows) * LINE + LINE, "shares with their intervals")
    bottom = len(rows) * LINE
    for tick in range(0, 101, 25):
        x = LEFT + SPAN * tick / 100
        _add(svg, "line", "grid", x1=x, x2=x, y1=4, y2=bottom)
        _text(svg, x, bottom + 14, f"{tick} %", "middle")
    for number, (label, estimate) in enumerate(rows):
        y = number * LINE + LINE / 2
        at = [LEFT + SPAN * value for value in (estimate.low, estimate.value, estimate.high)]
        _text(svg, LEFT - 8, y + 4, label, "end")
        _add(svg, "line", "whisker", x1=at[0], x2=at[2], y1=y, y2=y)
        dot = _add(svg, "circle", "dot", cx=at[1], cy=y, r=5)
        _title(dot, f"{label}: {estimate.value:.1%}")
    return _done(svg)


def bars(rows: Sequence[tuple[str, Sequence[tuple[str, float]]]], *, unit: str = "") -> str:
    """Return a bar for each row, of one part behind the other.

    Args:
        rows: labels, each with the names and the sizes of its parts.
        unit: what stands behind a size.
    """
    names = list(dict.fromkeys(name for _, parts in rows for name, _ in parts))
    svg = _svg(len(rows) * LINE + (LINE if len(names) > 1 else 4), f"bars, {unit or 'counts'}")
    whole = max((sum(size for _, size in parts) for _, parts in rows), default=0) or 1
    span = SPAN - 56  # the sum stands behind the bar
    for number, (label, parts) in enumerate(rows):
        x, y = float(LEFT), number * LINE + 4
        _text(svg, LEFT - 8, y + 12, label, "end")
        for name, size in parts:
            width = span * size / whole
            bar = _add(svg, "rect", f"part{names.index(name)}", x=x, y=y, width=width, height=16)
            _title(bar, f"{label}, {name}: {size:,g}{unit}")
            x += width
        _text(svg, x + 6, y + 12, _short(sum(size for _, size in parts)) + unit, "start")
    if len(names) > 1:
        _legend(svg, names, len(rows) * LINE + 16)
    return _done(svg)


def scatter(points: Sequence[tuple[str, float, Estimate]], *, unit: str) -> str:
    """Return shares, with their intervals, against what they cost.

    Args:
        points: labels, each with a figure from 0 on and the share.
        unit: what stands before a figure.
    """
    height = 200
    svg = _svg(height + LINE, f"shares against {unit}")
    most = max((x for _, x, _ in points), default=0) or 1.0
    left, span = 44, WIDTH - 44 - 60

    def up(value: float) -> float:
        return height - 8 - (height - 20) * value

    for tick in range(0, 101, 25):
        y = up(tick / 100)
        _add(svg, "line", "grid", x1=left, x2=left + span, y1=y, y2=y)
        _text(svg, left - 6, y + 4, f"{tick} %", "end")
    for part in (0, 0.5, 1):
        _text(svg, left + span * part, height + 14, f"{unit}{most * part:.3g}", "middle")
    free = 0.0  # labels stand below each other, where points are too close for them
    for label, figure, estimate in sorted(points, key=lambda point: -point[2].value):
        x = left + span * figure / most
        _add(svg, "line", "whisker", x1=x, x2=x, y1=up(estimate.low), y2=up(estimate.high))
        dot = _add(svg, "circle", "dot", cx=x, cy=up(estimate.value), r=5)
        _title(dot, f"{label}: {estimate.value:.1%} for {unit}{figure:.4g}")
        free = max(free + 13, up(estimate.value) + 4)
        _text(svg, x + 8, free, label, "start")
    return _done(svg)


def _legend(svg: XML.Element, names: Sequence[str], y: float) -> None:
    x = float(LEFT)
    for place, name in enumerate(names):
        _add(svg, "rect", f"part{place}", x=x, y=y - 9, width=10, height=10)
        _text(svg, x + 14, y, name, "start")
        x += 30 + 7 * len(name)


def _svg(height: float, words: str) -> XML.Element:
    svg = XML.Element("svg", viewBox=f"0 0 {WIDTH} {height:g}", role="img")
    svg.set("aria-label", words)
    return svg


def _add(above: XML.Element, tag: str, kind: str, **places: float) -> XML.Element:
    at = {name: f"{value:.1f}" for name, value in places.items()}
    return XML.SubElement(above, tag, {"class": kind, **at})


def _text(svg: XML.Element, x: float, y: float, words: str, anchor: str) -> None:
    text = _add(svg, "text", "words", x=x, y=y)
    text.set("text-anchor", anchor)
    text.text = printable(words if len(words) <= 15 else words[:14] + "…")


def _title(element: XML.Element, words: str) -> None:
    XML.SubElement(element, "title").text = printable(words)


def _short(number: float) -> str:
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{sign}"
    return f"{number:.3g}"


def _done(svg: XML.Element) -> str:
    return XML.tostring(svg, encoding="unicode")

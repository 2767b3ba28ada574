"""`treeact trace tree`: the search of a run as a tree, for people and for other programs."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from treeact.cli.lines import Lines, printable
from treeact.cli.trace import read_run
from treeact.errors import ConfigError
from treeact.planners.export import (
    Place,
    outline,
    read_trees,
    rows,
    to_dot,
    to_graphml,
    to_json,
    to_svg,
)
from treeact.planners.export.outline import CHOSEN, SIGNS, cut, facts, label
from treeact.planners.tree import ActionTree
from treeact.trace.blobs import BlobStore
from treeact.trace.events import Event, RunStarted
from treeact.trace.log import BLOBS_FOLDER
from treeact.trace.runs import find_run

FOLD = 5
"""Pruned siblings beyond this many are one line."""
WIDTH = 160
"""Characters of a line that no terminal limits."""

EXPORTS: dict[str, Callable[..., str]] = {
    "json": to_json,
    "graphml": to_graphml,
    "dot": to_dot,
    "svg": to_svg,
}
_STYLES = {"answered": "green", "pruned": "dim", "planned": "dim"}


def show_tree(
    name: str, *, format: str, out: Path | None, everything: bool, runs: Path | None
) -> None:
    """Write the tree of the run called `name`, to `out` or to standard output.

    Raises:
        ConfigError: there is no such run, or `out` cannot be written.
        TraceError: the trace is damaged.
    """
    directory = find_run(name, folder=runs)
    blobs = BlobStore(directory / BLOBS_FOLDER)
    events = list(read_run(directory))
    trees = read_trees(events, blobs)
    if format != "text":
        _write(EXPORTS[format](*trees), out)
        return
    fold = None if everything else FOLD
    console = Lines()
    width = console.console.width if console.console.is_terminal and out is None else WIDTH
    lines = [*_question(events, blobs), *tree_lines(trees, width=width, fold=fold)]
    if out is not None:
        _write("".join(f"{printable(line)}\n" for line, _ in lines), out)
        return
    for line, style in lines:
        console.line(line, style=style)


def tree_lines(
    trees: Sequence[ActionTree], *, width: int = WIDTH, fold: int | None = FOLD
) -> Iterator[tuple[str, str]]:
    """Yield the lines of an outline of trees, each with its style.

    Args:
        trees: the trees of a run, one a turn.
        width: characters of a line.
        fold: pruned siblings beyond this many are one line; None shows them all.
    """
    goes_on: list[bool] = []
    """For each level, whether the line that branches come off goes on below."""
    for place in outline(rows(*trees), fold=fold):
        del goes_on[place.level :]
        rails = ["│  " if on else "   " for on in goes_on]
        if not place.straight:
            rails[-1] = "├─ " if not place.last else "└─ "
            goes_on[-1] = not place.last
        goes_on.append(True)
        head = "".join(rails)
        words = _folded(place) if len(place.rows) > 1 else _node(place, width)
        yield cut(f"{head}{words}", width), _style(place)


def _node(place: Place, width: int) -> str:
    row = place.row
    name = f"{SIGNS[row.status]} {row.id}{f' {CHOSEN}' if row.on_path else ''}"
    figures = ", ".join(facts(row))
    reason = next(iter(row.reason.splitlines()), "")
    parts = (name, cut(label(row), max(16, width // 2 - len(name))), figures, reason)
    return "  ".join(" ".join(part.split()) for part in parts if part)


def _folded(place: Place) -> str:
    reasons = Counter(next(iter(row.reason.splitlines()), "") for row in place.rows)
    below = f", {place.hidden} nodes below them" if place.hidden else ""
    why = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    return f"{SIGNS['pruned']} {len(place.rows)} pruned{below}: {why}"


def _style(place: Place) -> str:
    style = _STYLES.get(place.row.status, "")
    return f"bold {style}".strip() if place.row.on_path else style


def _question(events: Iterable[Event], blobs: BlobStore) -> Iterator[tuple[str, str]]:
    for event in events:
        if isinstance(event, RunStarted):
            yield f"{event.agent} · {event.model} · {event.planner}", "bold"
            yield cut(" ".join(blobs.read_text(event.question).split()), WIDTH), ""


def _write(text: str, out: Path | None) -> None:
    data = text.encode("utf-8", "backslashreplace")
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    try:
        out.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"cannot write {out}: {error.strerror}") from error

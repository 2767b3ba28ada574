"""`treeact trace tree`: the search of a run as a tree, for people and for other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from treeact.cli.lines import Lines, write_out
from treeact.cli.trace import read_run
from treeact.planners.export import (
    read_trees,
    to_dot,
    to_graphml,
    to_json,
    to_svg,
)
from treeact.planners.export.drawing import FOLD, WIDTH, draw
from treeact.planners.export.outline import cut
from treeact.printable import printable
from treeact.trace.blobs import BlobStore
from treeact.trace.events import Event, RunStarted
from treeact.trace.log import BLOBS_FOLDER
from treeact.trace.runs import find_run

EXPORTS: dict[str, Callable[..., str]] = {
    "json": to_json,
    "graphml": to_graphml,
    "dot": to_dot,
    "svg": to_svg,
}


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
        write_out(EXPORTS[format](*trees), out)
        return
    fold = None if everything else FOLD
    console = Lines()
    width = console.console.width if console.console.is_terminal and out is None else WIDTH
    drawn = draw(trees, width=width, fold=fold)
    lines = [*_question(events, blobs), *((line.text, line.style) for line in drawn)]
    if out is not None:
        write_out("".join(f"{printable(line)}\n" for line, _ in lines), out)
        return
    for line, style in lines:
        console.line(line, style=style)


def _question(events: Iterable[Event], blobs: BlobStore) -> Iterator[tuple[str, str]]:
    for event in events:
        if isinstance(event, RunStarted):
            yield f"{event.agent} · {event.model} · {event.planner}", "bold"
            yield cut(" ".join(blobs.read_text(event.question).split()), WIDTH), ""

"""`treeact trace`: runs shown again from their events."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from treeact.cli.display import make_display
from treeact.errors import TraceError
from treeact.printable import printable
from treeact.trace.blobs import BlobStore
from treeact.trace.events import Event, RunEnded, RunStarted
from treeact.trace.log import BLOBS_FOLDER, read_events
from treeact.trace.runs import find_run, list_runs, runs_folder


def show_trace(name: str, *, display: str, runs: Path | None) -> None:
    """Show the run called `name` as it was shown live."""
    directory = find_run(name, folder=runs)
    blobs = BlobStore(directory / BLOBS_FOLDER)
    shown = make_display(display, blobs)
    for event in read_run(directory):
        shown.show(event)


def read_run(directory: Path) -> Iterator[Event]:
    """Yield the events of a run, and say at the end if its own end is missing."""
    ended = False
    for event in read_events(directory):
        yield event
        ended = isinstance(event, RunEnded)
    if not ended:
        sys.stderr.write(f"treeact: {directory} was cut off, or its run still goes on\n")


def list_traces(*, runs: Path | None, as_json: bool) -> None:
    """Print one line for each run: its name, how it ended, and its answer."""
    for directory in list_runs(runs_folder(runs)):
        row = _summary(directory)
        if as_json:
            sys.stdout.write(json.dumps(row) + "\n")
        else:
            answer = printable(str(row["answer"] or "")).replace("\n", " ")
            sys.stdout.write(f"{row['run']}  {row['reason']}  {answer}\n")


def _summary(directory: Path) -> dict[str, object]:
    blobs = BlobStore(directory / BLOBS_FOLDER)
    row: dict[str, object] = {"run": directory.name, "reason": "cut off", "answer": None}
    try:
        for event in read_events(directory):
            if isinstance(event, RunStarted):
                row["question"] = blobs.read_text(event.question)
            if isinstance(event, RunEnded):
                row["reason"] = event.reason
                row["answer"] = None if event.answer is None else blobs.read_text(event.answer)
    except TraceError as error:
        row["reason"] = f"damaged: {error}"
    return row

"""The course of a run, as a report shows it: what was asked, said, done and seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from treeact.agents.blocks import SIGNS, blocks_of
from treeact.errors import TraceError
from treeact.planners.export import read_trees
from treeact.planners.export.drawing import draw
from treeact.printable import printable
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore
from treeact.trace.log import BLOBS_FOLDER, read_events

MOST = 20_000
"""Characters of a text that are shown; all of it is in the trace."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened."""

    kind: str
    sign: str
    title: str
    texts: tuple[tuple[str, str], ...] = ()
    """Names and texts; the name of a single text may be empty."""
    folded: bool = False


def tell_trace(trace: Path, *, texts: bool) -> Iterator[Entry]:
    """Yield what happened in a run, of a damaged one what can be read.

    Args:
        trace: its directory.
        texts: whether what was said, done and seen is told, or only that it was.

    """
    blobs = BlobStore(trace / BLOBS_FOLDER)
    try:
        for number, event in enumerate(read_events(trace)):
            yield from _entries(event, number, blobs) if texts else _bare(event)
    except TraceError as error:
        yield Entry(kind="error", sign="!", title=str(error) if texts else "the trace is damaged")


def draw_search(trace: Path) -> str:
    """Return the tree of a run that searched, else nothing."""
    try:
        trees = read_trees(read_events(trace), BlobStore(trace / BLOBS_FOLDER))
        drawn = [line.text for line in draw(trees)]
    except TraceError:
        return ""
    return _shown("\n".join(drawn))


def _entries(event: ev.Event, number: int, blobs: BlobStore) -> Iterator[Entry]:
    if isinstance(event, ev.ModelCalled):
        asked = [(it.role, _read(it.content, blobs)) for it in event.prompt.added]
        replies = [("reply", _read(reply, blobs)) for reply in event.replies]
        yield _call(event, (*asked, *replies))
        return
    for block in blocks_of(event, number):
        text = _read(block.text, blobs)
        yield Entry(
            kind=block.kind,
            sign=SIGNS[block.kind],
            title=printable(block.title),
            texts=(("", text),) if text else (),
        )


def _bare(event: ev.Event) -> Iterator[Entry]:
    """Yield what may be told of an event without any word of its own."""
    if isinstance(event, ev.ModelCalled):
        yield _call(event, ())
        return
    for block in blocks_of(event, 0):
        yield Entry(kind=block.kind, sign=SIGNS[block.kind], title=block.kind)


def _call(event: ev.ModelCalled, texts: tuple[tuple[str, str], ...]) -> Entry:
    cost = "price n/a" if event.cost is None else f"${event.cost:.4f}"
    figures = f"{event.input_tokens} tokens in, {event.output_tokens} out, {cost}"
    title = f"model asked, {event.phase}: {figures}, {event.latency:.1f} s"
    return Entry(kind="call", sign="*", title=printable(title), texts=texts, folded=True)


def _read(text: ev.Text, blobs: BlobStore) -> str:
    try:
        return _shown(blobs.read_text(text))
    except TraceError as error:
        return f"[{error}]"


def _shown(text: str) -> str:
    left = len(text) - MOST
    return printable(text if left <= 0 else f"{text[:MOST]}\n[... {left} characters more ...]")

"""Which events of a trace are wanted: by type, by status, by what they hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from treeact.trace.index import Entry, TraceIndex

FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Filter:
    """All of it has to hold; nothing at all holds for every event."""

    types: frozenset[str] = frozenset()
    """One of these."""
    failed: bool = False
    words: tuple[str, ...] = ()
    """Each is in the event's line, in any case."""

    def chooses(self, index: TraceIndex, entries: Sequence[Entry]) -> list[Entry]:
        """Return the events that are wanted; only where words are wanted are lines read."""
        return [entry for entry in entries if self._holds(index, entry)]

    def _holds(self, index: TraceIndex, entry: Entry) -> bool:
        if self.types and entry.type not in self.types:
            return False
        if self.failed and not entry.failed:
            return False
        if not self.words:
            return True
        line = index.raw(entry).lower()
        return all(word.lower().encode() in line for word in self.words)


def read_filter(text: str, types: Collection[str]) -> Filter | None:
    """Return the filter that a text describes, None for an empty one.

    Args:
        text: types of events, `failed`, and words, in any order, as in `tool_called failed csv`.
        types: the types that there are.
    """
    parts = text.split()
    if not parts:
        return None
    return Filter(
        types=frozenset(part for part in parts if part in types),
        failed=FAILED in parts,
        words=tuple(part for part in parts if part not in types and part != FAILED),
    )

"""A trace as a tree of what belongs to what, built from the envelopes of its events alone."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from treeact.trace.index import Entry


@dataclass(frozen=True, slots=True)
class Item:
    """One line: a group of events under a logical id, or a single event."""

    id: str
    entry: Entry | None
    """The event; None for a group."""
    events: int
    """How many events are at it and below."""
    failed: bool
    """Whether any of them tells of a failure."""
    seconds: float
    """From its first event to its last."""
    first: int
    """Number of its first event."""
    alone: bool = False
    """Whether the event is all that there is under its id."""

    @property
    def name(self) -> str:
        """What it is called beside its siblings."""
        place = self.id.rpartition("/")[2]
        if self.entry is None:
            return place
        kind = self.entry.type.replace("_", " ")
        return f"{place}: {kind}" if self.alone else kind

    @property
    def key(self) -> str:
        """What tells it from all other items."""
        return self.id if self.entry is None else f"event {self.entry.number}"


@dataclass(slots=True)
class _Group:
    first: Entry
    last: Entry
    events: int = 0
    failed: bool = False
    own: list[Entry] = field(default_factory=list)
    below: dict[str, None] = field(default_factory=dict)

    @property
    def alone(self) -> bool:
        """Whether it is an event and nothing besides; one further below does not make it so."""
        return self.events == 1 and bool(self.own)


class TraceTree:
    """Groups events by their logical ids: `run`, `run/step-3`, `run/step-3/propose`.

    It grows as entries are taken in; what is not looked at costs nothing but its envelope.
    """

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}
        self._tops: dict[str, None] = {}
        self._failures: list[Entry] = []
        self._taken = 0

    def take(self, entries: Sequence[Entry]) -> None:
        """Take in the entries that are new of all those of a log."""
        for entry in entries[self._taken :]:
            self._take(entry)
        self._taken = len(entries)

    def _take(self, entry: Entry) -> None:
        if entry.failed:
            self._failures.append(entry)
        above = ""
        for id in prefixes(entry.id):
            group = self._groups.get(id)
            if group is None:
                group = self._groups[id] = _Group(entry, entry)
                (self._groups[above].below if above else self._tops)[id] = None
            group.last = entry
            group.events += 1
            group.failed = group.failed or entry.failed
            above = id
        self._groups[entry.id].own.append(entry)

    def items(self, id: str = "") -> Iterator[Item]:
        """Yield what is right below a group, in the order of time; the tops of the log for ""."""
        if not id:
            return map(self._group, self._tops)
        group = self._groups[id]
        own, below = map(_event, group.own), map(self._one, group.below)
        return heapq.merge(own, below, key=lambda item: item.first)

    def count(self, id: str) -> int:
        """Return how many items are right below a group."""
        return len(self._groups[id].own) + len(self._groups[id].below) if id else len(self._tops)

    def _one(self, id: str) -> Item:
        """Return a group, or its event where there is only the one."""
        group = self._groups[id]
        return _event(group.own[0], alone=True) if group.alone else self._group(id)

    def _group(self, id: str) -> Item:
        group = self._groups[id]
        seconds = group.last.time - group.first.time
        return Item(id, None, group.events, group.failed, seconds, group.first.number)

    def failure(self, number: int, *, forward: bool = True) -> Entry | None:
        """Return the next event that tells of a failure after event `number`, or before it."""
        if forward:
            return next((entry for entry in self._failures if entry.number > number), None)
        return next((it for it in reversed(self._failures) if it.number < number), None)

    def lineage(self, entry: Entry) -> list[str]:
        """Return the groups from the top down to an event."""
        return [id for id in prefixes(entry.id) if not self._groups[id].alone]


def _event(entry: Entry, *, alone: bool = False) -> Item:
    return Item(entry.id, entry, 1, entry.failed, 0.0, entry.number, alone)


def prefixes(id: str) -> Iterator[str]:
    """Yield the ids above an id, from the top, and itself."""
    at = id.find("/")
    while at >= 0:
        yield id[:at]
        at = id.find("/", at + 1)
    yield id

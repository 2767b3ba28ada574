"""From events to spans, as plain data: nothing here knows how spans are sent.

Every id is a hash of the run's beginning and of the logical id of what happened, so that a run
which is exported twice, or live and once more afterwards, gives the same spans.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Value = str | bool | int | float | Sequence[str]
Attributes = dict[str, Value]

LONGEST_NAME = 200
"""Characters of a span's name, and of an error's message."""


@dataclass(frozen=True, kw_only=True)
class SpanEvent:
    """Something that happened at one moment of a span."""

    name: str
    time: float
    """Seconds since the epoch."""
    attributes: Mapping[str, Value]


@dataclass(kw_only=True)
class Span:
    """One piece of work with a beginning and an end."""

    trace: int
    """128 bits, the same for all spans of one turn of a run."""
    id: int
    """64 bits."""
    parent: Span | None
    name: str
    kind: Literal["internal", "client"] = "internal"
    start: float
    """Seconds since the epoch."""
    end: float
    attributes: Attributes = field(default_factory=dict)
    events: list[SpanEvent] = field(default_factory=list)
    error: str | None = None
    """What went wrong, in a line; None where nothing did."""
    open: bool = True
    """Whether more may be added to it."""

    def __post_init__(self) -> None:
        above = self.parent
        while above is not None and above.open:  # what contains it began no later
            above.start = min(above.start, self.start)
            above = above.parent

    def close(self) -> None:
        """Let nothing more be added; what contains it ends no earlier."""
        self.open, self.name = False, self.name[:LONGEST_NAME]
        if self.parent is not None and self.parent.open:
            self.parent.end = max(self.parent.end, self.end)

    def note(self, name: str, time: float, attributes: Mapping[str, Value]) -> None:
        """Add something that happened meanwhile."""
        self.events.append(SpanEvent(name=name, time=time, attributes=dict(attributes)))
        self.end = max(self.end, time)

    def fail(self, kind: str, message: str) -> None:
        """Mark it as failed.

        Args:
            kind: a short name of what kind of failure it is.
            message: what happened; its first line is kept.
        """
        first = message.strip().splitlines() or [kind]
        self.error = first[0][:LONGEST_NAME]
        self.attributes["error.type"] = kind


def trace_id(*parts: object) -> int:
    """Return the 128 bits that stand for some facts."""
    return int.from_bytes(_digest(parts)[:16], "big") or 1


def span_id(*parts: object) -> int:
    """Return the 64 bits that stand for some facts."""
    return int.from_bytes(_digest(parts)[:8], "big") or 1


def _digest(parts: tuple[object, ...]) -> bytes:
    words = "\0".join(map(str, parts))
    return hashlib.sha256(words.encode("utf-8", "backslashreplace")).digest()


def moment(time: float) -> float:
    """Return a time that a span can have: one that is none, as in a damaged trace, becomes 0."""
    return time if math.isfinite(time) and 0 <= time < 2**33 else 0.0

"""What a branch has been through: enough to bring its state back by doing it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from treeact.sandbox.base import Outcome, ToolCall


@dataclass(frozen=True)
class Step:
    """Code that ran, what its tool calls were answered, and how it ended."""

    code: str
    calls: tuple[ToolCall, ...]
    outcome: Outcome

    @property
    def repeatable(self) -> bool:
        """False when the code was interrupted half-way, which cannot be done again the same."""
        return self.outcome in ("ok", "error")


@dataclass(frozen=True)
class File:
    """A file that the host put into the working folder."""

    name: str
    data: bytes


@dataclass(frozen=True)
class History:
    """An append-only list whose beginning forks share."""

    before: History | None = None
    entry: Step | File | None = None
    steps: int = 0
    """How many of the entries are code."""

    def add(self, entry: Step | File) -> History:
        """Return the history with one more entry."""
        return History(self, entry, self.steps + isinstance(entry, Step))

    def __iter__(self) -> Iterator[Step | File]:
        entries = []
        history: History | None = self
        while history is not None and history.entry is not None:
            entries.append(history.entry)
            history = history.before
        return reversed(entries)

    @property
    def replayable(self) -> bool:
        """True when every run can be repeated."""
        return all(entry.repeatable for entry in self if isinstance(entry, Step))

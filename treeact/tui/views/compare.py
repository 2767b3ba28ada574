"""Two runs of the same task, step beside step, and where they part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from treeact.errors import ConfigError, TraceError
from treeact.planners.export import Row, read_trees, rows
from treeact.trace.blobs import BlobStore
from treeact.trace.events import RunStarted
from treeact.trace.index import TraceIndex
from treeact.trace.log import BLOBS_FOLDER, read_events
from treeact.trace.runs import find_run, list_runs

MOST_RUNS = 200
"""Runs that are looked through for one of the same task."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A step in both runs, or in one of them."""

    id: str
    """Logical id without that of the run."""
    one: Row | None
    other: Row | None

    @property
    def differs(self) -> tuple[str, ...]:
        """In what the two differ: `step` where one has none, else `code`, `output` and `answer`."""
        if self.one is None or self.other is None:
            return ("step",)
        parts = {
            "code": (self.one.text, self.other.text),
            "output": (self.one.observation, self.other.observation),
            "answer": (self.one.answer, self.other.answer),
        }
        return tuple(name for name, (here, there) in parts.items() if here != there)

    @property
    def sign(self) -> str:
        """`=`, `≠`, or the side that has the step alone."""
        if self.one is None:
            return ">"
        if self.other is None:
            return "<"
        return "≠" if self.differs else "="


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs, step beside step."""

    pairs: tuple[Pair, ...]
    answers: tuple[str | None, str | None]

    @property
    def first(self) -> int | None:
        """Which pair is the first that differs; None where all are alike."""
        return next((at for at, pair in enumerate(self.pairs) if pair.differs), None)

    @property
    def summary(self) -> str:
        """Where they part, and whether they come to the same."""
        alike = sum(not pair.differs for pair in self.pairs)
        words = f"{alike} of {len(self.pairs)} steps alike"
        if self.first is not None:
            pair = self.pairs[self.first]
            words += f" · they part at {pair.id} ({', '.join(pair.differs)})"
        one, other = self.answers
        same = f"same answer {one!r}" if one == other else f"answers {one!r} and {other!r}"
        return f"{words} · {same}"


def compare(one: Sequence[Row], other: Sequence[Row]) -> Comparison:
    """Return two runs beside each other, their steps matched by logical id.

    Args:
        one: the nodes of a run, as `rows` returns them.
        other: those of the other.
    """
    here, there = ({_place(row): row for row in side if row.action != "root"}
                   for side in (one, other))  # fmt: skip
    pairs = (
        Pair(id=id, one=here.get(id), other=there.get(id)) for id in _merged([*here], [*there])
    )
    return Comparison(pairs=tuple(pairs), answers=(_answer(one), _answer(other)))


def _place(row: Row) -> str:
    return row.id.partition("/")[2]


def _merged(one: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    """Yield the ids of both, those of each in their order."""
    known, left = set(one), iter(other)
    common = {id for id in other if id in known}
    for id in one:
        if id in common:
            for before in left:
                if before == id:
                    break
                if before not in known:
                    yield before
        yield id
    yield from (id for id in left if id not in known)


def _answer(nodes: Sequence[Row]) -> str | None:
    answers = [row for row in nodes if row.answer is not None]
    chosen = [row for row in answers if row.chosen] or answers
    return chosen[-1].answer if chosen else None


def read_rows(directory: Path) -> list[Row]:
    """Return the nodes of the run in a directory; damaged lines are left out.

    Raises:
        TraceError: the log cannot be read, or tells what cannot be.
    """
    index = TraceIndex(directory)
    return rows(*read_trees(index.events(index.refresh()), BlobStore(directory / BLOBS_FOLDER)))


def other_runs(directory: Path) -> list[str]:
    """Return the names of the runs beside one that were asked the same, the newest first."""
    asked = _question(directory)
    beside = [run for run in list_runs(directory.parent) if run != directory]
    return [run.name for run in beside[: -MOST_RUNS - 1 : -1] if asked and _question(run) == asked]


def find_other(name: str, directory: Path) -> Path:
    """Return the directory of a run by its path, or its name among those beside one.

    Raises:
        ConfigError: there is none, or it is the same one.
    """
    found = find_run(name, folder=directory.parent)
    if found.resolve() == directory.resolve():
        raise ConfigError("that is the run that is shown: name another one")
    return found


def _question(directory: Path) -> str:
    """Return what a run was asked; nothing where that cannot be read."""
    try:
        first = next(read_events(directory))
        blobs = BlobStore(directory / BLOBS_FOLDER)
        return blobs.read_text(first.question) if isinstance(first, RunStarted) else ""
    except (TraceError, StopIteration):
        return ""

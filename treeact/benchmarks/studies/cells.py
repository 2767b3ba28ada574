"""Cells: a setting with some seeds each, and the file that keeps those that are finished.

A line of the file is a cell. It is written at once, so that a killed process leaves at most one
torn line, the last, which is dropped when the file is next opened.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from treeact.benchmarks.studies.study import Measures, Results, Settings, Study, Value
from treeact.errors import ConfigError

SEEDS_OF_A_CELL = 25
"""Seeds that run together: few enough that little is lost, enough that starting one is cheap."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The smallest piece of work: one setting, and the seeds from `first` to before `end`."""

    study: str
    version: int
    settings: Settings
    first: int
    end: int

    @property
    def key(self) -> str:
        """A digest of everything that its outcome depends on."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def __str__(self) -> str:
        settings = " ".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{settings} seeds {self.first}-{self.end - 1}"


def cells_of(study: Study, seeds: int) -> list[Cell]:
    """Return the cells of a study with so many seeds."""
    return [
        Cell(
            study=study.name,
            version=study.version,
            settings=settings,
            first=first,
            end=min(first + SEEDS_OF_A_CELL, seeds),
        )
        for settings in study.settings
        for first in range(0, seeds, SEEDS_OF_A_CELL)
    ]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    key: str
    settings: dict[str, Value]
    first: Annotated[int, Field(ge=0)]
    measures: Annotated[list[dict[str, FiniteFloat]], Field(min_length=1)]


class CellFile:
    """The finished cells of a study, kept in a file that one process at a time may use."""

    def __init__(self, path: Path, descriptor: int, finished: dict[str, list[Measures]]) -> None:
        self.path = path
        self._descriptor = descriptor
        self._finished = finished

    @classmethod
    @contextmanager
    def open(cls, path: Path, *, fresh: bool = False) -> Iterator[CellFile]:
        """Open the file, made where it is missing.

        Args:
            path: the file.
            fresh: whether to forget what it holds.

        Raises:
            ConfigError: it cannot be used, another process is using it, or a line is damaged.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            _lock(descriptor, path)
            if fresh:
                os.ftruncate(descriptor, 0)
            yield cls(path, descriptor, _read(path, descriptor))
        finally:
            os.close(descriptor)

    def __contains__(self, cell: Cell) -> bool:
        return cell.key in self._finished

    def add(self, cell: Cell, measures: Sequence[Measures]) -> None:
        """Keep what a cell came to, on the disk when this returns.

        Raises:
            ConfigError: it cannot be written, or a measure is no finite number.
        """
        try:
            line = _Line(
                key=cell.key,
                settings=dict(cell.settings),
                first=cell.first,
                measures=[dict(row) for row in measures],
            )
            _write_whole(self._descriptor, line.model_dump_json().encode() + b"\n")
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            raise ConfigError(
                f"the cell {cell} came to {fault['input']!r}: let the study measure finite numbers"
            ) from error
        except OSError as error:
            raise _unusable(self.path, error) from error
        self._finished[cell.key] = list(measures)

    def results(self, cells: Iterable[Cell]) -> Results:
        """Return what `cells` came to, those of a setting joined; all must be finished."""
        joined: dict[str, tuple[Settings, list[Measures]]] = {}
        for cell in cells:
            name = json.dumps(dict(cell.settings))
            joined.setdefault(name, (cell.settings, []))[1].extend(self._finished[cell.key])
        return Results(joined.values())


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ConfigError(
            f"{path} is in use by another study: wait for it, or give another --out"
        ) from error


def _read(path: Path, descriptor: int) -> dict[str, list[Measures]]:
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.ftruncate(descriptor, whole)
    finished: dict[str, list[Measures]] = {}
    for number, text in enumerate(content[:whole].splitlines(), start=1):
        try:
            line = _Line.model_validate_json(text)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]["msg"]
            raise ConfigError(
                f"{path}, line {number}: {fault}; delete that line, or start over with --fresh"
            ) from error
        finished[line.key] = [*line.measures]
    return finished


def _write_whole(descriptor: int, line: bytes) -> None:
    """Write a line, or take back what was written of it."""
    before = os.fstat(descriptor).st_size
    if os.write(descriptor, line) < len(line):
        os.ftruncate(descriptor, before)
        raise OSError(28, "no space is left on the disk")


def _unusable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{path} cannot be used ({error.strerror}): give another --out")

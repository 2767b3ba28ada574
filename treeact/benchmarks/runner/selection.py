"""Which samples of a suite are to be run."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from treeact.benchmarks.runner.directory import open_directory
from treeact.benchmarks.suite import Sample, Suite
from treeact.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Filters; a sample has to pass all that are given."""

    levels: tuple[int, ...] = ()
    has_file: bool | None = None
    file_types: tuple[str, ...] = ()
    """Endings without the dot, such as `xlsx`; any file of them will do."""
    ids: tuple[str, ...] = ()
    """Ids, or patterns with `*`, `?` and `[...]`."""
    tags: tuple[str, ...] = ()
    """Any of them will do."""
    sample: int | None = None
    """So many of what is left, drawn at random."""
    seed: int = 0
    """Of the draw."""
    changed_since: Path | None = None
    """Directory of another benchmark: only samples that it has not, or as something else."""


EVERYTHING = Selection()


def select(suite: Suite, selection: Selection) -> list[str]:
    """Return the ids of the samples that pass, in the suite's order.

    Raises:
        ConfigError: nothing passes, or an id is named that is not there.
    """
    for wanted in selection.ids:
        if not any(fnmatchcase(sample.task.id, wanted) for sample in suite.samples):
            some = ", ".join(sample.task.id for sample in suite.samples[:5])
            raise ConfigError(f"{suite.name} has no task {wanted!r}; it has {some}, ...")
    before = _known_to(selection.changed_since)
    found = [
        sample.task.id
        for sample in suite.samples
        if _passes(sample, selection) and before.get(sample.task.id) != sample.digest
    ]
    if selection.sample is not None and selection.sample < len(found):
        drawn = set(random.Random(selection.seed).sample(found, selection.sample))
        found = [task for task in found if task in drawn]
    if not found:
        raise ConfigError(f"no task of {suite.name} passes all filters: leave one of them out")
    return found


def _known_to(directory: Path | None) -> Mapping[str, str]:
    """Return the digests of the samples of another benchmark."""
    return {} if directory is None else open_directory(directory)[1].samples


def _passes(sample: Sample, selection: Selection) -> bool:
    files = sample.task.files
    endings = {file.suffix.removeprefix(".").lower() for file in files}
    return (
        _any(selection.levels, lambda level: level == sample.level)
        and (selection.has_file is None or selection.has_file == bool(files))
        and _any(selection.file_types, lambda it: it.removeprefix(".").lower() in endings)
        and _any(selection.ids, lambda it: fnmatchcase(sample.task.id, it))
        and _any(selection.tags, lambda tag: tag in sample.tags)
    )


def _any(wanted: Sequence[T], matches: Callable[[T], bool]) -> bool:
    return not wanted or any(map(matches, wanted))

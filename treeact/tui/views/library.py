"""The library of actions as screens show it: what there is, and what a person should know of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from treeact.agents.library import ActionLibrary, StoredAction
from treeact.agents.library.changes import find_duplicates, version_diff
from treeact.agents.library.library import library_path
from treeact.errors import ConfigError, LibraryError

SIMILAR = 5
"""Similar actions that are named."""
SORTS = ("name", "status", "uses", "right", "size")


@dataclass(frozen=True)
class Shelf:
    """All actions of a library at one moment, of each name the newest version."""

    actions: Sequence[StoredAction] = ()
    duplicates: dict[int, str] = field(default_factory=dict)
    """Of actions that do what an earlier one does, the label of that one, by id."""

    def badges(self, action: StoredAction) -> list[str]:
        """Return what is odd about an action."""
        found = ["pinned"] if action.pinned else []
        if action.failures and not action.successes:
            found.append("always fails")
        elif action.successes + action.failures <= 1:
            found.append("never reused")
        if action.id in self.duplicates:
            found.append(f"duplicate of {self.duplicates[action.id]}")
        return found

    def sorted(self, by: str) -> list[StoredAction]:
        """Return the actions by name, status, uses, rate of success or size."""
        keys = {
            "name": lambda it: it.name,
            "status": lambda it: (it.status, it.name),
            "uses": lambda it: -(it.successes + it.failures),
            "right": lambda it: -rate(it),
            "size": lambda it: -len(it.code),
        }
        return sorted(self.actions, key=keys[by])


def rate(action: StoredAction) -> float:
    """Return the share of uses that succeeded; -1 where there were none."""
    uses = action.successes + action.failures
    return action.successes / uses if uses else -1.0


def read_shelf(path: Path | None = None) -> Shelf:
    """Return what a library holds.

    Raises:
        LibraryError: it is not there, or cannot be read.
    """
    with open_library(path) as library:
        actions = library.actions()
        return Shelf(actions, find_duplicates(library.actions(all_versions=True)))


def open_library(path: Path | None = None, *, write: bool = False) -> ActionLibrary:
    """Open the library, which has to be there.

    Raises:
        LibraryError: it is not there, or cannot be opened.
    """
    file = library_path(path)
    if not file.exists():
        raise LibraryError(f"{file} is not there: runs of --agent dynasaur make it")
    return ActionLibrary(file, frozen=not write)


def about(action: StoredAction, path: Path | None = None) -> str:
    """Return what an action uses, its recorded calls, and which others are like it.

    Raises:
        LibraryError: the library cannot be read.
    """
    with open_library(path) as library:
        used = [it.label for it in library.closure([action])[:-1]]
        query = f"{action.name} {action.summary}"
        found = asyncio.run(library.search(query, SIMILAR + 1, candidates=True))
    similar = [it.label for it in found if it.name != action.name][:SIMILAR]
    lines = [
        action.docstring.strip(),
        f"born in: {action.task}" if action.task else "",
        f"counts: {action.successes} ok, {action.failures} failed",
        f"tools: {', '.join(action.tools)}" if action.tools else "",
        f"uses: {', '.join(used)}" if used else "",
        f"similar: {', '.join(similar)}" if similar else "",
        *(f"call: {example.arguments} -> {example.result}" for example in action.examples),
    ]
    return "\n".join(filter(None, lines))


def changes(action: StoredAction, path: Path | None = None) -> str:
    """Return what changed from the version before an action's to it.

    Raises:
        LibraryError: the library cannot be read.
    """
    with open_library(path) as library:
        lines = version_diff(library, action.name, new=action.version)
    return "\n".join(lines) or f"{action.label} is the first version"


def export(action: StoredAction, file: Path, path: Path | None = None) -> None:
    """Write an action with all that it uses into a new file.

    Raises:
        ConfigError: the file cannot be written, or is there already.
        LibraryError: the library cannot be read.
    """
    with open_library(path) as library:
        text = library.export([action])
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}") from error

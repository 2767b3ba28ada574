"""Files of settings: found, read, and each of their values with its line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from treeact.errors import ConfigError

FILE_NAME = "treeact.toml"
MOST_BYTES = 64 * 1024

Place = tuple[str, ...]
"""Where a value is in a file: the names of its tables, and its own."""


@dataclass(frozen=True, kw_only=True)
class ConfigFile:
    """A file that was read."""

    path: Path
    origin: str
    """`project` or `user`."""
    data: Mapping[str, Any]
    lines: Mapping[Place, int]
    """The line that each table and value begins at."""

    def line(self, place: Place) -> int | None:
        """Return the line of a place; a name with dots may be written as tables, too."""
        return self.lines.get(place) or self.lines.get(tuple(".".join(place).split(".")))

    def where(self, place: Place) -> str:
        """Return the file, and the line of a place in it or of what holds it."""
        while place and self.line(place) is None:
            place = place[:-1]
        return f"{self.path}:{self.line(place)}" if place else str(self.path)


def user_file() -> Path:
    """Return where the user's own file is, or would be."""
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "treeact" / FILE_NAME


def project_file(folder: Path | None = None) -> Path | None:
    """Return the nearest file in the working folder or above it.

    Args:
        folder: the folder to begin at; None takes the working folder.
    """
    try:
        start = (folder or Path.cwd()).resolve()
    except FileNotFoundError:  # the working folder was removed
        return None
    found = (path for level in (start, *start.parents) if _is_there(path := level / FILE_NAME))
    return next(found, None)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder on the way may be closed to us
        return False


def read_files(folder: Path | None = None) -> list[ConfigFile]:
    """Return the project's file and the user's, those that there are, the stronger first.

    Raises:
        ConfigError: one cannot be read; the message names the line.
    """
    files = []
    project, own = project_file(folder), user_file()
    if project is not None and project != own.resolve():
        _check_owner(project, folder or Path.cwd())
        files.append(read_file(project, "project"))
    if _is_there(own):
        files.append(read_file(own, "user"))
    return files


def read_file(path: Path, origin: str) -> ConfigFile:
    """Return what a file says.

    Raises:
        ConfigError: it cannot be read, or is no TOML; the message names the line.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{path} has more than {MOST_BYTES} bytes: settings need less")
        text = path.read_bytes().decode()
        data = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: this is no UTF-8 text") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is no TOML: {_fault(error, text)}") from None
    return ConfigFile(path=path, origin=origin, data=data, lines=_lines(text))


def _fault(error: Exception, text: str) -> str:
    """Return what is wrong in a text, with the line where the parser names none."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    fault, end, _ = str(error).partition(" (at end of document)")
    if not end:
        return fault
    last = max(number for number, _ in _statements(text))
    return f"{fault} (in what begins at line {last})"


def _check_owner(path: Path, folder: Path) -> None:
    """Refuse a file that somebody else may have put in our way, such as one in `/tmp`."""
    found = path.stat()
    if found.st_mode & 0o002:
        raise ConfigError(f"{path} can be written by everybody: chmod o-w, or remove it")
    if found.st_uid not in (0, os.getuid(), folder.stat().st_uid):
        raise ConfigError(
            f"{path} belongs to another user and would decide what is run here: copy it into your "
            "own folder, or remove it"
        )


def _lines(text: str) -> dict[Place, int]:
    """Return the line at which each table and value of a TOML document begins."""
    lines: dict[Place, int] = {}
    table: Place = ()
    for number, statement in _statements(text):
        is_header = statement.lstrip().startswith("[")
        places = list(_places(tomllib.loads(statement)))
        if is_header:
            table = max(places, key=len)
        for place in places:
            lines.setdefault(place if is_header else (*table, *place), number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each header and each key with its value, and the line that it begins at."""
    pending, began = "", 1
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        began = began if pending else number
        may_end = not pending or any(sign in line for sign in ("]", "}", '"""', "'''"))
        pending += line
        if may_end and _is_whole(pending):
            yield began, pending
            pending = ""
    if pending:
        yield began, pending


def _is_whole(statement: str) -> bool:
    """Return whether a statement does not go on in the next line."""
    try:
        tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _places(data: Mapping[str, Any]) -> Iterator[Place]:
    """Yield the places of a document, outer ones first."""
    for name, value in data.items():
        yield (name,)
        inner = value[-1] if isinstance(value, list) and value else value
        if isinstance(inner, Mapping):
            yield from ((name, *place) for place in _places(inner))

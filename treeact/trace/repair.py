"""A damaged run directory made whole: all that can be read, and notices of what is lost."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from treeact.errors import TraceError
from treeact.trace.events import Noticed
from treeact.trace.log import BLOBS_FOLDER, EVENTS_FILE, parse_line


def write_repaired(directory: Path) -> Path:
    """Write a repaired copy of a run directory beside it, and return the copy.

    Each damaged line becomes a notice with its number, under the `seq` that the lost event had, so
    that what refers to events by number still finds them; a last line without an end is left out.
    Blobs are shared with the original where the file system allows that. The original stays.

    Raises:
        TraceError: the log cannot be read, or the copy cannot be written.
    """
    try:
        lines = (directory / EVENTS_FILE).read_bytes().splitlines(keepends=True)
        target = _new_folder(directory)
        (target / EVENTS_FILE).write_bytes(b"".join(_mended(lines)))
        if (directory / BLOBS_FOLDER).is_dir():
            shutil.copytree(directory / BLOBS_FOLDER, target / BLOBS_FOLDER, copy_function=_link)
    except OSError as error:
        raise TraceError(f"cannot repair {directory}: {error.strerror}") from error
    return target


def _new_folder(directory: Path) -> Path:
    for number in range(1, 1000):
        name = f"{directory.name}-repaired{f'-{number}' if number > 1 else ''}"
        target = directory.with_name(name)
        if not target.exists():
            target.mkdir()
            return target
    raise TraceError(f"{directory} was repaired often enough: remove some copies")


def _mended(lines: list[bytes]) -> Iterator[bytes]:
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            return
        try:
            parse_line(line, f"line {number}")
            yield line
        except TraceError as error:
            lost = Noticed(id="run", text=f"an event is lost: {error}")
            yield lost.model_copy(update={"seq": number - 1}).model_dump_json().encode() + b"\n"


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)

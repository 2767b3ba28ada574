"""What leaves the screens: texts in a pager, and in files."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import tempfile
from pathlib import Path

from textual.app import App, SuspendNotSupported

from treeact.errors import ConfigError


def find_pager() -> list[str] | None:
    """Return the command of the pager: `$PAGER`, else `less` or `more`; None where there is none.

    Raises:
        ConfigError: `$PAGER` cannot be read.
    """
    try:
        named = shlex.split(os.environ.get("PAGER", ""))
    except ValueError as error:
        raise ConfigError(f"$PAGER cannot be read ({error}): give it a command") from error
    candidates = [named] if named else [["less"], ["more"]]
    return next((command for command in candidates if shutil.which(command[0])), None)


async def show_in_pager(app: App[None], text: str) -> str:
    """Show a text in the pager, the screens out of the way meanwhile; a run here goes on.

    Returns:
        What is to be said where that cannot be done: where the text is to be found instead.
    """
    file = write_text(text, Path(tempfile.gettempdir()))
    try:
        command = find_pager()
        if command is None:
            return f"no pager here: set $PAGER; the text is in {file}"
        with app.batch_update(), app.suspend():  # in a batch nothing is drawn
            process = await asyncio.create_subprocess_exec(*command, str(file))
            status = await process.wait()
    except (ConfigError, OSError, SuspendNotSupported) as error:
        return f"{error or 'screens cannot step aside here'}; the text is in {file}"
    if status:
        return f"{command[0]} ended with status {status}; the text is in {file}"
    file.unlink(missing_ok=True)
    return ""


def write_text(text: str, folder: Path) -> Path:
    """Write a text into a new file of a folder that nobody else can read, and return it.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="treeact-", suffix=".txt", dir=folder, delete=False,
            encoding="utf-8", errors="backslashreplace",
        ) as file:  # fmt: skip
            file.write(text)
    except OSError as error:
        raise ConfigError(f"cannot write into {folder}: {error.strerror}") from error
    return Path(file.name)

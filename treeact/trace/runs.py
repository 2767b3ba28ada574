"""Where runs are kept, and how one is found again."""

from __future__ import annotations

import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

from treeact.errors import ConfigError
from treeact.trace.log import EVENTS_FILE
from treeact.trace.redact import Redactor


def runs_folder(folder: Path | None = None) -> Path:
    """Return the folder of all runs.

    It is `folder`, else `$TREEACT_RUNS`, else `treeact/runs` in `$XDG_DATA_HOME`, by default
    `~/.local/share`.
    """
    if folder is not None:
        return folder
    if named := os.environ.get("TREEACT_RUNS"):
        return Path(named).expanduser()
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser() / "treeact" / "runs"


def new_run_directory(name: str, *, folder: Path | None = None) -> Path:
    """Return a path for a new run: the time, words of `name`, and letters that make it unique.

    Names sort by time, so the last one is the newest.
    """
    words = (
        re.sub(r"[^a-z0-9]+", "-", Redactor().clean(name).lower()).strip("-")[:40].rstrip("-")
        or "run"
    )
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    return runs_folder(folder) / f"{stamp}-{words}-{secrets.token_hex(2)}"


def find_run(name: str = "last", *, folder: Path | None = None) -> Path:
    """Return the directory of a run: a path, a name or the unique start of one, or `last`.

    Raises:
        ConfigError: there is no such run, or several; it names the choices.
    """
    with suppress(OSError):  # a name may be too long for a path
        if (Path(name) / EVENTS_FILE).is_file():
            return Path(name)
    root = runs_folder(folder)
    runs = list_runs(root)
    if not runs:
        raise ConfigError(f"no runs in {root}: make one with `treeact run`, or name a folder")
    if name == "last":
        return runs[-1]
    matches = [run for run in runs if run.name == name] or [run for run in runs if name in run.name]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise ConfigError(f"no run named {name!r} in {root}: the newest is {runs[-1].name}")
    raise ConfigError(f"{len(matches)} runs match {name!r}: {', '.join(r.name for r in matches)}")


def list_runs(folder: Path) -> list[Path]:
    """Return the run directories in `folder` and in its folders of runs, oldest first."""
    found = [*folder.glob(f"*/{EVENTS_FILE}"), *folder.glob(f"*/*/{EVENTS_FILE}")]
    return [path.parent for path in sorted(found, key=lambda path: path.parent.parts)]

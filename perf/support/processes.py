"""Processes as `/proc` shows them: who descends from whom, and the memory that each has."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from support.bench import Unavailable


def descendants(root: int) -> set[int]:
    """Return the ids of all processes that came from `root`."""
    children: dict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            children[int(fields[1])].append(int(stat.parent.name))
    found: set[int] = set()
    waiting = [root]
    while waiting:
        new = children[waiting.pop()]
        found.update(new)
        waiting.extend(new)
    return found


def alive(pids: set[int]) -> set[int]:
    """Return those of `pids` that still run; a zombie does not."""
    return {pid for pid in pids if _state(pid) not in ("", "Z", "X")}


def _state(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def pss(pids: set[int]) -> float:
    """Return the megabytes that `pids` hold, shared pages divided among their holders.

    Raises:
        Unavailable: they may not be looked into.
    """
    return sum(map(_pss, pids)) / 1024


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    except OSError as error:
        raise Unavailable(f"the memory of process {pid} cannot be read: {error}") from error
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))

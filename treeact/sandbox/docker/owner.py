"""Who owns a container, written on it as labels, and whether that owner is gone."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FRAMEWORK = "treeact.sandbox"


def labels(*, lifetime: float) -> dict[str, str]:
    """Return the labels of a container that this process owns for at most `lifetime` seconds."""
    return {
        FRAMEWORK: "1",
        "treeact.machine": _machine(),
        "treeact.boot": _boot(),
        "treeact.owner": _process(os.getpid()),
        "treeact.deadline": str(int(time.time() + lifetime)),
    }


def is_stale(found: Mapping[str, str]) -> bool:
    """Tell whether nobody can still want the container with these labels.

    A process can only be looked up where it ran, so another machine's container, or one of another
    process namespace, is stale past its deadline only.
    """
    if time.time() > _number(found.get("treeact.deadline", "")):
        return True
    if found.get("treeact.machine") != _machine():
        return False
    if found.get("treeact.boot") != _boot():
        return True
    pid, _, start_and_namespace = found.get("treeact.owner", "").partition(" ")
    if start_and_namespace.rpartition(" ")[2] != _namespace():
        return False
    return _process(_number(pid)) != found.get("treeact.owner")


def _process(pid: int) -> str:
    """Return pid, start time and pid namespace: a pid alone is given out again."""
    try:
        # The name before the last parenthesis may itself hold spaces and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        start = fields[19]
    except (OSError, IndexError):
        start = "unknown" if _is_alive(pid) else "gone"
    return f"{pid} {start} {_namespace()}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return pid > 0


@cache
def _machine() -> str:
    return _read("/etc/machine-id") or os.uname().nodename


@cache
def _boot() -> str:
    return _read("/proc/sys/kernel/random/boot_id") or "unknown"


@cache
def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - the link's text is no path
    except OSError:
        return "unknown"


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0

"""A program in a pseudo-terminal: how long until it shows something."""

from __future__ import annotations

import os
import pty
import signal
from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter

from support.bench import Unavailable


def time_to_text(command: Sequence[str], text: bytes) -> float:
    """Start `command` in a terminal of its own and return the seconds until it shows `text`.

    Raises:
        Unavailable: it ended without.
    """
    began = perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], list(command), {**os.environ, "TERM": "xterm-256color"})
    shown = b""
    try:
        while text not in shown:
            with suppress(OSError):  # a terminal whose program has ended gives an error
                piece = os.read(terminal, 65536)
                shown += piece
                continue
            raise Unavailable(f"it ended without: {shown[-200:]!r}")
        return perf_counter() - began
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)

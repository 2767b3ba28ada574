"""The keeper: a process that starts another, such as a sandbox's driver, and cleans up after it.

Run by path as `python -I -S keeper.py CONFIG`, without the rest of the package. It ends when the
other has, or soon after the pipe on its control descriptor closes, as it does when the host
process ends in whatever way. Then it kills every process that came from the other, wherever it
went: the keeper is their subreaper. Last it removes the folder, where one was given.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

PATIENCE = 1.0
"""Seconds for a driver whose stdin has ended to clean up by itself."""
PR_SET_CHILD_SUBREAPER = 36


class Started(Protocol):
    """A process that was started, as far as the keeper cares."""

    @property
    def pid(self) -> Any:
        """Its id."""


def main() -> None:
    """Start, wait, clean up."""
    config = json.loads(sys.argv[1])
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        start = start_jailed if config["sandlock"] else start_plain
        started = start(config)
        for fd in (0, 1):  # they are the driver's; its end of the stream is to be the only one
            os.close(fd)
        code = wait(started.pid, config["control"])
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        code = 1
    finally:
        kill_all()
        if config["folder"]:
            subprocess.run(["rm", "-rf", "--", config["folder"]], check=False)  # minds no depth
    os._exit(code)


def start_plain(config: dict[str, Any]) -> Started:
    """Start the driver, or a program that confines it, as a child."""
    return subprocess.Popen(
        config["argv"],
        env=config["env"],
        cwd=config["cwd"],
        user=config["user"],
        group=config["user"],
        extra_groups=None if config["user"] is None else (),
        start_new_session=True,
    )


def start_jailed(config: dict[str, Any]) -> Started:
    """Start the driver in a sandlock jail, whose system calls this process serves from now on."""
    sys.path.append(config["sandlock"].pop("path"))
    import sandlock

    options = {"clean_env": True, "env": config["env"], **config["sandlock"]}
    started: Started = sandlock.Sandbox(**options).popen(config["argv"])
    return started


def wait(pid: int, control: int) -> int:
    """Wait until the process ends, or the host does; return the exit code, 0 when not known."""
    process = os.pidfd_open(pid)
    ready, _, _ = select.select([process, control], [], [])
    if process not in ready and not select.select([process], [], [], PATIENCE)[0]:
        return 0
    status = os.waitid(os.P_PIDFD, process, os.WEXITED | os.WNOWAIT)
    if status is None:
        return 0
    killed = status.si_code in (os.CLD_KILLED, os.CLD_DUMPED)
    return 128 + status.si_status if killed else status.si_status


def kill_all() -> None:
    """Kill every descendant: all are stopped before the first dies, so that none forks away."""
    while children(os.getpid()):
        stopped: set[int] = set()
        while found := descendants() - stopped:
            for pid in found:
                send_signal(pid, signal.SIGSTOP)
            stopped |= found
        for pid in stopped:
            send_signal(pid, signal.SIGKILL)
        reap()


def send_signal(pid: int, number: int) -> None:
    """Signal a process that may have gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def descendants() -> set[int]:
    """Return the pids of all processes that came from this one."""
    found: set[int] = set()
    queue = children(os.getpid())
    while queue:
        pid = queue.pop()
        if pid not in found:
            found.add(pid)
            queue += children(pid)
    return found


def children(pid: int) -> list[int]:
    """Return the pids of a process's children that have not been waited for."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += path.read_text().split()
    return list(map(int, found))


def reap() -> None:
    """Wait for one child, and take others that have ended as well."""
    with suppress(ChildProcessError):
        os.waitpid(-1, 0)
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    main()

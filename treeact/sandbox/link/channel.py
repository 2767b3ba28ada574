"""The byte stream between the host and the driver in a sandbox, and how a driver is started.

A sandbox kind brings up one process, the driver, and hands its standard streams over as a
`Channel`:

    argv = driver_argv(python, driver_path, config)  # python3 -I -u driver.py '{"root": ...}'

The driver is the single file `DRIVER_PATH`; it needs only a Python of 3.9 or newer with its
standard library, so a kind may copy it, mount it, or run it where it lies. Its stdin and stdout
carry protocol frames and nothing else; stderr is for diagnostics and must not be mixed in.
`driver_config` builds the one JSON argument: the folder inside the sandbox under which each
branch's folder is made (it must exist, be writable and be empty), the modules that are imported in
the background, the limits, and whether the driver's watchdog has to count processes, bytes and
files because nothing outside does. The driver may be PID 1 (it reaps orphans), sends a hello frame
when it is ready, and kills all it started and exits when its stdin ends.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from treeact.sandbox.base import Limits

DRIVER_PATH = Path(__file__).parents[1] / "driver.py"


def driver_config(
    root: str,
    *,
    limits: Limits,
    preload: Sequence[str] = (),
    watchdog: bool = False,
    alone: bool = False,
    max_user_processes: int | None = None,
    filters: Mapping[str, str] | None = None,
    door: str | None = None,
) -> str:
    """Return the driver's JSON argument.

    Args:
        root: folder inside the sandbox that holds the branches' folders.
        limits: what branches may use; per-process limits are set by the driver itself.
        preload: modules that the zygote imports one by one after the driver is ready.
        watchdog: have the driver poll processes, bytes and files of `root` against `limits`, for
            kinds where nothing outside the driver enforces them.
        alone: a signal to all processes reaches none but the driver's, though it is not PID 1.
        max_user_processes: RLIMIT_NPROC of branches; only useful where their user id is theirs
            alone.
        filters: the system call filter of each machine, from `seccomp.programs`, that the driver
            loads into itself and all it starts.
        door: path inside the sandbox of a socket that the driver is to prefer to stdin and stdout
            if it can reach it; it ends with its stdin all the same.
    """
    config = {
        "root": root,
        "preload": list(preload),
        "limits": asdict(limits),
        "watchdog": watchdog,
        "alone": alone,
        "nproc": max_user_processes,
        "filters": dict(filters or {}),
        "door": door,
    }
    return json.dumps(config)


def driver_argv(python: str, driver: str, config: str) -> list[str]:
    """Return the command that starts the driver at path `driver` with interpreter `python`."""
    return [python, "-I", "-u", driver, config]


class Channel(ABC):
    """A started driver: a byte stream to it, its end, and why it ended.

    Bytes from it are hostile. One task reads; writes never block and `drain` applies back-pressure.
    A kind has a `read`, or a `pump` that takes fewer turns of the event loop.
    """

    async def read(self) -> bytes:
        """Return the next bytes of the driver's stdout, `b""` at its end."""
        raise NotImplementedError

    async def pump(self, feed: Callable[[bytes], None]) -> None:
        """Hand all bytes of the driver's stdout to `feed` until their end; raise what it raises."""
        while data := await self.read():
            feed(data)

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Queue bytes for the driver's stdin; silently dropped when it has gone."""

    @property
    def carries_descriptors(self) -> bool:
        """True when `pass_descriptor` can work: on a local socket."""
        return False

    def pass_descriptor(self, data: bytes, descriptor: int) -> bool:
        """Write bytes with an open descriptor; False when nothing was, as others wait before."""
        return False

    @abstractmethod
    async def drain(self) -> None:
        """Wait until most of what was queued has been taken; returns at once when it has gone."""

    @abstractmethod
    async def kill(self) -> None:
        """Kill everything inside and give back what the host holds for it. May be called again."""

    @abstractmethod
    async def diagnose(self) -> str:
        """Return one line on why the driver ended: exit code, out of memory, end of stderr."""

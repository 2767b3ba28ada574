"""What the kinds without a container engine share: a private folder and a kept process."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from treeact.errors import SandboxError
from treeact.sandbox.link.channel import Channel
from treeact.sandbox.link.wire import Wire

PREFIX = "treeact-sandbox-"
KEEPER_PATH = Path(__file__).parents[2] / "keeper.py"
STDERR_KEPT = 4096
KILL_PATIENCE = 30.0


def private_folder() -> Path:
    """Make a temporary folder whose name tells its owner, and sweep those of owners long gone."""
    sweep()
    return Path(tempfile.mkdtemp(prefix=own_prefix()))


def own_prefix() -> str:
    """Return how the names of this process's folders begin."""
    return f"{PREFIX}{boot_id()}-{os.getpid()}-{start_time(os.getpid())}-"


def sweep() -> None:
    """Remove folders that a lost keeper left behind: their owner has ended, or the machine did."""
    for path in Path(tempfile.gettempdir()).glob(PREFIX + "*"):
        boot, _, rest = path.name.removeprefix(PREFIX).partition("-")
        pid, _, rest = rest.partition("-")
        alive = pid.isdigit() and rest.startswith(start_time(int(pid)) + "-")
        try:
            mine = path.stat().st_uid == os.getuid()
        except OSError:
            continue
        if mine and not (boot == boot_id() and alive):
            remove(path)


def remove(folder: Path) -> None:
    """Remove a folder that hostile code has filled: `rm` minds no depth."""
    subprocess.run(["rm", "-rf", "--", str(folder)], check=False, stderr=subprocess.DEVNULL)


def boot_id() -> str:
    """Return a short id of this boot of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    except OSError:
        return "unknown"


def start_time(pid: int) -> str:
    """Return when a process started, in clock ticks since boot; `gone` when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return "gone"


class ProcessChannel(Channel):
    """A driver whose keeper is a child of this process."""

    def __init__(self, process: asyncio.subprocess.Process, wire: Wire, control: int) -> None:
        assert process.stderr
        self._process, self._wire, self._control = process, wire, control
        self._stderr = bytearray()
        self._watch = asyncio.create_task(self._collect(process.stderr))

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        folder: Path,
        env: Mapping[str, str],
        *,
        user: int | None = None,
        sandlock: Mapping[str, Any] | None = None,
    ) -> ProcessChannel:
        """Start a command whose standard streams are the channel.

        Args:
            argv: the driver, or a program that confines it.
            folder: what is removed when the command has ended.
            env: its whole environment.
            user: user and group id to run it as; its parent's when None.
            sandlock: options of the jail to run it in.

        Raises:
            SandboxError: it could not be started.
        """
        ours, theirs = os.pipe()
        stream, stdio = socket.socketpair()
        config = {
            "argv": list(argv),
            "env": dict(env),
            "folder": str(folder),
            "cwd": "/",
            "user": user,
            "sandlock": sandlock,
            "control": ours,
        }
        command = [sys.executable, "-I", "-S", "-W", "ignore", str(KEEPER_PATH)]
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                json.dumps(config),
                stdin=stdio.fileno(),
                stdout=stdio.fileno(),
                stderr=subprocess.PIPE,
                pass_fds=(ours,),
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            os.close(theirs)
            stream.close()
            remove(folder)
            raise SandboxError(f"cannot start {command[0]}: {error}") from error
        finally:
            os.close(ours)
            stdio.close()
        descriptor = stream.detach()
        return cls(process, Wire(descriptor, descriptor), theirs)

    async def _collect(self, stream: asyncio.StreamReader) -> None:
        while data := await stream.read(4096):
            self._stderr += data
            del self._stderr[:-STDERR_KEPT]

    async def pump(self, feed: Callable[[bytes], None]) -> None:
        """Hand over what the driver says."""
        await self._wire.pump(feed)

    def write(self, data: bytes) -> None:
        """Write what is taken at once, queue the rest."""
        self._wire.write(data)

    @property
    def carries_descriptors(self) -> bool:
        """True: the stream is a local socket."""
        return True

    def pass_descriptor(self, data: bytes, descriptor: int) -> bool:
        """Write bytes with a descriptor."""
        return self._wire.pass_descriptor(data, descriptor)

    async def drain(self) -> None:
        """Wait until most of what was queued has been taken."""
        await self._wire.drain()

    async def kill(self) -> None:
        """End the driver; the keeper kills what is left of it and removes the folder."""
        self._wire.close()
        if self._control >= 0:
            os.close(self._control)
            self._control = -1
        with suppress(TimeoutError):  # never kill the keeper: it goes on, and nobody else could
            async with asyncio.timeout(KILL_PATIENCE):
                await self._process.wait()
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)

    async def diagnose(self) -> str:
        """Return why the driver ended."""
        try:
            async with asyncio.timeout(KILL_PATIENCE):
                code = await self._process.wait()
        except TimeoutError:
            return "it closed its output"
        words = self._stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
        return f"exit code {code}: {' | '.join(words) or 'no message'}"


def base_interpreter() -> str:
    """Return the interpreter behind this one, outside any virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def clean_environment(python: str) -> dict[str, str]:
    """Return the environment of a driver: nothing of this process's own."""
    return {
        "PATH": os.pathsep.join((str(Path(python).parent), "/usr/local/bin", "/usr/bin", "/bin")),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }

"""What the kinds without a container engine share: a private folder, a process, and its janitor."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from treeact.errors import SandboxError
from treeact.sandbox.channel import Channel

PREFIX = "treeact-sandbox-"
JANITOR = 'read _; i=0; while [ -e "$0" ] && [ $i -lt 20 ]; do rm -rf -- "$0"; i=$((i+1)); done'
STDERR_KEPT = 4096


class PrivateFolder:
    """A temporary folder that goes when this process ends, however it ends.

    A small shell outside the sandbox waits for the end of a pipe that only this process holds, and
    removes the folder then; folders of an earlier boot or of a lost janitor are swept at the start.
    """

    def __init__(self) -> None:
        sweep()
        owner = f"{boot_id()}-{os.getpid()}-{start_time(os.getpid())}-"
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX + owner))
        self._janitor = subprocess.Popen(
            ["/bin/sh", "-c", JANITOR, str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath},
            start_new_session=True,
        )

    async def remove(self) -> None:
        """Remove the folder now."""
        if self._janitor.stdin and not self._janitor.stdin.closed:
            self._janitor.stdin.close()
            await asyncio.to_thread(self._janitor.wait)


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


def sweep() -> None:
    """Remove the folders of processes that have ended without a janitor."""
    for path in Path(tempfile.gettempdir()).glob(PREFIX + "*"):
        boot, _, rest = path.name.removeprefix(PREFIX).partition("-")
        pid, _, rest = rest.partition("-")
        alive = pid.isdigit() and rest.startswith(start_time(int(pid)) + "-")
        try:
            mine = path.stat().st_uid == os.getuid()
        except OSError:
            continue
        if mine and not (boot == boot_id() and alive):
            shutil.rmtree(path, ignore_errors=True)


class ProcessChannel(Channel):
    """A driver that is a child process of this one."""

    def __init__(
        self, process: asyncio.subprocess.Process, folder: PrivateFolder, name: str
    ) -> None:
        assert process.stdin and process.stdout and process.stderr
        self._process, self._folder, self._name = process, folder, name
        self._stdin, self._stdout = process.stdin, process.stdout
        self._stderr = bytearray()
        self._watch = asyncio.create_task(self._collect(process.stderr))

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        folder: PrivateFolder,
        env: Mapping[str, str],
        *,
        user: int | None = None,
    ) -> ProcessChannel:
        """Start a command whose standard streams are the channel.

        Raises:
            SandboxError: it could not be started.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env=dict(env),
                start_new_session=True,
                limit=1 << 20,
                user=user,
                group=user,
                extra_groups=None if user is None else (),
            )
        except OSError as error:
            await folder.remove()
            raise SandboxError(f"cannot start {argv[0]}: {error}") from error
        return cls(process, folder, argv[0])

    async def _collect(self, stream: asyncio.StreamReader) -> None:
        while data := await stream.read(4096):
            self._stderr += data
            del self._stderr[:-STDERR_KEPT]

    async def read(self) -> bytes:
        """Return the next bytes."""
        return await self._stdout.read(1 << 18)

    def write(self, data: bytes) -> None:
        """Queue bytes."""
        if not self._stdin.is_closing():
            self._stdin.write(data)

    async def drain(self) -> None:
        """Wait until most of what was queued has been taken."""
        try:
            await self._stdin.drain()
        except ConnectionError:
            return

    async def kill(self) -> None:
        """End the driver, which kills what it started, and remove the folder."""
        self._stdin.close()
        try:
            async with asyncio.timeout(2):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await asyncio.gather(self._watch, return_exceptions=True)
        await self._folder.remove()

    async def diagnose(self) -> str:
        """Return why the driver ended."""
        try:
            async with asyncio.timeout(2):
                code = await self._process.wait()
        except TimeoutError:
            return f"{self._name} closed its output"
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

"""The embedded jail: isolation by the kernel alone, without a container engine."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from treeact.errors import SandboxUnavailable
from treeact.sandbox import seccomp
from treeact.sandbox.base import Limits
from treeact.sandbox.link.channel import DRIVER_PATH, Channel, driver_argv, driver_config
from treeact.sandbox.local.packages import jail_python, python_paths
from treeact.sandbox.local.process import (
    ProcessChannel,
    base_interpreter,
    clean_environment,
    private_folder,
)
from treeact.sandbox.session import DriverSandbox

Backend = Literal["sandlock", "bwrap"]

SPARE_PROCESSES = 256
"""Process slots of a sandlock jail beside those that `Limits` grants.

sandlock 0.9 never gets the slot of a process back that a signal killed; when they are used up,
forks fail and the sandbox is replaced. The driver's watchdog holds the limit itself.
"""
UNUSED_UIDS = range(61_184, 65_520)
"""Ids that systemd sets apart for services without an account."""
BWRAP_ROOT, BWRAP_DRIVER = "/sandbox/work", "/sandbox/driver.py"
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
PROGRAMS = ("/bin", "/usr/bin", "/usr/share/zoneinfo")
SETTINGS = ("/etc/fonts", "/etc/localtime", "/etc/mime.types")
"""All that is open of /etc: what libraries read there, and fail over when it is closed to them."""


class JailSandbox(DriverSandbox):
    """Runs code in a jail made of Landlock and seccomp (sandlock), or of namespaces (bubblewrap).

    Code has no network, reads nothing but Python, its packages and the system's programs, and
    writes nothing but a folder that goes with the sandbox. Limits that one process cannot hold by
    itself (processes, memory, bytes and files of all together) are held by the driver's watchdog,
    which kills what exceeds them within a fraction of a second.
    """

    kind = "jail"

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        preload: Sequence[str] = (),
        python: str | None = None,
        backend: Backend | None = None,
    ) -> None:
        """Describe a jail; nothing is started yet.

        Args:
            limits: what the code may use.
            preload: modules that are imported ahead, while nobody waits.
            python: the interpreter inside; by default that of the jail's own environment if
                `treeact sandbox build --kind jail` has made it, else the one that runs this.
            backend: `sandlock` or `bwrap`; by default the first of them that works here.
        """
        super().__init__(limits=limits, preload=preload)
        self._python = python
        self._backend = backend

    @classmethod
    async def available(cls) -> str | None:
        """Return None when sandlock or bubblewrap works here, else why neither does."""
        reasons = [await backend_fault("sandlock"), await backend_fault("bwrap")]
        return None if None in reasons else "; ".join(filter(None, reasons))

    async def _launch(self) -> Channel:
        backend = await self._choose_backend()
        python = self._python or str(jail_python() or base_interpreter())
        paths = await asyncio.to_thread(python_paths, Path(python))
        folder = private_folder()
        if backend == "sandlock":
            return await self._launch_sandlock(python, paths, folder)
        return await self._launch_bwrap(python, paths, folder)

    async def _choose_backend(self) -> Backend:
        candidates: tuple[Backend, ...] = ("sandlock", "bwrap")
        reasons = []
        for backend in (self._backend,) if self._backend else candidates:
            fault = await backend_fault(backend)
            if fault is None:
                return backend
            reasons.append(fault)
        raise SandboxUnavailable(f"the jail cannot be used: {'; '.join(reasons)}")

    async def _launch_sandlock(self, python: str, paths: list[Path], folder: Path) -> Channel:
        # The driver's folder is one of the keeper's: the jail could not remove its own top folder.
        root = folder / "root"
        root.mkdir()
        config = driver_config(
            str(root),
            limits=self.limits,
            preload=self.preload,
            watchdog=True,
            alone=True,
            filters=seccomp.programs(freeze_attributes=True),
        )
        options = {
            "path": sandlock_path(),
            "fs_readable": [*readable(paths), *DEVICES, "/proc", str(DRIVER_PATH)],
            "fs_writable": [str(root), "/dev/null"],
            "max_processes": self.limits.processes
            + 2 * self.limits.live_branches
            + SPARE_PROCESSES,
            "no_coredump": True,
            "cwd": str(root),
        }
        if os.getuid() == 0:  # root's own id, but none of its rights: a user namespace of its own
            options |= {"uid": 65_534, "gid": 65_534}
        argv = driver_argv(python, str(DRIVER_PATH), config)
        env = clean_environment(python)
        return await ProcessChannel.start(argv, folder, env, sandlock=options)

    async def _launch_bwrap(self, python: str, paths: list[Path], folder: Path) -> Channel:
        user = unused_uid(paths)
        config = driver_config(
            BWRAP_ROOT,
            limits=self.limits,
            preload=self.preload,
            watchdog=True,
            max_user_processes=self._user_processes() if user or os.getuid() else None,
            filters=seccomp.programs(),
        )
        argv = [
            *bwrap_arguments(readable(paths), self.limits),
            *driver_argv(python, BWRAP_DRIVER, config),
        ]
        return await ProcessChannel.start(argv, folder, clean_environment(python), user=user)

    def _user_processes(self) -> int:
        return self.limits.processes + 2 * self.limits.live_branches + 4


def readable(paths: Sequence[Path]) -> list[str]:
    """Return what code may read: Python, its packages, the system's programs and libraries."""
    wanted = [*map(str, paths), *PROGRAMS, *SETTINGS]
    return [path for path in dict.fromkeys(wanted) if Path(path).exists()]


def sandlock_path() -> str:
    """Return the folder to import sandlock from, without importing it."""
    spec = find_spec("sandlock")
    if spec is None or spec.origin is None:
        raise SandboxUnavailable("sandlock is not installed: pip install sandlock")
    return str(Path(spec.origin).parent.parent)


def bwrap_arguments(paths: Sequence[str], limits: Limits) -> list[str]:
    """Return the bubblewrap command up to the program: new namespaces, and little to see."""
    arguments = ["bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--as-pid-1"]
    arguments += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    arguments += ["--uid", "65534", "--gid", "65534", "--hostname", "sandbox"]
    for path in topmost(paths):
        arguments += bind(path)
    # Where root starts a jail, its code could write /proc/sys for the whole machine, rights or no.
    arguments += ["--proc", "/proc", "--remount-ro", "/proc"]
    arguments += ["--dev", "/dev", "--remount-ro", "/dev"]
    arguments += ["--size", str(limits.disk), "--tmpfs", BWRAP_ROOT, "--dir", "/tmp"]
    arguments += ["--ro-bind", str(DRIVER_PATH), BWRAP_DRIVER]
    for name, value in clean_environment(sys.executable).items():
        arguments += ["--setenv", name, value]
    return [*arguments, "--remount-ro", "/", "--chdir", BWRAP_ROOT]


def topmost(paths: Sequence[str]) -> list[str]:
    """Return the paths that lie below no other of them."""
    folders = {path for path in paths if Path(path).is_dir() and not Path(path).is_symlink()}
    return [path for path in paths if not folders & set(map(str, Path(path).parents))]


def bind(path: str) -> list[str]:
    """Return the arguments that make a path visible: links as links, the rest read-only."""
    if Path(path).is_symlink():
        return ["--symlink", str(Path(path).readlink()), path]
    return ["--ro-bind", path, path]


def unused_uid(paths: Sequence[Path]) -> int | None:
    """Return a user id of nobody's for a root caller, if Python can be read under it."""
    if os.getuid() != 0 or not all(readable_by_all(path) for path in paths):
        return None
    return random.SystemRandom().choice(UNUSED_UIDS)


def readable_by_all(path: Path) -> bool:
    """Return True when every user may reach and read a path."""
    real = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in real.parents) and bool(
        real.stat().st_mode & 0o004
    )


_FAULTS: dict[Backend, str | None] = {}


async def backend_fault(backend: Backend) -> str | None:
    """Return None when a backend works here, else why not and what to do; asked once a process."""
    if backend not in _FAULTS:
        _FAULTS[backend] = await (_sandlock_fault() if backend == "sandlock" else _bwrap_fault())
    return _FAULTS[backend]


async def _sandlock_fault() -> str | None:
    if find_spec("sandlock") is None:
        return "sandlock is not installed: pip install sandlock"
    probe = (
        "import sandlock as s, sys; have, need = s.landlock_abi_version(), s.min_landlock_abi(); "
        "sys.exit(have < need and f'Landlock ABI {have} instead of {need}')"
    )
    code, text = await _try(sys.executable, "-c", probe)
    return None if code == 0 else f"sandlock needs Linux 6.12 or newer with Landlock: {text}"


async def _bwrap_fault() -> str | None:
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed: install your system's package `bubblewrap`"
    tail = ["--ro-bind", "/", "/", "--proc", "/proc", "true"]
    code, text = await _try("bwrap", "--unshare-all", "--unshare-user", "--disable-userns", *tail)
    return None if code == 0 else f"bubblewrap does not work here: {text}"


async def _try(*argv: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode("utf-8", "replace").strip()[-300:]

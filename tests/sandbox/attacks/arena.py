"""Where attacks take place: an attacker, a sibling, another task, and a host with secrets."""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.sandbox.attacks.attack import PRELUDE
from treeact.sandbox.base import Execution, Limits
from treeact.sandbox.branch import DriverBranch
from treeact.sandbox.docker import owner
from treeact.sandbox.docker.engine import Endpoint
from treeact.sandbox.docker.sandbox import DockerSandbox
from treeact.sandbox.local.jail import JailSandbox
from treeact.sandbox.local.process import PREFIX
from treeact.sandbox.session import DriverSandbox

MIB = 1024**2
LIMITS = Limits(
    memory=256 * MIB,
    disk=32 * MIB,
    inodes=2000,
    processes=24,
    live_branches=12,
    output=8 * 1024,
    value=4 * 1024,
    image_bytes=256 * 1024,
    file=8 * MIB,
    tool_calls=50,
    timeout=10.0,
    grace=0.3,
)
ARENAS = ("docker", "sandlock", "bwrap")
WITNESS = """
import os
state = iter([10, 20, 30])
next(state)
open("mine.txt", "w").write("mine")
"""
TESTIFY = (
    "before, state = state, iter([20, 30]); (next(before), open('mine.txt').read(), os.getpid())"
)


class Host:
    """This machine, with servers, files, memory and a process that attacks must not reach."""

    def __init__(self) -> None:
        self.token = f"pwned-{secrets.token_hex(6)}"
        self.value = secrets.token_hex(16)
        self.folder = Path(tempfile.mkdtemp(prefix="attacked-"))
        self.folder.chmod(0o777)
        self.canary = self.folder / "canary"
        self.canary.write_text(self.value)
        self.canary.chmod(0o666)
        info = self.canary.stat()
        self._attributes = (0o666, info.st_uid, info.st_mtime_ns)
        os.environ["ATTACKED_SECRET_KEY"] = self.value
        self.victim = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)", self.value],
            stdin=subprocess.DEVNULL,
        )
        self._priority = os.getpriority(os.PRIO_PROCESS, self.victim.pid)
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind("\0" + self.token)
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(self.folder / "socket"))
        (self.folder / "socket").chmod(0o777)
        for sock in (self.tcp, self.udp, self.abstract, self.unix):
            sock.setblocking(False)
        for sock in (self.abstract, self.unix):
            sock.listen()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.free: int = probe.getsockname()[1]
        self.shm_key = secrets.randbits(30) | 1
        self._libc = ctypes.CDLL(None)
        self._shm = self._libc.shmget(self.shm_key, 4096, 0o1666)
        self._settings = self.settings()
        self._limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.queue = f"/{self.token}"
        self._queue = self._libc.mq_open(self.queue.encode(), os.O_CREAT | os.O_RDWR, 0o666, None)

    @staticmethod
    def settings() -> list[str]:
        """Return settings of the machine that attacks try to change."""
        names = ("core_pattern", "hostname", "domainname", "printk")
        return [Path("/proc/sys/kernel", name).read_text() for name in names]

    def facts(self) -> dict[str, Any]:
        """Return what an attacker is told about the host."""
        return {
            "token": self.token,
            "value": self.value,
            "folder": str(self.folder),
            "canary": str(self.canary),
            "secret": str(Path.home() / ".ssh" / "id_rsa"),
            "repository": __file__,
            "tcp": self.tcp.getsockname()[1],
            "udp": self.udp.getsockname()[1],
            "free": self.free,
            "abstract": "\0" + self.token,
            "unix": str(self.folder / "socket"),
            "pid": os.getpid(),
            "victim": self.victim.pid,
            "shm": self.shm_key,
            "queue": self.queue,
        }

    def check_unharmed(self) -> None:
        """Assert that nothing here was touched, and nothing arrived."""
        assert self.victim.poll() is None
        assert os.getpriority(os.PRIO_PROCESS, self.victim.pid) == self._priority
        assert self.canary.read_text() == self.value
        info = self.canary.stat()
        assert (info.st_mode & 0o777, info.st_uid, info.st_mtime_ns) == self._attributes
        assert os.listxattr(self.canary) == []
        assert sorted(path.name for path in self.folder.iterdir()) == ["canary", "socket"]
        for folder in ("/", "/etc", "/usr", "/usr/bin", "/tmp", "/var/tmp", "/dev/shm", "/root"):
            assert not os.path.lexists(os.path.join(folder, self.token))
        assert self.settings() == self._settings
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == self._limit
        for sock in (self.tcp, self.abstract, self.unix):
            assert arrived(sock.accept) is None
        assert arrived(lambda: self.udp.recv(100)) is None

    def close(self) -> None:
        """Give everything back."""
        self.victim.kill()
        self.victim.wait()
        for sock in (self.tcp, self.udp, self.abstract, self.unix):
            sock.close()
        self._libc.shmctl(self._shm, 0, None)
        self._libc.mq_unlink(self.queue.encode())
        for path in self.folder.iterdir():
            path.unlink()
        self.folder.rmdir()
        del os.environ["ATTACKED_SECRET_KEY"]


def arrived(receive: Any) -> Any:
    """Return what a socket that does not block has received, None if nothing."""
    try:
        return receive()
    except BlockingIOError:
        return None


class Arena:
    """A sandbox with a branch to fork attackers from and a sibling, and another task's sandbox."""

    def __init__(
        self, place: str, sandbox: DriverSandbox, other: DriverSandbox, host: Host
    ) -> None:
        self.place = place
        self.sandbox, self.other, self.host = sandbox, other, host
        self.base: DriverBranch
        self.sibling: DriverBranch
        self.stranger: DriverBranch
        self.sibling_pid = 0
        self.baseline = 0

    async def open(self) -> None:
        """Bring the branches to life."""
        self.base = await self.sandbox.branch()
        self.sibling = await self.sandbox.branch()
        self.stranger = await self.other.branch()
        prepared = await self.base.run(f"{PRELUDE}\nHOST = {self.host.facts()!r}")
        assert prepared.ok, prepared.error
        for witness in (self.sibling, self.stranger):
            assert (await witness.run(WITNESS)).ok
        await self.check_sibling()
        await self.check_stranger()
        await asyncio.sleep(0.2)  # until the children that are forked ahead are there
        self.baseline = await asyncio.to_thread(self.count_processes)

    async def attacker(self) -> DriverBranch:
        """Return a branch that knows its victims."""
        attacker = await self.base.fork()
        assert (await attacker.run(f"HOST['sibling'] = {self.sibling_pid}")).ok
        return attacker

    async def check_sibling(self) -> Execution:
        """Assert that the sibling answers with its state, and return how it did."""
        execution = await self.sibling.run(TESTIFY)
        if execution.rolled_back:  # its processes were found dead
            execution = await self.sibling.run(TESTIFY)
        assert execution.value is not None, execution
        assert execution.value.startswith("(20, 'mine', "), execution
        self.sibling_pid = int(execution.value.rpartition(",")[2].strip(" )"))
        return execution

    def count_processes(self) -> int:
        """Return how many processes both sandboxes have, as the host counts them."""
        if self.sandbox.kind == "docker":
            return container_processes()
        return len(descendants(os.getpid()) - descendants(self.host.victim.pid))

    async def check_no_process_left(self) -> None:
        """Assert that closing the attacker ended all that it started."""
        for _ in range(100):
            count = await asyncio.to_thread(self.count_processes)
            if count <= self.baseline:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{count} processes, {self.baseline} before the attack")

    async def check_stranger(self) -> None:
        """Assert that the other task's branch is alive and was never rebuilt."""
        execution = await self.stranger.run(TESTIFY)
        assert execution.value is not None, execution
        assert execution.value.startswith("(20, 'mine', "), execution
        assert not execution.rebuilt


def descendants(root: int) -> set[int]:
    """Return a process and all that came from it."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            pid, _, rest = Path(f"/proc/{name}/stat").read_text().partition(" ")
            state, parent = rest.rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(pid)] = int(parent)
    found, new = {root}, {root}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return found


def container_processes() -> int:
    """Return how many processes the containers of this process have."""
    client = Endpoint.find().connect()
    try:
        owned = f"treeact.owner={owner.labels(lifetime=1)['treeact.owner']}"
        found = client.api.containers(filters={"label": owned})
        return sum(len(client.api.top(item["Id"])["Processes"]) for item in found)
    finally:
        client.close()


def left_folders() -> list[Path]:
    """Return the folders of this process's sandboxes."""
    return list(Path(tempfile.gettempdir()).glob(f"{PREFIX}*-{os.getpid()}-*"))


def make(arena: str, limits: Limits = LIMITS) -> DriverSandbox:
    """Return a sandbox of a kind, or of a backend of the jail."""
    if arena == "docker":
        return DockerSandbox(limits=limits)
    assert arena in ("sandlock", "bwrap")
    return JailSandbox(limits=limits, backend="sandlock" if arena == "sandlock" else "bwrap")


@asynccontextmanager
async def open_arena(arena: str) -> AsyncIterator[Arena]:
    """Open an arena and its host."""
    host = Host()
    try:
        async with AsyncExitStack() as stack:
            sandboxes = [make(arena), make(arena)]
            await asyncio.gather(*(stack.enter_async_context(item) for item in sandboxes))
            opened = Arena(arena, sandboxes[0], sandboxes[1], host)
            await opened.open()
            yield opened
        assert left_folders() == []
    finally:
        host.close()

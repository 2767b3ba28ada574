"""What is measured of TreeAct's own sandboxes. Each returns the opening of a row."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

from support.bench import Open, Unavailable
from support.peers import clean_environment
from support.processes import alive, descendants, pss
from support.worker import SUBJECTS
from treeact import Limits, tool
from treeact.sandbox.branch import DriverBranch
from treeact.sandbox.docker.engine import Endpoint
from treeact.sandbox.select import sandbox_class
from treeact.sandbox.session import DriverSandbox

SETTLE = 0.05
"""Seconds until forked branches have come to rest."""
SLEEP_AFTER_KILL = 2.0
BRANCHES = 20
CALLS = 20
MEGABYTE = 1024**2
ROOMY = Limits(memory=6 * 1024 * MEGABYTE, disk=64 * MEGABYTE)

ENDLESS = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
x = "changed"
while True:
    pass
"""
TIMED_CALLS = f"""
from time import perf_counter
began = perf_counter()
for n in range({CALLS}):
    add(n, 1)
(perf_counter() - began) / {CALLS}
"""


@tool(effects="none")
async def add(a: int, b: int) -> int:
    """Return the sum."""
    return a + b


@asynccontextmanager
async def open_sandbox(kind: str, **options: object) -> AsyncIterator[DriverSandbox]:
    """Open a sandbox of a kind.

    Raises:
        Unavailable: this kind cannot be had here.
    """
    made = sandbox_class(kind)
    reason = await made.available()
    if reason is not None:
        raise Unavailable(reason)
    async with made(**options) as sandbox:
        yield sandbox


@asynccontextmanager
async def open_branch(
    kind: str, *, tools: Sequence[object] = (), **options: object
) -> AsyncIterator[DriverBranch]:
    """Open a sandbox with one branch."""
    async with open_sandbox(kind, **options) as sandbox:
        yield await sandbox.branch(tools=tools)


async def run_ok(branch: DriverBranch, code: str, **options: object) -> str | None:
    """Run code that has to succeed; return the text of its value."""
    result = await branch.run(code, **options)
    if not result.ok:
        raise RuntimeError(f"{code[:40]!r}: {result.outcome} {result.error or result.notes}")
    return result.value


def one_step(kind: str, *, behind_another: bool = False) -> Open:
    """`x = 1` from code sent to done, or right behind another step."""

    @asynccontextmanager
    async def opened():
        async with open_branch(kind) as branch:

            async def measure() -> float:
                if behind_another:
                    await run_ok(branch, "x = 0")
                began = perf_counter()
                await run_ok(branch, "x = 1")
                return perf_counter() - began

            yield measure

    return opened


def tool_call(kind: str) -> Open:
    """A call of a host tool from sandboxed code and back, by the sandbox's clock."""

    @asynccontextmanager
    async def opened():
        async with open_branch(kind, tools=[add]) as branch:

            async def measure() -> float:
                return float(await run_ok(branch, TIMED_CALLS) or "nan")

            yield measure

    return opened


def ready(kind: str) -> Open:
    """A new sandbox, ready to run code."""

    @asynccontextmanager
    async def opened():
        async with open_sandbox(kind):
            pass

        async def measure() -> float:
            began = perf_counter()
            async with sandbox_class(kind)():
                return perf_counter() - began

        yield measure

    return opened


def fresh_interpreter(kind: str) -> Open:
    """A new root branch in an open sandbox: a fork of the warm, empty interpreter."""

    @asynccontextmanager
    async def opened():
        async with open_sandbox(kind) as sandbox:

            async def measure() -> float:
                began = perf_counter()
                branch = await sandbox.branch()
                took = perf_counter() - began
                await branch.close()
                return took

            yield measure

    return opened


def fork_of(kind: str, state: str) -> Open:
    """A fork of a branch that holds `state`, ready to run; then proven to have it."""

    @asynccontextmanager
    async def opened():
        async with open_branch(kind, limits=ROOMY) as branch:
            await run_ok(branch, state, timeout=120)
            length = await run_ok(branch, "len(data)")

            async def measure() -> float:
                began = perf_counter()
                other = await branch.fork()
                took = perf_counter() - began
                result = await other.run("len(data)")
                await other.close()
                if result.rebuilt or result.value != length:
                    raise RuntimeError("the fork was rebuilt by replay, or differs")
                return took

            yield measure

    return opened


def back_after_kill(kind: str) -> Open:
    """From the kill of code that ignores the interrupt to the old state's answer."""
    timeout = grace = 0.05

    @asynccontextmanager
    async def opened():
        async with open_branch(kind, limits=Limits(grace=grace)) as branch:
            await run_ok(branch, "x = 'kept'")

            async def measure() -> float:
                began = perf_counter()
                killed = await branch.run(ENDLESS, timeout=timeout)
                value = await run_ok(branch, "x")
                took = perf_counter() - began - timeout - grace
                if not killed.rolled_back or value != "'kept'":
                    raise RuntimeError(f"not rolled back: {killed.outcome}, x is {value}")
                return took

            yield measure

    return opened


def upload(kind: str, size: int) -> Open:
    """`put` of a file into the working folder."""

    @asynccontextmanager
    async def opened():
        async with open_branch(kind) as branch:
            data = os.urandom(size)

            async def measure() -> float:
                began = perf_counter()
                await branch.put("data.bin", data)
                return perf_counter() - began

            yield measure

    return opened


def idle_sandbox(kind: str) -> Open:
    """Megabytes of a sandbox's processes before its first branch, the jail's keeper included."""

    @asynccontextmanager
    async def opened():
        async with open_sandbox(kind):
            yield lambda: pss(sandbox_pids(kind))

    return opened


def idle_branch(kind: str) -> Open:
    """Megabytes that a forked branch adds, after one small step."""

    @asynccontextmanager
    async def opened():
        async with open_branch(kind) as branch:
            await run_ok(branch, "x = 1")

            async def measure() -> float:
                before = pss(sandbox_pids(kind))
                forks = [await branch.fork() for _ in range(BRANCHES)]
                for fork in forks:
                    await run_ok(fork, "x += 1")
                await asyncio.sleep(SETTLE)
                after = pss(sandbox_pids(kind))
                for fork in forks:
                    await fork.close()
                return (after - before) / BRANCHES

            yield measure

    return opened


def sandbox_pids(kind: str, owner: int | None = None) -> set[int]:
    """Return the processes of the sandboxes of a kind that a process, by default this one, owns."""
    owner = owner or os.getpid()
    if kind != "docker":
        return descendants(owner)
    client = Endpoint.find().connect()
    try:
        found: set[int] = set()
        for container in client.containers.list(filters={"label": "treeact.sandbox"}):
            if container.labels.get("treeact.owner", "").startswith(f"{owner} "):
                top = container.top()
                column = top["Titles"].index("PID")
                found.update(int(line[column]) for line in top["Processes"])
        return found
    finally:
        client.close()


def containers_of(owner: int) -> int:
    """Return how many containers, running or not, a process has left."""
    client = Endpoint.find().connect()
    try:
        every = client.containers.list(all=True, filters={"label": "treeact.sandbox"})
        return sum(c.labels.get("treeact.owner", "").startswith(f"{owner} ") for c in every)
    finally:
        client.close()


def left_over(kind: str) -> Open:
    """Processes, containers and temporary files 2 s after the host process was killed."""

    @asynccontextmanager
    async def opened():
        async with open_sandbox(kind):
            pass
        yield lambda: count_left_over(kind)

    return opened


def count_left_over(kind: str) -> float:
    """Start a host process with a sandbox in which a daemon runs, kill it, and count."""
    with tempfile.TemporaryDirectory(prefix="treeact-perf-") as folder:
        host = subprocess.Popen(
            [sys.executable, str(SUBJECTS / "host.py"), kind],
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(TMPDIR=folder),
        )
        with host:
            assert host.stdout is not None
            said = host.stdout.readline().strip()
            if said != "ready":
                host.kill()
                raise RuntimeError(f"the host process said {said!r}")
            pids = descendants(host.pid) | sandbox_pids(kind, host.pid)
            if len(pids) < 2:
                host.kill()
                raise RuntimeError("its sandbox's processes cannot be found")
            os.kill(host.pid, signal.SIGKILL)
            host.wait()
        time.sleep(SLEEP_AFTER_KILL)
        left = len(alive(pids)) + len(list(Path(folder).iterdir()))
        return float(left + (containers_of(host.pid) if kind == "docker" else 0))

"""Clean-up: what is closed is gone, on the inside and on the host."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from treeact.errors import TreeActError
from treeact.sandbox.base import Sandbox
from treeact.sandbox.conformance.suite import (
    Bench,
    Failed,
    Skipped,
    equal,
    in_area,
    refused,
    require,
    run,
    value,
)

DESCRIPTORS = Path("/proc/self/fd")
PROCESSES = Path("/proc")
GONE_WITHIN = 5.0
"""Seconds for processes to be gone from the host's own list after a close has returned."""


@in_area("clean-up")
async def closed_branches_are_gone(bench: Bench) -> None:
    """A closed branch refuses everything; closing again does nothing; others go on."""
    sandbox = await bench.sandbox()
    branch, other = await sandbox.branch(), await sandbox.branch()
    await run(other, "x = 1")
    twin = await branch.fork()
    for _ in range(2):
        await branch.close()
    await refused(branch.run("1"), "running in a closed branch")
    await refused(branch.fork(), "forking a closed branch")
    await refused(branch.commit(), "committing a closed branch")
    await refused(branch.put("file", b""), "putting into a closed branch")
    await refused(branch.get("file"), "getting from a closed branch")
    await refused(branch.list(), "listing a closed branch")
    await branch.interrupt()
    equal(await value(other, "x"), "1", "another branch's name")
    equal(await value(twin, "2"), "2", "a fork's value")


@in_area("clean-up")
async def closed_sandboxes_refuse(bench: Bench) -> None:
    """After its context has ended, a sandbox and its branches refuse; closing a branch is fine."""
    sandbox = bench.unopened()
    async with sandbox:
        branch = await sandbox.branch()
        await run(branch, "x = 1")
    await refused(sandbox.branch(), "a branch of a closed sandbox")
    await refused(branch.run("x"), "running in a closed sandbox")
    await refused(branch.list(), "listing in a closed sandbox")
    await branch.close()


@in_area("clean-up")
async def closing_ends_a_run(bench: Bench) -> None:
    """Closing a branch, or its sandbox, ends the run in progress at once."""
    sandbox = bench.unopened()
    async with sandbox:
        branch = await sandbox.branch()
        await _close_while_running(branch.close(), branch.run("while True: pass"))
        other = await sandbox.branch()
        task = asyncio.create_task(other.run("while True: pass"))
        await asyncio.sleep(0.2)
    await _ends(task)


async def _close_while_running(close: object, running: object) -> None:
    task = asyncio.ensure_future(running)  # type: ignore[call-overload]
    await asyncio.sleep(0.2)
    await close  # type: ignore[misc]
    await _ends(task)


async def _ends(task: asyncio.Task[object]) -> None:
    done, _ = await asyncio.wait([task], timeout=10)
    require(done, "a run goes on after it was closed")
    error = task.exception()
    if error is not None and not isinstance(error, TreeActError):
        raise Failed(f"the run ended with {type(error).__name__}: {error}")


@asynccontextmanager
async def _opened(bench: Bench) -> AsyncIterator[Sandbox]:
    async with bench.unopened() as sandbox:
        yield sandbox


@in_area("clean-up")
async def no_process_is_left(bench: Bench) -> str:
    """Processes that code started, however detached, are gone when the sandbox is closed."""
    _need_proc()
    marks = [secrets.token_hex(8) for _ in range(3)]
    async with _opened(bench) as sandbox:
        branch = await sandbox.branch()
        for mark, session in zip(marks, ("False", "True", "True"), strict=True):
            await run(
                branch,
                f"""
                import subprocess, sys
                idle = [sys.executable, "-c", "import time; time.sleep(600)", "{mark}"]
                subprocess.Popen(idle, start_new_session={session})
                """,
            )
        await run(await branch.fork(), "x = 1")
        seen = sum(bool(_carrying(mark)) for mark in marks)
    for _ in range(50):
        left = [pid for mark in marks for pid in _carrying(mark)]
        if not left:
            break
        await asyncio.sleep(GONE_WITHIN / 50)
    equal(left, [], "processes that are left")
    return "" if seen else "its processes cannot be seen from here"


def _need_proc() -> None:
    if not DESCRIPTORS.exists():
        raise Skipped("this system does not show processes as files")


def _carrying(mark: str) -> list[int]:
    """Return the processes of this machine that have `mark` in their command line."""
    found = []
    for path in PROCESSES.glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@in_area("clean-up")
async def host_resources_are_returned(bench: Bench) -> None:
    """Sandboxes that come and go leave no descriptor, task or child process on the host."""
    _need_proc()
    await _use(bench)  # imports and caches of a first use stay
    before = _held()
    for _ in range(3):
        await _use(bench)
    await asyncio.sleep(0.1)
    descriptors, tasks, children = _held()
    require(descriptors <= before[0], f"descriptors open: {descriptors}, before: {before[0]}")
    require(tasks <= before[1], f"tasks: {tasks}, before: {before[1]}")
    require(children <= before[2], f"child processes: {children}, before: {before[2]}")


async def _use(bench: Bench) -> None:
    async with _opened(bench) as sandbox:
        branch = await sandbox.branch()
        await run(await branch.fork(), "x = 1")
        await branch.put("file", b"x")


def _held() -> tuple[int, int, int]:
    lists = Path("/proc/self/task").glob("*/children")
    children = sum(len(one.read_text().split()) for one in lists)
    return len(os.listdir(DESCRIPTORS)), len(asyncio.all_tasks()), children  # noqa: PTH208


@in_area("clean-up")
async def failed_bodies_are_cleaned_up(bench: Bench) -> None:
    """An exception in the body of `async with` passes through, and the sandbox is closed."""
    sandbox = bench.unopened()
    try:
        async with sandbox:
            branch = await sandbox.branch()
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    else:
        raise Failed("the exception was swallowed")
    await refused(branch.run("1"), "running after the body failed")

"""Limits: what code may use, and that whoever exceeds it harms only itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from treeact.sandbox.base import Branch, Execution
from treeact.sandbox.conformance.suite import (
    Bench,
    Counter,
    Failed,
    equal,
    in_area,
    refused,
    require,
    run,
    value,
)

MIB = 1024**2


async def _held(bench: Bench, source: str, what: str, **limits: Any) -> Execution:
    """Require that greedy code is stopped, and that it and a sibling go on unharmed after that.

    The code stops itself with an exception, or is killed; its last line is only reached if it got
    more than the limit.
    """
    sandbox = await bench.sandbox(**limits)
    greedy, sibling = await sandbox.branch(), await sandbox.branch()
    for branch in (greedy, sibling):
        await run(branch, "kept = 5")
    execution = await greedy.run(source, timeout=15)
    require(execution.outcome in ("error", "killed"), f"{what}: not held ({execution.outcome})")
    await _unharmed(greedy, f"after {what}")
    await _unharmed(sibling, f"in a sibling of {what}")
    return execution


async def _unharmed(branch: Branch, where: str) -> None:
    equal(await value(branch, "kept"), "5", f"a name {where}")
    equal(await value(branch, "len(bytearray(2**20))"), str(MIB), f"a small allocation {where}")


@in_area("limits")
async def output_is_capped(bench: Bench) -> None:
    """Of too much output the head and the tail are kept, and what is missing is counted."""
    branch = await bench.branch(output=4096)
    source = (
        "import sys\nfor n in range(200_000): print(n)\nprint('end'); sys.stderr.write('e' * 50000)"
    )
    execution = await run(branch, source)
    require(execution.stdout.startswith("0\n1\n"), "the head is missing")
    require(execution.stdout.endswith("199999\nend\n"), "the tail is missing")
    for text, dropped, total in (
        (execution.stdout, execution.stdout_dropped, 1_288_894),
        (execution.stderr, execution.stderr_dropped, 50_000),
    ):
        require(len(text) < 4096 + 200, f"{len(text)} characters were kept")
        require(total - 4200 <= dropped < total, f"{dropped} bytes are said to be left out")


@in_area("limits")
async def values_are_capped(bench: Bench) -> None:
    """A long value is cut."""
    branch = await bench.branch(value=1000)
    require(len(await value(branch, "'x' * 10**6")) < 1300, "the value is too long")


@in_area("limits")
async def pictures_are_capped(bench: Bench) -> None:
    """Too many and too large pictures are dropped, and that is said."""
    branch = await bench.branch(images=3, image_bytes=1000)
    await run(
        branch,
        r"""
        class Drawing:
            def __init__(self, size): self.size = size
            def _repr_png_(self): return b"\x89PNG\r\n\x1a\n" + b"x" * self.size
        """,
    )
    execution = await run(branch, "for n in range(9): display(Drawing(n))")
    equal(len(execution.images), 3, "the number of pictures")
    require(execution.notes, "nobody was told that pictures were dropped")
    execution = await run(branch, "Drawing(5000)")
    equal(len(execution.images), 0, "the number of large pictures")
    require(execution.notes, "nobody was told that a picture was too large")


@in_area("limits")
async def memory_is_held(bench: Bench) -> str:
    """One huge allocation fails or is killed; the branch goes on."""
    execution = await _held(
        bench, "block = b'x' * (1 << 30); 'too much'", "a huge allocation", memory=256 * MIB
    )
    return execution.error.type if execution.error else execution.outcome


@in_area("limits")
async def growing_memory_is_held(bench: Bench) -> str:
    """Memory that grows bit by bit is stopped as well."""
    source = """
def grow():
    blocks = []
    for n in range(1024): blocks.append(bytearray(b'x') * (1 << 20))
grow()
"""
    execution = await _held(bench, source, "growing memory", memory=256 * MIB)
    return execution.error.type if execution.error else execution.outcome


@in_area("limits")
async def processes_are_held(bench: Bench) -> str:
    """Children cannot be forked without end, and none of them is left."""
    source = """
import os, time
for n in range(300):
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)
time.sleep(5)
"""
    execution = await _held(bench, source, "a crowd of processes", processes=40)
    return execution.error.type if execution.error else execution.outcome


@in_area("limits")
async def threads_are_held(bench: Bench) -> str:
    """Threads count as processes do."""
    source = """
import threading, time
for n in range(300):
    threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
time.sleep(5)
"""
    sandbox = await bench.sandbox(processes=40)
    branch = await sandbox.branch()
    await run(branch, "kept = 5")
    execution = await branch.run(source, timeout=15)
    require(execution.outcome in ("error", "killed"), f"not held ({execution.outcome})")
    equal(await value(branch, "kept"), "5", "a name from before")
    return execution.error.type if execution.error else execution.outcome


@in_area("limits")
async def disk_is_held(bench: Bench) -> str:
    """Files cannot grow without end."""
    source = """
with open("large", "wb") as file:
    for n in range(400):
        file.write(bytes(1 << 20))
        file.flush()
    import time; time.sleep(5)
"""
    execution = await _held(bench, source, "a huge file", disk=32 * MIB)
    return execution.error.type if execution.error else execution.outcome


@in_area("limits")
async def small_files_are_held(bench: Bench) -> str:
    """The number of files has a limit."""
    source = """
for n in range(20_000):
    open(f"file{n}", "w").close()
import time; time.sleep(5)
"""
    execution = await _held(bench, source, "a crowd of files", inodes=1024)
    return execution.error.type if execution.error else execution.outcome


@in_area("limits")
async def open_files_are_held(bench: Bench) -> None:
    """The number of open files has a limit."""
    source = "files = [open('/dev/null') for n in range(2000)]"
    await _held(bench, source, "a crowd of open files", open_files=100)


@in_area("limits")
async def processor_time_is_held(bench: Bench) -> None:
    """Code that only computes is stopped after its processor time."""
    branch = await bench.branch(cpu_seconds=1)
    await run(branch, "kept = 5")
    execution = await branch.run("while True: pass", timeout=15)
    require(execution.outcome in ("error", "killed"), f"not held ({execution.outcome})")
    equal(await value(branch, "kept"), "5", "a name from before")


@in_area("limits")
async def tool_calls_are_held(bench: Bench) -> None:
    """A run may call tools so often and no more; the next run may again."""
    counter = Counter()
    branch = await bench.branch(tools=[counter], tool_calls=5)
    execution = await branch.run("while True: count()")
    equal((execution.outcome, len(counter.calls)), ("error", 5), "the endless calls")
    require("5" in (execution.error.message if execution.error else ""), "the limit is not named")
    await run(branch, "for n in range(5): count()")
    equal(len(counter.calls), 10, "the calls of the next run")


class Verbose(Counter):
    """A tool that says too much."""

    async def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return as many characters as asked for."""
        self.calls.append((len(args[0]),) if isinstance(args[0], str) else tuple(args))
        return "x" * args[0] if isinstance(args[0], int) else None


@in_area("limits")
async def messages_are_capped(bench: Bench) -> None:
    """Arguments and results of tools that exceed a frame raise in the code."""
    tool = Verbose("say")
    branch = await bench.branch(tools=[tool], frame=256 * 1024)
    await run(branch, "kept = len(say(100_000))")
    for source in ("say('x' * 1_000_000)", "say(1_000_000)"):
        execution = await branch.run(source)
        equal(execution.outcome, "error", f"the outcome of {source}")
    equal(await value(branch, "kept"), "100000", "a name from before")
    require((1_000_000,) not in tool.calls[:1], "the large arguments came through")


@in_area("limits")
async def moved_files_are_capped(bench: Bench) -> None:
    """Files that are too large are neither put nor got."""
    branch = await bench.branch(file=100_000)
    await refused(branch.put("large", bytes(100_001)), "putting a large file")
    await branch.put("fits", bytes(100_000))
    await run(branch, "open('large', 'wb').write(bytes(100_001))")
    await refused(branch.get("large"), "getting a large file")
    await run(branch, "with open('sparse', 'wb') as file: file.truncate(1 << 24)")
    await refused(branch.get("sparse"), "getting a sparse file")
    equal(len(await branch.get("fits")), 100_000, "the size of the file that fits")


@in_area("limits")
async def time_is_limited_by_default(bench: Bench) -> None:
    """A run that names no timeout has one."""
    branch = await bench.branch(timeout=0.3)
    execution = await branch.run("import time\ntime.sleep(60)")
    if execution.outcome != "timeout":
        raise Failed(f"the run ended as {execution.outcome}")

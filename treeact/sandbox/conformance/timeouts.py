"""Timeouts: code that does not end, or ends its process, and what is left of the state."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from treeact.sandbox.base import Branch, Execution
from treeact.sandbox.conformance.suite import (
    Bench,
    Counter,
    equal,
    in_area,
    refused,
    require,
    run,
    value,
)

STUBBORN = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
"""Code that an interrupt does not stop."""


async def _prepared(bench: Bench, **limits: Any) -> Branch:
    branch = await bench.branch(**limits)
    await run(branch, "items = [1]; open('file', 'w').write('old')")
    return branch


async def _require_rolled_back(branch: Branch, execution: Execution, outcome: str) -> None:
    equal((execution.outcome, execution.rolled_back), (outcome, True), "the end of the run")
    require(execution.notes, "nobody was told why the process was killed")
    equal(await value(branch, "items"), "[1]", "the names after the rollback")
    equal([file.name for file in await branch.list()], ["file"], "the files after the rollback")
    equal(await branch.get("file"), b"old", "the file after the rollback")


async def _end_within(seconds: float, task: asyncio.Task[Execution]) -> Execution:
    async with asyncio.timeout(seconds):
        return await task


@in_area("timeouts")
async def timeouts_keep_state(bench: Bench) -> None:
    """Code that can be interrupted is, and what it did until then stays."""
    branch = await _prepared(bench)
    for stuck in ("while True: pass", "import time; time.sleep(60)", "input_ = 10 ** 10 ** 8"):
        execution = await branch.run(f"items.append(2)\n{stuck}", timeout=0.2)
        equal((execution.outcome, execution.rolled_back), ("timeout", False), f"{stuck!r}")
    equal(await value(branch, "items"), "[1, 2, 2, 2]", "the names")


@in_area("timeouts")
async def timeouts_roll_back(bench: Bench) -> None:
    """Code that ignores the interrupt is killed; names and files are as before, and it is said."""
    branch = await _prepared(bench, grace=0.1)
    change = "items.append(2); open('file', 'w').write('new'); open('other', 'w').close()"
    execution = await branch.run(f"{change}\n{STUBBORN}", timeout=0.2)
    await _require_rolled_back(branch, execution, "timeout")


@in_area("timeouts")
async def handlers_do_not_outwit(bench: Bench) -> None:
    """Code that catches every exception, or hides in one long C call, is stopped as well."""
    branch = await _prepared(bench, grace=0.1)
    clinging = """
import time
while True:
    try:
        while True: time.sleep(0.001)
    except BaseException: pass
"""
    for source in (clinging, "sum(range(10 ** 12))"):
        execution = await branch.run(f"items.append(2)\n{source}", timeout=0.3)
        equal(execution.outcome, "timeout", "the outcome")
        require(execution.rolled_back, f"{source!r} was not killed")
    equal(await value(branch, "items"), "[1]", "the names")


@in_area("timeouts")
async def interrupts_keep_state(bench: Bench) -> None:
    """An interrupt from the host ends a run, whose state stays."""
    branch = await _prepared(bench)
    going = asyncio.Event()
    source = "items.append(2)\nprint('going', flush=True)\nimport time\ntime.sleep(60)"
    task = asyncio.create_task(branch.run(source, on_output=lambda *_: going.set()))
    await going.wait()
    await branch.interrupt()
    execution = await _end_within(15, task)
    equal((execution.outcome, execution.rolled_back), ("interrupted", False), "the end of the run")
    equal(await value(branch, "items"), "[1, 2]", "the names")


@in_area("timeouts")
async def idle_interrupts_do_nothing(bench: Bench) -> None:
    """An interrupt of a branch that runs nothing does not touch the next run."""
    branch = await _prepared(bench)
    for _ in range(3):
        await branch.interrupt()
        equal(await value(branch, "items"), "[1]", "the names")


@in_area("timeouts")
async def early_interrupts_count(bench: Bench) -> None:
    """An interrupt in the very moment of the start is not lost."""
    branch = await _prepared(bench)
    for _ in range(5):
        task = asyncio.create_task(branch.run("while True: pass", timeout=15))
        await asyncio.sleep(0)
        while not task.done():
            await branch.interrupt()
            await asyncio.sleep(0.01)
        execution = await _end_within(15, task)
        equal(execution.outcome, "interrupted", "the outcome")
    equal(await value(branch, "items"), "[1]", "the names")


class Slow(Counter):
    """A tool that takes its time."""

    async def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Wait long."""
        self.calls.append(tuple(args))
        await asyncio.sleep(60)


@in_area("timeouts")
async def slow_tools_do_not_hold(bench: Bench) -> None:
    """A run that waits for a tool ends at its timeout, with its state."""
    branch = await bench.branch(tools=[Slow("wait")])
    execution = await branch.run("x = 1\nwait()", timeout=0.3)
    equal((execution.outcome, execution.rolled_back), ("timeout", False), "the end of the run")
    equal(await value(branch, "x"), "1", "the name")


@in_area("timeouts")
async def cancelling_rolls_back(bench: Bench) -> None:
    """A caller that gives up waiting finds the branch as it was."""
    branch = await _prepared(bench, grace=0.1)
    task = asyncio.create_task(branch.run("items.append(2)\nwhile True: pass"))
    await asyncio.sleep(0.3)
    task.cancel()
    await asyncio.wait([task], timeout=15)
    require(task.cancelled(), "the cancelled run did not end as cancelled")
    equal(await value(branch, "items"), "[1]", "the names")


@in_area("timeouts")
async def dead_processes_roll_back(bench: Bench) -> None:
    """Code that ends its own process, in whatever way, costs that run and no more."""
    branch = await _prepared(bench)
    ends = (
        "import os; os._exit(0)",
        "import os; os.kill(os.getpid(), 9)",
        "import os; os.abort()",
        "import ctypes; ctypes.string_at(0)",
        "import os; os.closerange(3, 1000); os.getppid(); input()",
    )
    for end in ends:
        execution = await branch.run(f"items.append(2); open('file', 'w').write('new')\n{end}")
        if execution.outcome == "error" and "ctypes" in end:
            continue  # a Python without ctypes, which is then safe from it
        await _require_rolled_back(branch, execution, "killed")


@in_area("timeouts")
async def stopped_processes_time_out(bench: Bench) -> None:
    """Code that stops its own process cannot outlive its deadline."""
    branch = await _prepared(bench, grace=0.1)
    execution = await branch.run(
        "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", timeout=0.3
    )
    await _require_rolled_back(branch, execution, "timeout")


DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        {shield}
        while True:
            open("heartbeat", "a").write("x")
            time.sleep(0.01)
    os._exit(0)
"""


async def _require_silence(branch: Branch) -> None:
    """Require that nobody writes the heartbeat any more."""
    await run(branch, "import os\nif os.path.exists('heartbeat'): os.remove('heartbeat')")
    await asyncio.sleep(0.3)
    equal(await value(branch, "os.path.exists('heartbeat')"), "False", "a daemon's heartbeat")


@in_area("timeouts")
async def daemons_die_with_their_run(bench: Bench) -> None:
    """Whatever a killed run has started is gone: daemons, sessions of their own, deaf processes."""
    branch = await _prepared(bench, grace=0.1)
    shield = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))"
    for extra in ("pass", shield):
        daemon = DAEMON.format(shield=extra)
        execution = await branch.run(f"{daemon}\ntime.sleep(0.1)\n{STUBBORN}", timeout=0.5)
        require(execution.rolled_back, "the run was not killed")
        await _require_silence(branch)


@in_area("timeouts")
async def rollbacks_can_be_forked(bench: Bench) -> None:
    """After a rollback the branch forks, runs and rolls back as before, time and again."""
    branch = await _prepared(bench, grace=0.05)
    for number in range(10):
        execution = await branch.run(f"items.append(2)\n{STUBBORN}", timeout=0.05)
        require(execution.rolled_back, f"kill {number} did not roll back")
    twin = await branch.fork()
    await run(twin, "items.append(3)")
    equal(await value(branch, "items"), "[1]", "the names")
    equal(await value(twin, "items"), "[1, 3]", "the fork's names")


@in_area("timeouts")
async def bad_timeouts_are_refused(bench: Bench) -> None:
    """A timeout that is no positive number of seconds is an error, not an endless run."""
    branch = await _prepared(bench)
    for seconds in (float("nan"), -1.0):
        await refused(branch.run("1", timeout=seconds), f"a timeout of {seconds} s")
    equal(await value(branch, "items"), "[1]", "the names")

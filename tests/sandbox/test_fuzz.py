"""The host side against drivers that send anything: no crash, no hang, no unbounded memory."""

import asyncio
import tracemalloc
from collections import Counter
from collections.abc import Awaitable
from functools import partial
from typing import Any

import pytest

from tests.sandbox.fuzz import HONEST, PNG, Cut, Flood, Liar, LyingChannel, LyingSandbox, frame
from tests.sandbox.support import Tool
from treeact.errors import TreeActError
from treeact.sandbox import live, run, session
from treeact.sandbox.base import Execution, FileInfo, Limits, ToolCall
from treeact.sandbox.branch import DriverBranch
from treeact.sandbox.link.channel import Channel
from treeact.sandbox.link.protocol import HEADER, Kind

GROUPS, FRAMES = 10, 1_100
LIMITS = Limits(
    frame=100_000,
    output=2_000,
    value=500,
    file=20_000,
    images=2,
    image_bytes=3_000,
    tool_calls=10,
    live_branches=4,
    timeout=0.02,
    grace=0.005,
)
HANG = 20.0
"""Seconds after which a call hangs; it has to end within a hundredth of that."""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a silent driver at once."""
    for module, name in (
        (live, "OPEN_PATIENCE"),
        (live, "REPLY_PATIENCE"),
        (live, "STATE_PATIENCE"),
        (run, "KILL_PATIENCE"),
        (session, "START_PATIENCE"),
    ):
        monkeypatch.setattr(module, name, 0.02)


def check_execution(execution: Execution) -> None:
    assert len(execution.stdout) + len(execution.stderr) < 3 * LIMITS.output + 1000
    assert len(execution.value or "") <= LIMITS.value + 200
    assert len(execution.images) <= LIMITS.images
    assert all(image.data.startswith(PNG) for image in execution.images)
    assert len(execution.calls) <= LIMITS.tool_calls
    assert all(is_plain(file) for file in execution.files)
    assert len(execution.notes) < 50
    for text in (execution.stdout, execution.stderr, *execution.notes):
        text.encode()


def is_plain(file: FileInfo) -> bool:
    parts = file.name.split("/")
    return file.name.isprintable() and not {"", ".", ".."} & {*parts} and file.size >= 0


async def bounded(operation: Awaitable[Any]) -> Any:
    """Return what a call returns; an error made to be shown is as good."""
    try:
        async with asyncio.timeout(HANG):
            return await operation
    except TreeActError as error:
        str(error).encode()
        return error
    except TimeoutError:
        pytest.fail("a call hangs")


class Session:
    """One sandbox, used as a tree search would use it."""

    def __init__(self, liar: Liar) -> None:
        self.liar, self.random = liar, liar.random
        self.tool = Tool("note")
        self.branches: list[DriverBranch] = []
        self.ends: Counter[str] = Counter()

    def channel(self) -> Channel:
        lies = self.random.choice((0.2, 0.5, 0.8))
        return LyingChannel(self.liar, lies=lies, silence=0.03, death=0.01)

    async def play(self, moves: int) -> None:
        sandbox = LyingSandbox(self.channel, limits=LIMITS)
        await bounded(sandbox.start())
        for _ in range(moves):
            if not self.branches or self.random.random() < 0.1:
                branch = await bounded(sandbox.branch(tools=[self.tool]))
                if isinstance(branch, DriverBranch):
                    self.branches.append(branch)
                continue
            await self.move(self.random.choice(self.branches))
        for branch in self.branches:
            await bounded(branch.close())
        await bounded(sandbox.close())

    async def move(self, branch: DriverBranch) -> None:
        chosen = self.random.randrange(10)
        if chosen < 4:
            await self.run(branch)
        elif chosen < 6:
            twin = await bounded(branch.fork())
            if isinstance(twin, DriverBranch):
                self.branches.append(twin)
        elif chosen == 6:
            await bounded(branch.put("file", self.random.randbytes(100)))
        elif chosen == 7:
            data = await bounded(branch.get("file"))
            assert isinstance(data, TreeActError) or len(data) <= LIMITS.file
        elif chosen == 8:
            files = await bounded(branch.list())
            assert isinstance(files, TreeActError) or all(is_plain(file) for file in files)
        else:
            made = await bounded(branch.commit())
            assert isinstance(made, TreeActError) or all(isinstance(c, ToolCall) for c in made)

    async def run(self, branch: DriverBranch) -> None:
        task = asyncio.create_task(bounded(branch.run("x = 1")))
        if self.random.random() < 0.3:
            await asyncio.sleep(0)
            await branch.interrupt()
        execution = await task
        if isinstance(execution, Execution):
            check_execution(execution)
            self.ends[execution.outcome] += 1
        else:
            assert isinstance(execution, TreeActError)
            self.ends["raised"] += 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("group", range(GROUPS))
async def test_lying_drivers_do_no_harm(group: int) -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    tasks = len(asyncio.all_tasks())
    made = seed = 0
    ends: Counter[str] = Counter()
    while made < FRAMES:
        seed += 1
        liar = Liar(1000 * group + seed)
        session = Session(liar)
        await session.play(moves=30)
        made += liar.made
        ends += session.ends
    await asyncio.sleep(0.05)
    assert not faults
    assert len(asyncio.all_tasks()) == tasks
    assert made >= FRAMES
    # The lies reach every part: runs succeed between them, fail of them, and are given up.
    assert {"ok", "killed", "raised"} <= {*ends}, ends


CALL = frame(1, Kind.CALL, HONEST[Kind.CALL])
FLOODS = {
    "stdout": frame(1, Kind.STDOUT, b"x" * 10_000),
    "tiny output": frame(1, Kind.STDOUT, b"x") * 100,
    "empty output": frame(1, Kind.STDOUT, b"") * 100,
    "broken text": frame(1, Kind.STDERR, b"\xff" * 10_000),
    "gaps": frame(1, Kind.GAP, HONEST[Kind.GAP]) * 100,
    "pictures": frame(1, Kind.IMAGE, PNG + b"x" * 1000) * 10,
    "calls": CALL * 100,
    "calls of no tool": frame(1, Kind.CALL, {**HONEST[Kind.CALL], "tool": "x" * 5000}),
    "states": frame(1, Kind.STATE, HONEST[Kind.STATE]) * 100,
    "replies": frame(1, Kind.REPLY, b"{}\n" + b"x" * 10_000),
    "greetings": frame(0, Kind.HELLO, HONEST[Kind.HELLO]) * 100,
    "strangers": frame(77, Kind.STDOUT, b"x" * 10_000),
    "a frame that never ends": HEADER.pack(1, 10_000, Kind.STDOUT) + b"x" * 9_999,
    "headers": HEADER.pack(1, 0, Kind.STDOUT) * 100,
}


@pytest.mark.parametrize("what", FLOODS)
async def test_floods_take_no_memory(what: str) -> None:
    """However much comes, no more than a few frames of it are in memory at any time."""
    flood = Flood(FLOODS[what], total=500_000)
    limits = Limits(frame=10_000, output=2_000, timeout=60.0, grace=0.01, images=2)
    sandbox = LyingSandbox(lambda: flood, limits=limits)
    await sandbox.start()
    branch = await sandbox.branch(tools=[Tool("note")])
    tracemalloc.start()
    try:
        result = await bounded(branch.run("x = 1"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(result, Execution | TreeActError)
    assert peak < 250_000, f"{peak} bytes"
    await bounded(sandbox.close())


@pytest.mark.usefixtures("impatient")
async def test_a_stream_that_ends_anywhere_is_a_dead_sandbox() -> None:
    """Whatever prefix of an honest conversation arrives, every call ends."""
    conversation = b"".join(
        frame(int(kind != Kind.HELLO), kind, HONEST.get(kind, b"hello"))
        for kind in (Kind.HELLO, Kind.READY, Kind.STDOUT, Kind.CALL, Kind.DONE)
    )
    for end in range(0, len(conversation), 3):
        sandbox = LyingSandbox(partial(Cut, conversation[:end]), limits=LIMITS)
        await bounded(sandbox.start())
        branch = await bounded(sandbox.branch())
        if isinstance(branch, DriverBranch):
            await bounded(branch.run("x = 1"))
        await bounded(sandbox.close())

"""Lines: each child's own stream to the host, for one run and no longer."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.sandbox.conftest import Make
from tests.sandbox.support import Tool
from treeact.sandbox import UnsafeLocalSandbox
from treeact.sandbox.branch import DriverBranch
from treeact.sandbox.link.line import Line
from treeact.sandbox.session import DriverSandbox

FIND = "import os, socket, struct, time\nNODE = display.__self__.node"


async def waiting_line(branch: DriverBranch, after: int = 0) -> Line:
    """Return the line on which the branch's next child waits, once it does: a later one."""
    live = branch._live
    assert live
    for attempt in range(10_000):
        if live._line and live._spare and live._line.number > after:
            return live._line
        await asyncio.sleep(0.001)
        if attempt % 300 == 299:  # a child may be forked before its line has come
            await branch.run("pass")
    pytest.fail("no child waits")


def only_child(pid: str | None) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_each_run_has_a_line_of_its_own(branch: DriverBranch) -> None:
    numbers = set()
    for step in range(5):
        line = await waiting_line(branch)
        numbers.add(line.number)
        assert (await branch.run(f"x = {step}\nx")).value == str(step)
        await asyncio.sleep(0)
        assert line._closed
    assert len(numbers) == 5


async def test_steps_right_behind_each_other_need_no_line(branch: DriverBranch) -> None:
    await branch.run("x = 0")
    for _ in range(20):
        assert (await branch.run("x += 1")).ok
    assert (await branch.run("x")).value == "20"
    assert (await waiting_line(branch)).number


async def test_output_pictures_and_calls_go_with_a_run_over_a_line(sandbox: DriverSandbox) -> None:
    tool = Tool("double", lambda x: 2 * x)
    branch = await sandbox.branch(tools=[tool])
    await waiting_line(branch)
    result = await branch.run("import sys, os\nprint('out')\nos.write(2, b'err')\ndouble(21)")
    assert (result.stdout, result.stderr, result.value) == ("out\n", "err", "42")
    await waiting_line(branch)
    slow = "import time\nfor n in range(5):\n    print(n)\n    time.sleep(0.01)"
    assert (await branch.run(slow)).stdout == "0\n1\n2\n3\n4\n"
    await waiting_line(branch)
    assert (await branch.run("x = 1")).stdout == ""
    await waiting_line(branch)
    large = await branch.run("print('x' * 200_000)")
    assert large.stdout_dropped > 100_000
    assert large.ok


async def test_two_branches_at_once(sandbox: DriverSandbox) -> None:
    branches = [await sandbox.branch() for _ in range(2)]
    for branch in branches:
        await waiting_line(branch)
    code = "import time\ntime.sleep(0.05)\nx = time.monotonic()"
    await asyncio.gather(*(branch.run(code) for branch in branches))
    ends = [float((await branch.run("x")).value or "nan") for branch in branches]
    assert abs(ends[0] - ends[1]) < 0.05


@pytest.mark.parametrize(("code", "note"), [("os._exit(7)", "code 7"), ("os.abort()", "signal 6")])
async def test_a_run_that_dies_at_once_is_rolled_back(
    branch: DriverBranch, code: str, note: str
) -> None:
    await branch.run("import os\nx = 'kept'")
    for _ in range(3):
        await waiting_line(branch)
        result = await branch.run(code)
        assert (result.outcome, result.rolled_back) == ("killed", True)
        assert note in result.notes[0]
        after = await branch.run("x")
        assert (after.value, after.rebuilt) == ("'kept'", False)


async def test_a_branch_leaves_no_descriptor_behind(sandbox: DriverSandbox) -> None:
    first = await sandbox.branch()
    await first.close()
    before = open_descriptors()
    branch = await sandbox.branch()
    for code in ("x = 1", "import os; os._exit(1)", "print(x)"):
        await waiting_line(branch)
        await branch.run(code)
    await branch.close()
    assert open_descriptors() == before


FLOOD = """
frame = struct.pack("!IIB", 0, 8, 38) + b"\\x89PNG\\r\\n\\x1a\\n"
line = socket.socket(fileno=os.dup(NODE.sink))
fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)] + [*os.pipe(), os.dup(NODE.sink)]
rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(fds)}i", *fds))]
for _ in range(8):
    line.sendmsg([frame], rights)
SENT = True
"""


async def test_descriptors_that_code_sends_do_not_arrive(branch: DriverBranch) -> None:
    await branch.run(FIND)
    await waiting_line(branch)
    before = open_descriptors()
    result = await branch.run(FLOOD)
    assert result.ok, result
    assert len(result.images) == 8
    assert open_descriptors() <= before


HAND_ON = (
    FIND
    + """
while True:  # the other branch may not listen yet
    try:
        to = socket.socket(socket.AF_UNIX)
        to.connect("\\0" + NAME)
        break
    except ConnectionRefusedError:
        time.sleep(0.01)
socket.send_fds(to, [b"x"], [NODE.sink])
while True:
    pass
"""
)
TAKE = (
    FIND
    + """
listener = socket.socket(socket.AF_UNIX)
listener.bind("\\0" + NAME)
listener.listen()
got = socket.recv_fds(listener.accept()[0], 1, 1)[1][0]
"""
)
FORGE = """
payload = (b'{"status": "ok", "value": "forged", "error": null, "notes": [], "files": [], '
           b'"cpu": 0.0, "memory": 0, "output": false}')
try:
    os.write(got, struct.pack("!IIB", 0, len(payload), 40) + payload)
    said = "written"
except OSError as error:
    said = type(error).__name__
said
"""


async def test_a_line_in_a_siblings_hands_ends_with_its_run() -> None:
    """What a branch gives away speaks for that branch alone, and for its one run."""
    async with UnsafeLocalSandbox() as sandbox:
        giver, taker = await sandbox.branch(), await sandbox.branch()
        name = f"NAME = 'treeact-test-{os.getpid()}'"
        await giver.run(name)
        await taker.run(name)
        await waiting_line(giver)
        giving = asyncio.create_task(giver.run(HAND_ON, timeout=20))
        assert (await taker.run(TAKE)).ok
        assert (await taker.run(FORGE)).value == "'written'"
        forged = await giving
        assert (forged.outcome, forged.value) == ("ok", "forged")
        assert (await taker.run(FORGE)).value == "'BrokenPipeError'"
        assert (await taker.run("1")).value == "1"


async def test_a_killed_run_loses_its_line_whoever_else_holds_it() -> None:
    async with UnsafeLocalSandbox() as sandbox:
        giver, taker = await sandbox.branch(), await sandbox.branch()
        name = f"NAME = 'treeact-test-{os.getpid()}'"
        await giver.run(name)
        await taker.run(name)
        await waiting_line(giver)
        giving = asyncio.create_task(giver.run("import signal\nsignal.signal(2, 1)\n" + HAND_ON))
        assert (await taker.run(TAKE)).ok
        branch_run = giver._run
        assert branch_run
        branch_run.kill()
        assert (await giving).rolled_back
        assert (await taker.run(FORGE)).value == "'BrokenPipeError'"
        assert (await giver.run("NAME[:7]")).value == "'treeact'"


async def test_a_child_that_dies_while_it_waits_is_replaced_unnoticed() -> None:
    async with UnsafeLocalSandbox() as sandbox:
        branch = await sandbox.branch()
        node = (await branch.run("import os\nx = 'kept'\nos.getpid()")).value
        line = await waiting_line(branch)
        os.kill(only_child(node), 9)
        await waiting_line(branch, after=line.number)
        after = await branch.run("x")
        assert (after.outcome, after.value, after.rebuilt) == ("ok", "'kept'", False)


async def test_what_a_waiting_child_says_unasked_costs_it_its_life(make: Make) -> None:
    async with make() as sandbox:
        branch = await sandbox.branch()
        node = FIND + "\nbegin = type(NODE).get_ready\nx = 'kept'"
        speak = (
            node
            + """
def get_ready(self):
    begin(self)
    if self.line >= 0:
        os.write(self.line, struct.pack("!IIB", 0, 2, 40) + b"{}")
type(NODE).get_ready = get_ready
"""
        )
        assert (await branch.run(speak)).ok
        for _ in range(3):
            result = await branch.run("x", timeout=5)
            assert result.outcome in ("ok", "killed")

"""Hostile code in every kind of sandbox: what it comes to, and that nobody else is harmed."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sandbox.attacks import ATTACKS
from tests.sandbox.attacks.arena import ARENAS, MIB, Arena, open_arena
from tests.sandbox.attacks.attack import PRELUDE, Attack
from tests.sandbox.attacks.calls import CALLS, TOOLS, Tool
from treeact.errors import BranchLost, SandboxError
from treeact.sandbox.base import Execution
from treeact.sandbox.branch import DriverBranch

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST_MEMORY = 256 * MIB
"""Bytes that one attack may make the host's own process grow by, at its peak."""


def kind(place: str) -> str:
    return "docker" if place == "docker" else "jail"


PLACES = [pytest.param(place, marks=getattr(pytest.mark, kind(place))) for place in ARENAS]
everywhere = pytest.mark.parametrize("arena", PLACES, indirect=True, scope="module")
NAMES = list(dict.fromkeys(attack.name for attack in ATTACKS))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def arena(request: pytest.FixtureRequest) -> AsyncIterator[Arena]:
    reason = request.getfixturevalue(f"{kind(request.param)}_reason")
    if reason is not None:
        pytest.skip(reason)
    async with open_arena(request.param) as opened:
        yield opened


@everywhere
@pytest.mark.parametrize("name", NAMES)
async def test_attack(arena: Arena, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (attack,) = (item for item in ATTACKS if item.name == name and arena.place in item.on)
    if attack.lasting:  # a ruined branch is given up after this long, twice
        monkeypatch.setattr("treeact.sandbox.run.KILL_PATIENCE", 1.0)
        monkeypatch.setattr("treeact.sandbox.live.STATE_PATIENCE", 1.0)
    before = start_peak()
    attacker = await arena.attacker()
    try:
        check(await attacker.run(attack.code, timeout=attack.timeout), attack)
        await check_next(attacker, attack)
    finally:
        await attacker.close()
    sibling = await arena.check_sibling()
    assert sibling.rebuilt == (attack.harm != "none")
    await arena.check_stranger()
    await arena.check_no_process_left()
    arena.host.check_unharmed()
    assert peak() - before < HOST_MEMORY


async def check_next(attacker: DriverBranch, attack: Attack) -> None:
    """Assert that the attacker's own branch works on, unless it has ruined it."""
    if not attack.lasting:
        after = await attacker.run("1 + 1", timeout=5)
        assert after.value == "2", after
        return
    try:
        for _ in range(2):  # it comes back by running its code again, or not at all
            await attacker.run("1 + 1", timeout=0.5)
    except BranchLost:
        return


def check(execution: Execution, attack: Attack) -> None:
    """Assert that an attack came to what the table says."""
    assert re.fullmatch(attack.outcome, execution.outcome), execution
    assert re.fullmatch(attack.stdout, execution.stdout), execution
    kind_of_error = execution.error.type if execution.error else ""
    assert re.fullmatch(attack.error, kind_of_error), execution
    assert re.search(attack.note, "\n".join(execution.notes)), execution
    if attack.value is not None:
        assert re.fullmatch(attack.value, execution.value or ""), execution.value


def start_peak() -> int:
    """Begin to measure the peak of this process's memory anew; return what it holds now."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    """Return the most bytes that this process has held in memory."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@everywhere
@pytest.mark.parametrize("attack", CALLS, ids=[attack.name for attack in CALLS])
async def test_attack_through_a_tool(arena: Arena, attack: Attack) -> None:
    before = start_peak()
    tools = {name: Tool(name) for name in TOOLS}
    branch = await arena.sandbox.branch(tools=list(tools.values()))
    try:
        assert (await branch.run(PRELUDE)).ok
        check(await branch.run(attack.code, timeout=attack.timeout), attack)
        assert len(tools["hang"].calls) == tools["hang"].cancelled
        if not attack.lasting:
            assert (await branch.run("echo(2)")).value == "2"
    finally:
        await branch.close()
    assert not (await arena.check_sibling()).rebuilt
    assert peak() - before < 2 * HOST_MEMORY  # the tool's own 100 MB, and their JSON, are in it


FORBIDDEN_FILES = """
os.symlink("/etc/passwd", "link")
os.symlink("/etc", "folder-link")
os.symlink("/dev/zero", "device-link")
os.mkfifo("pipe")
os.mkdir("folder")
socket.socket(socket.AF_UNIX).bind("socket")
os.truncate(os.open("sparse", os.O_CREAT | os.O_RDWR), 30 << 20)
for name in ("new\\nline", "\\udcff", "x" * 255, "control\\x1b[2J"):
    open(name, "w").close()
open("fine", "w").write("fine")
"""


@everywhere
async def test_only_regular_files_inside_the_folder_are_handed_out(arena: Arena) -> None:
    attacker = await arena.attacker()
    assert (await attacker.run(FORBIDDEN_FILES)).ok
    before = start_peak()
    for name in ("link", "folder-link/passwd", "device-link", "pipe", "folder", "socket", "sparse"):
        with pytest.raises(SandboxError):
            await attacker.get(name)
    for name in ("/etc/passwd", "../x", "folder/../../x", "", ".", "a//b", "nul\0", "x" * 5000):
        with pytest.raises(SandboxError):
            await attacker.get(name)
        with pytest.raises(SandboxError):
            await attacker.put(name, b"pwned")
    for name in ("link", "folder-link/" + arena.host.token, "device-link", "pipe", "folder"):
        with pytest.raises(SandboxError):
            await attacker.put(name, b"pwned")
    names = [file.name for file in await attacker.list()]
    assert names == ["fine", "sparse", "x" * 255]
    assert await attacker.get("fine") == b"fine"
    assert peak() - before < HOST_MEMORY
    await attacker.close()
    arena.host.check_unharmed()


@everywhere
async def test_names_that_change_meanwhile_lead_nowhere(arena: Arena) -> None:
    attacker = await arena.attacker()
    swap = """
os.makedirs("real", exist_ok=True)
open("real/canary", "w").write("inside")
def swap():
    while True:
        os.rename("real", "away")
        os.symlink(HOST["folder"], "real")
        os.unlink("real")
        os.rename("away", "real")
PID = spawn(swap)
"""
    assert (await attacker.run(swap)).ok
    for _ in range(100):
        try:
            assert await attacker.get("real/canary") == b"inside"
        except SandboxError:
            continue
    for number in range(100):
        try:
            await attacker.put(f"real/new{number}", b"pwned")
        except SandboxError:
            continue
    await attacker.close()
    await arena.check_no_process_left()
    arena.host.check_unharmed()

import pytest

from tests.sandbox.conftest import Make
from tests.sandbox.support import Tool
from treeact.errors import BranchLost, SandboxError
from treeact.sandbox.session import DriverSandbox

pytestmark = pytest.mark.parametrize("kind", ["unsafe-local"], indirect=True)


async def test_an_evicted_branch_is_rebuilt_without_repeating_side_effects(
    sandbox: DriverSandbox,
) -> None:
    count = Tool("count", iter([10, 20, 30]).__next__, effects="read")
    branch = await sandbox.branch(tools=[count])
    await branch.run("import random\nx = [count(), random.random()]")
    await branch.put("data.txt", b"from the host")
    await branch.run("x.append(count()); y = open('data.txt').read()\n1 / 0")
    before = (await branch.run("x, y")).value
    assert await branch.evict()
    assert not branch.is_live
    after = await branch.run("x, y")
    assert (after.value, after.rebuilt, after.notes) == (before, True, ())
    assert len(count.calls) == 2
    assert (await branch.run("count()")).value == "30"


async def test_a_fork_of_an_evicted_branch_is_its_own(sandbox: DriverSandbox) -> None:
    branch = await sandbox.branch()
    await branch.run("x = 1")
    await branch.evict()
    fork = await branch.fork()
    assert (await fork.run("x += 1; x")).value == "2"
    assert (await branch.run("x")).value == "1"


async def test_values_that_differ_are_named_and_types_that_differ_are_a_loss(
    sandbox: DriverSandbox,
) -> None:
    branch = await sandbox.branch()
    await branch.run("import time; now = time.time(); fixed = 1")
    await branch.evict()
    result = await branch.run("fixed")
    assert result.rebuilt
    assert any(note.endswith("now different: now") for note in result.notes)
    other = await sandbox.branch()
    await other.run("import os\nx = 1 if os.urandom(1)[0] % 2 else '1'\ny = os.urandom(8)")
    with pytest.raises(BranchLost, match="of another type: x"):
        for _ in range(60):
            await other.evict()
            await other.run("pass")


async def test_replayed_code_that_calls_other_tools_is_a_loss(sandbox: DriverSandbox) -> None:
    echo = Tool("echo", lambda value: value)
    branch = await sandbox.branch(tools=[echo])
    await branch.run("import os; echo(os.urandom(8).hex())")
    await branch.evict()
    with pytest.raises(BranchLost, match="step 1"):
        await branch.run("1")
    assert len(echo.calls) == 1


async def test_an_interrupted_branch_is_never_put_aside(sandbox: DriverSandbox) -> None:
    branch = await sandbox.branch()
    await branch.run("x = 0\nwhile True: x += 1", timeout=0.2)
    assert not await branch.evict()
    assert branch.is_live


async def test_an_interrupted_run_is_given_up_when_its_processes_are_lost(
    sandbox: DriverSandbox,
) -> None:
    one, two = await sandbox.branch(), await sandbox.branch()
    for branch in (one, two):
        await branch.run("x = 1")
        await branch.run("x = 2\nwhile True: pass", timeout=0.2)
    await two.run("y = x")
    assert sandbox._connection is not None
    await sandbox._connection.close("killed by the test")
    result = await one.run("x")
    assert (result.value, result.rebuilt) == ("1", True)
    assert "before the run that was interrupted" in result.notes[0]
    with pytest.raises(BranchLost, match="earlier fork"):
        await two.run("y")


async def test_a_dead_sandbox_is_replaced_and_its_branches_come_back(make: Make) -> None:
    async with make() as sandbox:
        branch = await sandbox.branch()
        await branch.run("x = 5")
        assert sandbox._connection is not None
        await sandbox._connection.close("killed by the test")
        result = await branch.run("x")
        assert (result.value, result.rebuilt) == ("5", True)


async def test_a_sandbox_that_keeps_dying_is_given_up(make: Make) -> None:
    sandbox = make(python="/bin/false")
    with pytest.raises(SandboxError, match="exit code 1"):
        await sandbox.start()
    await sandbox.close()

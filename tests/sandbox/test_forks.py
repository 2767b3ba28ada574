import pytest

from tests.sandbox.conftest import Make
from treeact.sandbox.branch import DriverBranch
from treeact.sandbox.session import DriverSandbox

LIVE_STATE = """
import random, sqlite3
random.seed(7)
numbers = (n * n for n in range(100))
next(numbers), next(numbers)
db = sqlite3.connect(':memory:')
db.execute('create table t (a)')
thing = object()
place = id(thing)
count = 1
"""
USE_IT = """
count += 1
db.execute('insert into t values (1)')
(random.random(), next(numbers), db.execute('select count(*) from t').fetchone()[0],
 id(thing) == place, count)
"""


async def test_forks_of_forks_copy_what_only_a_fork_can(branch: DriverBranch) -> None:
    await branch.run(LIVE_STATE)
    child = await branch.fork()
    grandchild = await child.fork()
    results = [await each.run(USE_IT) for each in (branch, child, grandchild, child)]
    values = [result.value for result in results]
    assert [each.id for each in (branch, child, grandchild)] == ["1", "1.1", "1.1.1"]
    assert values[0] is not None
    assert values[0].endswith(", 4, 1, True, 2)")
    assert values[0] == values[1] == values[2] != values[3]
    assert not any(result.rebuilt for result in results)


async def test_siblings_share_neither_names_nor_files(branch: DriverBranch) -> None:
    await branch.run("f = open('log', 'w+'); f.write('common '); f.flush(); x = [1]")
    fork = await branch.fork()
    await branch.run("f.write('parent'); f.flush(); x.append(2); y = 1")
    await fork.run("f.write('fork'); f.flush(); x.append(3)")
    look = "f.seek(0); (f.read(), open('log').read(), x, 'y' in globals())"
    assert (await branch.run(look)).value == "('common parent', 'common parent', [1, 2], True)"
    assert (await fork.run(look)).value == "('common fork', 'common fork', [1, 3], False)"
    assert await branch.get("log") == b"common parent"
    await fork.close()
    assert await branch.get("log") == b"common parent"


async def test_a_fork_outlives_the_branch_it_came_from(branch: DriverBranch) -> None:
    await branch.run("x = 3")
    fork = await branch.fork()
    await branch.close()
    result = await fork.run("x + 1")
    assert (result.value, result.rebuilt) == ("4", False)


async def test_root_branches_have_equal_random_states_and_forks_keep_theirs(make: Make) -> None:
    draws = []
    for _ in range(2):
        async with make() as sandbox:
            branch = await sandbox.branch()
            fork = await branch.fork()
            draws.append(
                [(await b.run("import random; random.random()")).value for b in (branch, fork)]
            )
    assert draws[0][0] == draws[0][1] == draws[1][0] == draws[1][1]


async def test_live_threads_are_reported_and_the_fork_is_rebuilt(branch: DriverBranch) -> None:
    result = await branch.run(
        "import threading\ngo = threading.Event()\nt = threading.Thread(target=go.wait)\n"
        "t.start(); x = 1"
    )
    assert any("threads still alive: 1" in note for note in result.notes)
    fork = await branch.fork()
    assert not fork.is_live
    assert (await branch.run("x += 1; x")).value == "2"
    rebuilt = await fork.run("x")
    assert (rebuilt.value, rebuilt.rebuilt) == ("1", True)
    await branch.run("go.set(); t.join()")
    await branch.run("pass")
    assert (await branch.fork()).is_live


@pytest.mark.parametrize("kind", ["unsafe-local"], indirect=True)
async def test_few_of_many_branches_live_and_all_can_be_addressed(make: Make) -> None:
    async with make(limits={"live_branches": 6}) as sandbox:
        root = await sandbox.branch()
        await root.run("path = [0]")
        branches = [root]
        for number in range(1, 40):
            branches.append(await branches[number // 2].fork())
            await branches[-1].run(f"path.append({number})")
        assert sum(branch.is_live for branch in branches) <= 6
        for number in (39, 3, 20):
            path, step = [], number
            while step:
                path.append(step)
                step //= 2
            result = await branches[number].run("path")
            assert result.value == str([0, *reversed(path)])


async def test_a_linear_agent_leaves_no_trail_of_processes(branch: DriverBranch) -> None:
    count = "import os; len([p for p in os.listdir('/proc') if p.isdigit() and mine(p)])"
    await branch.run(
        "def mine(pid):\n"
        "    try: return 'driver.py' in open(f'/proc/{pid}/cmdline').read().split('{')[0] and (\n"
        "        f'{os.getcwd()}'[:40] in open(f'/proc/{pid}/cmdline').read())\n"
        "    except OSError: return False"
    )
    before = int((await branch.run(count)).value or 0)
    for _ in range(60):
        await branch.run("pass")
    assert int((await branch.run(count)).value or 0) <= before + 2


async def test_idle_branches_hold_little_memory(sandbox: DriverSandbox) -> None:
    root = await sandbox.branch()
    forks = [await root.fork() for _ in range(8)]
    assert sum([await fork.memory() for fork in forks]) / len(forks) < 5 * 1024**2

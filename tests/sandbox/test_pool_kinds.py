"""The pool over real kinds: claims cost next to nothing, and nothing is used twice or left."""

import asyncio
import os
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import pytest

from tests.sandbox.test_host_death import descendants, is_alive
from treeact.bridge import blocking
from treeact.errors import TreeActError
from treeact.sandbox import DockerSandbox, JailSandbox, Limits, SandboxPool
from treeact.sandbox.session import DriverSandbox

KINDS = [
    pytest.param(DockerSandbox, id="docker", marks=pytest.mark.docker),
    pytest.param(JailSandbox, id="jail", marks=pytest.mark.jail),
]
Kind = Callable[..., DriverSandbox]
pytestmark = pytest.mark.parametrize("kind", KINDS)


class Counted:
    """Makes sandboxes and remembers them."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.made: list[DriverSandbox] = []

    def __call__(self) -> DriverSandbox:
        self.made.append(self._kind(limits=Limits(grace=0.1)))
        return self.made[-1]

    async def started(self, count: int) -> None:
        """Wait until so many of the sandboxes are started."""
        async with asyncio.timeout(60):
            while sum(sandbox.alive for sandbox in self.made) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_claim_costs_a_fraction_of_a_start(kind: Kind) -> None:
    make = Counted(kind)
    starts, claims = [], []
    async with SandboxPool(make, size=2) as pool:
        for _ in range(4):
            began = time.perf_counter()
            async with kind():
                starts.append(time.perf_counter() - began)
            await make.started(2)
            began = time.perf_counter()
            sandbox = await pool.claim()
            claims.append(time.perf_counter() - began)
            await sandbox.close()
    assert median(starts) > 10 * median(claims)


async def test_a_claimed_sandbox_is_fresh_and_its_place_is_filled(kind: Kind) -> None:
    make = Counted(kind)
    async with SandboxPool(make, size=1) as pool:
        ids = set()
        for number in range(4):
            async with await pool.claim() as sandbox:
                ids.add(id(sandbox))
                branch = await sandbox.branch()
                seen = await branch.run("'mark' in globals(), __import__('os').listdir()")
                assert seen.value == "(False, [])", number
                await branch.run("mark = 1; open('file', 'w').close()")
        assert len(ids) == 4
        await make.started(1)  # the four that were used are closed
    assert not any(sandbox.alive for sandbox in make.made)


async def test_a_pool_that_is_left_leaves_nothing(kind: Kind) -> None:
    make = Counted(kind)
    before = descendants(os.getpid())
    async with SandboxPool(make, size=3) as pool:
        claimed = await pool.claim()
        await make.started(2)  # and at least one more is about to start
    assert claimed.alive, "a claimed sandbox belongs to its claimer"
    await claimed.close()
    assert not any(sandbox.alive for sandbox in make.made)
    left = [one for one in descendants(os.getpid()) - before if is_alive(one)]
    assert left == []


async def test_many_claim_at_once(kind: Kind) -> None:
    make = Counted(kind)

    async def task(pool: SandboxPool, number: int) -> str | None:
        async with await pool.claim() as sandbox:
            branch = await sandbox.branch()
            return (await branch.run(f"x = {number}\nx * x")).value

    async with SandboxPool(make, size=2) as pool:
        values = await asyncio.gather(*(task(pool, number) for number in range(6)))
    assert values == [str(number * number) for number in range(6)]
    assert not any(sandbox.alive for sandbox in make.made)


def test_scripts_use_sandboxes_without_async(kind: Kind) -> None:
    with blocking(kind(limits=Limits(grace=0.1))) as sandbox:
        branch = sandbox.branch()
        assert branch.run("x = 20").ok
        twin = branch.fork()
        twin.put("n", b"2")
        assert twin.run("x += int(open('n').read())\nx").value == "22"
        assert branch.run("x").value == "20"
        assert twin.get("n") == b"2"
        assert [file.name for file in twin.list()] == ["n"]
        assert branch.run("while True: pass", timeout=0.1).outcome == "timeout"
        branch.close()
        with pytest.raises(TreeActError, match="closed"):
            branch.run("x")


def test_scripts_use_pools_without_async(kind: Kind) -> None:
    with blocking(SandboxPool(partial(kind), size=1)) as pool, pool.claim() as sandbox:
        assert sandbox.branch().run("1 + 1").value == "2"

import asyncio

import pytest

from tests.sandbox.conftest import Make
from treeact.errors import SandboxError
from treeact.sandbox import SandboxPool

pytestmark = pytest.mark.parametrize("kind", ["unsafe-local"], indirect=True)


async def filled(pool: SandboxPool, size: int) -> None:
    for _ in range(1000):
        if pool._ready.qsize() == size:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the pool was not filled")


async def test_each_claim_is_a_started_sandbox_of_its_own(make: Make) -> None:
    async with SandboxPool(make, size=2) as pool:
        claimed = [await pool.claim() for _ in range(3)]
        assert len(set(claimed)) == 3
        for sandbox in claimed:
            assert sandbox.alive
            branch = await sandbox.branch()
            assert (await branch.run("1")).value == "1"
            await sandbox.close()


async def test_a_sandbox_that_died_in_the_pool_is_not_handed_out(make: Make) -> None:
    async with SandboxPool(make, size=1) as pool:
        await filled(pool, 1)
        waiting = pool._ready._queue[0]  # type: ignore[attr-defined]
        await waiting._connection.close("killed by the test")
        async with await pool.claim() as sandbox:
            assert sandbox is not waiting
            assert sandbox.alive


async def test_a_pool_that_cannot_start_says_why(make: Make) -> None:
    async with SandboxPool(lambda: make(python="/bin/false")) as pool:
        with pytest.raises(SandboxError, match="exit code 1"):
            await pool.claim()


async def test_unclaimed_sandboxes_are_closed(make: Make) -> None:
    made = []

    def remember() -> object:
        made.append(make())
        return made[-1]

    async with SandboxPool(remember, size=2) as pool:  # type: ignore[arg-type]
        await filled(pool, 2)
    assert [sandbox.alive for sandbox in made] == [False, False]

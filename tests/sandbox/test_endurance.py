"""Hundreds of kills in a row: a sandbox must not wear out."""

import shutil
from collections.abc import Callable

import pytest

from treeact.sandbox.base import Limits
from treeact.sandbox.docker.sandbox import DockerSandbox
from treeact.sandbox.local import jail
from treeact.sandbox.local.jail import JailSandbox
from treeact.sandbox.local.unsafe import UnsafeLocalSandbox
from treeact.sandbox.session import DriverSandbox

KILLS = 500
LIMITS = Limits(grace=0.005)
SLOTS = 150
"""Fewer processes than kills for the jail that never gets a killed one's slot back."""

DEAF = """
import signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
x = [0]
"""
"""Blocks interrupts for good, so that none is ever in time and every timeout has to kill."""

KINDS = [
    pytest.param(lambda: UnsafeLocalSandbox(limits=LIMITS), id="unsafe-local"),
    pytest.param(lambda: DockerSandbox(limits=LIMITS), id="docker", marks=pytest.mark.docker),
    pytest.param(
        lambda: JailSandbox(limits=LIMITS, backend="sandlock"),
        id="sandlock",
        marks=pytest.mark.jail,
    ),
    pytest.param(
        lambda: JailSandbox(limits=LIMITS, backend="bwrap"),
        id="bwrap",
        marks=[
            pytest.mark.jail,
            pytest.mark.skipif(shutil.which("bwrap") is None, reason="bwrap is not installed"),
        ],
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("make", KINDS)
async def test_timeouts_with_rollback_do_not_wear_a_sandbox_out(
    make: Callable[[], DriverSandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jail, "SPARE_PROCESSES", SLOTS)
    async with make() as sandbox:
        branch = await sandbox.branch()
        await branch.run(DEAF)
        for number in range(KILLS):
            execution = await branch.run("x.append(1)\ntime.sleep(60)", timeout=0.005)
            assert (execution.outcome, execution.rolled_back) == ("timeout", True), number
            if number % 50 == 0:
                result = await branch.run("x.append(2); x.pop()\nx")
                assert result.value == "[0]", (number, result)
        twin = await branch.fork()
        assert (await twin.run("x")).value == "[0]"

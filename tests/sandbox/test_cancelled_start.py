"""A start that is cancelled, at whatever moment, leaves nothing behind."""

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sandbox.test_host_death import containers, descendants, is_alive
from treeact.sandbox import DockerSandbox, JailSandbox
from treeact.sandbox.session import DriverSandbox

KINDS = [
    pytest.param(DockerSandbox, id="docker", marks=pytest.mark.docker),
    pytest.param(JailSandbox, id="jail", marks=pytest.mark.jail),
]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cancelled_start_leaves_nothing(
    kind: Callable[[], DriverSandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = descendants(os.getpid())
    descriptors = len(os.listdir("/proc/self/fd"))
    for step in range(12):
        sandbox = kind()
        starting = asyncio.create_task(sandbox.start())
        await asyncio.sleep(0.004 * step**1.6)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await sandbox.close()
    assert not [one for one in descendants(os.getpid()) - before if is_alive(one)]
    assert os.listdir(tmp_path) == []
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 4  # a thread pool's and a loop's own
    if kind is DockerSandbox:
        assert containers(os.getpid()) == []

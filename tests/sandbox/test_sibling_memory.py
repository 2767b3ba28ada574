"""Whether branches of one sandbox, which belong to one task, can read each other's memory."""

import pytest

from tests.sandbox.conftest import needs_bwrap
from treeact.sandbox.docker.sandbox import DockerSandbox
from treeact.sandbox.local.jail import JailSandbox
from treeact.sandbox.session import DriverSandbox

READ = """
start = int(open("/proc/{pid}/maps").readline().split("-")[0], 16)
with open("/proc/{pid}/mem", "rb") as memory:
    memory.seek(start)
    memory.read(16)
"""


def make(kind: str) -> DriverSandbox:
    return DockerSandbox() if kind == "docker" else JailSandbox(backend=kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("bwrap", marks=[pytest.mark.jail, needs_bwrap]),
        pytest.param(
            "sandlock",
            marks=[
                pytest.mark.jail,
                # It keeps every process readable to its own supervisor, which opens files of
                # /proc for whoever asks, for processes of the same jail.
                pytest.mark.xfail(strict=True, reason="sandlock 0.9 opens /proc/PID/mem"),
            ],
        ),
    ],
)
async def test_memory_of_sibling_and_supervisor_is_private(kind: str) -> None:
    async with make(kind) as sandbox:
        one, two = await sandbox.branch(), await sandbox.branch()
        for process in ("os.getpid()", "os.getppid()", "1"):
            pid = (await one.run(f"import os\n{process}")).value
            execution = await two.run(READ.format(pid=pid))
            assert execution.outcome == "error", f"the memory of {process} was read"

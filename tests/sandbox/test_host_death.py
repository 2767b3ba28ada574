"""The host process dies, in whatever way and at whatever moment: nothing may be left of it."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from treeact.sandbox.docker import container, owner
from treeact.sandbox.docker.engine import Endpoint

PHASES = ["start", "run", "fork", "put", "call", "kill", "close"]
MOMENTS = [(PHASES[number % len(PHASES)], 1000 + number) for number in range(20)]
"""In which phase to kill, and the seed of the delay after its beginning."""
LONGEST_DELAY = 0.15
GONE_WITHIN = 20.0
"""Seconds after which what is still there counts as left; two are the aim."""

KINDS = [
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("sandlock", marks=pytest.mark.jail),
    pytest.param(
        "bwrap",
        marks=[
            pytest.mark.jail,
            pytest.mark.skipif(shutil.which("bwrap") is None, reason="bwrap is not installed"),
        ],
    ),
]


@contextmanager
def doomed(kind: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start a host process whose temporary files go to `folder`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.sandbox.doomed", kind],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(folder)},
        start_new_session=True,
    )
    assert process.stdout and process.stderr
    with process.stdout, process.stderr:
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def await_phase(process: "subprocess.Popen[str]", phase: str) -> None:
    assert process.stdout and process.stderr
    for line in process.stdout:
        if line.strip() == phase:
            return
    pytest.fail(f"the host process ended before it came to {phase}: {process.stderr.read()}")


def descendants(pid: int) -> set[tuple[int, str]]:
    """Return pid and start time of all processes below one."""
    parents: dict[int, list[int]] = {}
    starts = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        number = int(path.parent.name)
        starts[number] = fields[19]
        parents.setdefault(int(fields[1]), []).append(number)
    found, queue = set(), [*parents.get(pid, [])]
    while queue:
        number = queue.pop()
        found.add((number, starts[number]))
        queue += parents.get(number, [])
    return found


def is_alive(process: tuple[int, str]) -> bool:
    try:
        fields = Path(f"/proc/{process[0]}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[19] == process[1] and fields[0] not in "ZX"


def naming(text: str) -> set[str]:
    """Return the processes whose command line or environment names `text`."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        for part in ("cmdline", "environ"):
            try:
                if text.encode() in (path / part).read_bytes():
                    found.add(path.name)
            except OSError:
                continue
    return found - {str(os.getpid())}


def containers(pid: int) -> list[str]:
    """Return the containers that a process with this id has owned, with their states.

    One that was created and not started yet when its owner died runs nothing, and nothing ends it:
    the next start of any sandbox sweeps it, which is done here.
    """
    client = Endpoint.find().connect()
    try:
        mine = _owned(client, pid)
        if any(state == "created" for _, state in mine):
            container.sweep(client)
            mine = _owned(client, pid)
    finally:
        client.close()
    return [f"{number} is {state}" for number, state in mine]


def _owned(client: Any, pid: int) -> list[tuple[str, str]]:
    found = client.api.containers(all=True, filters={"label": owner.FRAMEWORK})
    return [
        (item["Id"], item["State"])
        for item in found
        if item["Labels"].get("treeact.owner", "").startswith(f"{pid} ")
    ]


def leftovers(kind: str, pid: int, folder: Path, family: set[tuple[int, str]]) -> list[object]:
    left: list[object] = [process for process in family if is_alive(process)]
    left += naming(str(folder))
    left += folder.iterdir()
    if kind == "docker":
        left += containers(pid)
    return left


def require_nothing_left(kind: str, pid: int, folder: Path, family: set[tuple[int, str]]) -> None:
    deadline = time.monotonic() + GONE_WITHIN
    while left := leftovers(kind, pid, folder, family):
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_host_leaves_nothing_at_any_moment(kind: str, tmp_path: Path) -> None:
    for phase, seed in MOMENTS:
        folder = tmp_path / f"{phase}-{seed}"
        folder.mkdir()
        with doomed(kind, folder) as process:
            await_phase(process, phase)
            time.sleep(random.Random(seed).uniform(0, LONGEST_DELAY))
            family = descendants(process.pid)
            process.send_signal(signal.SIGKILL)
            process.wait()
            require_nothing_left(kind, process.pid, folder, family)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_host_that_is_told_to_end_leaves_nothing(
    kind: str, number: signal.Signals, tmp_path: Path
) -> None:
    with doomed(kind, tmp_path) as process:
        await_phase(process, "kill")
        family = descendants(process.pid)
        os.killpg(process.pid, number)  # as a terminal does
        process.wait(timeout=30)
        require_nothing_left(kind, process.pid, tmp_path, family)

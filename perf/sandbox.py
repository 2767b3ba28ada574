"""The sandboxes against a raw pipe, Jupyter, Docker by itself, smolagents, pickle and dill.

Times run from code sent to result here. Every measurement follows the same short pause, a fraction
of what any model takes, in which TreeAct forks the next child ahead; the `back to back` rows take a
step right behind another and so wait for the fork. Medians of one interleaved run for each group of
rows; `over` names the row that the ratio is over. jupyter_client talks to a kernel on this host,
which spares it the container. The rows with 1 GB need 6 GB of memory: `--skip "1 GB"` leaves them
out.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from time import perf_counter
from typing import Any

from support import sandboxes
from support.bench import Bench, Open, Subject, Unavailable
from support.jupyter_image import jupyter_image
from support.peers import peer_python
from support.report import Target
from support.worker import SUBJECTS, timed_by

sys.path.insert(0, str(SUBJECTS))
from state import BIG_ARRAY, SMALL_OBJECTS

from treeact.errors import TreeActError
from treeact.sandbox.docker.engine import Endpoint
from treeact.sandbox.image import PYTHON, image_tag

ECHO = "raw pipe echo"
JAIL, DOCKER = "x=1, jail, pre-forked", "x=1, docker, pre-forked"
JAIL_READY, DOCKER_READY = "sandbox ready, jail", "sandbox ready, docker"
FORK_SMALL, FORK_BIG = "fork of 100 MB small objects, jail", "fork of 1 GB numpy, jail"
PAUSE = 0.02  # seconds
UPLOAD = "10 MB upload, docker"
UPLOAD_BYTES = 10 * 1024**2
EXECUTOR_NOTE = (
    "in an image with the three packages of its own Dockerfile on TreeAct's base image; on a "
    "bridge network made for it where the engine's default one does not work"
)
PIPES: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


def row(
    name: str,
    open_: Open,
    over: str | None = None,
    *,
    least: float | None = None,
    most: float | None = None,
    unit: str = "ms",
    bound: str = "x",
    note: str = "",
) -> Subject:
    """Return a row; `least` and `most` bound its ratio, or its value in `bound`."""
    target = Target(at_most=most, at_least=least, unit=bound) if least or most is not None else None
    return Subject(name=name, open=open_, baseline=over, target=target, unit=unit, note=note)


# Peers ------------------------------------------------------------------------------------------


@asynccontextmanager
async def echo() -> AsyncIterator[Callable[[], float]]:
    """A byte through a pipe to another Python process and back."""
    command = [sys.executable, "-I", str(SUBJECTS / "echo.py")]
    # Blocking on purpose: a floor without an event loop in it.
    with subprocess.Popen(command, **PIPES) as process:  # noqa: ASYNC220
        assert process.stdin is not None and process.stdout is not None
        there, back = process.stdin.fileno(), process.stdout.fileno()

        def measure() -> float:
            began = perf_counter()
            os.write(there, b"x = 1")
            os.read(back, 64)
            return perf_counter() - began

        yield measure
        process.stdin.close()


@asynccontextmanager
async def plain_container() -> AsyncIterator[Any]:
    """A container of TreeAct's image that only sleeps."""
    try:
        client = Endpoint.find().connect()
    except TreeActError as error:
        raise Unavailable(str(error)) from error
    command = [PYTHON, "-c", "import time; time.sleep(3600)"]
    container = client.containers.run(
        image_tag(), entrypoint=command, network_mode="none", detach=True
    )
    try:
        yield container
    finally:
        container.remove(force=True)
        client.close()


@asynccontextmanager
async def docker_exec() -> AsyncIterator[Callable[[], float]]:
    """A new Python for each action in a running container."""
    async with plain_container() as container:

        def measure() -> float:
            began = perf_counter()
            code, output = container.exec_run([PYTHON, "-c", "x = 1"])
            took = perf_counter() - began
            if code != 0:
                raise RuntimeError(output.decode())
            return took

        yield measure


@asynccontextmanager
async def put_archive() -> AsyncIterator[Callable[[], float]]:
    """The engine's own way to upload a file."""
    import io
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("data.bin")
        entry.size = UPLOAD_BYTES
        tar.addfile(entry, io.BytesIO(os.urandom(UPLOAD_BYTES)))
    async with plain_container() as container:

        def measure() -> float:
            began = perf_counter()
            container.put_archive("/tmp", buffer.getvalue())
            return perf_counter() - began

        yield measure


def smolagents(what: str) -> Open:
    """smolagents' executors, from their own environment."""

    @asynccontextmanager
    async def opened():
        args = () if what == "local" else (jupyter_image(),)
        python = partial(peer_python, "smolagents")
        async with timed_by(python, "executors.py", what, *args)() as measure:
            yield measure

    return opened


def serialiser(library: str, state: str) -> Open:
    """Dump and load, on this host."""
    return timed_by(partial(peer_python, "serialisers"), "serialise.py", library, state)


JUPYTER = timed_by(partial(peer_python, "jupyter"), "jupyter.py")

# Groups -----------------------------------------------------------------------------------------


def steps() -> list[Subject]:
    return [
        row(ECHO, echo),
        row(JAIL, sandboxes.one_step("jail"), ECHO, most=6),
        row(DOCKER, sandboxes.one_step("docker"), ECHO, most=6),
        row("x=1, jail, back to back", sandboxes.one_step("jail", behind_another=True), ECHO),
        row("x=1, docker, back to back", sandboxes.one_step("docker", behind_another=True), ECHO),
        row("host tool called, jail", sandboxes.tool_call("jail"), ECHO, most=6),
        row("host tool called, docker", sandboxes.tool_call("docker"), ECHO, most=6),
        row("x=1, jupyter_client on the host", JUPYTER, DOCKER, least=8),
        row("x=1, docker exec per action", docker_exec, DOCKER, least=100),
        row(
            "x=1, smolagents DockerExecutor",
            smolagents("docker"),
            DOCKER,
            least=50,
            note=EXECUTOR_NOTE,
        ),
        row("x=1, smolagents LocalPythonExecutor", smolagents("local"), DOCKER),
    ]


def starts() -> list[Subject]:
    fresh = "fresh interpreter by fork, docker"
    return [
        row(JAIL_READY, sandboxes.ready("jail")),
        row(DOCKER_READY, sandboxes.ready("docker"), JAIL_READY, least=4),
        row("DockerExecutor ready", smolagents("ready"), DOCKER_READY, least=5),
        row(fresh, sandboxes.fresh_interpreter("docker"), DOCKER_READY, most=1 / 50),
        row("fresh interpreter by fork, jail", sandboxes.fresh_interpreter("jail"), JAIL_READY),
    ]


def small_forks() -> list[Subject]:
    return [
        row(FORK_SMALL, sandboxes.fork_of("jail", SMALL_OBJECTS)),
        row("same, docker", sandboxes.fork_of("docker", SMALL_OBJECTS), FORK_SMALL),
        row("same, pickle", serialiser("pickle", "SMALL_OBJECTS"), FORK_SMALL, least=50),
        row("same, dill", serialiser("dill", "SMALL_OBJECTS"), FORK_SMALL, least=300),
    ]


def big_forks() -> list[Subject]:
    return [
        row(FORK_BIG, sandboxes.fork_of("jail", BIG_ARRAY)),
        row("1 GB numpy, dill", serialiser("dill", "BIG_ARRAY"), FORK_BIG, least=200),
    ]


def kills() -> list[Subject]:
    kill = sandboxes.back_after_kill
    return [
        row("state back after a kill, jail", kill("jail"), most=20, bound="ms"),
        row("state back after a kill, docker", kill("docker"), most=20, bound="ms"),
    ]


def uploads() -> list[Subject]:
    return [
        row(UPLOAD, sandboxes.upload("docker", UPLOAD_BYTES)),
        row("10 MB upload, jail", sandboxes.upload("jail", UPLOAD_BYTES), UPLOAD),
        row("10 MB upload, put_archive", put_archive, UPLOAD, least=4),
    ]


def memory(kind: str) -> list[Subject]:
    branch, whole = sandboxes.idle_branch(kind), sandboxes.idle_sandbox(kind)
    return [
        row(f"idle branch, {kind}", branch, most=5, unit="MB", bound="MB"),
        row(f"idle sandbox, {kind}", whole, most=15, unit="MB", bound="MB"),
    ]


def leftovers() -> list[Subject]:
    return [
        row(
            f"left 2 s after SIGKILL of the host, {kind}",
            sandboxes.left_over(kind),
            most=0,
            unit="",
            bound="",
        )
        for kind in ("jail", "docker")
    ]


async def main() -> None:
    bench = Bench.from_command_line("sandbox", __doc__)
    await bench.group(steps(), rounds=200, pause=PAUSE)
    await bench.group(starts(), rounds=10, pause=PAUSE)
    await bench.group(small_forks(), rounds=10, pause=PAUSE)
    await bench.group(big_forks(), rounds=5, pause=PAUSE)
    await bench.group(kills(), rounds=50, pause=PAUSE)
    await bench.group(uploads(), rounds=15, pause=PAUSE)
    for kind in ("jail", "docker"):  # one at a time: what one adds is told from the sum of all
        for subject in memory(kind):
            await bench.group([subject], rounds=3)
    await bench.group(leftovers(), rounds=5)
    bench.report.finish()


if __name__ == "__main__":
    asyncio.run(main())

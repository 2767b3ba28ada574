"""The direct way to a driver in a container: taken where it can be, never needed or left open."""

import asyncio
import shutil
from collections.abc import Callable

import pytest

from treeact.sandbox.docker import sandbox as module
from treeact.sandbox.docker.door import NAME, Door, open_door
from treeact.sandbox.docker.sandbox import DockerChannel, DockerSandbox

docker = pytest.mark.docker


async def channel_of(sandbox: DockerSandbox) -> DockerChannel:
    assert sandbox._connection
    channel = sandbox._connection._channel
    assert isinstance(channel, DockerChannel)
    return channel


@docker
async def test_code_sees_an_empty_folder_and_no_socket_once_the_driver_is_in() -> None:
    async with DockerSandbox() as sandbox:
        channel = await channel_of(sandbox)
        assert channel._wire and channel._door
        assert not channel._door.folder.exists()
        branch = await sandbox.branch()
        found = await branch.run("import os; os.listdir('/run/treeact')")
        assert found.value == "[]"
        refused = await branch.run("open('/run/treeact/file', 'w')")
        assert refused.error


def no_door(host: str) -> None:
    return None


def a_door_that_the_engine_cannot_find(host: str) -> Door:
    door = Door()
    shutil.rmtree(door.folder)
    return door


def a_door_without_a_socket(host: str) -> Door:
    door = Door()
    (door.folder / NAME).unlink()
    return door


@docker
@pytest.mark.parametrize(
    "make", [no_door, a_door_that_the_engine_cannot_find, a_door_without_a_socket]
)
async def test_without_a_way_through_the_door_the_attach_stream_serves(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[str], Door | None]
) -> None:
    monkeypatch.setattr(module, "open_door", make)
    async with DockerSandbox() as sandbox:
        assert (await channel_of(sandbox))._wire is None
        branch = await sandbox.branch()
        assert (await branch.run("print('here')")).stdout == "here\n"


@docker
async def test_the_end_of_stdin_ends_a_driver_that_speaks_through_the_door() -> None:
    async with DockerSandbox() as sandbox:
        branch = await sandbox.branch()
        running = asyncio.create_task(branch.run("import time; time.sleep(60)"))
        await asyncio.sleep(0.2)
        channel = await channel_of(sandbox)
        channel._stream.close()
        assert (await asyncio.wait_for(running, 20)).outcome == "killed"


async def test_one_comes_in_and_the_door_is_gone() -> None:
    door = Door()
    path = str(door.folder / NAME)
    reader, writer = await asyncio.open_unix_connection(path)
    wire = await door.accept()
    assert wire
    assert not door._private.exists()
    with pytest.raises(OSError):
        await asyncio.open_unix_connection(path)
    wire.write(b"in")
    assert await reader.readexactly(2) == b"in"
    door.close()
    assert await reader.read() == b""
    writer.close()


async def test_a_closed_door_lets_nobody_in_and_leaves_nothing() -> None:
    door = Door()
    door.close()
    door.close()
    assert await door.accept() is None
    assert not door._private.exists()


async def test_engines_elsewhere_get_no_door() -> None:
    assert open_door("tcp://127.0.0.1:2375") is None

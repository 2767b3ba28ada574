"""Runs are steered by other processes, by their owner alone, and never harmed by nonsense."""

import asyncio
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.agents.support import agent, answer, code, of_type, until
from treeact import Run
from treeact.agents.remote import SOCKET_FILE, Order, give_order, steerable
from treeact.errors import TreeActError
from treeact.trace.events import ApprovalRequested, CommandReceived, RunStarted

FROM_OUTSIDE = """
import asyncio, sys
from pathlib import Path
from treeact import Run
from treeact.agents.remote import Order, give_order
print(asyncio.run(give_order(Path(sys.argv[1]), Order.model_validate_json(sys.argv[2]))))
"""


async def obey_all(started: Run, directory: Path, orders: Sequence[Order]) -> None:
    """Give an order at each request for approval."""
    waiting = iter(orders)
    async for event in started.events():
        if isinstance(event, ApprovalRequested):
            assert await give_order(directory, next(waiting))


async def test_another_process_approves_edits_and_speaks(tmp_path: Path) -> None:
    directory = tmp_path / ("long" * 40)  # longer than the path of a socket may be
    started = agent([code("print(1)"), answer("3")], approve="all").start("?", trace=directory)
    async with steerable(started):
        await until(started, ApprovalRequested)
        await give_order(directory, Order(command="send", text="hurry"))
        assert stat.S_IMODE((directory / SOCKET_FILE).stat().st_mode) == 0o600
        order = '{"command": "edit", "text": "print(20)"}'
        command = [sys.executable, "-c", FROM_OUTSIDE, str(directory), order]
        done = await asyncio.to_thread(subprocess.check_output, command, text=True)
        assert done == "True\n"
        result = await started.result()
    assert "20" in result.path[0].observation.text
    assert "hurry" in result.path[0].observation.text
    commands = [event.command for event in of_type([*started.log.events()], CommandReceived)]
    assert commands == ["send", "edit"]
    assert not (directory / SOCKET_FILE).exists()
    with pytest.raises(TreeActError, match="it has ended"):
        await give_order(directory, Order(command="cancel"))


@pytest.mark.parametrize(
    "line",
    [b"{", b"[]", b'{"command": "explode"}', b'{"command": "send", "more": 1}', b"\xff\xfe", b""],
)
async def test_nonsense_is_refused_and_harms_nobody(tmp_path: Path, line: bytes) -> None:
    started = agent([code("print(1)"), answer("1")], approve="all").start("?", trace=tmp_path / "r")
    async with steerable(started):
        await until(started, ApprovalRequested)
        reader, writer = await asyncio.open_unix_connection(tmp_path / "r" / SOCKET_FILE)
        writer.write(line + b"\n")
        assert b'"done":false,"error":"no command' in await reader.readline()
        writer.close()
        for flood in (b"x" * 3_000_000, b"half"):
            _, writer = await asyncio.open_unix_connection(tmp_path / "r" / SOCKET_FILE)
            writer.write(flood)
            writer.close()
        await give_order(tmp_path / "r", Order(command="approve"))
        assert (await started.result()).answer == "1"


async def test_a_limit_is_changed_while_the_run_goes_on(tmp_path: Path) -> None:
    replies = [code("print(1)"), code("print(2)"), code("print(3)"), answer("4")]
    directory = tmp_path / "r"
    started = agent(replies, approve="all", max_steps=2).start("?", trace=directory)
    async with steerable(started):
        await until(started, ApprovalRequested)
        await give_order(directory, Order(command="limit", limit="steps", value=10))
        with pytest.raises(TreeActError, match="give a number above zero"):
            await give_order(directory, Order(command="limit", limit="steps", value=0))
        with pytest.raises(TreeActError, match="no limit is named"):
            await give_order(directory, Order(command="limit", value=3))
        await obey_all(started, directory, [Order(command="approve")] * 3)
        assert (await started.result()).answer == "4"
    (limit,) = [
        it for it in of_type([*started.log.events()], CommandReceived) if it.command == "limit"
    ]
    assert limit.text == "steps=10"


async def test_a_time_limit_is_changed_while_the_run_goes_on() -> None:
    def agent_of(replies: list[Any]) -> Any:
        return agent(replies, approve="all").start("?")

    started = agent_of([code("print(1)"), answer("1")])
    await until(started, RunStarted)
    started.limit("seconds", 0.05)
    result = await started.result()
    assert result.reason == "time limit"


async def test_a_run_whose_directory_takes_no_socket_goes_on_unsteered(tmp_path: Path) -> None:
    started = agent([answer("1")]).start("?", trace=tmp_path / "r")
    (tmp_path / "r" / SOCKET_FILE).write_text("in the way")
    async with steerable(started):
        assert (await started.result()).answer == "1"

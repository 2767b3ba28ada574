import asyncio

import pytest

from tests.sandbox.conftest import Make
from tests.sandbox.support import Tool
from treeact.errors import StopExecution, ToolError
from treeact.sandbox import ToolCall
from treeact.sandbox.session import DriverSandbox

pytestmark = pytest.mark.parametrize("kind", ["unsafe-local"], indirect=True)


async def test_calls_return_values_and_are_recorded(sandbox: DriverSandbox) -> None:
    add = Tool("add", lambda a, b=1: a + b)
    branch = await sandbox.branch(tools=[add])
    seen: list[ToolCall] = []
    result = await branch.run("add(1, b=2), add((3)), add.__doc__", on_call=seen.append)
    assert result.value == "(3, 4, 'Do what the test says.')"
    assert [(call.tool, call.args, call.kwargs, call.result) for call in result.calls] == [
        ("add", (1,), {"b": 2}, 3),
        ("add", (3,), {}, 4),
    ]
    assert tuple(seen) == result.calls


async def test_errors_can_be_caught_by_name(sandbox: DriverSandbox) -> None:
    def fail() -> None:
        raise ToolError("no such page")

    branch = await sandbox.branch(tools=[Tool("fetch", fail), Tool("bug", lambda: 1 / 0)])
    caught = await branch.run("try: fetch()\nexcept ToolError as e: print(e)")
    assert (caught.stdout, caught.calls[0].status) == ("no such page\n", "failed")
    bug = await branch.run("bug()")
    assert bug.error is not None
    assert bug.error.type == "ToolError"
    assert "ZeroDivisionError" in bug.error.message


async def test_a_tool_can_end_the_run(sandbox: DriverSandbox) -> None:
    def finish(answer: int) -> None:
        raise StopExecution

    branch = await sandbox.branch(tools=[Tool("final_answer", finish)])
    result = await branch.run("x = 1\ntry: final_answer(42)\nexcept Exception: x = 2\nx = 3")
    assert (result.outcome, result.calls[0].status, result.calls[0].args) == (
        "ok",
        "stopped",
        (42,),
    )
    assert (await branch.run("x")).value == "1"


async def test_arguments_without_a_json_form_never_leave(sandbox: DriverSandbox) -> None:
    tool = Tool("send")
    branch = await sandbox.branch(tools=[tool])
    result = await branch.run("send({'a': [object()]})")
    assert result.error is not None
    assert "send[0]['a'][0]" in result.error.message
    assert tool.calls == []


async def test_threads_may_call_and_the_budget_holds(make: Make) -> None:
    async with make(limits={"tool_calls": 10}) as sandbox:
        branch = await sandbox.branch(tools=[Tool("echo", lambda n: n)])
        result = await branch.run(
            "from concurrent.futures import ThreadPoolExecutor\n"
            "with ThreadPoolExecutor(4) as pool: out = list(pool.map(echo, range(10)))\n"
            "print(out)\necho(11)"
        )
    assert result.stdout == "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
    assert len(result.calls) == 10
    assert "no more than 10 tool calls" in result.error.message  # type: ignore[union-attr]


async def test_a_slow_tool_blocks_no_other_branch_and_ends_with_the_run(
    sandbox: DriverSandbox,
) -> None:
    cancelled = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    one = await sandbox.branch(tools=[Tool("wait", wait)])
    two = await sandbox.branch()
    slow = asyncio.create_task(one.run("x = 1\nwait()", timeout=1))
    assert (await two.run("2")).value == "2"
    assert not slow.done()
    result = await slow
    assert (result.outcome, result.rolled_back) == ("timeout", False)
    await cancelled.wait()
    assert (await one.run("x")).value == "1"


async def test_writes_wait_for_the_branch_to_be_chosen(sandbox: DriverSandbox) -> None:
    sent = Tool("send", effects="write", returns_nothing=True)
    booked = Tool("book", lambda: 7, effects="write")
    looked = Tool("look", lambda: 1, effects="read")
    root = await sandbox.branch(tools=[sent, booked, looked])
    assert (await root.run("send(0), book(), look()")).value == "(None, 7, 1)"
    child = await root.fork()
    first = await child.run("send(1), look()")
    assert [call.status for call in first.calls] == ["deferred", "done"]
    refused = await child.run("book()")
    assert refused.calls[0].status == "refused"
    assert "tentative" in refused.error.message  # type: ignore[union-attr]
    leaf, other = await child.fork(), await child.fork()
    await leaf.run("send(2)")
    await other.run("send(3)")
    assert sent.calls == [(0,)]
    released = await leaf.commit()
    assert [call.args for call in released] == [(1,), (2,)]
    assert await leaf.commit() == ()
    assert (await leaf.run("book()")).value == "7"
    assert [call.args for call in await other.commit()] == [(3,)]
    assert sent.calls == [(0,), (1,), (2,), (3,)]


async def test_a_write_that_fails_on_commit_does_not_hide_the_others(
    sandbox: DriverSandbox,
) -> None:
    def send(number: int) -> None:
        if number == 1:
            raise ToolError("refused by the server")

    root = await sandbox.branch(tools=[Tool("send", send, effects="write", returns_nothing=True)])
    fork = await root.fork()
    await fork.run("send(1); send(2)")
    assert [call.status for call in await fork.commit()] == ["failed", "done"]


async def test_writes_of_a_killed_run_are_forgotten(sandbox: DriverSandbox) -> None:
    sent = Tool("send", effects="write", returns_nothing=True)
    root = await sandbox.branch(tools=[sent])
    fork = await root.fork()
    result = await fork.run("send(1)\nimport os; os._exit(1)")
    assert result.rolled_back
    assert await fork.commit() == ()
    assert sent.calls == []


async def test_a_callback_that_raises_tells_the_caller_and_costs_no_state(
    sandbox: DriverSandbox,
) -> None:
    def complain(call: ToolCall) -> None:
        raise LookupError("from the callback")

    branch = await sandbox.branch(tools=[Tool("look", lambda: 1)])
    await branch.run("x = 1")
    with pytest.raises(LookupError, match="from the callback"):
        await branch.run("x = 2\nlook()", on_call=complain)
    assert (await branch.run("x")).value == "1"

"""Tools as sandboxed code meets them: through their stubs, over the channel."""

import datetime as dt

import pytest

from treeact.sandbox.local.unsafe import UnsafeLocalSandbox
from treeact.tools import ToolSet, final_answer, tool


@tool(effects="read")
def weekday(day: dt.date, *, tags: tuple[str, ...] = ("a",)) -> dict[str, str]:
    """Name the weekday of "a day"."""
    return {"name": day.strftime("%A"), "tags": "".join(tags)}


@pytest.fixture
async def branch():
    async with UnsafeLocalSandbox() as sandbox:
        yield await sandbox.branch(tools=list(ToolSet([weekday, final_answer])))


async def test_code_calls_a_tool_with_objects_and_gets_plain_values(branch):
    code = "import datetime as dt\nprint(weekday(dt.date(2024, 2, 29), tags=('x', 'y')))"
    assert (await branch.run(code)).stdout == "{'name': 'Thursday', 'tags': 'xy'}\n"


async def test_code_sees_the_signature_and_the_docstring(branch):
    code = "import inspect\nprint(inspect.signature(weekday), inspect.getdoc(weekday))"
    shown = (await branch.run(code)).stdout
    assert "tags: 'tuple[str, ...]' = ('a',)" in shown
    assert 'Name the weekday of "a day".' in shown


async def test_a_wrong_call_is_an_exception_that_code_can_catch(branch):
    execution = await branch.run("weekday('someday')")
    assert execution.error.type == "ToolError"
    assert "argument 'day' must be datetime.date" in execution.error.message
    caught = "try:\n    weekday(dya=1)\nexcept ToolError as error:\n    print(error)"
    assert "Did you mean 'day'?" in (await branch.run(caught)).stdout


async def test_final_answer_ends_the_execution_without_an_error(branch):
    execution = await branch.run("final_answer({'total': 3})\nprint('not reached')")
    assert execution.ok
    assert execution.stdout == ""
    assert [(call.tool, call.args, call.status) for call in execution.calls] == [
        ("final_answer", ({"total": 3},), "stopped")
    ]

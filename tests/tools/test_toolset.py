import pytest

from treeact.errors import ConfigError, StopExecution, ToolError
from treeact.tools import ToolSet, final_answer, tool


@tool
def search_web(query: str) -> str:
    """Search the web."""
    return f"found {query}"


@tool(effects="none")
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


TOOLS = ToolSet([search_web, add, final_answer])


def test_a_set_keeps_order_and_names():
    assert TOOLS.names == ("search_web", "add", "final_answer")
    assert list(TOOLS) == [search_web, add, final_answer]
    assert len(TOOLS) == 3
    assert "add" in TOOLS
    assert add not in TOOLS
    assert TOOLS["add"] is add


async def test_calls_by_name():
    assert await TOOLS.call("add", [1], {"b": 2}) == 3
    assert await TOOLS.call("search_web", [], {"query": "tides"}) == "found tides"
    with pytest.raises(StopExecution):
        await TOOLS.call("final_answer", [1], {})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("serch_web", "There is no tool named 'serch_web'. Did you mean search_web?"),
        ("zzz", "There is no tool named 'zzz'. There are: search_web, add, final_answer."),
        ("", "There is no tool named ''. There are: search_web, add, final_answer."),
        ("x" * 10**5, f"There is no tool named {'x' * 100!r}. There are:"),
    ],
)
async def test_an_unknown_name_gets_those_that_come_close(name, text):
    with pytest.raises(ToolError) as caught:
        await TOOLS.call(name, [], {})
    assert str(caught.value).startswith(text)


async def test_an_empty_set_says_so():
    with pytest.raises(ToolError, match="There are: none"):
        await ToolSet([]).call("add", [], {})


class Opaque:
    pass


@tool
def take(thing: Opaque) -> None:
    """Take a thing."""


@pytest.mark.parametrize(
    ("tools", "text"),
    [
        ([add, add], "two tools are named 'add': rename one"),
        ([final_answer, final_answer], "two tools are named 'final_answer'"),
        ([add.function], "is no tool: decorate the function with @tool"),
        ([None], "None is no tool"),
        ([take], "cannot be checked against the type of 'thing'"),
    ],
)
def test_what_is_no_set_of_tools_is_refused(tools, text):
    with pytest.raises(ConfigError, match=text):
        ToolSet(tools)

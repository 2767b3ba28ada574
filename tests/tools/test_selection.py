"""Choosing among many tools."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeact.errors import ToolError
from treeact.tools import Tool
from treeact.tools.function import make_tool
from treeact.tools.selection import BM25Selector, make_catalogue


def named(name: str, said: str) -> Tool:
    def call(x: int) -> int:
        return x

    call.__doc__ = said
    return make_tool(call, effects="none", name=name)


MANY = [named(f"tool_{n}", f"Do the thing with number {n}.") for n in range(100)]
RAIN = named("rainfallOf", "Return millimetres of a month.")
MAIL = named("send_mail", "Send a letter to somebody.")
TOOLS = [*MANY[:50], RAIN, MAIL, *MANY[50:]]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("How much rainfall had Bergen?", RAIN),
        ("millimetre", RAIN),
        ("send mails", MAIL),
        ("write letters to somebody", MAIL),
        ('"NEAR(rainfall" OR * AND -', RAIN),
    ],
)
def test_the_best_tool_for_a_purpose_comes_first(query: str, best: Tool) -> None:
    assert BM25Selector(TOOLS).select(query, 3)[0] is best


def test_a_name_counts_more_than_what_is_said() -> None:
    said = named("alpha", "Mail, mail and more mail.")
    assert BM25Selector([said, MAIL]).select("mail", 1) == [MAIL]


@settings(max_examples=60)
@given(st.text(max_size=80), st.integers(-1, 12))
def test_any_query_is_answered_within_bounds(query: str, k: int) -> None:
    found = BM25Selector(TOOLS).select(query, k)
    assert len(found) <= max(k, 0)
    assert len({tool.name for tool in found}) == len(found)


def test_few_tools_are_all_shown_in_their_order() -> None:
    catalogue = make_catalogue(MANY[:20], "anything")
    assert catalogue.shown == tuple(MANY[:20])
    assert (catalogue.hidden, catalogue.added) == (0, ())


async def test_of_many_the_best_are_shown_and_the_rest_is_found() -> None:
    catalogue = make_catalogue(TOOLS, "Send the rainfall to somebody")
    assert len(catalogue.shown) == 20
    assert {RAIN, MAIL} <= set(catalogue.shown[:2])
    assert catalogue.hidden == 82
    [search] = catalogue.added
    assert await search.call(["number 77"], {"k": 1}) == MANY[77].stub()
    assert "try others" in await search.call(["zebra"], {})
    with pytest.raises(ToolError, match="must be int"):
        await search.call(["x"], {"k": "many"})


def test_a_selector_of_ones_own_is_asked() -> None:
    class Last:
        def select(self, query: str, k: int) -> list[Tool]:
            return TOOLS[-2:]

    catalogue = make_catalogue(TOOLS, "x", most=5, selector=Last())
    assert catalogue.shown == (*TOOLS[-2:], *TOOLS[:3])

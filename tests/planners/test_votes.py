"""Votes by letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planners.planning import plan
from treeact.planners.votes import count_votes, option_letters


def options(*votes: int) -> list[object]:
    return [plan(f"option{number}", votes=count) for number, count in enumerate(votes)]


def test_letters_go_on_after_z() -> None:
    letters = option_letters(703)
    assert letters[:3] == ["A", "B", "C"] and letters[25:28] == ["Z", "AA", "AB"]
    assert letters[702] == "AAA" and len(set(letters)) == 703


@pytest.mark.parametrize(
    "reply", ["B", "b", " B.", "(B)", "B) walk", "**B**", "B: since", "B walk"]
)
def test_a_reply_names_the_letter_that_it_begins_with(reply: str) -> None:
    assert count_votes([reply], options(1, 1, 1)) == 1


@pytest.mark.parametrize(
    "reply",
    ["", "D", "1", "?", "I think B", "A good one is B", "Because", "b is best", "BB", "Ä", "A's"],
)
def test_what_is_no_vote_is_not_counted(reply: str) -> None:
    assert count_votes([reply], options(1, 1, 1)) is None
    assert count_votes([reply, reply, "C"], options(1, 1, 1)) == 2


def test_most_votes_win_and_ties_are_settled_by_plans_then_by_order() -> None:
    assert count_votes(["A", "C", "C"], options(9, 9, 1)) == 2
    assert count_votes(["C", "B", "A"], options(1, 3, 3)) == 1
    assert count_votes(["C", "B"], options(1, 2, 2)) == 1
    assert count_votes([], options(1, 1)) is None


@given(st.integers(1, 80), st.data())
def test_any_option_can_be_voted_for(count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, count - 1))
    noise = data.draw(st.lists(st.sampled_from(["", "?", "ZZZ", "I am not sure"])))
    replies = data.draw(st.permutations([*noise, option_letters(count)[index]]))
    assert count_votes(replies, options(*[1] * count)) == index


@given(st.lists(st.text(max_size=8), max_size=30), st.integers(1, 60))
def test_no_reply_breaks_the_count(replies: list[str], count: int) -> None:
    index = count_votes(replies, options(*[1] * count))
    assert index is None or 0 <= index < count
    assert count_votes(list(reversed(replies)), options(*[1] * count)) == index

"""The scores of ToolChain* against plans: hand cases, and the textbook."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeact.planners import plan_scores
from treeact.planners.plan_scores import MAX_CALLS, PlanScores, lcs_length, lcs_score

CALLS = st.lists(st.sampled_from("abcd"), max_size=9).map(tuple)
PLANS = st.lists(CALLS, max_size=6)


def textbook(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    row = [0] * (len(second) + 1)
    for left in first:
        above = row[:]
        for j, right in enumerate(second, start=1):
            row[j] = above[j - 1] + 1 if left == right else max(above[j], row[j - 1])
    return row[-1]


@pytest.mark.parametrize(
    ("first", "second", "score"),
    [("abc", "ac", 1.0), ("a", "b", 0.0), ("abc", "bcd", 2 / 3), ("", "ab", 0.0), ("", "", 0.0)],
)
def test_lcs_hand_cases(first: str, second: str, score: float) -> None:
    assert lcs_score(first, second) == lcs_score(second, first) == score
    assert PlanScores([tuple(second)]).match(tuple(first)) == score


@settings(deadline=None)
@given(CALLS, CALLS)
def test_the_length_is_that_of_the_textbook(
    first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    assert lcs_length(first, second) == textbook(first, second)


@settings(deadline=None)
@given(PLANS, st.lists(CALLS, max_size=5))
def test_rows_that_extend_their_parents_give_the_textbook_scores(
    plans: list[tuple[str, ...]], paths: list[tuple[str, ...]]
) -> None:
    scores = PlanScores(plans)
    for path in paths:
        for end in range(len(path) + 1):
            prefix = path[:end]
            expected = [
                textbook(prefix, plan) / min(len(prefix), len(plan))
                for plan in plans
                if plan and prefix
            ]
            assert scores.match(prefix) == pytest.approx(max(expected, default=0.0))


@settings(deadline=None)
@given(PLANS, CALLS)
def test_rows_that_were_dropped_are_made_again(
    plans: list[tuple[str, ...]], path: tuple[str, ...]
) -> None:
    scores, fresh = PlanScores(plans), PlanScores(plans)
    for end in range(len(path) + 1):
        before = scores.match(path[:end])
        scores._rows.clear()
        scores._matches.clear()
        assert scores.match(path[:end]) == before == fresh.match(path[:end])


def test_a_child_costs_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = PlanScores(["abcabc", "cab"])
    rows: list[str] = []
    real = PlanScores._extended
    monkeypatch.setattr(
        PlanScores, "_extended", lambda self, row, call: rows.append(call) or real(self, row, call)
    )
    path = tuple("abcab")
    for end in range(1, len(path) + 1):
        scores.match(path[:end])
    assert rows == list(path)
    scores.match((*path, "x"))
    scores.match((*path, "c"))
    assert rows == [*path, "x", "c"], "siblings extend the same row"


def test_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_scores, "ROWS_BYTES", 1)
    scores = PlanScores(["ab"])
    for number in range(50):
        scores.match((str(number), "a"))
    assert len(scores._rows) == 8


def test_positions_are_averages_over_the_plans_that_hold_the_call() -> None:
    scores = PlanScores(["ab", "xya", "xyz"])
    assert scores.position("a") == pytest.approx((1 / 2 + 3 / 3) / 2)
    assert scores.position("b") == 1.0
    assert PlanScores(["aba"]).position("a") == pytest.approx(1 / 3), "the first occurrence counts"


@settings(deadline=None)
@given(PLANS, st.sampled_from("abcdx"))
def test_positions_are_from_0_to_1(plans: list[tuple[str, ...]], call: str) -> None:
    assert 0.0 <= PlanScores(plans).position(call) <= 1.0


def test_an_unseen_call_has_the_position_of_the_nearest_name() -> None:
    scores = PlanScores([("open_sheet", "sort_rows", "save")])
    assert scores.position("sort_row") == scores.position("sort_rows") == pytest.approx(2 / 3)
    assert scores.position("open_shelf") == pytest.approx(1 / 3)
    assert scores.position("ÅÄÖ") == 0.0
    assert PlanScores([]).position("save") == 0.0


def test_nearest_names_are_chosen_alike_each_time() -> None:
    one = PlanScores([("ab", "x", "cb")])
    assert one.position("b") == one.position("ab"), "of equals the first of the alphabet"


def test_no_plans_and_no_calls_score_nothing() -> None:
    assert PlanScores([]).match(("a",)) == PlanScores([()]).match(("a",)) == 0.0
    assert PlanScores(["ab"]).match(()) == 0.0


def test_plans_of_any_length_up_to_the_limit() -> None:
    long = tuple(str(number) for number in range(MAX_CALLS))
    scores = PlanScores([long])
    assert scores.match(long) == scores.match((*long, "more")) == 1.0
    assert all(a < b for a, b in pairwise(map(scores.position, long)))
    with pytest.raises(ValueError, match="more than 64"):
        PlanScores([(*long, "more")])

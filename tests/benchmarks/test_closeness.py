"""Near misses and failures of form, answers behind the marker, and the scorers besides GAIA's."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeact.agents.task import Task
from treeact.benchmarks.answers import answer_after_marker, bare_answer, unwrap
from treeact.benchmarks.scorers import (
    GAIA,
    HOTPOTQA,
    KEYWORDS,
    NUMERIC,
    Keywords,
    exact_match,
    gaia_score,
    last_number,
    same_number,
    word_f1,
)
from treeact.benchmarks.scorers.closeness import is_bad_form, is_near
from treeact.benchmarks.scoring import Attempt, Verdict
from treeact.benchmarks.suite import Sample
from treeact.trace.events import Observed
from treeact.trace.log import EventLog


def judged(answer: str, truth: str) -> tuple[bool, bool, bool]:
    verdict = GAIA.judge(answer, truth)
    return verdict.right, verdict.near_miss, verdict.format_failure


class TestFailuresOfForm:
    """What would be right, had it been put as it is asked for."""

    @pytest.mark.parametrize(
        ("answer", "truth"),
        [
            ("42 apples", "42"),
            ("about 42km", "42"),
            ("€42", "42"),
            ("−5", "-5"),
            ("(5)", "-5"),
            ("(5)", "5"),
            ("1 000", "1000"),
            ("1\u00a0000", "1000"),
            ("1'234.5", "1234.5"),
            ("1000", "1,000"),
            ("1000 dollars", "$1,000"),
            ("1,000", "$1,000"),
            ("apple and banana", "apple, banana"),
            ("apple, and banana", "apple, banana"),
            ("apple, banana,", "apple, banana"),
            ("[apple, banana]", "apple, banana"),
            ("'apple', 'banana'", "apple, banana"),
            ("- apple\n- banana", "apple, banana"),
            ("1. apple\n2. banana", "apple; banana"),
            ("1 kg, 2 kg", "1, 2"),
            ("The Beatles", "Beatles"),
            ("FINAL ANSWER: Paris", "Paris"),
            ("So...\n**Final answer:** [Paris]", "Paris"),
            ("“Paris”", "Paris"),
            ("rock–paper", "rock-paper"),
            ("cafe\u0301", "café"),
            ("STRASSE", "straße"),
            ("a\u200bb", "ab"),
            ("ﬁne", "fine"),
        ],
    )
    def test_form_alone_was_wrong(self, answer: str, truth: str) -> None:
        right, _, form = judged(answer, truth)
        assert (right, form) == (False, True)

    @pytest.mark.parametrize(
        ("answer", "truth"),
        [
            ("41 apples", "42"),
            ("3 of 42", "42"),
            ("-5", "5"),
            ("forty-two", "42"),
            ("banana, apple", "apple, banana"),
            ("apple", "apple, banana"),
            ("apple, banana, cherry", "apple and, banana"),
            ("London", "Paris"),
            ("FINAL ANSWER:", "Paris"),
            ("", "42"),
            ("cafe", "café"),
            ("words", "?"),
        ],
    )
    def test_more_than_form_was_wrong(self, answer: str, truth: str) -> None:
        right, _, form = judged(answer, truth)
        assert (right, form) == (False, False)


@pytest.mark.parametrize(
    ("answer", "truth", "near"),
    [
        ("Pariss", "Paris", True),
        ("Saint Petersburg, Russia", "Saint Petersburg", True),
        ("Petersburg", "Saint Petersburg", True),
        ("Burg", "Saint Petersburg", False),
        ("Stalingrad", "Stalingrod", True),
        ("London", "Paris", False),
        ("Paris, as everybody in the whole wide world knows", "Paris", False),
        ("43", "42", False),
        ("words", "42", False),
        ("anything", "?", False),
        ("", "Paris", False),
    ],
)
def test_near_misses(answer: str, truth: str, near: bool) -> None:
    assert is_near(answer, truth) is near


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_right_answer_is_neither_and_no_text_breaks_the_columns(answer: str, truth: str) -> None:
    right, near, form = judged(answer, truth)
    assert right == gaia_score(answer, truth)
    assert not (right and (near or form))


@pytest.mark.parametrize("piece", ["*", " ", "(", "1", "1,", "a", "FINAL ANSWER: ", "- ", "\u200b"])
def test_long_answers_are_judged_soon(piece: str) -> None:
    began = time.monotonic()
    for truth in ("Paris", "42", "a, b", "x" * 199, "x" * 10_000):
        judged(piece * 20_000, truth)
    assert time.monotonic() - began < 20  # a quadratic rule would take minutes


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("FINAL ANSWER: Paris", "Paris"),
        ("I think.\nfinal answer: 1\nNo.\nFinal Answer : 2.\nBye.", "2"),
        ("**FINAL ANSWER:** 42", "42"),
        ("**FINAL ANSWER: 42**", "42"),
        ("**FINAL ANSWER**:\n\n  [a, b]  \nmore", "a, b"),
        ("`FINAL ANSWER`: `x_1`", "x_1"),
        ('FINAL ANSWER: "Paris."', "Paris"),
        ("FINAL ANSWER: (a) or (b)", "(a) or (b)"),
        ("FINAL ANSWER:\r\n7\r\n", "7"),
        ("FINAL ANSWER:", None),
        ("FINAL ANSWER: **  **", None),
        ('FINAL ANSWER: ""', None),
        ("semifinal answer: 3", None),
        ("The final answer is 3", None),
        ("", None),
    ],
)
def test_the_answer_behind_the_marker(text: str, answer: str | None) -> None:
    assert answer_after_marker(text) == answer


def test_an_answer_without_the_marker_counts_as_it_is() -> None:
    assert bare_answer(" Paris.") == " Paris."
    assert bare_answer("FINAL ANSWER: Paris.") == "Paris"
    assert bare_answer("FINAL ANSWER: ") is None


@given(st.text(alphabet="*_\"'()[] a", max_size=12))
def test_what_is_unwrapped_stays_so(text: str) -> None:
    bare = unwrap(text)
    assert bare in text
    assert unwrap(bare) == bare
    assert unwrap(f"{bare}.") == bare


class TestHotpotQA:
    """As the evaluation script has it."""

    @pytest.mark.parametrize(
        ("answer", "truth", "em", "f1"),
        [
            ("The Eiffel Tower!", "eiffel tower", True, 1.0),
            ("Eiffel", "The Eiffel Tower", False, 2 / 3),
            ("yes", "Yes.", True, 1.0),
            ("yes it is", "yes", False, 0.0),
            ("no", "yes", False, 0.0),
            ("noanswer", "no answer", False, 0.0),
            ("", "the", True, 0.0),
            ("a.", "an", True, 0.0),  # punctuation goes first
            ("red red blue", "red blue blue", False, 2 / 3),
            ("U.S.", "US", True, 1.0),
            ("theatre", "atre", False, 0.0),
        ],
    )
    def test_scores(self, answer: str, truth: str, em: bool, f1: float) -> None:
        assert exact_match(answer, truth) is em
        assert word_f1(answer, truth) == pytest.approx(f1)
        assert HOTPOTQA.judge(answer, truth).measures == {"em": em, "f1": pytest.approx(f1)}

    @given(st.text(), st.text())
    def test_f1_is_a_symmetric_share(self, one: str, other: str) -> None:
        assert 0 <= word_f1(one, other) <= 1
        assert word_f1(one, other) == word_f1(other, one)

    def test_no_answer_counts_as_zero(self) -> None:
        verdict = HOTPOTQA.score(Attempt.of_log(None, EventLog()), Sample(Task("?"), "x"))
        assert verdict == Verdict(right=False, measures={"em": 0.0, "f1": 0.0})


class TestNumbers:
    """The last number of an answer."""

    @pytest.mark.parametrize(
        ("text", "number"),
        [
            ("so it is $1,234.50.", 1234.5),
            ("10-5", 5),
            ("x = -5", -5),
            ("−5", -5),
            ("2 + 3 = 5 apples", 5),
            ("1,000,000", 1_000_000),
            ("1,5", 5),
            (".5", 0.5),
            ("5e3", 5000),
            ("1,0000", 0),
            ("none", None),
            ("", None),
            ("٤٢", None),
        ],
    )
    def test_the_last_number(self, text: str, number: float | None) -> None:
        assert last_number(text) == number

    def test_tolerance(self) -> None:
        assert same_number("0.30000000000000004", "0.3")
        assert not same_number("0.3001", "0.3")
        assert same_number("the answer is 18", 18)
        assert not same_number("-18", 18)
        assert same_number("0", "0")
        assert not same_number("0.0000001", "0")
        assert not same_number("18", "eighteen")
        assert same_number("101", "100", tolerance=0.01)

    def test_close_numbers_are_near_misses(self) -> None:
        assert NUMERIC.judge("1005", "1000") == Verdict(right=False, near_miss=True)
        assert NUMERIC.judge("1000", "1000") == Verdict(right=True)
        assert NUMERIC.judge("900", "1000") == Verdict(right=False)

    @given(st.integers(-(10**12), 10**12))
    def test_grouped_digits_are_one_number(self, number: int) -> None:
        assert last_number(f"It is {number:,} in all.") == number

    @given(st.text(alphabet="0123456789.,-e ", max_size=30))
    def test_no_text_breaks_it(self, text: str) -> None:
        assert last_number(text) is None or isinstance(last_number(text), float)


def test_keywords_of_the_answer_and_of_the_steps() -> None:
    log = EventLog()
    log.emit(Observed(id="run/step-1", text="court: Anselm", ok=True))
    log.emit(Observed(id="run/step-2", text=log.text("x" * 9000 + "Reedmere"), ok=True))
    sample = Sample(Task("?"), Keywords(("Blue Heron", "1234567"), ("Anselm", "Reedmere")))

    def score(answer: str | None) -> tuple[bool, dict]:
        verdict = KEYWORDS.score(Attempt.of_log(answer, log), sample)
        return verdict.right, dict(verdict.measures)

    assert score("Blue Heron, 1,234,567") == (True, {"success_rate": 1.0, "process_rate": 1.0})
    assert score("Blue Heron") == (False, {"success_rate": 0.5, "process_rate": 0.75})
    assert score(None) == (False, {"success_rate": 0.0, "process_rate": 0.5})
    json.dumps(score(None)[1])


def test_form_is_judged_by_the_scorer_that_is_asked() -> None:
    assert is_bad_form("The tower", "tower", str.__eq__)
    assert not is_bad_form("The towers", "tower", str.__eq__)

"""Scorers against observed behaviour, their named quirks, and their invariants."""

import json
import string
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from treeact.benchmarks.scorers import gaia_score, keyword_rate

CASES = json.loads(
    (Path(__file__).parents[1] / "data" / "gaia_scorer_cases.json").read_text(encoding="utf-8")
)["cases"]

words = st.text(min_size=1, max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def is_text(truth: str) -> bool:
    return not is_number(truth) and not set(truth) & {",", ";"}


def test_all_cases_are_there() -> None:
    assert len(CASES) == 105
    assert {case["branch"] for case in CASES} == {"number", "list", "string"}


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_observed_case(case: dict) -> None:
    assert gaia_score(case["prediction"], case["truth"]) is case["expected"], case["note"]


class TestQuirks:
    """One test per surprise that published scores depend on."""

    def test_e1_placeholder_truth_accepts_blank_and_punctuation(self) -> None:
        for truth in ("?", "", "--"):
            assert gaia_score("", truth)
            assert gaia_score(" ... ", truth)
            assert not gaia_score("Paris", truth)

    def test_e2_infinite_truth_accepts_whatever_does_not_parse(self) -> None:
        assert gaia_score("abc", "inf")
        assert gaia_score("junk; x", "inf, x")
        assert not gaia_score("abc", "-inf")
        assert not gaia_score("5", "inf")

    def test_e3_nan_truth_accepts_nothing(self) -> None:
        assert not any(gaia_score(answer, "nan") for answer in ("nan", "NaN", "", "0", "inf"))

    def test_e4_thousands_separator_in_the_truth_makes_a_list(self) -> None:
        assert gaia_score("1,000", "1,000")
        assert gaia_score("1;0", "1,000")
        assert not gaia_score("1000", "1,000")

    def test_e5_currency_and_comma_in_the_truth_make_a_list_with_text(self) -> None:
        assert gaia_score("$1,000", "$1,000")
        assert not gaia_score("1,000", "$1,000")

    @pytest.mark.parametrize(
        ("answer", "truth"),
        [("12", "12%"), ("3.5", "35%"), ("100%", "$100"), ("12", "1/2"), ("C", "C++")],
    )
    def test_e6_symbols_in_the_truth_make_it_text(self, answer: str, truth: str) -> None:
        assert gaia_score(answer, truth)

    def test_e7_commas_vanish_from_numbers(self) -> None:
        assert gaia_score("1,2,3", "123")
        assert gaia_score("1,5", "15")
        assert not gaia_score("1,5", "1.5")

    @pytest.mark.parametrize(
        ("answer", "truth"),
        [
            ("1 000", "1000"),
            ("42km", "42"),
            ("forty-two", "42"),
            ("€42", "42"),
            ("£42", "42"),
            ("−5", "-5"),
            ("(5)", "-5"),
            ("0x10", "16"),
            ("1/2", "0.5"),
        ],
    )
    def test_e8_decorated_numbers_do_not_parse(self, answer: str, truth: str) -> None:
        assert not gaia_score(answer, truth)

    def test_e9_numbers_are_equal_as_floats_with_no_tolerance(self) -> None:
        assert gaia_score("10000000000000001", "10000000000000000")
        assert not gaia_score("0.3", "0.30000000000000004")

    def test_e10_lists_are_ordered_and_literal(self) -> None:
        assert gaia_score("Apple; BANANA", "apple, banana")
        for answer in (
            "banana, apple",
            "apple, banana,",
            "apple and banana",
            "[apple, banana]",
            "'apple', 'banana'",
        ):
            assert not gaia_score(answer, "apple, banana"), answer

    @pytest.mark.parametrize(
        ("answer", "truth"),
        [
            ("“Paris”", "Paris"),
            ("rock–paper", "rock-paper"),
            ("rock—paper", "rock-paper"),
            ("café", "cafe"),
            ("cafe\u0301", "café"),
            ("STRASSE", "straße"),
            ("İstanbul", "istanbul"),
            ("a\u200bb", "ab"),
        ],
    )
    def test_e11_unicode_look_alikes_differ(self, answer: str, truth: str) -> None:
        assert not gaia_score(answer, truth)

    def test_e12_nothing_is_printed(self, capfd: pytest.CaptureFixture[str]) -> None:
        gaia_score("not a number", "42")
        gaia_score("a, b, c", "1, 2")
        assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("truth", ["5", "Paris", "a,b", "None", "?", "", "inf", "nan"])
def test_no_answer_is_always_wrong(truth: str) -> None:
    assert gaia_score(None, truth) is False


def test_numbers_are_taken_as_str_writes_them() -> None:
    assert gaia_score(5, "5")
    assert gaia_score(5.0, "5")
    assert gaia_score("5", 5)
    assert gaia_score(2.5, 2.5)
    assert not gaia_score(True, "1")


@given(words)
def test_a_text_truth_accepts_itself_in_any_dress(truth: str) -> None:
    assume(is_text(truth))
    spaced = "\u00a0".join(truth)
    for answer in (truth, f" {truth}\n", spaced, f"**{truth}**.", f"({truth}?)"):
        assert gaia_score(answer, truth)


@given(st.text(alphabet=string.printable, min_size=1, max_size=20))
def test_case_does_not_matter_to_ascii_text(truth: str) -> None:
    assume(is_text(truth))
    assert gaia_score(truth.upper(), truth)
    assert gaia_score(truth.swapcase(), truth)


@given(words, words)
def test_text_scoring_is_symmetric(one: str, other: str) -> None:
    assume(is_text(one) and is_text(other))
    assert gaia_score(one, other) == gaia_score(other, one)


@given(numbers, numbers)
def test_numbers_match_exactly_when_equal(one: float, other: float) -> None:
    assert gaia_score(repr(one), repr(other)) == (one == other)
    assert gaia_score(f" ${one!r}% ".replace("$-", "-$"), repr(one))


@given(st.integers(min_value=0, max_value=10**15))
def test_thousands_separators_in_the_answer_do_not_matter(number: int) -> None:
    assert gaia_score(f"{number:,}", str(number))


@given(st.lists(st.integers(min_value=-999, max_value=999), min_size=2, max_size=6))
def test_a_list_is_right_only_in_order_and_length(items: list[int]) -> None:
    truth = ", ".join(map(str, items))
    assert gaia_score(";".join(f"{item}.0" for item in items), truth)
    assert not gaia_score(",".join(map(str, items[1:])), truth)
    backwards = ",".join(map(str, reversed(items)))
    assert gaia_score(backwards, truth) == (items == items[::-1])


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_get_a_verdict(answer: str, truth: str) -> None:
    assert gaia_score(answer, truth) in (True, False)


ANSWER = "Paid 1,234,567.5 yuan by Blue Heron Ltd, case (2019)0104, in 12,34 parts."


@pytest.mark.parametrize(
    ("text", "keywords", "rate"),
    [
        (ANSWER, ["1234567.5", "Blue Heron Ltd"], 1.0),
        (ANSWER, ["1,234,567.5", "(2019)0104", "Red Heron"], 2 / 3),
        (ANSWER, ["1234", "12,34"], 1.0),  # substrings count, and 12,34 is no group
        (ANSWER, ["blue heron"], 0.0),  # letters are not folded
        ("Found the court: Anselm. " + ANSWER, ["Anselm", "Reedmere", "1234567.5"], 2 / 3),
        (None, ["1"], 0.0),
        ("", ["1", "2"], 0.0),
        (None, [], 1.0),
    ],
)
def test_keywords_are_counted_as_legal_agent_bench_does(
    text: str | None, keywords: list[str], rate: float
) -> None:
    assert keyword_rate(text, keywords) == pytest.approx(rate)


@given(st.text(), st.lists(st.text(max_size=3), min_size=1, max_size=5))
def test_a_keyword_rate_is_a_share(text: str, keywords: list[str]) -> None:
    assert 0 <= keyword_rate(text, keywords) <= 1
    assert keyword_rate("".join(keywords) + text, keywords[:1]) == 1 or "," in "".join(keywords)

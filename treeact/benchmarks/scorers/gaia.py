"""GAIA's scorer, which other suites of short answers use as well."""

from __future__ import annotations

import math
import re
import string

from treeact.benchmarks.answers import as_number
from treeact.benchmarks.scorers.closeness import is_bad_form, is_near
from treeact.benchmarks.scoring import AnswerScorer, Verdict

_SEPARATOR = re.compile("[,;]")
_SPACE = re.compile(r"\s+")
_NO_CURRENCY = str.maketrans("", "", "$%,")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def gaia_score(prediction: str | float | None, truth: str | float) -> bool:
    """Scores one answer as the GAIA leaderboard does, quirks included.

    The truth alone picks the rule: a truth that Python's `float` accepts is a number, one with a
    comma or semicolon is an ordered list, anything else is text. The rules are those behind the
    published scores, so surprises are kept on purpose: a truth of `1,000` is a list of two, and a
    truth of `?` accepts an empty prediction.

    Args:
        prediction: The bare answer; numbers are taken as `str` writes them, None is no answer.
        truth: The expected answer.

    Returns:
        Whether the prediction is right; None never is.
    """
    if prediction is None:
        return False
    answer, expected = str(prediction), str(truth)
    if (number := as_number(expected)) is not None:
        return _lenient_number(answer) == number
    if _SEPARATOR.search(expected):
        return _same_list(_SEPARATOR.split(answer), _SEPARATOR.split(expected))
    return _letters(answer) == _letters(expected)


def judge(answer: str, truth: str) -> Verdict:
    """Return the verdict on an answer: right or not, and if not, whether it comes close."""
    if gaia_score(answer, truth):
        return Verdict(right=True)
    return Verdict(
        right=False,
        near_miss=is_near(answer, truth),
        format_failure=is_bad_form(answer, truth, gaia_score),
    )


GAIA = AnswerScorer("gaia", 2, judge)
"""Exact, by `gaia_score`; near misses and failures of form by `closeness`."""


def _same_list(answers: list[str], expected: list[str]) -> bool:
    return len(answers) == len(expected) and all(map(_same_element, answers, expected))


def _same_element(answer: str, expected: str) -> bool:
    if (number := as_number(expected)) is not None:
        return _lenient_number(answer) == number
    return _squeezed(answer) == _squeezed(expected)


def _lenient_number(text: str) -> float:
    # The reference gives infinity, not "wrong", for what does not parse; a truth of inf shows it.
    number = as_number(text.translate(_NO_CURRENCY))
    return math.inf if number is None else number


def _squeezed(text: str) -> str:
    return _SPACE.sub("", text).lower()


def _letters(text: str) -> str:
    return _squeezed(text).translate(_NO_PUNCTUATION)

"""Answers that are one number, such as those of GSM8K."""

from __future__ import annotations

import math
import re

from treeact.benchmarks.scoring import AnswerScorer, Verdict

TOLERANCE = 1e-6
"""Part of the truth by which an answer may differ, for what binary fractions round."""
NEAR = 0.01
"""Part of the truth within which a wrong answer is a near miss."""

_NUMBER = re.compile(
    r"(?:(?<![\w.)])-)?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?",
    re.IGNORECASE | re.ASCII,
)


def last_number(text: str) -> float | None:
    """Return the last number in a text, or None where there is none.

    Commas between groups of three digits are left out, other commas part numbers. A minus counts
    where no letter or digit stands before it, so that `10-5` ends in 5, and so does U+2212.
    """
    numbers = _NUMBER.findall(text.replace("−", "-"))
    return float(numbers[-1].replace(",", "")) if numbers else None


def same_number(answer: str, truth: str | float, *, tolerance: float = TOLERANCE) -> bool:
    """Return whether the last number of an answer is the last one of the truth.

    Args:
        answer: the answer, perhaps with words around the number.
        truth: the number.
        tolerance: part of the truth by which they may differ.
    """
    said, wanted = last_number(answer), last_number(str(truth))
    if said is None or wanted is None:
        return False
    return math.isclose(said, wanted, rel_tol=0.0, abs_tol=tolerance * abs(wanted))


def judge(answer: str, truth: str | float) -> Verdict:
    """Return the verdict; a near miss is within one per cent."""
    right = same_number(answer, truth)
    return Verdict(right=right, near_miss=not right and same_number(answer, truth, tolerance=NEAR))


NUMERIC = AnswerScorer("numeric", 1, judge)
"""The last number, within a millionth of the truth."""

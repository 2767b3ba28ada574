"""HotpotQA's scores of answers: exact match, and F1 over words."""

from __future__ import annotations

import re
import string
from collections import Counter

from treeact.benchmarks.scoring import AnswerScorer, Verdict

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_CLOSED = {"yes", "no", "noanswer"}


def normalise_answer(text: str) -> str:
    """Return a text in lower case without ASCII punctuation, articles and needless spaces.

    In this order, as HotpotQA's evaluation has it (Yang et al. 2018), so that `a.` is an article.
    """
    plain = text.lower().translate(_NO_PUNCTUATION)
    return " ".join(_ARTICLE.sub(" ", plain).split())


def exact_match(answer: str, truth: str) -> bool:
    """Return whether two answers are equal once they are normalised."""
    return normalise_answer(answer) == normalise_answer(truth)


def word_f1(answer: str, truth: str) -> float:
    """Return the harmonic mean of precision and recall of the words, from 0 to 1.

    Words count as often as they occur in both. `yes`, `no` and `noanswer` share nothing with any
    other answer; two empty answers share no word, and give 0.
    """
    said, wanted = normalise_answer(answer), normalise_answer(truth)
    if said != wanted and {said, wanted} & _CLOSED:
        return 0.0
    words, expected = said.split(), wanted.split()
    shared = (Counter(words) & Counter(expected)).total()
    return 2 * shared / (len(words) + len(expected)) if shared else 0.0


def judge(answer: str, truth: str) -> Verdict:
    """Return the verdict: right is an exact match; `em` and `f1` are the measures."""
    right = exact_match(answer, truth)
    return Verdict(right=right, measures={"em": float(right), "f1": word_f1(answer, truth)})


HOTPOTQA = AnswerScorer("hotpotqa", 1, judge, Verdict(right=False, measures={"em": 0.0, "f1": 0.0}))
"""EM and F1 of the answer. Supporting facts are not scored: agents do not name any."""

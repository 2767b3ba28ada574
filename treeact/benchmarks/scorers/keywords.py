"""How much of what an answer should name stands in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from treeact.benchmarks.scoring import Attempt, Verdict
from treeact.benchmarks.suite import Sample
from treeact.trace.events import Observed

_GROUPS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def keyword_rate(text: str | None, keywords: Collection[str]) -> float:
    """Return the share of `keywords` that stand in a text, as LegalAgentBench scores answers.

    Over the answer with the keywords of the answer it is that benchmark's success rate; over a
    summary of the steps with those of the steps as well, its process rate (Li et al. 2024). Commas
    between groups of three digits do not count.

    Args:
        text: the answer or the summary; None holds nothing.
        keywords: what is to stand in it; where there are none, nothing is missing.
    """
    if not keywords:
        return 1.0
    plain = _GROUPS.sub("", text or "")
    return sum(_GROUPS.sub("", keyword) in plain for keyword in keywords) / len(keywords)


@dataclass(frozen=True)
class Keywords:
    """What an answer is to name, and what the steps on the way are to come upon besides."""

    answer: tuple[str, ...]
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeywordScorer:
    """Scores by the keywords that stand in the answer, and in what the steps showed.

    The truth is `Keywords`. `success_rate` is the share of those of the answer that stand in it;
    `process_rate` is the share of all of them that stand in the observations and the answer. Right
    is a success rate of 1. LegalAgentBench has a model summarise the steps, where we take what was
    observed: compare process rates with each other, not with published ones.
    """

    name: str = "keywords"
    version: int = 1

    def score(self, attempt: Attempt, sample: Sample) -> Verdict:
        """Return the verdict on an attempt.

        Raises:
            TraceError: the trace is damaged.
        """
        wanted: Keywords = sample.truth
        success = keyword_rate(attempt.answer, wanted.answer)
        seen = "\n".join([*_observed(attempt), attempt.answer or ""])
        process = keyword_rate(seen, (*wanted.answer, *wanted.steps))
        measures = {"success_rate": success, "process_rate": process}
        return Verdict(right=attempt.answer is not None and success == 1, measures=measures)


def _observed(attempt: Attempt) -> Iterator[str]:
    for event in attempt.events():
        if isinstance(event, Observed):
            yield attempt.blobs.read_text(event.text)


KEYWORDS = KeywordScorer()
"""Keywords of the answer, and of the steps."""

"""How much of what an answer should name stands in it."""

from __future__ import annotations

import re
from collections.abc import Collection

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

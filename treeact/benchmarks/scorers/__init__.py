"""Scorers: pure functions of what an agent did and what is true."""

from treeact.benchmarks.scorers.gaia import GAIA, gaia_score
from treeact.benchmarks.scorers.hotpotqa import HOTPOTQA, exact_match, word_f1
from treeact.benchmarks.scorers.keywords import KEYWORDS, Keywords, keyword_rate
from treeact.benchmarks.scorers.numeric import NUMERIC, last_number, same_number

__all__ = [
    "GAIA",
    "HOTPOTQA",
    "KEYWORDS",
    "NUMERIC",
    "Keywords",
    "exact_match",
    "gaia_score",
    "keyword_rate",
    "last_number",
    "same_number",
    "word_f1",
]

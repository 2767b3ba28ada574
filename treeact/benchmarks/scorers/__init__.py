"""Scorers: pure functions of what an agent did and what is true."""

from treeact.benchmarks.scorers.gaia import GAIA, gaia_score
from treeact.benchmarks.scorers.keywords import keyword_rate

__all__ = ["GAIA", "gaia_score", "keyword_rate"]

"""The `mini` suite: 15 GAIA-style tasks of our own over three levels, most with files."""

from __future__ import annotations

from pathlib import Path

from treeact.benchmarks.scorers import gaia_score
from treeact.benchmarks.suite import Suite, read_suite


def load() -> Suite:
    """Loads the suite.

    Raises:
        ConfigError: One of the suite's files is missing or damaged.
    """
    return read_suite(Path(__file__).parent, name="mini", scorer=gaia_score)

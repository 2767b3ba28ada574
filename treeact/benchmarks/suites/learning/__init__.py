"""The `learning` suite: two tasks in this order, of which the first teaches what the second needs.

Not for scores: with DynaSaur and an empty library it shows an action being written, verified, and
used again.
"""

from __future__ import annotations

from pathlib import Path

from treeact.benchmarks.scorers import GAIA
from treeact.benchmarks.suite import Suite, read_suite


def load() -> Suite:
    """Loads the suite.

    Raises:
        ConfigError: One of the suite's files is missing or damaged.
    """
    return read_suite(Path(__file__).parent, name="learning", scorer=GAIA)


def recordings_folder() -> Path:
    """Returns the folder with one recording of replies for each task, named by its id."""
    return Path(__file__).parent / "recordings"

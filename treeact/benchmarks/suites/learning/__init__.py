"""The `learning` suite: two tasks in this order, of which the first teaches what the second needs.

Not for scores: with DynaSaur and an empty library it shows an action being written, verified, and
used again.
"""

from __future__ import annotations

from pathlib import Path

from treeact.benchmarks.scorers import GAIA
from treeact.benchmarks.suite import Suite, check_split, read_suite


def load(data: Path | None = None, split: str | None = None) -> Suite:
    """Loads the suite.

    Args:
        data: A folder with a copy of it; None is the one that comes with the package.
        split: There is none to choose.

    Raises:
        ConfigError: One of the suite's files is missing or damaged, or a split is named.
    """
    check_split("learning", split, ())
    return read_suite(data or Path(__file__).parent, name="learning", scorer=GAIA)


def recordings_folder() -> Path:
    """Returns the folder with one recording of replies for each task, named by its id."""
    return Path(__file__).parent / "recordings"

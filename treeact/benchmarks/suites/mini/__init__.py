"""The `mini` suite: 47 GAIA-style tasks of our own over three levels, most with files."""

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
    check_split("mini", split, ())
    return load_from(data or Path(__file__).parent)


def load_from(folder: Path) -> Suite:
    """Loads a copy of the suite, in which files may have been changed.

    Raises:
        ConfigError: One of the copy's files is missing or damaged.
    """
    return read_suite(folder, name="mini", scorer=GAIA)


def recordings_folder(agent: str) -> Path:
    """Returns the folder with an agent's recordings of replies, each named by its task's id."""
    return Path(__file__).parent / "recordings" / agent


def recorded_agents() -> list[str]:
    """Returns the agents of which there are recordings."""
    return sorted(folder.name for folder in recordings_folder("codeact").parent.iterdir())

"""Chains of typed calls in five simulated domains: tasks of our own with goals to be checked."""

from __future__ import annotations

from pathlib import Path

from treeact.benchmarks.suite import Suite
from treeact.benchmarks.world_suite import world_suite


def load(data: Path | None = None, split: str | None = None) -> Suite:
    """Return the suite.

    Args:
        data: the tasks come with the package, so that there is nothing to name.
        split: there is none to choose.

    Raises:
        ConfigError: data or a split is named, or a packaged file is damaged.
    """
    return world_suite("apis", data, split)

"""What a comparison of runs says, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from treeact.benchmarks.comparison import Comparison
from treeact.benchmarks.statistics import LEVEL, Estimate
from treeact.benchmarks.tables import Table


def comparison_tables(comparisons: Sequence[Comparison]) -> list[Table]:
    """Return the tables of runs compared with one first run."""
    return [_scores(comparisons), _flips(comparisons), _efforts(comparisons)] + [
        table for comparison in comparisons for table in _flipped(comparison)
    ]


def _name(comparison: Comparison) -> str:
    return str(comparison.second.directory)


def _scores(comparisons: Sequence[Comparison]) -> Table:
    corrected = len(comparisons) > 1
    return Table(
        title=f"Accuracy beside {comparisons[0].first.directory}",
        columns=("run", "tasks", "first", "this", "difference", "p", "p corrected"),
        rows=[
            (
                _name(one),
                one.tasks,
                f"{one.first.accuracy:.1%}",
                f"{one.second.accuracy:.1%}",
                _points(one.accuracy),
                f"{one.p:.3f}",
                f"{one.corrected:.3f}",
            )
            for one in comparisons
        ],
        note=(
            f"Differences in points with {LEVEL:.0%} intervals, bootstrapped over tasks; p by "
            f"McNemar's exact test{', corrected by Holm' if corrected else ''}."
        ),
    )


def _flips(comparisons: Sequence[Comparison]) -> Table:
    return Table(
        title="Tasks by who has them right",
        columns=("run", "both", "only this", "only the first", "neither", "both sometimes"),
        rows=[
            (_name(one), one.both, one.gained, one.lost, one.neither, one.alike)
            for one in comparisons
        ],
        note="With several epochs, only means more often.",
    )


def flip_square(comparison: Comparison) -> Table:
    """Return the two by two table of one comparison: who has how many tasks right."""
    sometimes = f" Both sometimes, alike: {comparison.alike}." if comparison.alike else ""
    return Table(
        title="Tasks by who has them right",
        columns=("", "right in this", "not right in this"),
        rows=[
            ("right in the first", comparison.both, comparison.lost),
            ("not right in the first", comparison.gained, comparison.neither),
        ],
        note=f"With several epochs, right is more often right.{sometimes}",
    )


def _efforts(comparisons: Sequence[Comparison]) -> Table:
    return Table(
        title="Differences in effort",
        columns=("run", "tokens", "dollars", "seconds"),
        rows=[
            (_name(one), one.tokens, "n/a" if one.cost is None else one.cost, one.duration)
            for one in comparisons
        ],
        note=f"For each task and epoch, this run minus the first, with {LEVEL:.0%} intervals.",
    )


def _flipped(comparison: Comparison) -> list[Table]:
    if not comparison.flips:
        return []
    rows = [
        (
            flip.task,
            "" if flip.level is None else flip.level,
            f"{flip.before:.0%}",
            f"{flip.after:.0%}",
            "gained" if flip.after > flip.before else "lost",
        )
        for flip in comparison.flips
    ]
    columns = ("task", "level", "first", "this", "")
    return [Table(title=f"Flips of {_name(comparison)}", columns=columns, rows=rows)]


def _points(estimate: Estimate) -> str:
    low, value, high = (100 * it for it in (estimate.low, estimate.value, estimate.high))
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})"

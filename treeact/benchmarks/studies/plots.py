"""Plots of results, written as SVG and PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from treeact.benchmarks.statistics import Estimate
from treeact.benchmarks.studies.study import Results, Study, Value
from treeact.benchmarks.studies.tables import caption

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 150


def save_plot(study: Study, results: Results, seeds: int, folder: Path) -> list[Path]:
    """Draw a study and write `plot.svg` and `plot.png`; equal results give equal files."""
    import matplotlib
    from matplotlib.figure import Figure

    # text stays text, so that the file is small; ids that are not random, and no date
    with matplotlib.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "treeact",
            "font.size": 8,
            "axes.grid": True,
            "grid.alpha": 0.3,
        }
    ):
        figure = Figure(figsize=(9, 4), layout="constrained")
        study.draw(results, figure)
        figure.suptitle(f"{study.name} (simulated)", weight="bold")
        figure.supxlabel(caption(study, seeds), fontsize=7, color="0.35")
        files = [folder / "plot.svg", folder / "plot.png"]
        figure.savefig(files[0], metadata={"Date": None})
        figure.savefig(files[1], dpi=DPI)
    return files


def line(axes: Axes, x: Sequence[Value], estimates: Sequence[Estimate], label: str) -> None:
    """Draw estimates as a line with a band for their intervals."""
    [drawn] = axes.plot(
        x, [estimate.value for estimate in estimates], marker="o", ms=3, label=label
    )
    axes.fill_between(
        x,
        [estimate.low for estimate in estimates],
        [estimate.high for estimate in estimates],
        color=drawn.get_color(),
        alpha=0.2,
        linewidth=0,
    )


def bars(
    axes: Axes, labels: Sequence[str], estimates: Sequence[Estimate], colors: Sequence[str]
) -> None:
    """Draw estimates as horizontal bars, the first on top, with their intervals."""
    values = [estimate.value for estimate in estimates]
    below = [estimate.value - estimate.low for estimate in estimates]
    above = [estimate.high - estimate.value for estimate in estimates]
    axes.barh(labels, values, xerr=[below, above], color=colors, ecolor="black", capsize=2)
    axes.yaxis.set_inverted(True)

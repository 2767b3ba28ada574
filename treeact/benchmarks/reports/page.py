"""A report as one HTML file that needs nothing else: no network, no other file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from treeact.benchmarks.reports import plots
from treeact.benchmarks.reports.summary import (
    accuracy,
    by_role,
    count_ends,
    groups,
    headline,
    mark,
    notes,
    summary_tables,
    title,
)
from treeact.benchmarks.reports.traces import draw_search, tell_trace
from treeact.benchmarks.results import Results, Row
from treeact.benchmarks.tables import cell_text
from treeact.printable import printable

if TYPE_CHECKING:
    from jinja2 import Environment

    from treeact.benchmarks.suite import Suite

BINS = 10
"""Bars of the plot of steps, at most."""


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A plot and what it shows."""

    title: str
    svg: str


def page(results: Results, suite: Suite | None) -> Iterator[str]:
    """Yield a report piece by piece.

    Args:
        results: what came of the benchmark.
        suite: where questions and truths are; None leaves them out, and all texts of the traces.
    """
    signed = partial(mark, scored=results.scored)
    template = _templates().get_template("page.html.jinja")
    yield from template.generate(
        results=results,
        title=title(results),
        config=_config(results),
        headline=headline(results),
        notes=notes(results),
        tables=summary_tables(results),
        plots=_plots(results),
        samples=suite.by_id if suite else {},
        show_truth=suite is not None and suite.scored and suite.world is None,
        mark=signed,
        words=sorted({signed(row)[1] for row in results.rows}),
        trace=partial(tell_trace, texts=suite is not None),
        tree=draw_search if suite is not None and suite.world is not None else None,
    )


def _config(results: Results) -> dict[str, str]:
    """Return what the benchmark was run with, as far as it was told."""
    manifest = results.manifest
    told = manifest.config.model_dump(mode="json", exclude_defaults=True)
    told |= {"scorer": results.scorer, "epochs": manifest.epochs, "created": manifest.created}
    told |= manifest.versions
    return {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in told.items()
    }


def _plots(results: Results) -> list[Plot]:
    scored, rows = results.scored and bool(results.rows), results.rows
    ends = [(reason or state, count) for (state, reason), count in count_ends(rows)]
    roles = [
        (role, [("input", entry.usage.input_tokens), ("output", entry.usage.output_tokens)])
        for role, entry in by_role(rows).items()
    ]
    found = {
        "Accuracy, with 95 % intervals": plots.whiskers(_shares(results)) if scored else "",
        "Cost of a task against accuracy": _costs(results) if scored else "",
        "Rows by steps": plots.bars(_steps(rows)),
        "Tokens by role": plots.bars(roles) if roles else "",
        "Rows by how they ended": plots.bars([(name, [("rows", n)]) for name, n in ends]),
    }
    return [Plot(title=title, svg=svg) for title, svg in found.items() if svg]


def _shares(results: Results) -> list[tuple[str, Any]]:
    return [(name, accuracy(group)) for name, group in groups(results).items()]


def _costs(results: Results) -> str:
    """Return the plot of dollars, where all prices are known and something was paid."""
    total = results.total
    if total.unpriced or not total.cost:
        return ""
    return plots.scatter(
        [
            (name, fmean(row.total.cost for row in group), accuracy(group))
            for name, group in groups(results).items()
        ],
        unit="$",
    )


def _steps(rows: Sequence[Row]) -> list[tuple[str, list[tuple[str, float]]]]:
    """Return how many rows took how many steps, right ones and others."""
    begun = [row for row in rows if row.attempts]
    most = max((row.steps for row in begun), default=0)
    wide = most // BINS + 1
    found = []
    for low in range(0, most + 1, wide):
        here = [row for row in begun if low <= row.steps < low + wide]
        right = sum(row.right for row in here)
        name = str(low) if wide == 1 else f"{low} to {low + wide - 1}"
        found.append((name, [("right", float(right)), ("others", float(len(here) - right))]))
    return found


def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"cell": cell_text, "printable": lambda text: printable(str(text))}
    return templates

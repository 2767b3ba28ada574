"""Tables of results: Markdown, JSON, and on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from treeact.benchmarks.statistics import Estimate
from treeact.benchmarks.studies.study import Study, Table, Value

if TYPE_CHECKING:
    from rich.table import Table as TerminalTable


def caption(study: Study, seeds: int) -> str:
    """Return what stands under each table and plot."""
    return (
        f"Simulated: a noisy oracle, no model. {seeds} seeds, 95 % intervals. Study {study.name}."
    )


def markdown(study: Study, tables: Sequence[Table], seeds: int) -> str:
    """Return the tables as Markdown."""
    parts = [f"# Simulated study: {study.name}", study.question]
    for table in tables:
        lines = [table.columns, ["---"] * len(table.columns), *table.rows]
        parts.append(f"## {table.title} (simulated)")
        parts.append("\n".join(_line([_text(cell) for cell in line]) for line in lines))
        if table.note:
            parts.append(table.note)
    return "\n\n".join([*parts, caption(study, seeds)]) + "\n"


def terminal_table(study: Study, table: Table, seeds: int) -> TerminalTable:
    """Return a table for rich."""
    from rich.table import Table as TerminalTable

    shown = TerminalTable(
        title=f"{table.title} (simulated)",
        caption=" ".join(filter(None, [table.note, caption(study, seeds)])),
    )
    for column in table.columns:
        shown.add_column(column, overflow="fold")
    for row in table.rows:
        shown.add_row(*map(_text, row))
    return shown


def as_json(study: Study, tables: Sequence[Table], seeds: int) -> dict[str, Any]:
    """Return the tables as plain values; an estimate is an object of value, low and high."""
    return {
        "study": study.name,
        "simulated": True,
        "version": study.version,
        "seeds": seeds,
        "question": study.question,
        "tables": [
            {
                "title": table.title,
                "note": table.note,
                "rows": [
                    dict(zip(table.columns, map(_plain, row), strict=True)) for row in table.rows
                ],
            }
            for table in tables
        ],
    }


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(cell: Value | Estimate) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)


def _plain(cell: Value | Estimate) -> Any:
    return asdict(cell) if isinstance(cell, Estimate) else cell

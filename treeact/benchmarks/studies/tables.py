"""What a study's tables say beside their figures: that they are simulated, and over what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from treeact.benchmarks import tables as shared
from treeact.benchmarks.studies.study import Study, Table

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
    parts += [shared.markdown(_simulated(table)) for table in tables]
    return "\n\n".join([*parts, caption(study, seeds)]) + "\n"


def terminal_table(study: Study, table: Table, seeds: int) -> TerminalTable:
    """Return a table for rich."""
    return shared.terminal_table(_simulated(table), caption=caption(study, seeds))


def as_json(study: Study, tables: Sequence[Table], seeds: int) -> dict[str, Any]:
    """Return the tables as plain values; an estimate is an object of value, low and high."""
    return {
        "study": study.name,
        "simulated": True,
        "version": study.version,
        "seeds": seeds,
        "question": study.question,
        "tables": [shared.plain(table) for table in tables],
    }


def _simulated(table: Table) -> Table:
    return replace(table, title=f"{table.title} (simulated)")

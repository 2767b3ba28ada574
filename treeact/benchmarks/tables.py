"""Tables of figures and words: as Markdown, on the terminal, and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from treeact.benchmarks.statistics import Estimate
from treeact.printable import printable

if TYPE_CHECKING:
    from rich.table import Table as TerminalTable

Value = str | int | float
Cell = Value | Estimate


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of what came out."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    """How to read it."""


def markdown(table: Table, *, level: int = 2) -> str:
    """Return a table as Markdown: a heading of that level, the rows, and the note."""
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    body = "\n".join(f"| {' | '.join(map(_inline, line))} |" for line in lines)
    return "\n\n".join(filter(None, [f"{'#' * level} {table.title}", body, table.note]))


def terminal_table(table: Table, *, caption: str = "") -> TerminalTable:
    """Return a table for rich."""
    from rich.table import Table as TerminalTable
    from rich.text import Text

    caption = " ".join(filter(None, [table.note, caption]))
    shown = TerminalTable(title=table.title, caption=caption or None)
    for column in table.columns:
        shown.add_column(column, overflow="fold")
    for row in table.rows:
        shown.add_row(*(Text(printable(cell_text(cell))) for cell in row))
    return shown


def plain(table: Table) -> dict[str, Any]:
    """Return a table as plain values; an estimate is an object of value, low and high."""
    return {
        "title": table.title,
        "note": table.note,
        "rows": [dict(zip(table.columns, map(_plain, row), strict=True)) for row in table.rows],
    }


def cell_text(cell: Cell) -> str:
    """Return what stands in a cell."""
    return f"{cell:g}" if isinstance(cell, float) else str(cell)


def _inline(cell: Cell) -> str:
    """Return a cell that stays a cell, whatever a stranger wrote in it."""
    text = " ".join(printable(cell_text(cell)).split())
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _plain(cell: Cell) -> Any:
    return asdict(cell) if isinstance(cell, Estimate) else cell

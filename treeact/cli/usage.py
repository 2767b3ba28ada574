"""`treeact trace usage`: tokens and dollars of a run by role, phase and part of the prompt."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from treeact.trace.events import ModelCalled
from treeact.trace.log import read_events
from treeact.trace.runs import find_run
from treeact.trace.usage import Entry, Ledger


def show_usage(name: str, *, runs: Path | None, as_json: bool) -> None:
    """Print the ledger of the run called `name`."""
    ledger = read_ledger(find_run(name, folder=runs))
    rows = [_row(role, phase, entry) for role, phase, entry in ledger.rows()]
    total = _row("total", "", ledger.total)
    if as_json:
        sys.stdout.write(json.dumps({"rows": rows, "total": total}) + "\n")
    else:
        _print(rows, total)


def read_ledger(directory: Path) -> Ledger:
    """Return the ledger that a run's model calls add up to.

    Raises:
        TraceError: the trace cannot be read.
    """
    ledger = Ledger()
    for event in read_events(directory):
        if isinstance(event, ModelCalled):
            ledger.add(event.role, event.phase, event.usage, event.cost, event.parts)
    return ledger


def _row(role: str, phase: str, entry: Entry) -> dict[str, object]:
    return {
        "role": role,
        "phase": phase,
        "calls": entry.calls,
        "input": entry.usage.input_tokens,
        "cached": entry.usage.cached_tokens,
        "output": entry.usage.output_tokens,
        "estimated": entry.usage.estimated,
        "cost": None if entry.unpriced == entry.calls else entry.cost,
        "unpriced": entry.unpriced,
        "parts": entry.parts,
    }


def _print(rows: list[dict[str, object]], total: dict[str, object]) -> None:
    from rich.console import Console
    from rich.table import Table

    parts = [*dict.fromkeys(part for row in rows for part in _parts(row))]
    table = Table()
    for column in ("role", "phase"):
        table.add_column(column)
    for column in ("calls", "input", *parts, "cached", "output", "cost"):
        table.add_column(column, justify="right")
    for row in [*rows, total]:
        if row is total:
            table.add_section()
        shares = [str(_parts(row).get(part, 0)) for part in parts]
        figures = [str(row[name]) for name in ("role", "phase", "calls", "input")]
        table.add_row(*figures, *shares, str(row["cached"]), str(row["output"]), _cost(row))
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    if total["estimated"]:
        sys.stdout.write("tokens are estimated from the text: nobody reported them\n")


def _parts(row: dict[str, object]) -> dict[str, int]:
    parts = row["parts"]
    assert isinstance(parts, dict)
    return parts


def _cost(row: dict[str, object]) -> str:
    if row["cost"] is None:
        return "unknown"
    return f"{'>= ' if row['unpriced'] else ''}${row['cost']:.4f}"

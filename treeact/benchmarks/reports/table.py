"""The rows of a benchmark as CSV, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any

from treeact.benchmarks.answers import as_number
from treeact.benchmarks.results import Results, Row

_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_COLUMNS: Mapping[str, Callable[[Row], Any]] = {
    "task": lambda row: row.task,
    "epoch": lambda row: row.epoch,
    "level": lambda row: row.level,
    "tags": lambda row: " ".join(row.tags),
    "state": lambda row: row.state,
    "reason": lambda row: row.reason,
    "answer": lambda row: row.answer,
    "best_effort": lambda row: row.best_effort,
    "right": lambda row: row.verdict and row.verdict.right,
    "near_miss": lambda row: row.verdict and row.verdict.near_miss,
    "format_failure": lambda row: row.verdict and row.verdict.format_failure,
    "scoring_error": lambda row: row.scoring_error,
    "steps": lambda row: row.steps,
    "calls": lambda row: row.total.calls,
    "input_tokens": lambda row: row.total.usage.input_tokens,
    "cached_tokens": lambda row: row.total.usage.cached_tokens,
    "cache_write_tokens": lambda row: row.total.usage.cache_write_tokens,
    "output_tokens": lambda row: row.total.usage.output_tokens,
    "reasoning_tokens": lambda row: row.total.usage.reasoning_tokens,
    "cost": lambda row: row.total.cost,
    "unpriced_calls": lambda row: row.total.unpriced,
    "duration": lambda row: round(row.duration, 3),
    "working": lambda row: round(row.working, 3),
    "attempts": lambda row: row.attempts,
    "message": lambda row: row.message,
}


def to_csv(results: Results) -> str:
    """Return the names of the columns, then a row for each sample and epoch (RFC 4180).

    Durations are seconds and costs dollars, which leave out the calls counted as unpriced. What is
    not known is empty. Each measure of a scorer has a column of its own behind the others. A text
    that a spreadsheet would take for a formula begins with an apostrophe; a number does not.
    """
    measures = sorted(
        {name for row in results.rows if row.verdict for name in row.verdict.measures}
    )
    file = io.StringIO()
    writer = csv.writer(file)  # with CRLF, as RFC 4180 has it
    writer.writerow([*_COLUMNS, *measures])
    for row in results.rows:
        figures = row.verdict.measures if row.verdict else {}
        values = [column(row) for column in _COLUMNS.values()]
        writer.writerow(map(_cell, [*values, *(figures.get(name) for name in measures)]))
    return file.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return value
    text = value.replace("\0", "")
    return f"'{text}" if text.startswith(_FORMULA) and as_number(text) is None else text

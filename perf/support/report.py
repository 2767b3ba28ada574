"""The rows of a measurement: printed as a table, and written to `perf/results/NAME.json`."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent.parent / "results"
HEADINGS = ("subject", "n", "median", "p99", "ratio", "over", "target", "met")


@dataclass(frozen=True)
class Target:
    """A bound on a row's ratio, or on its median when `unit` is not `x`."""

    at_most: float | None = None
    at_least: float | None = None
    unit: str = "x"

    def __str__(self) -> str:
        bound, sign = (self.at_most, "<=") if self.at_least is None else (self.at_least, ">=")
        return f"{sign} {bound:g}{'' if self.unit == 'x' else ' '}{self.unit}"

    def met(self, value: float) -> bool:
        """Tell whether `value` keeps the bound."""
        above = self.at_least is None or value >= self.at_least
        return above and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One subject's figures; times are in ms. Without samples, `note` says why."""

    subject: str
    n: int
    unit: str
    median: float | None
    p99: float | None
    baseline: str | None
    ratio: float | None
    target: str
    met: bool | None
    note: str
    samples: list[float]


@dataclass
class _Entry:
    name: str
    samples: list[float]
    unit: str
    baseline: str | None
    target: Target | None
    note: str


class Report:
    """Collects rows and shows them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._entries: dict[str, _Entry] = {}

    def progress(self, text: str) -> None:
        """Say what is being prepared, on stderr."""
        print(f"  {self.name}: {text}", file=sys.stderr, flush=True)

    def add(
        self,
        *,
        name: str,
        samples: list[float],
        unit: str = "ms",
        baseline: str | None = None,
        target: Target | None = None,
        note: str = "",
    ) -> None:
        """Add a row."""
        scale = 1000.0 if unit == "ms" else 1.0
        scaled = [scale * sample for sample in samples]
        self._entries[name] = _Entry(name, scaled, unit, baseline, target, note)

    def rows(self) -> list[Row]:
        """Return the rows, with ratios of medians."""
        return [self._row(entry) for entry in self._entries.values()]

    def _row(self, entry: _Entry) -> Row:
        median = statistics.median(entry.samples) if entry.samples else None
        ratio = self._ratio(entry, median)
        met = None
        if entry.target is not None:
            value = ratio if entry.target.unit == "x" else median
            met = None if value is None else entry.target.met(value)
        return Row(
            subject=entry.name,
            n=len(entry.samples),
            unit=entry.unit,
            median=median,
            p99=percentile(entry.samples, 99),
            baseline=entry.baseline,
            ratio=ratio,
            target=str(entry.target or ""),
            met=met,
            note=entry.note,
            samples=entry.samples,
        )

    def _ratio(self, entry: _Entry, median: float | None) -> float | None:
        base = self._entries.get(entry.baseline or "")
        if median is None or base is None or not base.samples:
            return None
        return median / statistics.median(base.samples)

    def finish(self) -> None:
        """Print the table and write the JSON."""
        rows = self.rows()
        facts = machine_facts()
        print(f"\n{self.name}: " + ", ".join(f"{key} {value}" for key, value in facts.items()))
        print(table([HEADINGS, *map(_cells, rows)]))
        for row in rows:
            if row.note:
                print(f"* {row.subject}: {row.note}")
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}.json"
        data = {"name": self.name, "machine": facts, "rows": [asdict(row) for row in rows]}
        path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def percentile(samples: list[float], percent: int) -> float | None:
    """Return the sample at or above `percent` of all, None when there are none."""
    if not samples:
        return None
    return sorted(samples)[min(len(samples) - 1, len(samples) * percent // 100)]


def _cells(row: Row) -> tuple[str, ...]:
    missing = "-" if row.n == 0 else ""
    return (
        row.subject + (" *" if row.note else ""),
        str(row.n or "-"),
        _number(row.median, row.unit) or missing,
        _number(row.p99, row.unit) or missing,
        f"{row.ratio:.3g}x" if row.ratio is not None else "",
        row.baseline or "",
        row.target,
        {True: "yes", False: "NO", None: "?" if row.target else ""}[row.met],
    )


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    digits = 0 if value >= 100 else 1 if value >= 10 else 3 if value < 1 else 2
    text = f"{value:.{digits}f}" if unit else f"{value:g}"
    return f"{text} {unit}".strip()


def table(lines: list[tuple[str, ...]]) -> str:
    """Return `lines` in columns; the first is the heading."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = tuple("-" * width for width in widths)
    padded = [
        "  ".join(
            cell.rjust(width) if 0 < place < 5 else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (lines[0], rule, *lines[1:])
    ]
    return "\n".join(padded)


def machine_facts() -> dict[str, str]:
    """Return what the figures depend on."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cores": str(os.cpu_count()),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }

"""`treeact bench report` and `compare`: what came of benchmarks, for people to read."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from treeact.benchmarks import tables
from treeact.benchmarks.comparison import compare
from treeact.benchmarks.reports.compared import comparison_tables
from treeact.benchmarks.reports.files import to_json, write_report
from treeact.benchmarks.reports.redaction import GATED, redact
from treeact.benchmarks.reports.summary import headline, notes, summary_tables, title
from treeact.benchmarks.results import read_results
from treeact.benchmarks.runner.directory import open_directory
from treeact.benchmarks.suites import load_suite
from treeact.benchmarks.tables import Table
from treeact.cli.bench_run import price_list


def report(
    directory: Path,
    *,
    out: Sequence[Path],
    redacted: bool,
    prices: Path | None,
    as_json: bool,
) -> None:
    """Write a report to files, or without any to standard output.

    Raises:
        ConfigError: there is no benchmark, its data is gone, or a file cannot be written.
    """
    config = open_directory(directory)[1].config
    suite = load_suite(config.suite, data=config.data, split=config.split)
    results = read_results(directory, suite=suite, prices=price_list(prices))
    for path in out:
        write_report(results, suite, path, redacted=redacted)
        sys.stdout.write(f"{path}\n")
        if config.suite in GATED and not redacted:
            sys.stderr.write(
                f"treeact: {path} may hold rows of {config.suite}, whose terms forbid to publish "
                "them: --redact makes one without\n"
            )
    if out:
        return
    shown = redact(results) if redacted else results
    if as_json:
        sys.stdout.writelines(to_json(shown))
        return
    lines = [title(shown), headline(shown), *notes(shown), ""]
    sys.stdout.write("\n".join(lines))
    _print(summary_tables(shown))


def compare_runs(first: Path, others: Sequence[Path], *, intersect: bool, as_json: bool) -> None:
    """Print how other runs differ from a first one.

    Raises:
        ConfigError: they cannot be compared.
    """
    found = compare(read_results(first), list(map(read_results, others)), intersect=intersect)
    shown = comparison_tables(found)
    words = list(dict.fromkeys(note for one in found for note in one.notes))
    if as_json:
        told = {"notes": words, "tables": list(map(tables.plain, shown))}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    _print(shown)
    sys.stdout.writelines(f"{note}\n" for note in words)


def _print(shown: Sequence[Table]) -> None:
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 120)
    for table in shown:
        console.print()
        console.print(tables.terminal_table(table))

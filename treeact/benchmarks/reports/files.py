"""Reports as files, in the form that their suffix names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from treeact.benchmarks import tables
from treeact.benchmarks.reports.page import page
from treeact.benchmarks.reports.redaction import redact
from treeact.benchmarks.reports.summary import headline, notes, rows_table, summary_tables, title
from treeact.benchmarks.reports.table import to_csv
from treeact.benchmarks.results import Results
from treeact.benchmarks.suite import Suite
from treeact.errors import ConfigError


def write_report(results: Results, suite: Suite, path: Path, *, redacted: bool = False) -> None:
    """Write a report, whole or not at all.

    Args:
        results: what came of the benchmark.
        suite: its suite, for questions and truths.
        path: the file; its suffix is one of `FORMATS`.
        redacted: whether all texts of tasks, answers and traces are left out.

    Raises:
        ConfigError: there is no such format, or the file cannot be written.
    """
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise ConfigError(f"{path} names no format: end it in one of {', '.join(FORMATS)}")
    shown = redact(results) if redacted else results
    write_whole(path, form(shown, None if redacted else suite))


def to_markdown(results: Results, suite: Suite | None = None) -> Iterator[str]:
    """Yield a report as Markdown; it holds no question and no truth."""
    yield f"# {title(results)}\n\n{headline(results)}\n\n"
    yield "".join(f"- {note}\n" for note in notes(results)) + "\n"
    for table in [*summary_tables(results), rows_table(results)]:
        yield tables.markdown(table) + "\n\n"


def to_json(results: Results, suite: Suite | None = None) -> Iterator[str]:
    """Yield a report as an object of its tables."""
    shown = [tables.plain(table) for table in [*summary_tables(results), rows_table(results)]]
    report = {
        "title": title(results),
        "headline": headline(results),
        "notes": notes(results),
        "config": results.manifest.config.model_dump(mode="json"),
        "tables": shown,
    }
    yield json.dumps(report, indent=2) + "\n"


def _csv(results: Results, suite: Suite | None) -> Iterator[str]:
    yield to_csv(results)


FORMATS: dict[str, Callable[[Results, Suite | None], Iterable[str]]] = {
    ".html": page,
    ".md": to_markdown,
    ".csv": _csv,
    ".json": to_json,
}


def write_whole(path: Path, pieces: Iterable[str]) -> None:
    """Write a text, whole or not at all.

    Raises:
        ConfigError: it cannot be written.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.writelines(pieces)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error

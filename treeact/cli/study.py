"""`treeact study`: simulated studies, run to the end, and shown as tables and a plot."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from treeact.benchmarks.statistics import need_libraries
from treeact.benchmarks.studies import find_study, study_names
from treeact.benchmarks.studies.cells import Cell, CellFile, cells_of
from treeact.benchmarks.studies.plots import save_plot
from treeact.benchmarks.studies.running import run_missing, usable_cores
from treeact.benchmarks.studies.study import Results, Study
from treeact.benchmarks.studies.tables import as_json, markdown, terminal_table

CELLS_FILE = "cells.jsonl"
TABLES_FILE = "tables.md"


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """What the command line asked for."""

    name: str
    seeds: int
    out: Path | None
    jobs: int | None
    fresh: bool
    as_json: bool


def list_studies(*, as_json: bool) -> None:
    """Print the studies and what each asks."""
    for name in study_names():
        question = find_study(name).question
        row = json.dumps({"study": name, "question": question})
        sys.stdout.write((row if as_json else f"{name:<14} {question}") + "\n")


def run_study(options: StudyOptions) -> None:
    """Run what is missing of a study, then print its tables and write them and its plot.

    Raises:
        ConfigError: there is no such study, an optional library is missing, or the folder cannot
            be used.
        StudyFailed: a cell failed; the finished ones are kept.
    """
    study = find_study(options.name)
    need_libraries()
    folder = options.out or Path("studies") / study.name
    cells = cells_of(study, options.seeds)
    with CellFile.open(folder / CELLS_FILE, fresh=options.fresh) as file:
        done = sum(cell in file for cell in cells)
        with _progress(study, done, len(cells)) as on_finished:
            jobs = options.jobs or usable_cores()
            run_missing(options.name, cells, file, jobs=jobs, on_finished=on_finished)
        results = file.results(cells)
    _show(study, results, options, folder)


def _show(study: Study, results: Results, options: StudyOptions, folder: Path) -> None:
    from rich.console import Console

    seeds = options.seeds
    tables = study.tables(results)
    (folder / TABLES_FILE).write_text(markdown(study, tables, seeds), encoding="utf-8")
    files: Sequence[Path] = [folder / TABLES_FILE, *save_plot(study, results, seeds, folder)]
    if options.as_json:
        sys.stdout.write(json.dumps(as_json(study, tables, seeds), indent=2) + "\n")
    else:
        console = Console()
        for table in tables:
            console.print(terminal_table(study, table, seeds))
    sys.stderr.write(f"treeact: wrote {', '.join(map(str, files))}\n")


@contextmanager
def _progress(study: Study, done: int, total: int) -> Iterator[Callable[[Cell], None]]:
    """Yield what is to be told of each finished cell: a bar on a terminal, else lines."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    console = Console(stderr=True)
    if done:
        console.print(f"treeact: {done} of {total} cells were finished before", highlight=False)
    if not console.is_terminal:
        yield _lines(done, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeLeft())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(f"{study.name} (simulated)", total=total, completed=done)
        yield lambda cell: progress.advance(bar)


def _lines(done: int, total: int) -> Callable[[Cell], None]:
    def say(cell: Cell) -> None:
        nonlocal done
        done += 1
        sys.stderr.write(f"{done}/{total} {cell}\n")

    return say

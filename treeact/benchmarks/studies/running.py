"""Runs the cells of a study on several processes, keeping each as soon as it is finished."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread

from treeact.benchmarks.studies import find_study
from treeact.benchmarks.studies.cells import Cell, CellFile
from treeact.benchmarks.studies.study import Measures
from treeact.errors import TreeActError

Progress = Callable[[Cell], None]


class StudyFailed(TreeActError):
    """A cell of a study could not be run to its end."""


def run_missing(
    name: str, cells: Sequence[Cell], file: CellFile, *, jobs: int, on_finished: Progress
) -> None:
    """Run those of `cells` that `file` lacks.

    Args:
        name: what the study is found by.
        cells: its cells.
        file: where each is kept once it is finished.
        jobs: processes to run at once; 1 runs them in this one.
        on_finished: told of each cell that was run.

    Raises:
        StudyFailed: a cell failed, or its process died; what was finished before is kept.
    """
    missing = [cell for cell in cells if cell not in file]

    def keep(cell: Cell, measures: Sequence[Measures]) -> None:
        file.add(cell, measures)
        on_finished(cell)

    if jobs == 1 or len(missing) <= 1:
        for cell in missing:
            keep(cell, _outcome(cell, partial(run_cell, name, cell)))
    else:
        _run_in_processes(name, missing, jobs, keep)


def run_cell(name: str, cell: Cell) -> list[Measures]:
    """Run each seed of a cell, one after the other."""
    study = find_study(name)

    async def run() -> list[Measures]:
        seeds = range(cell.first, cell.end)
        return [await study.run(cell.settings, seed) for seed in seeds]

    return asyncio.run(run())


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run_in_processes(
    name: str, cells: Sequence[Cell], jobs: int, keep: Callable[[Cell, Sequence[Measures]], None]
) -> None:
    # spawn: a process that shows its progress has threads, and those do not survive a fork
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_follow_parent)
    try:
        running: dict[Future[list[Measures]], Cell] = {}
        waiting = list(reversed(cells))
        while running or waiting:
            while waiting and len(running) < 2 * jobs:  # no worker waits for the next
                cell = waiting.pop()
                running[pool.submit(run_cell, name, cell)] = cell
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                cell = running.pop(future)
                keep(cell, _outcome(cell, future.result))
    finally:
        pool.shutdown(cancel_futures=True)


def _outcome(cell: Cell, get: Callable[[], list[Measures]]) -> list[Measures]:
    try:
        return get()
    except BrokenProcessPool as error:
        raise StudyFailed(
            "a worker of the study was killed, perhaps for lack of memory: run the same command "
            "again to go on, with fewer --jobs"
        ) from error
    except Exception as error:
        raise StudyFailed(f"the cell {cell} failed: {type(error).__name__}: {error}") from error


def _follow_parent() -> None:
    """Leave Ctrl-C to the parent, and end with it even where it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)

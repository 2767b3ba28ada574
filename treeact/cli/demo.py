"""`treeact demo`: the main job over the mini suite; only the model's replies are recorded."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from treeact.benchmarks.suite import Sample, Suite
from treeact.benchmarks.suites import load_suite
from treeact.benchmarks.suites.mini import load_from, recordings_folder
from treeact.cli import EXIT_CANCELLED, EXIT_NO_ANSWER
from treeact.cli.display import make_display
from treeact.cli.run import on_interrupt
from treeact.cli.sandbox import prepare_sandbox
from treeact.errors import ConfigError, SandboxUnavailable
from treeact.trace.runs import new_run_directory

if TYPE_CHECKING:
    from treeact.agents.run import Result

RECORDED = (
    "The model replies of this demo are recorded; no model is asked. Everything else is real: the "
    "code runs now, in a sandbox, on the files of the tasks."
)
UNSAFE = (
    "No sandbox can be used here ({reason}).\nThe demo's code is TreeAct's own recording, so it "
    "runs without isolation (unsafe-local). Code of a live model never does that unasked."
)


@dataclass(frozen=True)
class Row:
    """One line of the demo's table."""

    sample: Sample
    result: Result
    right: bool


def run_demo(
    *, only: Sequence[str], sandbox: str, display: str, data: Path | None, runs: Path | None
) -> int:
    """Run the demo and return the exit status: 0 when every answer is right."""
    suite = load_suite("mini") if data is None else load_from(data)
    samples = [
        sample
        for sample in suite.samples
        if not only or any(part in sample.task.id for part in only)
    ]
    if not samples:
        known = ", ".join(sample.task.id for sample in suite.samples)
        raise ConfigError(f"no task matches {' or '.join(only)}: the tasks are {known}")
    folder = new_run_directory("demo", folder=runs)
    sys.stdout.write(RECORDED + "\n")
    rows = asyncio.run(_run_samples(suite, samples, sandbox, display, folder))
    _print_table(rows)
    sys.stdout.write(f"traces: {folder}\n")
    if any(row.result.reason == "cancelled" for row in rows):
        return EXIT_CANCELLED
    return 0 if all(row.right for row in rows) else EXIT_NO_ANSWER


async def _run_samples(
    suite: Suite, samples: Sequence[Sample], sandbox: str, display: str, folder: Path
) -> list[Row]:
    kind = await _choose_kind(sandbox)
    rows: list[Row] = []
    for sample in samples:
        result = await _run_sample(sample, kind, display, folder / sample.task.id)
        rows.append(Row(sample, result, suite.scorer(result.answer, sample.truth)))
        if result.reason == "cancelled":
            break
    return rows


async def _choose_kind(sandbox: str) -> str:
    """Return the kind to use; recorded code may run unisolated where there is no other way."""
    try:
        return await prepare_sandbox(sandbox)
    except SandboxUnavailable as error:
        if sandbox != "auto":
            raise
        sys.stdout.write(UNSAFE.format(reason=error) + "\n")
        return "unsafe-local"


async def _run_sample(sample: Sample, kind: str, display: str, directory: Path) -> Result:
    from treeact.agents.codeact import CodeAct
    from treeact.models import ReplayModel

    model = ReplayModel(recordings_folder() / f"{sample.task.id}.jsonl")
    run = CodeAct(model, sandbox=kind).start(sample.task, trace=directory)
    shown = make_display(display, run.log.blobs)
    with on_interrupt(run.cancel):
        async for event in run.events():
            shown.show(event)
        return await run.result()


def _print_table(rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="mini suite, replayed", title_justify="left")
    for column in ("task", "level", "answer", "", "steps", "tokens", "time"):
        numeric = column in ("level", "steps", "tokens", "time")
        table.add_column(column, justify="right" if numeric else "left")
    for row in rows:
        usage = row.result.ledger.total.usage
        table.add_row(
            row.sample.task.id,
            str(row.sample.level),
            row.result.answer or f"({row.result.reason})",
            "right" if row.right else "wrong",
            str(row.result.steps),
            f"{'~' if usage.estimated else ''}{usage.total_tokens}",
            f"{row.result.duration:.1f} s",
        )
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(table)
    right = sum(row.right for row in rows)
    console.print(f"{right} of {len(rows)} right, from recorded replies: not a model's score")

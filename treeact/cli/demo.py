"""`treeact demo`: the mini suite, two of its tasks with a library; only replies are recorded."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from treeact.benchmarks.scoring import Attempt
from treeact.benchmarks.suite import Sample, Suite
from treeact.benchmarks.suites import load_suite
from treeact.benchmarks.suites.mini import load_from, recorded_agents, recordings_folder
from treeact.cli import EXIT_CANCELLED, EXIT_NO_ANSWER
from treeact.cli.display import make_display
from treeact.cli.run import on_interrupt
from treeact.cli.sandbox import prepare_sandbox
from treeact.errors import ConfigError, SandboxUnavailable
from treeact.trace.events import ActionsRetrieved, ActionVerified
from treeact.trace.log import read_events
from treeact.trace.runs import new_run_directory

if TYPE_CHECKING:
    from treeact.agents.agent import Agent
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
class Job:
    """One sample, and how it is worked on."""

    sample: Sample
    agent: str
    library: Path
    """Where DynaSaur keeps its actions; the other agents have none."""


@dataclass(frozen=True)
class Row:
    """One line of the demo's table."""

    sample: Sample
    result: Result
    right: bool
    trace: Path


def run_demo(
    *,
    only: Sequence[str],
    agent: str | None,
    sandbox: str,
    display: str,
    data: Path | None,
    runs: Path | None,
) -> int:
    """Run the demo and return the exit status: 0 when every answer is right.

    Raises:
        ConfigError: no task matches, or there is no recording of the agent.
    """
    folder = new_run_directory("demo", folder=runs)
    suite = load_suite("mini") if data is None else load_from(data)
    every = _jobs(suite, agent, folder)
    jobs = [job for job in every if not only or any(part in job.sample.task.id for part in only)]
    if not jobs:
        known = ", ".join(job.sample.task.id for job in every)
        raise ConfigError(f"no task matches {' or '.join(only)}: the tasks are {known}")
    sys.stdout.write(RECORDED + "\n")
    if agent is not None:
        sys.stdout.write(f"There are recordings of {agent} for {len(every)} tasks.\n")
    rows = asyncio.run(_run_jobs(jobs, suite, sandbox, display, folder))
    _print_table(rows)
    for line in _reuse(rows):
        sys.stdout.write(line + "\n")
    sys.stdout.write(f"traces: {folder}\n")
    if any(row.result.reason == "cancelled" for row in rows):
        return EXIT_CANCELLED
    return 0 if all(row.right for row in rows) else EXIT_NO_ANSWER


def _jobs(mini: Suite, agent: str | None, folder: Path) -> list[Job]:
    """Return all tasks with a recording of an agent; by default DynaSaur's, and else CodeAct's."""
    choices = (agent,) if agent else ("dynasaur", "codeact")
    chosen = [
        (sample, next((name for name in choices if _recording(sample, name).is_file()), None))
        for sample in mini.samples
    ]
    jobs = [Job(sample, name, folder / "actions.sqlite") for sample, name in chosen if name]
    if not jobs:
        known = ", ".join(recorded_agents())
        raise ConfigError(f"there is no recording of {agent}: there are those of {known}")
    return jobs


def _recording(sample: Sample, agent: str) -> Path:
    return recordings_folder(agent) / f"{sample.task.id}.jsonl"


async def _run_jobs(
    jobs: Sequence[Job], suite: Suite, sandbox: str, display: str, folder: Path
) -> list[Row]:
    kind = await _choose_kind(sandbox)
    rows: list[Row] = []
    for job in jobs:
        sample, trace = job.sample, folder / job.sample.task.id
        result, attempt = await _run_job(job, kind, display, trace)
        rows.append(Row(sample, result, suite.scorer.score(attempt, sample).right, trace))
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


async def _run_job(job: Job, kind: str, display: str, directory: Path) -> tuple[Result, Attempt]:
    run = _agent(job, kind).start(job.sample.task, trace=directory)
    shown = make_display(display, run.log.blobs)
    with on_interrupt(run.cancel):
        async for event in run.events():
            shown.show(event)
        result = await run.result()
    return result, Attempt.of_log(result.answer, run.log)


def _agent(job: Job, kind: str) -> Agent:
    from treeact.agents.registry import AGENTS, look_up
    from treeact.models import ReplayModel

    model = ReplayModel(_recording(job.sample, job.agent))
    library = {"library": job.library} if job.agent == "dynasaur" else {}
    agent: Agent = look_up(job.agent, AGENTS, "agent")(model, sandbox=kind, **library)
    return agent


def _reuse(rows: Sequence[Row]) -> Iterator[str]:
    """Say which actions a task used that an earlier one had written and seen verified."""
    home: dict[str, str] = {}
    for row in rows:
        task, events = row.sample.task.id, list(read_events(row.trace))
        for event in events:
            if isinstance(event, ActionsRetrieved) and event.how == "named":
                for label in filter(home.__contains__, event.actions):
                    yield f"library: {label}, written and verified in {home[label]}, used in {task}"
        verified = [event for event in events if isinstance(event, ActionVerified) and event.ok]
        home = {**{f"{event.name} v{event.version}": task for event in verified}, **home}


def _print_table(rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="demo, replayed", title_justify="left")
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

"""What a dashboard says of a benchmark, in words, bars and the cells of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from treeact.benchmarks.reports.summary import (
    FEW,
    accuracy,
    groups,
    mark,
    percent,
    shorten,
    title,
)
from treeact.benchmarks.results import Row, by_task, total_of
from treeact.benchmarks.runner.directory import Job
from treeact.benchmarks.runner.tally import remaining
from treeact.benchmarks.statistics import Estimate
from treeact.printable import clock, printable
from treeact.tui.views.bench import BenchView

COLUMNS = {
    "task": 20,
    "level": 5,
    "state": 10,
    "steps": 5,
    "time": 7,
    "tokens": 9,
    "cost": 9,
    "answer": 16,
    "verdict": 9,
}
"""Names of the columns, in their order, and how wide each is at least."""
PADDING = 2
"""Blank cells of each column."""
BAR = 20
"""Cells of a bar, which is a share from 0 to 1."""
LONG = 600
"""Characters of a text in full."""
_KEPT = ("task", "state", "verdict", "answer", "steps", "time", "cost", "tokens", "level")
"""The columns, the last to be dropped first."""
_NEVER_DROPPED = 3


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Jobs that ended in the same way, and not by an answer that was scored."""

    name: str
    count: int
    task: str
    """The first of them."""
    example: str
    """What is said of it."""


def columns(width: int) -> dict[str, int]:
    """Return the columns that fit in so many cells, and how wide each is."""
    kept: list[str] = []
    for name in _KEPT:
        if len(kept) < _NEVER_DROPPED or _room(width, [*kept, name]) >= 0:
            kept.append(name)
        else:
            break
    widths = {name: least for name, least in COLUMNS.items() if name in kept}
    widest = "answer" if "answer" in widths else "task"
    widths[widest] = max(8, widths[widest] + _room(width, kept))
    return widths


def _room(width: int, names: Sequence[str]) -> int:
    return width - sum(COLUMNS[name] + PADDING for name in names)


class Cells:
    """Writes the rows of a benchmark; one that has not changed is not written again.

    Args:
        view: the benchmark.
    """

    def __init__(self, view: BenchView) -> None:
        self.view = view
        self._written: dict[Job, tuple[Row, tuple[bool, bool], dict[str, str]]] = {}

    def of(self, job: Job, now: float) -> dict[str, str]:
        """Return what stands in the row of a job, by the name of the column."""
        view = self.view
        row, how = view.row(job, now), (view.blind, job in view.unread)
        before = self._written.get(job)
        if before is None or before[0] is not row or before[1] != how:
            before = self._written[job] = (row, how, cells(view, job, row))
        return before[2]


def cells(view: BenchView, job: Job, row: Row) -> dict[str, str]:
    """Return what stands in a row, by the name of the column."""
    begun = job in view.running or row.attempts > 0
    name = job.task if view.manifest.epochs == 1 else f"{job.task}.{job.epoch}"
    told = row.answer or row.message.partition("\n")[0] or row.scoring_error
    return {
        "task": shorten(printable(name)),
        "level": "" if row.level is None else str(row.level),
        "state": state(view, job, row),
        "steps": str(row.steps) if begun else "",
        "time": clock(row.duration) if begun else "",
        "tokens": f"{row.total.usage.total_tokens:,}" if begun else "",
        "cost": row.total.price if begun else "",
        "answer": shorten(printable(told)),
        "verdict": verdict(view, job, row),
    }


def state(view: BenchView, job: Job, row: Row) -> str:
    """Return what a job is at, in a word."""
    if job not in view.running:
        return row.state
    progress = view.progress.get(job)
    return "waiting" if progress is not None and progress.waiting else "running"


def verdict(view: BenchView, job: Job, row: Row) -> str:
    """Return a sign and a word for what the scorer says."""
    if row.scoring_error or row.over:
        if view.blind:
            return "hidden"
        return "…" if job in view.unread else " ".join(mark(row, scored=view.suite.scored))
    return "! failed" if row.state == "errored" else ""


def headline(view: BenchView, now: float) -> list[str]:
    """Return how the whole stands, in parts of which the first matter most.

    Shares are over the jobs that have ended, failed ones included; of fewer than ten tasks only
    counts are told.
    """
    rows = view.rows(now)
    ended = _ended(rows)
    errored = sum(not row.over for row in ended)
    answered = sum(row.answer is not None for row in ended)
    many = len(by_task(ended)) >= FEW
    waiting = sum(it.waiting for job, it in view.progress.items() if job in view.running)
    total = total_of(rows)
    parts = [
        f"{len(ended) - errored}/{len(rows)} done",
        *_score(view, ended),
        f"{answered / len(ended):.0%} answered" if many else f"{answered} answered",
        f"{errored} errored" if errored else "",
        f"cost {total.price}",
        f"{len(view.running)} running" if view.running else "",
        f"{waiting} waiting for the server" if waiting else "",
        remaining(view.tally.eta(now)) if view.running else "",
    ]
    return [part for part in parts if part]


def _ended(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.over or row.state == "errored"]


def _score(view: BenchView, ended: Sequence[Row]) -> list[str]:
    if not view.suite.scored:
        return ["not scored"]
    if view.blind:
        return ["score hidden"]
    right = f"{sum(row.right for row in ended)} right"
    return [right, percent(accuracy(ended))] if len(by_task(ended)) >= FEW else [right]


def remarks(view: BenchView, now: float) -> list[str]:
    """Return what is run, and what keeps its figures from being the whole truth."""
    begun = [] if view.begun else ["nothing has begun yet"]
    unread = len(view.unread)
    reading = [f"reading {unread} traces"] if unread >= FEW and view.begun else []
    cut_off = len(view.tally.running) - len(view.running)
    dead = [f"cut off with {cut_off} jobs in progress"] if cut_off else []
    simulated = view.manifest.config.simulated
    of_what = [f"from {simulated}: not a model's score"] if simulated else []
    notice = [printable(view.notice)] if view.notice else []
    return [*begun, *dead, *notice, *reading, *of_what, title(view.results([]))]


def bars(view: BenchView, now: float) -> list[str]:
    """Return the share of right answers by level, over the jobs that have ended, as bars."""
    ended = _ended(view.rows(now))
    if not ended:
        return ["no job has ended"]
    if view.blind or not view.suite.scored:
        return ["score hidden" if view.suite.scored else "the truths are placeholders: no score"]
    lines = []
    for name, rows in groups(view.results(ended)).items():
        right, few = sum(row.right for row in rows), len(by_task(rows)) < FEW
        share = accuracy(rows)
        figures = f"{right} of {len(rows)}" + ("" if few else f", {percent(share)}")
        lines += [f"{name}: {figures}", *([] if few else [bar(share)])]
    return lines


def bar(share: Estimate) -> str:
    """Draw a share: full up to the interval, half in the interval, and empty beyond."""
    low, high = round(share.low * BAR), round(share.high * BAR)
    return "▓" * low + "▒" * (high - low) + "░" * (BAR - high)


def kinds(view: BenchView, now: float) -> list[Kind]:
    """Return in which ways jobs failed, the most frequent first."""
    alike: dict[str, list[Row]] = {}
    for job in view.jobs(now, shown="failed"):
        row = view.row(job, now)
        way = row.state if row.reason == row.state else f"{row.state}, {row.reason}"
        alike.setdefault("not scored" if row.scoring_error else way, []).append(row)
    found = [_kind(name, rows) for name, rows in alike.items()]
    return sorted(found, key=lambda kind: -kind.count)


def _kind(name: str, rows: Sequence[Row]) -> Kind:
    said = rows[0].scoring_error or rows[0].message.partition("\n")[0]
    return Kind(name=name, count=len(rows), task=rows[0].task, example=shorten(printable(said)))


def about(view: BenchView, job: Job, now: float) -> list[str]:
    """Return what is known of a job, a line each.

    Questions and truths of data that must not be handed on are left out, as reports leave them
    out that may be.
    """
    row, (question, truth) = view.row(job, now), view.texts(job)
    hints = row.verdict if not view.blind else None
    lines = [
        f"{job.task}, epoch {job.epoch}, "
        + (f"attempt {row.attempts}" if row.attempts else "queued"),
        question and f"question: {question}",
        f"answer: {row.answer}" if row.answer is not None else "",
        "a best effort at the limit" if row.best_effort else "",
        truth and f"truth: {truth}",
        "a near miss" if hints and hints.near_miss else "",
        "a failure of form" if hints and hints.format_failure else "",
        f"{row.reason}: {row.message}" if row.message else "",
        row.scoring_error,
    ]
    return [printable(line)[:LONG] for line in lines if line]


def failed_alike(view: BenchView, now: float) -> list[str]:
    """Return the ways in which jobs failed as lines: how many, how, and an example."""
    lines = []
    for kind in kinds(view, now):
        lines.append(f"! {kind.count} {kind.name}")
        lines.append(f"  {kind.task}: {kind.example}" if kind.example else f"  {kind.task}")
    return lines or ["none has failed"]

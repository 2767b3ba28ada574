"""A benchmark as it stands: a row for each job, what is in progress, and figures over all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from treeact.benchmarks.reports.redaction import GATED
from treeact.benchmarks.results import Results, Row
from treeact.benchmarks.runner.directory import Job, Manifest
from treeact.benchmarks.runner.tally import Tally
from treeact.benchmarks.suite import Suite
from treeact.trace import events as ev
from treeact.trace.usage import Ledger, Usage
from treeact.tui.views.run import RunView

Shown = Literal["all", "failed", "wrong", "running"]
"""Which rows are shown."""
Order = Literal["listed", "state", "verdict", "time", "tokens", "cost"]
"""What they are sorted by."""
_UNFINISHED = frozenset({"queued", "unfinished"})


class Progress:
    """What the trace of a job in progress tells so far."""

    def __init__(self) -> None:
        self.run = RunView()
        self.waiting = False
        """Whether it waits to ask the model's server again, mostly because of rate limits."""


class BenchView:
    """Keeps the rows of a benchmark; take its events in any number of portions.

    A row is first what the events tell of it, and then what was read from its trace.

    Args:
        directory: of the benchmark.
        manifest: what is run.
        suite: its suite, for levels, truths and the scorer.
    """

    def __init__(self, directory: Path, manifest: Manifest, suite: Suite) -> None:
        self.directory = directory
        self.manifest = manifest
        self.suite = suite
        self.tally = Tally()
        self.live = True
        """Whether a process works on it: without one, nothing is in progress. See `set_live`."""
        self.blind = False
        """Whether truths, verdicts and all that tells of them are hidden."""
        self.notice = ""
        """What the log said last of how it is run."""
        self.begun = False
        """Whether any event was taken in."""
        self.unread: dict[Job, None] = {}
        """Jobs whose traces may tell more than their rows do."""
        self.progress: dict[Job, Progress] = {}
        """What is known of the jobs in progress."""
        self._rows: dict[Job, Row] = {}
        self._said: dict[Job, ev.TaskEnded] = {}
        self.extend(manifest)

    def extend(self, manifest: Manifest) -> None:
        """Go on with a manifest that may have got further tasks and epochs."""
        self.manifest = manifest
        for job in manifest.jobs():
            if job not in self._rows:
                self._add(job)

    def _add(self, job: Job, level: int | None = None) -> None:
        sample = self.suite.by_id.get(job.task)
        tags = sample.tags if sample else ()
        level = sample.level if sample else level
        self._rows[job] = Row(task=job.task, epoch=job.epoch, level=level, tags=tags)
        self.unread[job] = None

    def take(self, event: ev.Event) -> None:
        """Take the next event of the benchmark in."""
        self.begun = True
        match event:
            case ev.BenchStarted() | ev.BenchEnded():
                self.unread |= dict.fromkeys(self.tally.running)
                self.notice = event.message if isinstance(event, ev.BenchEnded) else ""
            case ev.TaskStarted():
                self._begin(Job(task=event.task, epoch=event.epoch), event)
            case ev.TaskEnded():
                self._end(Job(task=event.task, epoch=event.epoch), event)
            case ev.Noticed():
                self.notice = event.text
        self.tally.take(event)

    def _begin(self, job: Job, event: ev.TaskStarted) -> None:
        if job not in self._rows:
            self._add(job, event.level)
        self.unread.pop(job, None)

    def _end(self, job: Job, event: ev.TaskEnded) -> None:
        if job not in self._rows:
            self._add(job)
        ledger = Ledger()
        if event.tokens or event.unpriced:
            cost = None if event.unpriced else event.cost
            ledger.add("", "", Usage(input_tokens=event.tokens), cost)
        answer = event.answer.head if isinstance(event.answer, ev.Blob) else event.answer
        self._rows[job] = replace(
            self._rows[job],
            state=event.state,  # type: ignore[arg-type]
            reason=event.reason,
            message=event.message,
            answer=self.suite.bare_answer(answer),
            verdict=None,
            scoring_error="",
            steps=event.steps,
            attempts=event.attempt,
            duration=event.duration,
            working=event.working,
            ledger=ledger,
        )
        self._said[job] = event
        self.unread[job] = None

    def set_live(self, live: bool) -> None:
        """Say whether a process works on it; what it was at when it died is read again."""
        if self.live and not live:
            self.unread |= dict.fromkeys(self.tally.running)
        self.live = live

    def settle(self, row: Row) -> None:
        """Take in what was read from the trace of a job, and scored."""
        job = Job(task=row.task, epoch=row.epoch)
        said = self._said.get(job)
        if said is not None and row.state in _UNFINISHED:  # it never got to a trace with an end
            row = replace(
                row,
                state=said.state,  # type: ignore[arg-type]
                reason=said.reason,
                message=said.message,
                attempts=max(row.attempts, said.attempt),
            )
        self._rows[job] = row
        self.unread.pop(job, None)

    @property
    def running(self) -> Mapping[Job, float]:
        """The jobs in progress, and when each began, in seconds since the epoch."""
        return self.tally.running if self.live else {}

    def row(self, job: Job, now: float) -> Row:
        """Return the row of a job: for one in progress, what its trace tells so far."""
        row = self._rows[job]
        began = self.running.get(job)
        if began is None:
            return row
        run = self.progress[job].run if job in self.progress else RunView()
        return replace(
            row,
            state="unfinished",
            answer=None,
            verdict=None,
            message="",
            steps=run.step or run.expansions,
            ledger=run.ledger,
            duration=max(0.0, now - began),
        )

    def rows(self, now: float) -> list[Row]:
        """Return all rows, epoch by epoch and in the suite's order."""
        live = {job: self.row(job, now) for job in self.running}
        return list((self._rows | live).values())

    def results(self, rows: Sequence[Row]) -> Results:
        """Return rows as results, for all that reports make of them."""
        return Results(
            directory=self.directory,
            manifest=self.manifest,
            scorer=self.suite.scored_by,
            scored=self.suite.scored,
            rows=tuple(rows),
        )

    def texts(self, job: Job) -> tuple[str, str]:
        """Return the question and the truth of a job, as far as they may be shown.

        Of data that must not be handed on neither is: a screen is soon copied.
        """
        sample, suite = self.suite.by_id.get(job.task), self.suite
        if sample is None or self.manifest.config.suite in GATED:
            return "", ""
        hidden = self.blind or not suite.scored or suite.world is not None
        return sample.task.question, "" if hidden else str(sample.truth)

    def jobs(self, now: float, *, shown: Shown = "all", order: Order = "listed") -> list[Job]:
        """Return the jobs whose rows are shown, in the order that they are shown in.

        While verdicts are hidden, they neither choose rows nor sort them.
        """
        jobs = [job for job in self._rows if self._is_shown(job, shown)]
        key = _ORDERS.get("listed" if self.blind and order == "verdict" else order)
        return jobs if key is None else sorted(jobs, key=lambda job: key(self.row(job, now)))

    def _is_shown(self, job: Job, shown: Shown) -> bool:
        row = self._rows[job]
        match shown:
            case "running":
                return job in self.running
            case "failed":
                return job not in self.running and has_failed(row)
            case "wrong" if not self.blind:
                return row.verdict is not None and not row.right
            case _:
                return True


def has_failed(row: Row) -> bool:
    """Return whether a job ended without an answer, or with one that could not be scored."""
    over = row.state not in _UNFINISHED
    return over and (row.answer is None or row.state == "errored" or bool(row.scoring_error))


_ORDERS: Mapping[Order, Callable[[Row], float | str | tuple[bool, bool]]] = {
    "state": lambda row: row.state,
    "verdict": lambda row: (row.verdict is None, row.right),
    "time": lambda row: -row.duration,
    "tokens": lambda row: -row.total.usage.total_tokens,
    "cost": lambda row: -row.total.cost,
}
"""What rows are sorted by; wrong before right, and the largest first."""

"""What is known of a benchmark in progress from its events alone."""

from __future__ import annotations

from treeact.benchmarks.runner.directory import Job
from treeact.printable import clock
from treeact.trace import events as ev

FEW = 10
"""Jobs that have ended below which no time is told that is left."""


class Tally:
    """Counts the jobs since the benchmark began last; times are seconds since the epoch."""

    def __init__(self) -> None:
        self.left = 0
        """Jobs to be done when it began."""
        self.running: dict[Job, float] = {}
        """The jobs in progress, and when each began."""
        self.last: list[ev.TaskEnded] = []
        """The attempts that have ended, in order; a job may have several."""
        self._over: dict[Job, int] = {}
        self._began = 0.0

    def take(self, event: ev.Event) -> None:
        """Take the next event in."""
        match event:
            case ev.BenchStarted():
                self.left, self._began = event.left, event.time
                for kept in (self.running, self.last, self._over):
                    kept.clear()
            case ev.TaskStarted():
                self._begin(Job(task=event.task, epoch=event.epoch), event)
            case ev.TaskEnded():
                job = Job(task=event.task, epoch=event.epoch)
                self.running.pop(job, None)
                self._over[job] = event.attempt
                self.last.append(event)
            case ev.BenchEnded():
                self.running.clear()

    def _begin(self, job: Job, event: ev.TaskStarted) -> None:
        if self._over.get(job, 0) < event.attempt:  # else the lines are not in order
            self._over.pop(job, None)
            self.running[job] = event.time

    @property
    def ended(self) -> int:
        """Jobs that have ended; one that is done again has not."""
        return len(self._over)

    def eta(self, now: float) -> float | None:
        """Return the seconds that are left, at the pace so far; None while too little has ended."""
        if self.ended < min(FEW, self.left) or not self.ended:
            return None
        return (now - self._began) / len(self.last) * (self.left - self.ended)

    def headline(self, now: float) -> str:
        """Return the state of the whole in a line."""
        at_least = ">= " if any(event.unpriced for event in self.last) else ""
        parts = [
            f"{self.ended} of {self.left} done",
            f"{len(self.running)} running",
            f"{sum(event.tokens for event in self.last):,} tokens",
            f"{at_least}${sum(event.cost for event in self.last):.4f}",
            remaining(self.eta(now)),
        ]
        return " · ".join(filter(None, parts))


def remaining(seconds: float | None) -> str:
    """Return the seconds that are left in words; nothing where they are not known."""
    return "" if seconds is None else f"about {clock(seconds)} left"

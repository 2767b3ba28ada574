"""One benchmark that is looked at: its directory as it fills, whoever fills it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from treeact.agents.task import Task
from treeact.benchmarks.comparison import Comparison, compare
from treeact.benchmarks.reports.files import write_report
from treeact.benchmarks.reports.redaction import GATED
from treeact.benchmarks.results import Row, read_results, read_row, score_row
from treeact.benchmarks.runner.directory import BenchDirectory, Job, Manifest, open_directory
from treeact.benchmarks.scorers import GAIA
from treeact.benchmarks.suite import Sample, Suite
from treeact.benchmarks.suites import load_suite
from treeact.errors import ConfigError, TraceError
from treeact.trace import events as ev
from treeact.trace.index import TraceIndex
from treeact.tui.session import SLICE
from treeact.tui.views.bench import BenchView, Progress

LOOK = 2.0
"""Seconds between two looks whether a process still works on a benchmark."""
_TELLING = frozenset({"model_called", "proposed", "node_expanded"})
"""Events of a job in progress that tell how far it is."""


class BenchSession:
    """Reads the directory of a benchmark piece by piece. Live, attached and over are the same.

    Args:
        directory: the directory; it need not be there yet.
        suite: the suite, where it is at hand; else it is loaded as the run was started with it.
    """

    def __init__(self, directory: Path, *, suite: Suite | None = None) -> None:
        self.directory = directory
        self.index = TraceIndex(directory)
        self.view: BenchView | None = None
        """None until there is a manifest."""
        self.problem = ""
        """What keeps the directory from being shown whole; empty where nothing does."""
        self._home = BenchDirectory(directory)
        self._suite = suite
        self._taken = 0
        self._real: Suite | None = suite
        self._followed: dict[Job, tuple[TraceIndex, Progress]] = {}
        self._grown = False
        self._looked = 0.0

    @property
    def behind(self) -> int:
        """How many events are known of and not taken in yet."""
        return len(self.index.entries) - self._taken

    def trace(self, job: Job) -> Path:
        """Return the directory of the newest attempt at a job."""
        return self._home.trace(job)

    async def refresh(self) -> bool:
        """Look for news for a moment; return whether there were any."""
        before = self.problem
        if self.view is None:
            self.view = await asyncio.to_thread(self._open)
        if self.view is None:
            return self.problem != before
        view = self.view
        changed = self._take_events(view)
        self._look(view)
        if view.unread or view.running:
            rows, view.progress = await asyncio.to_thread(self._read, view)
            for row in rows:
                view.settle(row)
            changed = changed or bool(rows or self._grown)
        return changed or self.problem != before

    def _open(self) -> BenchView | None:
        """Return the view of the benchmark, or None where there is none."""
        self.problem = ""
        if self.directory.exists() and not self.directory.is_dir():
            self.problem = f"{self.directory} is no directory"
            return None
        try:
            manifest = self._home.read()
        except ConfigError as error:
            self.problem = str(error)
            return None
        if manifest is None:
            self.problem = f"no benchmark is in {self.directory} yet"
            return None
        self._suite = self._suite or self._load(manifest)
        return BenchView(self.directory, manifest, self._suite)

    def _load(self, manifest: Manifest) -> Suite:
        """Return the suite, or where it cannot be loaded one of its ids that scores nothing."""
        config = manifest.config
        try:
            self._real = load_suite(config.suite, data=config.data, split=config.split)
            return self._real
        except ConfigError as error:
            self.problem = f"not scored: {error}"
        samples = tuple(Sample(Task("?", id=task), None) for task in manifest.tasks)
        return Suite(config.suite, samples, GAIA, scored=False)

    def _take_events(self, view: BenchView) -> bool:
        try:
            self.index.refresh()
        except TraceError as error:
            self.problem = str(error)
        if self.index.damaged:
            first = self.index.damaged[0]
            self.problem = f"line {first.line} of the events is damaged: {first.reason}"
        before, until = self._taken, time.monotonic() + SLICE
        entries = self.index.entries
        while self._taken < len(entries) and time.monotonic() < until:
            for event in self.index.events([entries[self._taken]]):
                self._take(view, event)
            self._taken += 1
        return self._taken > before

    def _take(self, view: BenchView, event: ev.Event) -> None:
        if isinstance(event, ev.BenchStarted) and (manifest := self._manifest()) is not None:
            view.extend(manifest)
        if isinstance(event, ev.TaskStarted | ev.TaskEnded):
            self._followed.pop(Job(task=event.task, epoch=event.epoch), None)
        view.take(event)

    def _manifest(self) -> Manifest | None:
        try:
            return self._home.read()
        except ConfigError as error:
            self.problem = str(error)
            return None

    def _look(self, view: BenchView) -> None:
        """See whether a process still works on it, where something seems to be in progress."""
        now = time.monotonic()
        if view.tally.running and now - self._looked > LOOK:
            self._looked = now
            view.set_live(self._home.busy)

    def _read(self, view: BenchView) -> tuple[list[Row], dict[Job, Progress]]:
        """Read traces for a moment; in a thread, as they may be long."""
        self._grown = False
        rows = self._read_rows(view)
        return rows, {job: self._follow(job) for job in list(view.running)}

    def _read_rows(self, view: BenchView) -> list[Row]:
        """Return the rows of jobs that are over, read and scored."""
        samples = view.suite.by_id
        until, rows = time.monotonic() + 4 * SLICE, []
        for job in list(view.unread):
            sample = samples.get(job.task) or Sample(Task("?", id=job.task), None)
            suite = view.suite if job.task in samples else replace(view.suite, scored=False)
            row = read_row(self._home, job, sample, suite)
            rows.append(score_row(row, sample, suite))
            if time.monotonic() > until:
                break
        return rows

    def _follow(self, job: Job) -> Progress:
        """Return how far a job in progress is."""
        if job not in self._followed:
            self._followed[job] = TraceIndex(self._home.trace(job)), Progress()
        index, progress = self._followed[job]
        with suppress(TraceError):  # a new attempt takes its place
            new = index.refresh()
            for event in index.events([entry for entry in new if entry.type in _TELLING]):
                progress.run.take(event)
            if new:
                progress.waiting = new[-1].type == "model_retried"
                self._grown = True
        return progress

    def compare(self, other: Path) -> Comparison:
        """Return how this benchmark differs from another one; it may take seconds.

        Raises:
            ConfigError: they cannot be compared.
        """
        return compare(
            read_results(other.expanduser()), [read_results(self.directory, suite=self._real)]
        )[0]

    def write(self, path: Path) -> str:
        """Write a report in the form that the suffix names, and return what is to be said of it.

        Of data that must not be handed on, all texts are left out.

        Raises:
            ConfigError: the file cannot be written, or names no format.
        """
        config = open_directory(self.directory)[1].config
        suite = self._real or load_suite(config.suite, data=config.data, split=config.split)
        redacted = config.suite in GATED
        results = read_results(self.directory, suite=suite)
        write_report(results, suite, path.expanduser(), redacted=redacted)
        words = "; texts are left out, since its terms forbid to publish them" if redacted else ""
        return f"{path} is written{words}"

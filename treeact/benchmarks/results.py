"""What came of a benchmark: rows derived from its directory, scored anew each time.

Nothing here writes. Scoring is a pure pass over stored answers, so that it may be repeated, by
another version of a scorer too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from treeact.benchmarks.runner.directory import BenchDirectory, Job, Manifest, open_directory
from treeact.benchmarks.scoring import Attempt, Verdict
from treeact.benchmarks.suite import Sample, Suite
from treeact.benchmarks.suites import load_suite
from treeact.errors import ConfigError, TraceError
from treeact.models.prices import PriceList
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore
from treeact.trace.log import BLOBS_FOLDER, EVENTS_FILE, read_events
from treeact.trace.usage import Entry, Ledger

State = Literal["queued", "unfinished", "answered", "stopped", "errored", "cancelled"]
"""Not begun; begun and without an end; answered; stopped at a limit, perhaps with a best effort;
failed for reasons that are not the agent's; cancelled."""

DONE = frozenset({"answered", "stopped"})
"""States after which nothing is left to be done."""
_ERRORS = frozenset({"model failure", "sandbox failure", "trace failure"})


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came of one sample in one epoch."""

    task: str
    epoch: int
    level: int | None
    tags: tuple[str, ...] = ()
    state: State = "queued"
    reason: str = ""
    """Why the run stopped, as its trace says."""
    message: str = ""
    answer: str | None = None
    """The bare answer that counts."""
    best_effort: bool = False
    verdict: Verdict | None = None
    """None where nothing is scored: the truths are placeholders, or the scorer failed."""
    scoring_error: str = ""
    steps: int = 0
    attempts: int = 0
    duration: float = 0.0
    working: float = 0.0
    """Seconds without those of waiting after failed calls of the model."""
    ledger: Ledger = field(default_factory=Ledger)
    trace: Path | None = None

    @property
    def right(self) -> bool:
        """Whether it counts as right: what is not answered, or failed, does not."""
        return self.verdict is not None and self.verdict.right

    @property
    def total(self) -> Entry:
        """Tokens and dollars of the run."""
        return self.ledger.total

    @property
    def over(self) -> bool:
        """Whether nothing is left to be done for it."""
        return self.state in DONE


@dataclass(frozen=True, kw_only=True)
class Results:
    """The rows of a benchmark, one for each selected sample and epoch, and what they are of."""

    directory: Path
    manifest: Manifest
    scorer: str
    """Name and version of the scorer that was used now."""
    scored: bool
    """False where the truths are placeholders: answers can be exported, and nothing else."""
    rows: tuple[Row, ...]

    @property
    def accuracy(self) -> float:
        """Right rows among all selected ones, whatever came of them."""
        return sum(row.right for row in self.rows) / len(self.rows) if self.rows else 0.0

    @property
    def answered(self) -> int:
        """Rows with an answer."""
        return sum(row.answer is not None for row in self.rows)

    @property
    def levels(self) -> list[int]:
        """The levels that there are, in order."""
        return sorted({row.level for row in self.rows if row.level is not None})

    def by_task(self) -> dict[str, list[Row]]:
        """Return the rows of each sample, epoch by epoch."""
        return by_task(self.rows)

    @property
    def total(self) -> Entry:
        """Tokens and dollars of the whole benchmark."""
        return total_of(self.rows)


def read_results(
    path: Path, *, suite: Suite | None = None, prices: PriceList | None = None
) -> Results:
    """Return the results of the benchmark in a directory, finished or not.

    Args:
        path: the directory.
        suite: the suite, where it is at hand; else it is loaded as the run was started with it.
        prices: what calls are priced by anew; None leaves them what they cost when they were made.

    Raises:
        ConfigError: there is no benchmark, or its suite cannot be loaded.
    """
    directory, manifest = open_directory(path)
    config = manifest.config
    suite = suite or load_suite(config.suite, data=config.data, split=config.split)
    missing = [task for task in manifest.tasks if task not in suite.by_id]
    if missing:
        raise ConfigError(
            f"{config.suite} has no task {missing[0]!r} any more, which the run in {path} has: "
            "restore the data that it was started with"
        )
    cost = _as_booked if prices is None else partial(_priced, prices, config.model)
    rows = (
        read_row(directory, job, suite.by_id[job.task], suite, cost=cost) for job in manifest.jobs()
    )
    return score_rows(path, manifest, suite, rows)


def score_rows(path: Path, manifest: Manifest, suite: Suite, rows: Iterable[Row]) -> Results:
    """Return the results that rows come to, each of them scored now.

    Args:
        path: the directory of the benchmark.
        manifest: its manifest.
        suite: its suite.
        rows: what came of its jobs, in their order.
    """
    scored = tuple(score_row(row, suite.by_id[row.task], suite) for row in rows)
    return Results(
        directory=path,
        manifest=manifest,
        scorer=suite.scored_by,
        scored=suite.scored,
        rows=scored,
    )


Cost = Callable[[ev.ModelCalled], float | None]
"""Returns the dollars of a call, or None where its price is not known."""


def _as_booked(call: ev.ModelCalled) -> float | None:
    return call.cost


def _priced(prices: PriceList, model: str, call: ev.ModelCalled) -> float | None:
    """Return what a call costs by a list, as the model was asked for, or as it names itself."""
    facts = prices.find(model) or prices.find(call.model)
    return None if facts is None or facts.prices is None else facts.prices.cost(call.usage)


def read_row(
    directory: BenchDirectory, job: Job, sample: Sample, suite: Suite, *, cost: Cost = _as_booked
) -> Row:
    """Return what came of a job, not scored yet."""
    trace = directory.trace(job)
    row = Row(task=job.task, epoch=job.epoch, level=sample.level, tags=sample.tags)
    if not (trace / EVENTS_FILE).exists():
        return row
    attempts = len(directory.earlier(job)) + 1
    row = replace(row, state="unfinished", trace=trace, attempts=attempts)
    try:
        return _tell(row, trace, suite, cost)
    except TraceError as error:
        return replace(row, state="errored", reason="trace failure", message=str(error))


def _tell(row: Row, trace: Path, suite: Suite, cost: Cost) -> Row:
    """Return a row with what its trace tells."""
    blobs, waited = BlobStore(trace / BLOBS_FOLDER), 0.0
    for event in read_events(trace):
        match event:
            case ev.ModelCalled():
                row.ledger.add(event.role, event.phase, event.usage, cost(event), event.parts)
            case ev.ModelRetried():
                waited += event.wait
            case ev.Answered():
                row = replace(row, best_effort=event.best_effort)
            case ev.RunEnded():
                answer = None if event.answer is None else blobs.read_text(event.answer)
                row = replace(
                    row,
                    state=state_of(event.reason, event.message),
                    reason=event.reason,
                    message=event.message,
                    answer=suite.bare_answer(answer),
                    steps=event.steps,
                    duration=event.duration,
                    working=max(0.0, event.duration - waited),
                )
    return row


def state_of(reason: str, message: str = "") -> State:
    """Return the state that the reason of a run's end comes to.

    A run that stopped since the budget of the whole benchmark was spent is not done: with more of
    it, it goes on.
    """
    if reason == "budget" and "of the benchmark" in message:
        return "cancelled"
    if reason in ("answered", "cancelled"):
        return reason  # type: ignore[return-value]
    return "errored" if reason in _ERRORS else "stopped"


def score_row(row: Row, sample: Sample, suite: Suite) -> Row:
    """Return a row with the verdict on it, where it was begun and the suite is scored."""
    if row.trace is None or not suite.scored:
        return row
    events: Callable[[], Iterator[ev.Event]] = partial(read_events, row.trace)
    attempt = Attempt(answer=row.answer, events=events, blobs=BlobStore(row.trace / BLOBS_FOLDER))
    try:
        return replace(row, verdict=suite.scorer.score(attempt, sample))
    except Exception as error:  # a scorer's fault is that of its row alone
        return replace(row, scoring_error=f"{type(error).__name__}: {error}")


def by_task(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return rows by sample, epoch by epoch."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.task, []).append(row)
    return found


def total_of(rows: Sequence[Row]) -> Entry:
    """Return the tokens and dollars of rows together."""
    total = Entry()
    for row in rows:
        total.merge(row.total)
    return total


def count_states(rows: Sequence[Row]) -> Mapping[State, int]:
    """Return how many rows there are of each state that occurs."""
    counts: dict[State, int] = {}
    for row in rows:
        counts[row.state] = counts.get(row.state, 0) + 1
    return counts

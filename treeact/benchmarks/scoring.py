"""Scoring: an attempt at a sample goes in, a verdict comes out, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from treeact.benchmarks.suite import Sample
    from treeact.trace.blobs import BlobStore
    from treeact.trace.events import Event
    from treeact.trace.log import EventLog


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What is known of a run that ended, as its trace tells it."""

    answer: str | None
    """None where there is none; that is never right."""
    events: Callable[[], Iterator[Event]]
    """Returns the run's events."""
    blobs: BlobStore
    """Where the big values of the events are."""

    @classmethod
    def of_log(cls, answer: str | None, log: EventLog) -> Attempt:
        """Return the attempt that a run was whose log is at hand."""
        return cls(answer=answer, events=log.events, blobs=log.blobs)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a scorer says of an attempt."""

    right: bool
    near_miss: bool = False
    """Wrong by little. Told beside the score, never counted in it."""
    format_failure: bool = False
    """Wrong, and right once its form is cleaned up. Told beside the score, never counted in it."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """Further figures by name, such as `f1`."""


WRONG = Verdict(right=False)


class Scorer(Protocol):
    """Says how right attempts are: a pure function of the attempt and the sample's truth.

    Results name it with its version, so that whoever changes what it says raises the version.
    """

    @property
    def name(self) -> str:
        """Its name, such as `gaia`."""

    @property
    def version(self) -> int:
        """Raised whenever the same attempt may get another verdict."""

    def score(self, attempt: Attempt, sample: Sample) -> Verdict:
        """Return the verdict on an attempt."""
        ...


@dataclass(frozen=True)
class AnswerScorer:
    """A scorer that looks at the answer alone.

    Args:
        name: its name.
        version: see `Scorer`.
        judge: takes the answer and the truth, and returns the verdict.
        missing: the verdict where there is no answer.
    """

    name: str
    version: int
    judge: Callable[[str, Any], Verdict]
    missing: Verdict = WRONG

    def score(self, attempt: Attempt, sample: Sample) -> Verdict:
        """Return the verdict on the attempt's answer; none is wrong."""
        return self.missing if attempt.answer is None else self.judge(attempt.answer, sample.truth)

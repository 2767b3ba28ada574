"""Two runs of the same tasks, compared task by task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from treeact.benchmarks.results import Results, Row
from treeact.benchmarks.statistics import Estimate, difference, holm, sign_test
from treeact.errors import ConfigError

Pairs = Sequence[tuple[Sequence[Row], Sequence[Row]]]


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A task that one run has right more often than the other."""

    task: str
    level: int | None
    before: float
    """The share of epochs in which the first run has it right."""
    after: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a second run comes to beside a first one; each difference is second minus first."""

    first: Results
    second: Results
    tasks: int
    """Those that both have, which all figures are over."""
    both: int
    """Tasks that both runs have right in every epoch."""
    neither: int
    """Tasks that neither has right in any epoch."""
    alike: int
    """Further tasks that both have right equally often."""
    flips: tuple[Flip, ...]
    accuracy: Estimate
    p: float
    """McNemar's exact test; with several epochs the sign test over tasks, its general form."""
    corrected: float
    """`p` after Holm's correction for all comparisons made at once."""
    tokens: Estimate
    """Of tokens for each task and epoch."""
    cost: Estimate | None
    """Of dollars for each task and epoch; None where calls of either have no known price."""
    duration: Estimate
    """Of seconds for each task and epoch."""

    @property
    def gained(self) -> int:
        """Tasks that the second run has right more often."""
        return sum(flip.after > flip.before for flip in self.flips)

    @property
    def lost(self) -> int:
        """Tasks that the first run has right more often."""
        return len(self.flips) - self.gained

    @property
    def notes(self) -> list[str]:
        """What keeps the figures from being the whole truth, a sentence each."""
        found = []
        for results in (self.first, self.second):
            if left := sum(not row.over for row in results.rows):
                found.append(f"{results.directory}: {left} jobs are not done, and count as wrong")
            if words := results.manifest.config.simulated:
                found.append(f"{results.directory}: from {words}, not a model's score")
        return found


def compare(
    first: Results, others: Sequence[Results], *, intersect: bool = False
) -> list[Comparison]:
    """Compare other runs with a first one.

    Rows are aligned by task; a task counts with the share of its epochs that are right, whatever
    came of the others. Intervals are bootstrapped over tasks.

    Args:
        first: the run that the others are compared with.
        others: as scored as it, by the same version of the same scorer.
        intersect: whether tasks that only one of two runs has are left out.

    Raises:
        ConfigError: runs are not scored, or not alike; their tasks differ, or what a task is.
    """
    found = [_compare(first, other, intersect) for other in others]
    corrected = holm([comparison.p for comparison in found])
    return [replace(one, corrected=p) for one, p in zip(found, corrected, strict=True)]


def _compare(first: Results, second: Results, intersect: bool) -> Comparison:
    _check(first, second)
    tasks = _common_tasks(first, second, intersect)
    one, two = first.by_task(), second.by_task()
    pairs = [(one[task], two[task]) for task in tasks]
    shares = [(_share(before), _share(after)) for before, after in pairs]
    flips = tuple(
        Flip(task=task, level=one[task][0].level, before=before, after=after)
        for task, (before, after) in zip(tasks, shares, strict=True)
        if before != after
    )
    gained = sum(flip.after > flip.before for flip in flips)
    both, neither = shares.count((1.0, 1.0)), shares.count((0.0, 0.0))
    p = sign_test(gained, len(flips) - gained)
    priced = not any(row.total.unpriced for pair in pairs for rows in pair for row in rows)
    return Comparison(
        first=_only(first, tasks),
        second=_only(second, tasks),
        tasks=len(tasks),
        both=both,
        neither=neither,
        alike=len(tasks) - len(flips) - both - neither,
        flips=flips,
        accuracy=_difference(pairs, lambda row: float(row.right)),
        p=p,
        corrected=p,
        tokens=_difference(pairs, lambda row: row.total.usage.total_tokens),
        cost=_difference(pairs, lambda row: row.total.cost) if priced else None,
        duration=_difference(pairs, lambda row: row.duration),
    )


def _check(first: Results, second: Results) -> None:
    for results in (first, second):
        if not results.scored:
            raise ConfigError(
                f"the run in {results.directory} is not scored, since the truths of its split are "
                "placeholders: compare runs of a split that has truths"
            )
    if first.scorer != second.scorer:
        raise ConfigError(
            f"{first.directory} is scored by {first.scorer}, {second.directory} by "
            f"{second.scorer}: compare runs of one suite"
        )


def _common_tasks(first: Results, second: Results, intersect: bool) -> list[str]:
    """Return the tasks that both have, in the first one's order."""
    one, two = first.manifest, second.manifest
    common = [task for task in one.tasks if task in set(two.tasks)]
    apart = sorted(set(one.tasks) ^ set(two.tasks))
    if not common:
        raise ConfigError(f"{first.directory} and {second.directory} have no task in common")
    if apart and not intersect:
        raise ConfigError(
            f"{len(apart)} tasks are only in one of {first.directory} and {second.directory}, such "
            f"as {', '.join(apart[:3])}: --intersect compares the {len(common)} that both have"
        )
    changed = [task for task in common if one.samples.get(task) != two.samples.get(task)]
    if changed:
        raise ConfigError(
            f"{len(changed)} tasks are not the same in {first.directory} and {second.directory}, "
            f"such as {', '.join(changed[:3])}: run one of them again on the other's data"
        )
    return common


def _only(results: Results, tasks: Sequence[str]) -> Results:
    chosen = set(tasks)
    return replace(results, rows=tuple(row for row in results.rows if row.task in chosen))


def _share(rows: Sequence[Row]) -> float:
    return sum(row.right for row in rows) / len(rows)


def _difference(pairs: Pairs, figure: Callable[[Row], float]) -> Estimate:
    """Return how the second run's mean over epochs differs from the first's, over tasks."""

    def mean(rows: Sequence[Row]) -> float:
        return sum(map(figure, rows)) / len(rows)

    return difference([mean(two) for _, two in pairs], [mean(one) for one, _ in pairs])

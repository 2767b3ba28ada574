"""Measures subjects side by side: A B C, A B C, ..., so that a noisy moment hits all of them."""

from __future__ import annotations

import argparse
import asyncio
import gc
import inspect
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from support.report import Report, Target

Sample = float | list[float]
"""Seconds that something took, or how much there was of it; several when it was done repeatedly."""

Measure = Callable[[], Sample | Awaitable[Sample]]
"""Does the thing and returns its sample."""

Open = Callable[[], AbstractAsyncContextManager[Measure]]
"""Prepares a subject; what that takes is not measured."""


class Unavailable(Exception):
    """A subject cannot be had here; the text says why, and is shown in its row."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One row of the table."""

    name: str
    open: Open
    baseline: str | None = None
    """The row that this one's ratio is over."""
    target: Target | None = None
    unit: str = "ms"
    """`ms` for what was measured in seconds; else the unit of the numbers as they are."""
    note: str = ""


@dataclass
class Bench:
    """One script's measurement.

    Args:
        report: where the rows go.
        quick: a fifth of the rounds.
        only: parts of names of rows to measure; their baselines are measured too.
        skip: parts of names of rows to leave out.
    """

    report: Report
    quick: bool = False
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    _errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_command_line(cls, name: str, description: str | None) -> Bench:
        """Return the measurement that the command line asks for."""
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--quick", action="store_true", help="a fifth of the rounds")
        parser.add_argument(
            "--only", action="append", default=[], metavar="ROW", help="part of a row's name"
        )
        parser.add_argument(
            "--skip", action="append", default=[], metavar="ROW", help="part of a row's name"
        )
        options = parser.parse_args()
        only, skip = tuple(options.only), tuple(options.skip)
        return cls(Report(name), quick=options.quick, only=only, skip=skip)

    async def group(self, subjects: Iterable[Subject], *, rounds: int, pause: float = 0.0) -> None:
        """Measure `subjects` in one interleaved run, after a round that is not counted.

        Args:
            subjects: the rows.
            rounds: how often each is measured.
            pause: seconds of quiet before each measurement, the same for all.
        """
        chosen = self._chosen(list(subjects))
        if not chosen:
            return
        rounds = max(3, rounds // 5) if self.quick else rounds
        samples: dict[str, list[float]] = {subject.name: [] for subject in chosen}
        async with AsyncExitStack() as stack:
            ready = await self._open(chosen, stack)
            for number in range(rounds + 1):
                for name in list(ready):
                    try:
                        value = await _measure(ready[name], pause)
                    except Exception as error:
                        self._fail(name, error)
                        del ready[name]
                        continue
                    if number > 0:
                        samples[name] += value if isinstance(value, list) else [value]
        for subject in chosen:
            self.report.add(
                name=subject.name,
                samples=[] if subject.name in self._errors else samples[subject.name],
                unit=subject.unit,
                baseline=subject.baseline,
                target=subject.target,
                note=self._errors.get(subject.name, subject.note),
            )

    async def _open(self, subjects: list[Subject], stack: AsyncExitStack) -> dict[str, Measure]:
        ready: dict[str, Measure] = {}
        for subject in subjects:
            self.report.progress(subject.name)
            try:
                ready[subject.name] = await stack.enter_async_context(subject.open())
            except Exception as error:
                self._fail(subject.name, error)
        return ready

    def _fail(self, name: str, error: Exception) -> None:
        text = " ".join(str(error).split())[:200]
        kind = "" if isinstance(error, Unavailable) else f"{type(error).__name__}: "
        self._errors[name] = f"not measured: {kind}{text}"

    def _chosen(self, subjects: list[Subject]) -> list[Subject]:
        subjects = [s for s in subjects if not any(part in s.name for part in self.skip)]
        if not self.only:
            return subjects
        wanted = {s.name for s in subjects if any(part in s.name for part in self.only)}
        baselines = {s.baseline for s in subjects if s.name in wanted}
        return [s for s in subjects if s.name in wanted | baselines]


async def _measure(measure: Measure, pause: float) -> Sample:
    gc.collect()  # ours to pay between the measurements, not within one
    await asyncio.sleep(pause)
    value = measure()
    return await value if inspect.isawaitable(value) else value


def plain(measure: Measure) -> Open:
    """Return the opening of a subject that needs no preparation."""

    @asynccontextmanager
    async def opened():
        yield measure

    return opened

"""Estimates with 95 % intervals, over the seeds of a study or the tasks of a benchmark."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from treeact.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEVEL = 0.95
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
RESAMPLES = 2000
SEED = 20231025
"""Of the resampling, so that the same runs give the same interval."""


@dataclass(frozen=True)
class Estimate:
    """A value with the 95 % interval that it lies in."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{_short(self.value)} [{_short(self.low)}, {_short(self.high)}]"


def need_libraries() -> None:
    """Check that what studies are drawn with is there.

    Raises:
        ConfigError: it is not; the message names the extra to install.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise ConfigError(
            f"studies need {error.name}, which is not installed: pip install 'treeact[studies]'"
        ) from error
    matplotlib.use("agg")


def share(values: Sequence[float]) -> Estimate:
    """Return the share of ones among zeros and ones, with Wilson's interval (Wilson 1927)."""
    return _wilson(sum(values) / len(values), len(values))


def clustered(groups: Sequence[Sequence[float]]) -> Estimate:
    """Return the mean over tasks of the share of ones among their epochs, with an interval.

    Epochs of one task are not independent. Wilson's interval is taken for as many independent
    values as would have `cluster_error` (the effective sample size, as in Korn and Graubard 1998).
    With one epoch it is that of `share`.

    Args:
        groups: for each task, zeros and ones of its epochs.
    """
    means = [sum(group) / len(group) for group in groups]
    value, error = sum(means) / len(means), cluster_error(groups)
    rows = sum(map(len, groups))
    if error:
        return _wilson(value, min(rows, value * (1 - value) / error**2))
    return _wilson(value, len(groups) if value in (0, 1) else rows)


def cluster_error(groups: Sequence[Sequence[float]]) -> float:
    """Return the standard error of the mean over tasks of the means over their epochs.

    Rows are clustered by task, as in Miller 2024 (arXiv:2411.00640, section 2.2): epochs of one
    task that agree add nothing to what is known.
    """
    means = [sum(group) / len(group) for group in groups]
    middle = sum(means) / len(means)
    return math.sqrt(sum((value - middle) ** 2 for value in means)) / len(means)


def pass_at_k(epochs: int, right: int, k: int) -> float:
    """Return how likely at least one of `k` epochs is right, without bias (Chen et al. 2021).

    Args:
        epochs: how often the task was tried.
        right: how many of them were right.
        k: at most `epochs`.
    """
    return 1 - math.comb(epochs - right, k) / math.comb(epochs, k)


def pass_hat_k(epochs: int, right: int, k: int) -> float:
    """Return how likely all of `k` epochs are right, without bias (Yao et al. 2024, tau-bench)."""
    return math.comb(right, k) / math.comb(epochs, k)


def sign_test(more: int, fewer: int) -> float:
    """Return the exact two-sided p of `more` against `fewer`, were both as likely.

    Over tasks that one run has right and the other wrong it is McNemar's exact test.
    """
    n, tail = more + fewer, min(more, fewer)
    ways = sum(math.comb(n, count) for count in range(tail + 1))
    return min(1.0, ways / int(2**n) * 2)


def holm(values: Sequence[float]) -> list[float]:
    """Return the p values of several tests, each corrected for being one of many (Holm 1979)."""
    found, highest = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[place]))
        found[place] = highest
    return found


def mean(values: Sequence[float]) -> Estimate:
    """Return the mean, with a bootstrap interval."""
    import numpy as np

    return _bootstrap(np.mean, values)


def quantile(values: Sequence[float], q: float) -> Estimate:
    """Return the smallest value that a share of `q` does not exceed, with a bootstrap interval."""
    import numpy as np

    def at_q(sample: Floats, axis: int) -> Any:
        return np.quantile(sample, q, axis=axis, method="inverted_cdf")

    return _bootstrap(at_q, values)


def difference(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """Return the mean of `first - second` over the same tasks, with a bootstrap interval."""
    return mean([a - b for a, b in zip(first, second, strict=True)])


def ratio(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """Return the ratio of the means over the same seeds, with a bootstrap interval."""

    def of_means(a: Floats, b: Floats, axis: int) -> Any:
        return a.mean(axis=axis) / b.mean(axis=axis)

    return _bootstrap(of_means, first, second)


def _wilson(value: float, n: float) -> Estimate:
    spread = Z / (1 + Z**2 / n)
    middle = (value + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = spread * math.sqrt(value * (1 - value) / n + Z**2 / (4 * n**2))
    return Estimate(value, max(0.0, middle - half), min(1.0, middle + half))


def _bootstrap(statistic: Callable[..., Any], *samples: Sequence[float]) -> Estimate:
    """Return the statistic with its percentile interval; several samples are resampled as pairs."""
    import numpy as np

    arrays = [np.asarray(sample, dtype=float) for sample in samples]
    n = len(arrays[0])
    drawn = np.random.default_rng(SEED).integers(0, n, (RESAMPLES, n))
    found = statistic(*(array[drawn] for array in arrays), axis=1)
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(statistic(*arrays, axis=0)), float(low), float(high))


def _short(number: float) -> str:
    """Write a number with three digits, or all those before the point."""
    return f"{number:.3g}" if abs(number) < 999.5 else f"{number:.0f}"

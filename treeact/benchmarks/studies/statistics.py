"""Estimates with 95 % intervals, over the seeds of a setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from treeact.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEVEL = 0.95
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
    """Check that what studies are evaluated and drawn with is there.

    Raises:
        ConfigError: it is not; the message names the extra to install.
    """
    try:
        import matplotlib
        import scipy  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"studies need {error.name}, which is not installed: pip install 'treeact[studies]'"
        ) from error
    matplotlib.use("agg")


def share(values: Sequence[float]) -> Estimate:
    """Return the share of ones among zeros and ones, with Wilson's interval."""
    from scipy.stats import binomtest

    result = binomtest(round(sum(values)), len(values))
    low, high = result.proportion_ci(LEVEL, method="wilson")
    return Estimate(float(result.statistic), float(low), float(high))


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
    """Return the mean of `first - second` over the same seeds, with a bootstrap interval."""
    return mean([a - b for a, b in zip(first, second, strict=True)])


def ratio(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """Return the ratio of the means over the same seeds, with a bootstrap interval."""

    def of_means(a: Floats, b: Floats, axis: int) -> Any:
        return a.mean(axis=axis) / b.mean(axis=axis)

    return _bootstrap(of_means, first, second)


def _bootstrap(statistic: Callable[..., Any], *samples: Sequence[float]) -> Estimate:
    """Return the statistic with its percentile interval; several samples are resampled as pairs."""
    import numpy as np
    from scipy.stats import bootstrap

    arrays = [np.asarray(sample, dtype=float) for sample in samples]
    interval = bootstrap(
        arrays,
        statistic,
        n_resamples=RESAMPLES,
        vectorized=True,
        paired=len(arrays) > 1,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    value = float(statistic(*arrays, axis=0))
    return Estimate(value, float(interval.low), float(interval.high))


def _short(number: float) -> str:
    """Write a number with three digits, or all those before the point."""
    return f"{number:.3g}" if abs(number) < 999.5 else f"{number:.0f}"

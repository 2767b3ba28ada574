import random

import pytest

from treeact.benchmarks.studies.statistics import (
    Estimate,
    difference,
    mean,
    quantile,
    ratio,
    share,
)


def test_a_share_has_wilsons_interval():
    # by hand: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), p = 0.1, n = 10, z = 1.96
    found = share([1.0] + [0.0] * 9)
    assert found.value == 0.1
    assert (found.low, found.high) == pytest.approx((0.0179, 0.4042), abs=1e-3)
    assert share([1.0] * 200).low == pytest.approx(0.981, abs=1e-3)


def test_intervals_hold_the_truth_as_often_as_they_say():
    held = {"mean": 0, "share": 0}
    for trial in range(200):
        rng = random.Random(trial)
        low_mean = mean([rng.expovariate(1.0) for _ in range(100)])
        held["mean"] += low_mean.low <= 1.0 <= low_mean.high
        low_share = share([float(rng.random() < 0.3) for _ in range(100)])
        held["share"] += low_share.low <= 0.3 <= low_share.high
    assert all(count >= 180 for count in held.values()), held  # 190 expected


def test_equal_runs_give_equal_intervals():
    values = [random.Random(n).random() for n in range(50)]
    assert mean(values) == mean(values)
    assert mean(values).low < mean(values).value < mean(values).high


def test_values_that_do_not_vary_are_certain():
    assert mean([3.0] * 20) == Estimate(3.0, 3.0, 3.0)
    assert ratio([3.0] * 20, [6.0] * 20) == Estimate(0.5, 0.5, 0.5)


def test_comparisons_are_over_the_same_seeds():
    hard = [random.Random(n).uniform(0, 100) for n in range(50)]
    harder = [2 * value + 1 for value in hard]
    assert ratio(harder, hard).value == pytest.approx(2, abs=0.1)
    assert ratio(harder, hard).high - ratio(harder, hard).low < 0.05  # though each varies by 100
    same = difference([value + 1 for value in hard], hard)
    assert (same.low, same.high) == pytest.approx((1, 1))
    with pytest.raises(ValueError, match="zip"):
        difference([1.0], [1.0, 2.0])


def test_a_quantile_is_a_value_that_occurred():
    values = [float(n) for n in range(1, 101)]
    found = quantile(values, 0.9)
    assert found.value == 90 and 80 <= found.low < 90 < found.high <= 99
    assert quantile([float(n) for n in range(1, 11)], 0.9).value == 9

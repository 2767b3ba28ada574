import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeact.benchmarks.statistics import (
    Estimate,
    cluster_error,
    clustered,
    difference,
    holm,
    mean,
    pass_at_k,
    pass_hat_k,
    quantile,
    ratio,
    share,
    sign_test,
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


def ones(right: int, of: int) -> list[float]:
    return [1.0] * right + [0.0] * (of - right)


@pytest.mark.parametrize(
    ("right", "of", "interval"),
    [
        (83, 165, (0.428, 0.578)),
        (27, 53, (0.379, 0.639)),
        (43, 86, (0.397, 0.603)),
        (13, 26, (0.321, 0.679)),
        (0, 26, (0.0, 0.1287)),
        (26, 26, (0.8713, 1.0)),
    ],
)
def test_scores_of_gaias_size_have_the_known_noise(
    right: int, of: int, interval: tuple[float, float]
) -> None:
    for found in (share(ones(right, of)), clustered([[value] for value in ones(right, of)])):
        assert (found.low, found.high) == pytest.approx(interval, abs=5e-4)


def test_epochs_that_agree_tell_nothing_new():
    once = [[value] for value in ones(30, 80)]
    thrice = [values * 3 for values in once]
    assert clustered(thrice) == clustered(once)
    free = [ones(1, 3) for _ in range(80)]  # and epochs that do not agree tell more
    assert clustered(free).high - clustered(free).low < 0.6 * (
        clustered([[v] for v in ones(27, 80)]).high - clustered([[v] for v in ones(27, 80)]).low
    )
    assert clustered([[1.0, 1.0]] * 10) == share([1.0] * 10)


def test_the_error_over_tasks_is_that_of_the_paper():
    groups = [ones(right, 4) for right in (0, 1, 4, 4, 2)]
    middle = sum(map(sum, groups)) / 20
    # Miller 2024, equation 4: over the pairs of rows that share a task, and the rows themselves
    pairs = sum((a - middle) * (b - middle) for group in groups for a in group for b in group)
    assert cluster_error(groups) == pytest.approx(pairs**0.5 / 20)


@given(st.integers(1, 8), st.data())
def test_pass_at_k_is_the_share_of_draws(epochs: int, data: st.DataObject):
    right = data.draw(st.integers(0, epochs))
    k = data.draw(st.integers(1, epochs))
    draws = list(combinations(ones(right, epochs), k))
    assert pass_at_k(epochs, right, k) == pytest.approx(sum(map(any, draws)) / len(draws))
    assert pass_hat_k(epochs, right, k) == pytest.approx(sum(map(all, draws)) / len(draws))


def test_pass_at_k_of_five_epochs():
    assert (pass_at_k(5, 2, 1), pass_at_k(5, 2, 3)) == pytest.approx((0.4, 0.9))
    assert pass_hat_k(5, 2, 2) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("more", "fewer", "p"), [(10, 20, 0.099), (8, 20, 0.036), (5, 15, 0.041), (12, 24, 0.065)]
)
def test_mcnemars_exact_test(more: int, fewer: int, p: float):
    assert sign_test(more, fewer) == sign_test(fewer, more) == pytest.approx(p, abs=5e-4)


def test_runs_that_do_not_differ_are_no_surprise():
    assert sign_test(0, 0) == sign_test(4, 4) == sign_test(3, 4) == 1
    assert sign_test(1500, 1600) == pytest.approx(0.0755, abs=5e-4)  # more ways than floats hold


def test_holm_corrects_in_the_order_of_the_values():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02] and holm([]) == []

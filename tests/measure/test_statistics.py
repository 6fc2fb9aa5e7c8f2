from typing import Any

import numpy as np
import pytest
from scipy import stats

from unroll.measure import statistics
from unroll.measure.statistics import ENOUGH_ROUNDS, break_even, growth, ratio


def rounds(values):
    """Give each value a round of its own."""
    return [[float(value)] for value in values]


def test_a_ratio_holds_while_the_machine_drifts():
    drift = np.linspace(1, 5, 40)
    found = ratio(rounds(2 * drift), rounds(drift))
    assert found.value == pytest.approx(2)
    assert found.decided


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(0)
    covered = [
        found.low <= 1.5 <= found.high
        for found in (
            ratio(rounds(1.5 * random.lognormal(0, 0.1, 12)), rounds(random.lognormal(0, 0.1, 12)), seed=k)
            for k in range(60)
        )
    ]
    assert 0.85 <= np.mean(covered) <= 1


@pytest.mark.parametrize("count", range(2, 12))
def test_equal_variants_are_seldom_told_apart(count):
    random = np.random.default_rng(count)
    told = [
        ratio(rounds(random.lognormal(0, 0.1, count)), rounds(random.lognormal(0, 0.1, count))).decided
        for _ in range(200)
    ]
    assert np.mean(told) <= 0.08
    if count < ENOUGH_ROUNDS:
        assert not any(told)


def test_the_samples_of_a_round_count_as_one():
    found = ratio([[1, 1, 100], [3, 3, 3]], [[1, 1, 1], [1, 1, 1]])
    assert found.value == 2  # of the rounds' medians 1 and 3
    assert found.low == 1


def test_one_round_has_no_interval():
    found = ratio([[2.0]], [[1.0]])
    assert found.value == 2
    assert np.isnan(found.low)
    assert not found.decided


@pytest.mark.parametrize(("over", "under"), [([[1]], [[1], [2]]), ([[1], []], [[1], [2]]), ([], [])])
def test_samples_that_did_not_take_turns_are_refused(over, under):
    with pytest.raises(ValueError, match="want two that took turns"):
        ratio(over, under)


def test_the_slower_to_start_pays_for_itself_when_its_steps_have_saved_as_much():
    late, early = rounds([10, 10, 10]), rounds([2, 2, 2])
    found = break_even(late, rounds([1, 1, 1]), early, rounds([1.5, 1.5, 1.5]))
    assert found == (16, 16, 16)


def test_it_never_does_with_slower_steps_and_at_once_if_it_does_not_start_later():
    late, early, fast, slow = rounds([10, 11]), rounds([2, 3]), rounds([1, 1]), rounds([2, 2])
    assert break_even(late, slow, early, fast).steps == np.inf
    assert break_even(early, slow, late, fast).steps == 0


def test_its_interval_may_reach_to_never():
    start, other = rounds([10] * 8), rounds([2] * 8)
    found = break_even(start, rounds([1] * 8), other, rounds([1.5, 1.5, 1.5, 1.5, 1.5, 0.5, 0.5, 0.5]))
    assert found.steps == 16
    assert found.low == 16
    assert found.high == np.inf


@pytest.mark.parametrize("exponent", [0, 1, 2])
def test_the_law_of_growth_is_found_in_spite_of_noise_and_an_outlier(exponent):
    random = np.random.default_rng(0)
    sizes = np.repeat([64, 128, 256, 512, 1024], 5)
    costs = 0.01 * sizes.astype(float) ** exponent * random.lognormal(0, 0.05, 25)
    costs[7] *= 30
    found = growth(sizes, costs)
    assert found.exponent == pytest.approx(exponent, abs=0.05)
    assert found.low <= exponent <= found.high


@pytest.mark.parametrize(("sizes", "costs"), [([1, 2], [1, 2]), ([1, 2, 4], [1, 0, 2]), ([1, 2, 4], [1, 2])])
def test_too_little_to_fit_is_refused(sizes, costs):
    with pytest.raises(ValueError, match="want positive costs at three or more"):
        growth(sizes, costs)


@pytest.mark.parametrize("count", range(ENOUGH_ROUNDS, 60))
def test_the_exact_interval_of_a_median_is_scipys(count):
    values = np.random.default_rng(count).normal(size=count)
    exact: Any = stats.quantile_test(values, p=0.5).confidence_interval(0.95)
    assert statistics._median_interval(values) == (exact.low, exact.high)


@pytest.mark.parametrize("seed", range(40))
def test_slopes_and_their_interval_are_scipys(seed):
    random = np.random.default_rng(seed)
    x = np.log(random.choice([64, 128, 256, 512, 1024], 4 + seed))
    y = x * 1.3 + random.normal(size=len(x)).round(1)  # with ties in both
    if len(set(x)) < 3:
        pytest.skip("too few sizes")
    slope, _, low, high = stats.theilslopes(y, x, 0.95)
    assert statistics._theil_sen(x, y) == pytest.approx((slope, low, high), rel=1e-12)


@pytest.mark.parametrize("count", [1, 2, 6, 9])
def test_medians_are_numpys(count):
    values = np.random.default_rng(count).normal(size=[50, count])
    assert (statistics._median(values) == np.median(values, axis=-1)).all()

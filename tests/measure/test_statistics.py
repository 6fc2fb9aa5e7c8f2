from typing import Any

import numpy as np
import pytest
from scipy import stats

from unroll.measure import statistics
from unroll.measure.statistics import (
    AGREES,
    CLOSE,
    DIFFERS,
    ENOUGH_ROUNDS,
    FASTER,
    SAME,
    SLOWER,
    Ratio,
    break_even,
    growth,
    ratio,
)


def each(values):
    """Give each value a round of its own."""
    return [[float(value)] for value in values]


def test_a_ratio_holds_while_the_machine_drifts():
    drift = np.linspace(1, 5, 40)
    found = ratio(each(2 * drift), each(drift))
    assert found.value == pytest.approx(2)
    assert found.decided


def measure(random, rounds, processes, luck=0.03, noise=0.05):
    """Measure two equal variants in so many rounds of so many processes, each of which has luck with each variant."""
    names = [number * processes // rounds for number in range(rounds)]
    lucky = random.normal(0, luck, (2, processes))[:, names]
    over, under = np.exp(lucky + random.normal(0, noise, (2, rounds)))
    return each(over), each(under), names


@pytest.mark.parametrize(("rounds", "processes"), [(3, 3), (6, 3), (9, 3), (12, 6), (9, 9), (24, 12)])
def test_the_interval_holds_the_truth_in_spite_of_the_luck_of_processes(rounds, processes):
    random = np.random.default_rng(rounds)
    found = [ratio(*measure(random, rounds, processes)) for _ in range(2000)]
    assert np.mean([one.low <= 1 <= one.high for one in found]) >= 0.93
    assert np.mean([one.decided for one in found]) <= 0.05


def test_as_if_rounds_were_independent_the_interval_would_be_too_narrow():
    random = np.random.default_rng(0)
    found = [ratio(*measure(random, 9, 3)[:2]) for _ in range(1000)]
    assert np.mean([one.low <= 1 <= one.high for one in found]) < 0.92


def test_the_share_of_the_variance_between_processes_is_found():
    random = np.random.default_rng(0)
    shares = [ratio(*measure(random, 24, 8)).share for _ in range(400)]
    assert np.mean(shares) == pytest.approx(0.03**2 / (0.03**2 + 0.05**2), abs=0.03)
    lucky, even = (statistics.share_between(np.array(found)) for found in ([[1, 1], [2, 2]], [[1, 2], [1, 2]]))
    assert (lucky, even) == (1, 0)
    assert all(np.isnan(statistics.share_between(found)) for found in ([np.ones(3)], [np.ones(1), np.ones(1)]))


def test_rounds_of_one_process_have_no_interval_and_no_verdict():
    found = ratio(each([2.0] * 9), each([1.0] * 9), ["one"] * 9)
    assert (found.value, found.rounds, found.processes) == (2, 9, 1)
    assert np.isnan(found.low) and found.verdict == "no verdict: one process"


def test_a_process_counts_as_the_median_of_its_rounds():
    found = ratio(each([1, 1, 100, 4]), each([1] * 4), ["a", "a", "a", "b"])
    assert found.value == pytest.approx(2)  # of 1 and 4, in logarithms


@pytest.mark.parametrize(
    ("low", "high", "rounds", "verdict"),
    [
        (0.5, 0.99, 6, FASTER),
        (1.01, 2.0, 6, SLOWER),
        (0.95, 1.05, 6, SAME),
        (1.01, 1.05, 6, SAME),
        (0.9496, 0.9904, 6, SAME),  # as printed: [0.95, 0.99]
        (0.94, 1.05, 6, CLOSE),
        (0.5, 0.996, 6, CLOSE),  # as printed: [0.50, 1.00]
        (0.5, 0.6, 5, "no verdict: 5 rounds"),
        (0.5, 0.6, 1, "no verdict: 1 round"),
    ],
)
def test_a_verdict_is_one_of_four_words_or_says_why_there_is_none(low, high, rounds, verdict):
    found = Ratio(1.0, low, high, rounds)
    assert (found.verdict, found.decided) == (verdict, verdict in (FASTER, SLOWER))
    assert found.has_verdict == (rounds >= ENOUGH_ROUNDS)


def test_what_is_published_agrees_differs_or_is_too_close_to_call():
    assert Ratio(1.0, 0.99, 1.01).agreement == AGREES
    assert Ratio(0.99, 0.98, 0.995).agreement == DIFFERS
    assert Ratio(1.0, 0.9, 1.1).agreement == CLOSE


@pytest.mark.parametrize("freedom", [*range(1, 12), 50, 9999])
def test_students_quantile_is_scipys(freedom):
    assert statistics.student_t(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=1e-8)


def test_the_samples_of_a_round_count_as_one():
    found = ratio([[1, 1, 100], [3, 3, 3]], [[1, 1, 1], [1, 1, 1]])
    assert found.value == pytest.approx(3**0.5)  # of the rounds' medians 1 and 3, in logarithms


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
    late, early = each([10, 10, 10]), each([2, 2, 2])
    found = break_even(late, each([1, 1, 1]), early, each([1.5, 1.5, 1.5]))
    assert found == (16, 16, 16)


def test_it_never_does_with_slower_steps_and_at_once_if_it_does_not_start_later():
    late, early, fast, slow = each([10, 11]), each([2, 3]), each([1, 1]), each([2, 2])
    assert break_even(late, slow, early, fast).steps == np.inf
    assert break_even(early, slow, late, fast).steps == 0


def test_its_interval_may_reach_to_never():
    found = break_even(each([10] * 6), each([1] * 6), each([2] * 6), each([1.9, 1.1, 1.9, 1.1, 2.5, 0.9]))
    assert found.steps == pytest.approx(8 / (9.4 / 6 - 1))
    assert 0 < found.low < found.steps and found.high == np.inf


def test_its_interval_has_the_steps_at_which_students_interval_of_the_difference_reaches_0():
    random = np.random.default_rng(0)
    start, step, other_step = random.normal(10, 1, 6), random.normal(1, 0.02, 6), random.normal(1.5, 0.02, 6)
    found = break_even(each(start), each(step), each([2] * 6), each(other_step))
    for steps in (found.low, found.high):
        difference = start - 2 - steps * (other_step - step)
        reach = stats.t.ppf(0.975, 5) * difference.std(ddof=1) / 6**0.5
        assert abs(difference.mean()) == pytest.approx(reach)
    assert found.low < found.steps < found.high < np.inf


def test_its_interval_is_at_once_or_never_where_that_is_certain():
    late, early, fast, slow = each([10, 10.1]), each([2, 2.1]), each([1, 1.001]), each([2, 2.001])
    assert break_even(late, slow, early, fast)[1:] == (np.inf, np.inf)
    assert break_even(early, slow, late, fast)[1:] == (0, 0)


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
    assert statistics.median_of(list(values))[:3] == (np.median(values), exact.low, exact.high)
    assert np.isnan(statistics.median_of([1.0] * 5).low)


@pytest.mark.parametrize("seed", range(40))
def test_slopes_and_their_interval_are_scipys(seed):
    random = np.random.default_rng(seed)
    x = np.log(random.choice([64, 128, 256, 512, 1024], 4 + seed))
    y = x * 1.3 + random.normal(size=len(x)).round(1)  # with ties in both
    if len(set(x)) < 3:
        pytest.skip("too few sizes")
    slope, _, low, high = stats.theilslopes(y, x, 0.95)
    assert statistics._theil_sen(x, y) == pytest.approx((slope, low, high), rel=1e-12)

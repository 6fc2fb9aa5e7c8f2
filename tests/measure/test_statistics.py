import numpy as np
import pytest

from unroll.measure.statistics import ratio


def test_a_ratio_holds_while_the_machine_drifts():
    drift = np.linspace(1, 5, 40)
    found = ratio(list(2 * drift), list(drift), 40)
    assert found.value == pytest.approx(2)
    assert found.decided


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(0)
    covered = [
        found.low <= 1.5 <= found.high
        for found in (
            ratio(list(1.5 * random.lognormal(0, 0.1, 12)), list(random.lognormal(0, 0.1, 12)), 12, seed=k)
            for k in range(60)
        )
    ]
    assert 0.85 <= np.mean(covered) <= 1


def test_equal_variants_stay_undecided():
    random = np.random.default_rng(1)
    assert not ratio(list(random.lognormal(0, 0.1, 20)), list(random.lognormal(0, 0.1, 20)), 20).decided


def test_the_samples_of_a_round_count_as_one():
    samples, base = [1, 1, 100, 3, 3, 3], [1, 1, 1, 1, 1, 1]
    assert ratio(samples, base, 2).value == 2  # of the rounds' medians 1 and 3
    assert ratio(samples, base, 2).low == 1


def test_one_round_has_no_interval():
    found = ratio([2.0], [1.0], 1)
    assert found.value == 2
    assert np.isnan(found.low)
    assert not found.decided


@pytest.mark.parametrize(("samples", "base", "rounds"), [([1], [1, 2], 1), ([1, 2, 3], [1, 2, 3], 2), ([], [], 1)])
def test_samples_that_did_not_take_turns_are_refused(samples, base, rounds):
    with pytest.raises(ValueError, match="want two that took turns"):
        ratio(samples, base, rounds)

"""What samples say: ratios with intervals, growth laws, and when the slower to start has caught up."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

RESAMPLES = 9999
ENOUGH_ROUNDS = 6  # the whole range of fewer covers the true median less often than 95 times in 100
Rounds = Sequence[Sequence[float]]  # the samples of each round; round i of one ran beside round i of the other


class Ratio(NamedTuple):
    """A ratio with its 95% interval, from so many rounds."""

    value: float
    low: float
    high: float
    rounds: int = ENOUGH_ROUNDS

    @property
    def decided(self) -> bool:
        """Whether the interval excludes 1, so that one of the two is really the faster; from few rounds, never."""
        return self.rounds >= ENOUGH_ROUNDS and (self.low > 1 or self.high < 1)


class BreakEven(NamedTuple):
    """After how many steps the slower to start has caught up, with a 95% interval; infinity is never."""

    steps: float
    low: float
    high: float


class Growth(NamedTuple):
    """The exponent p of a cost that grows as size ** p, with its 95% interval."""

    exponent: float
    low: float
    high: float


def ratio(over: Rounds, under: Rounds, *, seed: int = 0) -> Ratio:
    """Give the median over rounds of over / under, with a 95% bootstrap interval (NaN if there is one round only).

    A round's samples are first reduced to their median: rounds, not samples, are independent. The bootstrap of a median
    is too narrow where rounds are few, so the interval is at least that of the order statistics, which is exact.

    Raises:
        ValueError: the two were not measured in the same rounds, or a round is empty.
    """
    quotients = _medians(over, len(under)) / _medians(under, len(over))
    low, high = _interval(lambda quotients, axis: np.median(quotients, axis=axis), quotients, seed=seed)
    if len(quotients) >= ENOUGH_ROUNDS:
        exact = stats.quantile_test(quotients, p=0.5).confidence_interval(0.95)
        low, high = min(low, float(exact.low)), max(high, float(exact.high))
    return Ratio(float(np.median(quotients)), low, high, len(quotients))


def break_even(start: Rounds, step: Rounds, other_start: Rounds, other_step: Rounds, *, seed: int = 0) -> BreakEven:
    """Give after how many steps the first, slower to start, has cost no more in all than the other.

        start + n * step = other_start + n * other_step

    0 where it starts no later; infinity where it starts later and its step is no faster.

    Args:
        start, other_start: seconds to build and to call first, one sample a round.
        step, other_step: seconds of later steps.

    Raises:
        ValueError: the four were not measured in the same rounds, or a round is empty.
    """
    rounds = len(start)
    medians = [_medians(samples, rounds) for samples in (start, step, other_start, other_step)]

    def caught_up(start, step, other_start, other_step, *, axis: int = -1) -> np.ndarray:
        late = np.median(start - other_start, axis=axis)
        gain = np.median(other_step - step, axis=axis)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(late <= 0, 0.0, np.where(gain > 0, late / gain, np.inf))

    low, high = _interval(caught_up, *medians, seed=seed)
    return BreakEven(float(caught_up(*medians)), low, high)


def growth(sizes: Sequence[float], costs: Sequence[float]) -> Growth:
    """Fit cost = a * size ** p through the logarithms: the median of all pairs' slopes, and its 95% interval.

    A single outlier does not move it (Theil and Sen; the interval is Sen's, 1968).

    Args:
        sizes, costs: one pair a sample; sizes may repeat.

    Raises:
        ValueError: fewer than three different sizes, or a cost that is not above 0.
    """
    if len(set(sizes)) < 3 or len(sizes) != len(costs) or min(costs) <= 0:
        raise ValueError(f"got {len(costs)} costs at {len(set(sizes))} sizes; want positive costs at three or more")
    found: Any = stats.theilslopes(np.log(costs), np.log(sizes), 0.95)
    slope, _, low, high = found
    return Growth(float(slope), float(low), float(high))


def _medians(samples: Rounds, rounds: int) -> np.ndarray:
    if not samples or len(samples) != rounds or not all(map(len, samples)):
        raise ValueError(f"got {len(samples)} rounds beside {rounds}; want two that took turns, and no empty round")
    return np.array([np.median(values) for values in samples])


def _interval(statistic: Callable, *samples: np.ndarray, seed: int) -> tuple[float, float]:
    """Resample rounds, the same in all samples, and give the middle 95% of what the statistic then says."""
    if len(samples[0]) == 1:
        return float("nan"), float("nan")
    drawn = np.random.default_rng(seed).integers(len(samples[0]), size=(RESAMPLES, len(samples[0])))
    values = statistic(*(values[drawn] for values in samples), axis=-1)
    # No interpolation: between a number and never there is nothing.
    low, high = np.quantile(values, [0.025, 0.975], method="inverted_cdf")
    return float(low), float(high)

"""What samples say: ratios with intervals, growth laws, and when the slower to start has caught up."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from statistics import NormalDist, median
from typing import NamedTuple

import numpy as np

RESAMPLES = 9999
ENOUGH_ROUNDS = 6  # the whole range of fewer covers the true median less often than 95 times in 100
FASTER, SLOWER = "faster", "slower"
SAME = "the same within 5%"
CLOSE = "too close to call"
AGREES, DIFFERS = "agrees", "differs"  # of a published number beside ours; else it is too close to call
NOT_MEASURED = "not measured"
SAME_LOW, SAME_HIGH = 0.95, 1.05
CHANCE = 0.05  # of comparisons of what is equal, the share whose 95% interval excludes 1 by chance
Rounds = Sequence[Sequence[float]]  # the samples of each round; round i of one ran beside round i of the other


class Ratio(NamedTuple):
    """A ratio with its 95% interval, from so many rounds."""

    value: float
    low: float
    high: float
    rounds: int = ENOUGH_ROUNDS

    @property
    def verdict(self) -> str:
        """Return the verdict: the first is faster, slower, the same within 5%, or too close to call; or why none."""
        if self.rounds < ENOUGH_ROUNDS:
            return f"no verdict: {self.rounds} round{'s' * (self.rounds != 1)}"
        low, high = round(self.low, 2), round(self.high, 2)  # as they are printed, so that the verdict can be read off
        if low >= SAME_LOW and high <= SAME_HIGH:
            return SAME
        if high < 1:
            return FASTER
        return SLOWER if low > 1 else CLOSE

    @property
    def has_verdict(self) -> bool:
        """Whether there is enough for a verdict, be it too close to call."""
        return self.verdict in (FASTER, SLOWER, SAME, CLOSE)

    @property
    def decided(self) -> bool:
        """Whether the first is shown to be faster or slower by more than is the same within 5%."""
        return self.verdict in (FASTER, SLOWER)

    @property
    def agreement(self) -> str:
        """Return whether what is measured agrees with what was published: the ratio of the two, each with its error."""
        if self.low > 1 or self.high < 1:
            return DIFFERS
        return AGREES if self.low >= SAME_LOW and self.high <= SAME_HIGH else CLOSE


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
    """Return the median over rounds of over / under, with a 95% bootstrap interval (NaN if there is one round only).

    A round's samples are first reduced to their median: rounds, not samples, are independent. The bootstrap of a median
    is too narrow where rounds are few, so the interval is at least that of the order statistics, which is exact.

    Raises:
        ValueError: the two were not measured in the same rounds, or a round is empty.
    """
    quotients = _medians(over, len(under)) / _medians(under, len(over))
    low, high = _interval(_median, quotients, seed=seed)
    if len(quotients) >= ENOUGH_ROUNDS:
        exact_low, exact_high = _median_interval(quotients)
        low, high = min(low, exact_low), max(high, exact_high)
    return Ratio(float(np.median(quotients)), low, high, len(quotients))


def break_even(start: Rounds, step: Rounds, other_start: Rounds, other_step: Rounds, *, seed: int = 0) -> BreakEven:
    """Return the number of steps after which the first, slower to start, has cost no more in all than the other.

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

    def caught_up(start, step, other_start, other_step) -> np.ndarray:
        late, gain = _median(start - other_start), _median(other_step - step)
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
    return Growth(*_theil_sen(np.log(sizes), np.log(costs)))


def _median(values: np.ndarray) -> np.ndarray:
    """Return the medians along the last axis, as `np.median` does: of few values, sorting is quicker."""
    ordered, middle = np.sort(values, axis=-1), values.shape[-1] // 2
    upper = ordered[..., middle]
    return upper if values.shape[-1] % 2 else (ordered[..., middle - 1] + upper) / 2


def _median_interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 95% interval of the median that the order statistics give, whatever the distribution is.

    As many values lie below the true median as heads fall in as many throws of a coin: SciPy's `quantile_test`,
    without its import, which takes four times as long as NumPy's.
    """
    count = len(values)
    heads = np.cumsum([math.comb(count, below) for below in range(count + 1)]) / 2.0**count
    outside = int(np.searchsorted(heads, 0.025))  # so many, or more, lie below with a chance of 39 in 40
    ordered = np.sort(values)
    return float(ordered[outside - 1]), float(ordered[count - outside])


def _theil_sen(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Return the median slope over all pairs of points, and its 95% interval, as SciPy's `theilslopes` does.

    Source: Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau" (1968).
    """
    rises, runs = np.subtract.outer(y, y), np.subtract.outer(x, x)
    slopes = np.sort(rises[runs > 0] / runs[runs > 0])
    ties = [count for values in (x, y) for count in Counter(values.tolist()).values()]
    pairs = [count * (count - 1) * (2 * count + 5) for count in (len(x), *ties)]
    margin = NormalDist().inv_cdf(0.975) * math.sqrt((pairs[0] - sum(pairs[1:])) / 18)
    low = max(round((len(slopes) - margin) / 2) - 1, 0)
    high = min(round((len(slopes) + margin) / 2), len(slopes) - 1)
    return float(np.median(slopes)), float(slopes[low]), float(slopes[high])


@cache
def student_t(freedom: int) -> float:
    """Return the 97.5% quantile of Student's t distribution of whole degrees of freedom, within 1e-9.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.7.3 and 26.7.4; halving the interval.
    """
    low, high = 0.0, 13.0  # of one degree of freedom it is 12.7
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < 0.95 else (low, middle)
    return high


def _within(t: float, freedom: int) -> float:
    """Return the chance that Student's t lies between -t and t."""
    angle = math.atan(t / math.sqrt(freedom))
    odd = freedom % 2
    term, total = (math.cos(angle) if odd else 1.0), 0.0
    for k in range(1 + odd, freedom + 1 - odd, 2):
        total += term
        term *= math.cos(angle) ** 2 * k / (k + 1)
    return 2 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total


def _medians(samples: Rounds, rounds: int) -> np.ndarray:
    if not samples or len(samples) != rounds or not all(map(len, samples)):
        raise ValueError(f"got {len(samples)} rounds beside {rounds}; want two that took turns, and no empty round")
    return np.array([median(values) for values in samples])


def _interval(statistic: Callable, *samples: np.ndarray, seed: int) -> tuple[float, float]:
    """Resample rounds, the same in all samples, and give the middle 95% of what the statistic then says."""
    if len(samples[0]) == 1:
        return float("nan"), float("nan")
    drawn = _drawn(len(samples[0]), seed)
    values = statistic(*(values[drawn] for values in samples))
    # No interpolation: between a number and never there is nothing.
    low, high = np.quantile(values, [0.025, 0.975], method="inverted_cdf")
    return float(low), float(high)


@cache
def _drawn(rounds: int, seed: int) -> np.ndarray:
    """Return which rounds each resample consists of, [RESAMPLES, rounds]: the same for all that have as many rounds."""
    return np.random.default_rng(seed).integers(rounds, size=(RESAMPLES, rounds))

"""What samples say: ratios with intervals, growth laws, and when the slower to start has caught up."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist, median
from typing import NamedTuple

import numpy as np

ENOUGH_ROUNDS = 6
ENOUGH_PROCESSES = 3  # of one, nothing is known of what another would have measured, and of two, next to nothing
FASTER, SLOWER = "faster", "slower"
SAME = "the same within 5%"
CLOSE = "too close to call"
AGREES, DIFFERS = "agrees", "differs"  # of a published number beside ours; else it is too close to call
NOT_MEASURED = "not measured"
SAME_LOW, SAME_HIGH = 0.95, 1.05
CHANCE = 0.05  # of comparisons of what is equal, the share whose 95% interval excludes 1 by chance
Rounds = Sequence[Sequence[float]]  # the samples of each round; round i of one ran beside round i of the other


class Ratio(NamedTuple):
    """A ratio with its 95% interval, from so many rounds in so many processes.

    `share` is the share of the rounds' variance that lies between processes; NaN where that cannot be told.
    """

    value: float
    low: float
    high: float
    rounds: int = ENOUGH_ROUNDS
    processes: int = ENOUGH_PROCESSES
    share: float = math.nan

    @property
    def verdict(self) -> str:
        """Return the verdict: the first is faster, slower, the same within 5%, or too close to call; or why none."""
        if self.rounds < ENOUGH_ROUNDS:
            return f"no verdict: {self.rounds} round{'s' * (self.rounds != 1)}"
        if self.processes < ENOUGH_PROCESSES:
            return f"no verdict: {'one process' if self.processes == 1 else f'{self.processes} processes'}"
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


def ratio(over: Rounds, under: Rounds, processes: Sequence[str] | None = None) -> Ratio:
    """Return over / under with a 95% interval (NaN if all rounds lie in one process).

    A process has luck of its own, which all its rounds share: so processes, not rounds, are independent. Each counts as
    the median of its rounds, in logarithms; the interval is Student's over processes. A round's samples are first
    reduced to their median.

    Args:
        processes: in which process each round ran; by default each in its own.

    Raises:
        ValueError: the two were not measured in the same rounds, or a round is empty.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(_medians(over, len(under)) / _medians(under, len(over)))
    of_process = _by_process(logs, processes)
    units = np.array([np.median(values) for values in of_process])
    middle, margin = float(np.mean(units)), _margin(units)
    low, value, high = (float(np.exp(end)) for end in (middle - margin, middle, middle + margin))
    return Ratio(value, low, high, len(logs), len(units), share_between(of_process))


def median_of(values: Sequence[float]) -> Ratio:
    """Return the median of factors with the 95% interval of the order statistics, which is exact for any distribution.

    As many values lie below the true median as heads fall in as many throws of a coin: SciPy's `quantile_test`,
    without its import, which takes four times as long as NumPy's. Of fewer than six values the interval is NaN.
    """
    count, ordered = len(values), np.sort(values)
    heads = np.cumsum([math.comb(count, below) for below in range(count + 1)]) / 2.0**count
    outside = int(np.searchsorted(heads, 0.025))  # so many, or more, lie below with a chance of 39 in 40
    low, high = (float(ordered[outside - 1]), float(ordered[count - outside])) if outside else (math.nan, math.nan)
    return Ratio(float(np.median(values)), low, high, count, count)


def share_between(of_process: Sequence[np.ndarray]) -> float:
    """Return the share of the variance that lies between processes; NaN where it cannot be told.

    It takes two processes, and several rounds in one of them. By a one-way analysis of variance, with as many rounds a
    process as there are on average.
    """
    count, rounds = len(of_process), sum(map(len, of_process))
    if count < 2 or rounds == count:
        return math.nan
    every = np.concatenate(list(of_process))
    around = sum(len(values) * (np.mean(values) - every.mean()) ** 2 for values in of_process) / (count - 1)
    within = sum(((values - np.mean(values)) ** 2).sum() for values in of_process) / (rounds - count)
    between = max(0.0, float(around - within)) * count / rounds
    return between / (between + float(within)) if between + within > 0 else math.nan


def break_even(
    start: Rounds, step: Rounds, other_start: Rounds, other_step: Rounds, processes: Sequence[str] | None = None
) -> BreakEven:
    """Return the number of steps after which the first, slower to start, has cost no more in all than the other.

        start + n * step = other_start + n * other_step

    0 where it starts no later; infinity where it starts later and its step is no faster. The 95% interval has all n at
    which Student's interval of the difference between the two, over processes, reaches 0 (Fieller, 1954).

    Args:
        start, other_start: seconds to build and to call first, one sample a round.
        step, other_step: seconds of later steps.
        processes: in which process each round ran; by default each in its own.

    Raises:
        ValueError: the four were not measured in the same rounds, or a round is empty.
    """
    rounds = len(start)
    medians = [_medians(samples, rounds) for samples in (start, step, other_start, other_step)]
    late, gain = (
        np.array([np.median(values) for values in _by_process(difference, processes)])
        for difference in (medians[0] - medians[2], medians[3] - medians[1])
    )
    later, gained = float(np.mean(late)), float(np.mean(gain))
    steps = 0.0 if later <= 0 else later / gained if gained > 0 else math.inf
    return BreakEven(steps, *_fieller(late, gain))


def _fieller(late: np.ndarray, gain: np.ndarray) -> tuple[float, float]:
    """Return the fewest and the most steps n >= 0 at which late - n * gain may be 0; NaN for one process."""
    count = len(late)
    if count < 2:
        return math.nan, math.nan
    covariance = np.cov(late, gain) * student_t(count - 1) ** 2 / count
    later, gained = float(np.mean(late)), float(np.mean(gain))
    # n is inside where a n^2 - 2 b n + c <= 0.
    a, b, c = gained**2 - covariance[1, 1], later * gained - covariance[0, 1], later**2 - covariance[0, 0]
    inner = math.sqrt(max(b * b - a * c, 0.0))  # below 0, it is inside everywhere, or short of 0 by rounding only
    ends = sorted(float((b + sign * inner) / a) for sign in (-1, 1)) if a != 0 else []
    ahead = [end for end in ends if end > 0]
    if c <= 0:
        return 0.0, math.inf if a <= 0 or not ahead else max(ahead)
    if later < 0:
        return 0.0, 0.0
    return (min(ahead), math.inf if a <= 0 else max(ahead)) if ahead else (math.inf, math.inf)


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


def _by_process(values: np.ndarray, processes: Sequence[str] | None) -> list[np.ndarray]:
    """Return the values of each process, in order of its first."""
    names = list(range(len(values))) if processes is None else list(processes)
    return [values[[name == process for name in names]] for process in dict.fromkeys(names)]


def _margin(units: np.ndarray) -> float:
    """Return by how much the 95% interval of a mean reaches to either side; NaN for one value."""
    count = len(units)
    return student_t(count - 1) * float(np.std(units, ddof=1)) / math.sqrt(count) if count > 1 else math.nan

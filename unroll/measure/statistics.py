"""Ratios with intervals, from the samples of variants that took turns."""

from typing import NamedTuple

import numpy as np
from scipy import stats

RESAMPLES = 9999


class Ratio(NamedTuple):
    """A ratio with its 95% interval."""

    value: float
    low: float
    high: float

    @property
    def decided(self) -> bool:
        """Whether the interval excludes 1, so that one of the two is really the faster."""
        return self.low > 1 or self.high < 1


def ratio(samples: list[float], base: list[float], rounds: int, *, seed: int = 0) -> Ratio:
    """Give the median over rounds of samples / base, with a 95% bootstrap interval (NaN if there is one round only).

    A round's samples are first reduced to their median: rounds, not samples, are independent.

    Args:
        samples, base: samples of two variants that took turns, the samples of one round standing together.

    Raises:
        ValueError: the two were not measured in the same rounds.
    """
    if rounds < 1 or not samples or len(samples) != len(base) or len(samples) % rounds:
        raise ValueError(f"got {len(samples)} and {len(base)} samples of {rounds} rounds; want two that took turns")
    over, under = (np.median(np.reshape(values, (rounds, -1)), axis=1) for values in (samples, base))
    quotients = over / under  # one a round
    if rounds == 1:
        return Ratio(float(quotients[0]), float("nan"), float("nan"))
    interval = stats.bootstrap(
        (quotients,), np.median, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(seed)
    ).confidence_interval
    return Ratio(float(np.median(quotients)), float(interval.low), float(interval.high))

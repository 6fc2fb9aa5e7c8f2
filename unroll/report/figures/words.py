"""Sentences that describe the figures to those who do not see them, with numbers from the run."""

from collections.abc import Iterable, Mapping

from unroll.measure.journal import Measurement, Run
from unroll.report.page.answer import amount, costs_of_pair
from unroll.report.tables import Column


def sentences(parts: Iterable[str]) -> str:
    """Make a sentence of each part; empty if there are none.

    >>> sentences(["static has 448 nodes", "dynamic has 75 nodes"])
    'Static has 448 nodes. Dynamic has 75 nodes.'
    """
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in parts)


def both_costs(costs: Iterable[Column], run: Run) -> str:
    """Return each cost of static and of dynamic, of those that were measured of both."""
    pairs = {cost: both for cost in costs if (both := costs_of_pair(run, cost))}
    return sentences(f"{cost.heading}: {pair_text(both, cost)}" for cost, both in pairs.items())


def pair_text(both: Mapping[str, Measurement], cost: Column) -> str:
    """Write a cost of static and of dynamic in its unit."""
    return ", ".join(f"{variant} {amount(measured, cost)}" for variant, measured in both.items())


def from_to(costs: Mapping[int, Measurement], column: Column, letter: str) -> str:
    """Return a cost at the smallest and at the largest size at which it was measured."""
    sampled = {size: cost for size, cost in costs.items() if cost.samples}
    if len(sampled) < 2:
        return "not measured"
    ends = [f"{amount(sampled[size], column)} at {letter} = {size}" for size in (min(sampled), max(sampled))]
    return f"from {' to '.join(ends)}"

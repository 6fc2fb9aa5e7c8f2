"""Sentences that describe the figures to those who do not see them, with numbers from the run."""

from collections.abc import Iterable, Mapping

from unroll.measure.journal import Measurement, Run
from unroll.report.page.answer import PAIR, amount
from unroll.report.tables import Column


def sentences(parts: Iterable[str]) -> str:
    """Make a sentence of each part; empty if there are none.

    >>> sentences(["static has 448 nodes", "dynamic has 75 nodes"])
    'Static has 448 nodes. Dynamic has 75 nodes.'
    """
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in parts)


def both_costs(costs: Iterable[Column], run: Run) -> str:
    """Return each cost of static and of dynamic, of those that were measured of both."""
    pairs = {cost: [cost.find(run, variant) for variant in PAIR] for cost in costs}
    sampled = {cost: [measured for measured in both if measured and measured.samples] for cost, both in pairs.items()}
    return sentences(
        [
            f"{cost.heading}: static {amount(both[0], cost)}, dynamic {amount(both[1], cost)}"
            for cost, both in sampled.items()
            if len(both) == len(PAIR)
        ]
    )


def from_to(costs: Mapping[int, Measurement], column: Column, letter: str) -> str:
    """Return a cost at the smallest and at the largest size at which it was measured."""
    sampled = {size: cost for size, cost in costs.items() if cost.samples}
    if len(sampled) < 2:
        return "not measured"
    ends = [f"{amount(sampled[size], column)} at {letter} = {size}" for size in (min(sampled), max(sampled))]
    return f"from {' to '.join(ends)}"

"""The answer first: what to take and why, in a few sentences made from a run's results."""

import re
from pathlib import Path

from unroll.measure.journal import Measurement, Run
from unroll.measure.statistics import Ratio
from unroll.report.advice import Nearest, advise_from, keras_text, measured_sizes
from unroll.report.growth import BUILD
from unroll.report.tables import TURNS, Column, factor, interval_text, missing, pair_ratio, significant

PAIR = ("static", "dynamic")
BUILT, STARTED, _, STEPPED = TURNS
CODE = re.compile(r"(\w+_unroll\(.*?\.\.\.[^)]*\))")
LARGER = {"ms": ("s", 1000), "KiB": ("MiB", 1024), "MiB": ("GiB", 1024)}


def answer(run: Run) -> list[str]:
    """Return what to take at the run's sizes, as `unroll advise` does, then why, each ratio with its 95% interval."""
    ratios = ratios_of_pair(run)
    sentences = [*_advice(run), start_sentence(ratios), _step(ratios[STEPPED]), _grown(run)]
    return [sentence for sentence in sentences if sentence]


def answer_markdown(run: Run) -> str:
    """Return the answer as Markdown: what to take, with its code marked as such, and a list of why."""
    advice, *reasons = answer(run)
    marked = CODE.sub(r"`\1`", advice)
    return "\n".join([f"**{marked}**\n", *(f"- {reason}" for reason in reasons), ""])


def costs_of_pair(run: Run, cost: Column) -> dict[str, Measurement]:
    """Return a cost of static and of dynamic; empty where one of them has none."""
    found = {variant: cost.find(run, variant) for variant in PAIR}
    known = {variant: measured for variant, measured in found.items() if measured and not missing(measured)}
    return known if len(known) == len(PAIR) else {}


def ratios_of_pair(run: Run) -> dict[Column, Ratio | str]:
    """Return static / dynamic of everything that takes turns, or why there is none."""
    return {turn: pair_ratio(run, turn, *PAIR) for turn in TURNS}


def ratio_text(ratio: Ratio) -> str:
    """Write a ratio with its interval.

    >>> ratio_text(Ratio(4.05, 3.24, 5.77))
    '4.05 [3.24, 5.77]'
    """
    return f"{factor(ratio.value)} {interval_text(ratio)}"


def amount(measured: Measurement, column: Column) -> str:
    """Write a median in its unit."""
    return unit_text(measured.median / column.scale, column.unit)


def unit_text(number: float, unit: str) -> str:
    """Write a number in its unit, or in the next larger one if that is reached.

    >>> unit_text(182.4, "ms"), unit_text(18600, "ms"), unit_text(1074, "nodes")
    ('182 ms', '18.6 s', '1074 nodes')
    """
    larger, size = LARGER.get(unit, ("", float("inf")))
    return unit_text(number / size, larger) if number >= size else f"{significant(number)} {unit}".strip()


def _advice(run: Run) -> list[str]:
    if run.sizes not in measured_sizes(run):
        return ["This run cannot say which to take: it does not have the loop and another way side by side."]
    advice = advise_from(Nearest(Path(), run, run.sizes))
    because = f"{advice.because[0].upper()}{advice.because[1:]}. {keras_text(advice)}"
    return [advice.headline, because.strip()]


def start_sentence(ratios: dict[Column, Ratio | str]) -> str:
    """Return how much longer static takes to build and to call first; empty where that was not measured."""
    words = {BUILT: "to build for training", STARTED: "in its first call"}
    known = {turn: ratio for turn in words if isinstance(ratio := ratios[turn], Ratio)}
    factors = [f"{ratio_text(ratio)} times as long {words[turn]}" for turn, ratio in known.items()]
    return f"Static takes {' and '.join(factors)} as dynamic does." if factors else ""


def _step(ratio: Ratio | str) -> str:
    if isinstance(ratio, str):
        return ""
    return f"A training step of static takes {ratio_text(ratio)} times as long as one of dynamic: {ratio.verdict}."


def _grown(run: Run) -> str:
    """Return what building took at the largest T at which both were measured, if it is beyond the run's own."""
    static, dynamic = (run.sweep("steps", BUILD.quantity, BUILD.phase, variant) for variant in PAIR)
    both = [steps for steps in static if static[steps].samples and steps in dynamic and dynamic[steps].samples]
    if not both or max(both) <= run.sizes.steps:
        return ""
    took, other = amount(static[max(both)], BUILD), amount(dynamic[max(both)], BUILD)
    return f"At T = {max(both)} the static training graph took {took} to build, the dynamic one {other}."

"""The answer first: which of the pair to take, in a few sentences made from a run's ratios."""

import math

from unroll.measure.journal import Measurement, Run
from unroll.measure.statistics import ENOUGH_ROUNDS, Ratio
from unroll.report.growth import BUILD
from unroll.report.tables import (
    TURNS,
    Column,
    factor,
    interval,
    pair_break_even,
    pair_ratio,
    significant,
    steps_interval,
    steps_text,
)

BUILT, STARTED, _, STEPPED = TURNS
SHAPES = {"static": "the cells laid side by side", "dynamic": "the loop"}
LARGER = {"ms": ("s", 1000), "KiB": ("MiB", 1024), "MiB": ("GiB", 1024)}


def ratios_of_pair(run: Run) -> dict[Column, Ratio | str]:
    """Give static / dynamic of everything that takes turns, or say why there is none."""
    return {turn: pair_ratio(run, turn, "static", "dynamic") for turn in TURNS}


def answer(run: Run) -> list[str]:
    """Say which of the pair to take and why, each ratio with its 95% interval."""
    ratios = ratios_of_pair(run)
    if not any(isinstance(ratio, Ratio) for ratio in ratios.values()):
        reasons = ", ".join(dict.fromkeys(map(str, ratios.values())))
        return [f"This run cannot say which to take: static and dynamic side by side are {reasons}."]
    said = [_advice(run, ratios), _start(ratios), _step(ratios[STEPPED]), _grown(run)]
    return [sentence for sentence in said if sentence]


def ratio_text(ratio: Ratio) -> str:
    """Write a ratio with its interval.

    >>> ratio_text(Ratio(4.05, 3.24, 5.77))
    '4.05 [3.24, 5.77]'
    """
    return f"{factor(ratio.value)} [{interval(ratio, ', ')}]"


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


def _advice(run: Run, ratios: dict[Column, Ratio | str]) -> str:
    starter, stepper = _winner(ratios[BUILT], ratios[STARTED]), _winner(ratios[STEPPED])
    if starter and stepper and starter != stepper:
        return _advice_by_steps(run, starter, stepper)
    if winner := starter or stepper:
        return f"Take {winner}, {SHAPES[winner]}."
    rounds = max(ratio.rounds for ratio in ratios.values() if isinstance(ratio, Ratio))
    if rounds < ENOUGH_ROUNDS:
        had = f"{rounds} round{'s' * (rounds != 1)}"
        return f"This run cannot say which to take: it has {had}, and a verdict needs {ENOUGH_ROUNDS} or more."
    return "Take either, no difference could be shown; only dynamic, the loop, takes any number of steps."


def _advice_by_steps(run: Run, starter: str, stepper: str) -> str:
    """Say from how many steps on the one that starts later, and steps faster, is the one to take."""
    late, _, found = pair_break_even(run, stepper, starter)
    if late == stepper and not isinstance(found, str) and math.isfinite(found.steps):
        steps = f"{steps_text(found.steps)} training steps (95% interval: {steps_interval(found)})"
        return f"Take {starter} for up to {steps}, {stepper} for more."
    return f"Take {starter} to start sooner, {stepper} to step faster; when that has paid, this run does not show."


def _winner(*ratios: Ratio | str) -> str:
    """Name who is faster by one of the ratios and slower by none; empty if nobody is."""
    decided = [ratio for ratio in ratios if isinstance(ratio, Ratio) and ratio.decided]
    winners = {"static" if ratio.value < 1 else "dynamic" for ratio in decided}
    return winners.pop() if len(winners) == 1 else ""


def _start(ratios: dict[Column, Ratio | str]) -> str:
    words = {BUILT: "to build for training", STARTED: "in its first call"}
    found = {turn: ratio for turn in words if isinstance(ratio := ratios[turn], Ratio)}
    said = [f"{ratio_text(ratio)} times as long {words[turn]}" for turn, ratio in found.items()]
    return f"Static takes {' and '.join(said)} as dynamic does." if said else ""


def _step(ratio: Ratio | str) -> str:
    if isinstance(ratio, str):
        return f"Of their training steps there is no ratio: {ratio}."
    doubt = "; that is no difference that could be shown" if not ratio.decided else ""
    return f"Its training step takes {ratio_text(ratio)} times as long{doubt}."


def _grown(run: Run) -> str:
    """Say what building took at the largest T at which both were measured, if it is beyond the run's own."""
    static, dynamic = (run.sweep("steps", BUILD.quantity, BUILD.phase, variant) for variant in ("static", "dynamic"))
    both = [steps for steps in static if static[steps].samples and steps in dynamic and dynamic[steps].samples]
    if not both or max(both) <= run.sizes.steps:
        return ""
    took, other = amount(static[max(both)], BUILD), amount(dynamic[max(both)], BUILD)
    return f"At T = {max(both)} the static training graph took {took} to build, the dynamic one {other}."

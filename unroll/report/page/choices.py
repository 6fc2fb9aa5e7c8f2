"""For those who read no further: in which situation to take which way to unroll, and the figures behind it."""

import math
from dataclasses import replace
from pathlib import Path

from unroll.measure.config import Sizes, case_of
from unroll.measure.journal import Measurement, Run, device_name
from unroll.measure.statistics import SLOWER
from unroll.measure.variants import label
from unroll.report.advice import LOOP, Nearest, advise_from, measured_sizes
from unroll.report.growth import BUILD, EXPORT, FIRST_CALL, STEP_TRAIN, TENSORS
from unroll.report.page.answer import PAIR, amount, ratio_text, ratios_of_pair, start_sentence
from unroll.report.table import Table
from unroll.report.tables import Column, steps_text

RECOMPUTE = "dynamic-recompute"
NO_VERDICT = "no verdict"
Row = list[str] | None  # a situation, what to take in it, why; None where that was not measured


def choices_table(run: Run, further: Run | None = None) -> Table:
    """Format what to take in which situation, as far as the run has measured it.

    Args:
        run: what most rows are made from.
        further: the run of the preset `unmeasured`, for XLA, if it was measured at the same sizes on the same device.
    """
    compiled = _compiled(run) or (further and _alike(run, further) and _compiled(further))
    rows = [_undecided(run), _long(run), _many_lengths(run), compiled, *_other_networks(run), _little_memory(run)]
    return Table(["If you ...", "take", "because"], [row for row in rows if row], align="lll")


def _alike(run: Run, other: Run) -> bool:
    return (run.sizes, device_name(run)) == (other.sizes, device_name(other))


def _undecided(run: Run) -> Row:
    if run.sizes not in measured_sizes(run):
        return None
    because = start_sentence(ratios_of_pair(run)).removesuffix(".") or "it is what was measured here"
    return ["do not know yet", _taken(run, run.sizes), f"{because[0].lower()}{because[1:]}"]


def _long(run: Run) -> Row:
    """Choose as the advice does at the largest T; without a verdict, which few rounds cannot give, take the loop."""
    costs = {variant: _costs_by_steps(run, variant) for variant in PAIR}
    both = costs["static"].keys() & costs["dynamic"].keys()
    if not both or max(both) <= run.sizes.steps:
        return None
    at = replace(run.sizes, steps=max(both))
    taken = _taken(run, at) if at in measured_sizes(run) else NO_VERDICT
    take = f"{label(LOOP)}, by default" if taken == NO_VERDICT else taken
    (start, step), (other_start, other_step) = (costs[variant][max(both)] for variant in PAIR)
    seconds_texts = [f"{amount(Measurement('s', {1: [seconds]}, {}, ''), BUILD)}" for seconds in (start, other_start)]
    because = f"at T={max(both)} static took {seconds_texts[0]} to build and call first, dynamic {seconds_texts[1]}"
    if start > other_start:
        paid = (start - other_start) / (other_step - step) if step < other_step else math.inf
        because += f"; {_won_back(paid)}"
    without = ", without a verdict" if taken == NO_VERDICT else ""
    return ["have long sequences", take, f"{because}; these are medians{without}"]


def _won_back(paid: float) -> str:
    if math.isinf(paid):
        return "static would never have won that back"
    return f"static would have won that back after {steps_text(paid)} training steps"


def _costs_by_steps(run: Run, variant: str) -> dict[int, tuple[float, float]]:
    """Return the median seconds to build and call first, and of a training step, by T."""
    build, first, step = (_medians(run, cost, variant) for cost in (BUILD, FIRST_CALL, STEP_TRAIN))
    return {T: (build[T] + first[T], step[T]) for T in build if T in first and T in step}


def _medians(run: Run, cost: Column, variant: str) -> dict[int, float]:
    sweep = run.sweep("steps", cost.quantity, cost.phase, variant)
    return {T: measured.median for T, measured in sweep.items() if measured.samples}


def _many_lengths(run: Run) -> Row:
    saved = {variant: run.find(EXPORT.quantity, EXPORT.phase, variant) for variant in PAIR}
    exports = {variant: measured for variant, measured in saved.items() if measured and measured.samples}
    free = [variant for variant, measured in exports.items() if "only" not in measured.note]
    if len(exports) < len(PAIR) or not free:
        return None
    texts = [f"{label(variant)}'s SavedModel serves {exports[variant].note}" for variant in PAIR]
    texts = [f"{text}, in {amount(exports[variant], EXPORT)}" for text, variant in zip(texts, PAIR, strict=True)]
    return ["have sequences of many lengths", " or ".join(map(label, free)), "; ".join(texts)]


def _compiled(run: Run) -> Row:
    ratio = run.ratio("first_call", "train", *(case_of(variant, run.sizes, "xla") for variant in PAIR))
    if not ratio or not ratio.decided:
        return None
    taken = PAIR[ratio.verdict == SLOWER]
    because = f"static's first training call takes {ratio_text(ratio)} times as long as dynamic's there"
    return ["compile it with XLA", label(taken), because]


def _other_networks(run: Run) -> list[Row]:
    """Choose at the smallest and at the largest batch and hidden size of the run's T."""
    grid = [
        sizes for sizes in measured_sizes(run) if replace(run.sizes, batch=sizes.batch, hidden=sizes.hidden) == sizes
    ]
    named = {"have small batches and few hidden units": min, "have large batches and many hidden units": max}
    ends = {text: end(grid, key=lambda sizes: sizes.batch * sizes.hidden) for text, end in named.items() if grid}
    return [_network(run, text, sizes) for text, sizes in ends.items() if sizes != run.sizes]


def _network(run: Run, text: str, sizes: Sizes) -> Row:
    ratio = run.ratio("step", "train", *(case_of(variant, sizes) for variant in PAIR))
    if not ratio:
        return None
    because = f"a training step of static takes {ratio_text(ratio)} times as long as one of dynamic: {ratio.verdict}"
    return [f"{text} (B={sizes.batch}, H={sizes.hidden})", _taken(run, sizes), because]


def _little_memory(run: Run) -> Row:
    held = {variant: _medians(run, TENSORS, variant) for variant in (LOOP, RECOMPUTE)}
    both = held[LOOP].keys() & held[RECOMPUTE].keys()
    if not both or held[RECOMPUTE][max(both)] >= held[LOOP][max(both)]:
        return None
    texts = [f"{held[variant][max(both)] / TENSORS.scale:.3g} {TENSORS.unit}" for variant in (RECOMPUTE, LOOP)]
    because = f"at T={max(both)} a training step holds {texts[0]} of tensors, where dynamic holds {texts[1]}"
    ratio = run.ratio("step", "train", *(case_of(variant, run.sizes) for variant in (RECOMPUTE, LOOP)))
    slower = f"; at T={run.sizes.steps} it takes {ratio_text(ratio)} times as long" if ratio else ""
    return ["have little memory to train in", label(RECOMPUTE), because + slower]


def _taken(run: Run, sizes: Sizes) -> str:
    """Name what the advice takes at some sizes."""
    advice = advise_from(Nearest(Path(), run, sizes))
    if len(advice.variants) < 2:
        return next(map(label, advice.variants), NO_VERDICT)
    early, late = advice.variants
    paid = run.break_even("train", *(case_of(variant, sizes) for variant in (late, early)))
    return f"{label(early)}; {label(late)} for more than {steps_text(paid.high if paid else math.inf)} training steps"

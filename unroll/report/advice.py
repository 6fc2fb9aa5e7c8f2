"""Which one should I use? A recommendation from the nearest measurements at hand, with the figures behind it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unroll.errors import UnrollError
from unroll.measure.config import Sizes
from unroll.measure.journal import Measurement, Run, device_name, read_journal
from unroll.measure.statistics import ENOUGH_ROUNDS, BreakEven, Ratio, ratio
from unroll.measure.variants import cells_an_iteration, label
from unroll.report.compare import change
from unroll.report.folders import folders
from unroll.report.ledger.evidence import FEW_ROUNDS, Evidence, break_even_text, case_of, ratio_text
from unroll.report.tables import factor, plain, significant, steps_text

LOOP = "dynamic"  # what is taken where the evidence does not tell two apart
UNROLLED = ("static", "static-traced")
FUSED = ("block", "keras-cudnn")
DEVICES = ("cpu", "gpu")
PARTS = ("build", "first_call", "step")
CODE = {
    "static": "static_unroll(cell, ...)",
    "static-traced": "static_unroll(tf.function(cell), ...)",
    LOOP: "dynamic_unroll(cell, ...)",
}
BY_DEFAULT = "it takes any number of steps, and starts faster"


class AdviceError(UnrollError):
    """A question for which there is no measurement at hand; the message says how to measure."""


class Nearest(NamedTuple):
    """The measured sizes nearest to those that are asked for, and where they were measured."""

    folder: Path
    run: Run
    sizes: Sizes


@dataclass(frozen=True)
class Advice:
    """What to take, why, from which measurements, and the figures.

    Attributes:
        variants: what to take; of two, the first for short trainings and the second for long ones.
        headline: the recommendation in a sentence.
        because: the reason.
        nearest: which measurements it rests on.
        evidence: the figures.
    """

    variants: tuple[str, ...]
    headline: str
    because: str
    nearest: Nearest
    evidence: tuple[Evidence, ...]


def advise(
    wanted: Sizes, updates: int | None = None, device: str = "cpu", places: Sequence[Path] | None = None
) -> Advice:
    """Recommend how to unroll a network in TensorFlow for training.

    Args:
        wanted: the sizes to train at.
        updates: how many training steps it will take; None if that is not known.
        device: "cpu" or "gpu".
        places: the results folders to look in, the first that has an answer counts; by default those at hand.

    Raises:
        AdviceError: nothing of this device was measured.
        UnrollError: the number of updates is not a whole number from 1 up, or the device is neither.
    """
    if updates is not None and (isinstance(updates, bool) or not isinstance(updates, int) or updates < 1):
        raise UnrollError(f"got --updates {updates!r}; want a whole number from 1 up")
    if device not in DEVICES:
        raise UnrollError(f"got --device {device!r}; want {' or '.join(DEVICES)}")
    nearest = find_nearest(wanted, device, folders() if places is None else places)
    return advise_from(nearest) if updates is None else _by_total(nearest, updates)


def find_nearest(wanted: Sizes, device: str, places: Sequence[Path]) -> Nearest:
    """Find the measured sizes that differ least from those wanted, by factors, in the first folder that has any.

    Of runs that are equally near, those where variants took turns come first, and of these the last.
    """
    for folder in places:
        found = [
            Nearest(folder, run, sizes)
            for run in reversed(read_journal(folder))
            if run.device == device
            for sizes in measured_sizes(run)
        ]
        if found:
            return min(found, key=lambda one: (distance(one.sizes, wanted), not _took_turns(one)))
    looked = ", ".join(map(str, places)) or "no folder"
    raise AdviceError(
        f"got --device {device}, and no training was measured on a {device.upper()} in {looked}; measure it: "
        f"{'on a machine with one, ' if device == 'gpu' else ''}{how_to_measure(wanted)}"
    )


def measured_sizes(run: Run) -> list[Sizes]:
    """Return the sizes at which the loop and something else were built, called and stepped to train."""
    found = {sizes: rivals(run, sizes) for sizes in run.all_sizes if sizes.valid is None}
    return sorted((sizes for sizes, others in found.items() if others and _totals(run, LOOP, sizes, 1)), key=str)


def rivals(run: Run, sizes: Sizes) -> list[str]:
    """Return what was measured beside the loop: unrolled, or with more cells an iteration."""
    looped = sorted(filter(cells_an_iteration, run.variants), key=cells_an_iteration)
    return [variant for variant in (*UNROLLED, *looped) if _totals(run, variant, sizes, 1)]


def _fused(nearest: Nearest) -> list[str]:
    """Return what runs an LSTM as one operation, where it was measured: no way to unroll, but good to know of."""
    return [variant for variant in FUSED if _totals(nearest.run, variant, nearest.sizes, 1)]


def distance(one: Sizes, other: Sizes) -> float:
    """Return how far apart sizes are: the length of the way over the logarithms of T, B and H, in doublings."""
    return math.hypot(*(math.log2(factor) for factor in _factors(one, other).values()))


def _factors(one: Sizes, other: Sizes) -> dict[str, float]:
    names = {"T": "steps", "B": "batch", "H": "hidden"}
    return {letter: getattr(one, name) / getattr(other, name) for letter, name in names.items()}


def _took_turns(nearest: Nearest) -> bool:
    _, run, sizes = nearest
    steps = [("step", "train", case_of(variant, sizes)) for variant in (LOOP, *rivals(run, sizes))]
    return any(run.side_by_side(steps[0], other) for other in steps[1:])


def _totals(run: Run, variant: str, sizes: Sizes, updates: int) -> dict[int, list[float]]:
    """Return the seconds of a training, build and first call included, by round; empty if a part was not measured."""
    found = [run.find(quantity, "train", variant, sizes=sizes) for quantity in PARTS]
    measured = [one.rounds for one in found if one]
    if len(measured) < len(PARTS):
        return {}
    shared = [number for number in measured[0] if all(number in rounds for rounds in measured)]
    return dict(
        zip(shared, _added([[rounds[number] for number in shared] for rounds in measured], updates), strict=True)
    )


def _added(parts: Sequence[Sequence[Sequence[float]]], updates: int) -> list[list[float]]:
    """Add up the seconds of building, calling first and so many steps, round by round."""
    return [
        [build[0] + first[0] + updates * float(np.median(steps))] for build, first, steps in zip(*parts, strict=True)
    ]


def _ratio_of_totals(nearest: Nearest, variant: str, updates: int, under: str = LOOP) -> Ratio:
    """Return the ratio of the times of two trainings, round by round where the two took turns."""
    _, run, sizes = nearest
    pair = [case_of(one, sizes) for one in (variant, under)]
    rounds = run.side_by_side(*((quantity, "train", case) for case in pair for quantity in PARTS))
    if rounds:
        return ratio(_added(rounds[:3], updates), _added(rounds[3:], updates))
    before, after = (Measurement("s", _totals(run, one, sizes, updates), {}, "") for one in (under, variant))
    return change(before, after, "total").ratio


def _by_total(nearest: Nearest, updates: int) -> Advice:
    """Choose by the whole time of so many training steps."""
    others = rivals(nearest.run, nearest.sizes)
    ratios = {variant: _ratio_of_totals(nearest, variant, updates) for variant in others}
    what = f"build + first call + {updates} training steps"
    evidence = (
        *(
            Evidence(f"{what}, {label(variant)} / {label(LOOP)}", ratio_text(found), str(nearest.sizes))
            for variant, found in ratios.items()
        ),
        *_seconds(nearest, [LOOP, *others, *_fused(nearest)], updates),
    )
    faster = sorted(
        (one for one in ratios if ratios[one].decided and ratios[one].value < 1), key=lambda one: ratios[one].value
    )
    if faster:
        best = faster[0]
        alike = [one for one in others if one != best and not _ratio_of_totals(nearest, best, updates, one).decided]
        because = f"{what} take {factor(ratios[best].value)} of the time that the loop takes"
        because += f"; the evidence does not tell {_listed(alike)} from it" if alike else ""
        return Advice((best,), f"Take {_code(best)}.", because, nearest, evidence)
    return Advice((LOOP,), f"Take {_code(LOOP)}.", _why_the_loop(ratios, what), nearest, evidence)


def _why_the_loop(ratios: dict[str, Ratio], what: str) -> str:
    """Return what is known of each rival, none of which is shown to be faster."""
    slower = [one for one, found in ratios.items() if found.decided]
    few = [one for one, found in ratios.items() if found.rounds < ENOUGH_ROUNDS]
    alike = [one for one in ratios if one not in (*slower, *few)]
    said = [
        f"{what} take longer with {_listed(slower)}" if slower else "",
        f"the evidence does not tell {_listed(alike)} from the loop" if alike else "",
        f"of {_listed(few)} there are {FEW_ROUNDS}" if few else "",
        f"and the loop: {BY_DEFAULT}" if alike or few else "",
    ]
    return "; ".join(filter(None, said))


def advise_from(nearest: Nearest) -> Advice:
    """Recommend by when something else than the loop has paid for itself, from one run at sizes where it can tell."""
    others = rivals(nearest.run, nearest.sizes)
    found = {variant: _break_even(nearest, variant) for variant in others}
    known = {variant: steps for variant, steps in found.items() if steps}
    evidence = (
        *(_paid_evidence(nearest, variant, steps) for variant, steps in known.items()),
        *_seconds(nearest, [LOOP, *others, *_fused(nearest)], 1),
    )
    best = min(known, key=lambda variant: known[variant].high, default=None)
    if best is None or math.isinf(known[best].high):
        lacking = f"of {_listed(others)} there are {FEW_ROUNDS}"
        why = "nothing else is shown to be quicker after however many training steps" if known else lacking
        return Advice((LOOP,), f"Take {_code(LOOP)}.", f"{why}; and the loop: {BY_DEFAULT}", nearest, evidence)
    if known[best].high == 0:
        because = "it starts no later than the loop, and its step is not shown to take longer"
        return Advice((best,), f"Take {_code(best)}.", because, nearest, evidence)
    low, high = (steps_text(steps) for steps in known[best][1:])
    few = f"up to {low} training steps" if known[best].low > 0 else "few training steps"
    headline = f"Take {_code(LOOP)} for {few}, and {_code(best)} for more than {high}."
    because = f"{label(best)} starts later, and has by then paid for itself; in between the evidence does not tell"
    return Advice((LOOP, best), headline, because, nearest, evidence)


def _break_even(nearest: Nearest, variant: str) -> BreakEven | None:
    """Return the steps after which a rival has paid for itself: never if its step is slower; None if rounds are few.

    What starts no later is said to have paid for itself at once, however slow its step is.
    """
    _, run, sizes = nearest
    cases = [case_of(one, sizes) for one in (variant, LOOP)]
    step = run.ratio("step", "train", *cases)
    if step is None or step.rounds < ENOUGH_ROUNDS:
        return None
    if step.decided and step.value > 1:
        return BreakEven(math.inf, math.inf, math.inf)
    return run.break_even("train", *cases)


def _paid_evidence(nearest: Nearest, variant: str, steps: BreakEven) -> Evidence:
    what = f"training steps after which {label(variant)} has paid for itself beside {label(LOOP)}"
    return Evidence(what, break_even_text(steps), str(nearest.sizes))


def _listed(variants: Iterable[str]) -> str:
    return " and ".join(map(label, variants))


def _seconds(nearest: Nearest, variants: Iterable[str], updates: int) -> tuple[Evidence, ...]:
    """Show of what each training consists."""
    shown = []
    for variant in variants:
        parts = [nearest.run.find(quantity, "train", variant, sizes=nearest.sizes) for quantity in PARTS]
        texts = [_milliseconds(one) for one in parts if one]
        text = " + ".join([*texts[:2], f"{updates} x {texts[2]}" if updates > 1 else texts[2]])
        shown.append(Evidence(f"{label(variant)}, build + first call + steps", f"{text} ms", str(nearest.sizes)))
    return tuple(shown)


def _milliseconds(found: Measurement) -> str:
    low, high = found.quartiles
    middle = f"{significant(found.median * 1e3)}"
    return middle if len(found.samples) == 1 else f"{middle} [{significant(low * 1e3)}, {significant(high * 1e3)}]"


def _code(variant: str) -> str:
    cells = cells_an_iteration(variant)
    code = f"dynamic_unroll(cell, ..., unroll={cells})" if cells else CODE[variant]
    return f"{label(variant)}: {code}" if variant != LOOP else f"the loop: {code}"


def how_to_measure(wanted: Sizes) -> str:
    """Return the command that measures at some sizes."""
    return f'make bench ARGS="--steps {wanted.steps} --batch {wanted.batch} --hidden {wanted.hidden}"'


def advice_lines(advice: Advice, wanted: Sizes) -> list[str]:
    """Format an advice as lines for the terminal."""
    folder, run, sizes = advice.nearest
    far = [f"{letter} {_times(value)}" for letter, value in _factors(sizes, wanted).items() if value != 1]
    nearness = f"nearest to them, with {', '.join(far)}" if far else "these very sizes"
    processor = plain(device_name(run))
    lines = [
        f"At the nearest sizes that were measured, {sizes}: {advice.headline}" if far else advice.headline,
        f"Why: {advice.because}.",
        "",
        f"asked for  T={wanted.steps}, B={wanted.batch}, H={wanted.hidden}",
        f"measured   {sizes}: {nearness}",
        f"where      {folder}, {run.started[:10]}, on {processor}",
        "figures    medians, with 95% intervals for ratios and quartiles for times",
        *(f"  {one.what}: {one.value}" for one in advice.evidence),
    ]
    return [*lines, *([f"to measure your own sizes: {how_to_measure(wanted)}"] if far else [])]


def _times(value: float) -> str:
    return f"{factor(value)} times as large" if value > 1 else f"{factor(1 / value)} times smaller"

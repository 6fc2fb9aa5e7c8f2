"""Which one should I use? A recommendation from the nearest measurements at hand, with the figures behind it."""

import json
import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unroll.errors import UnrollError
from unroll.measure.config import Sizes, case_of
from unroll.measure.journal import Measurement, Run, device_name, read_journal
from unroll.measure.statistics import CLOSE, ENOUGH_ROUNDS, FASTER, SAME, SLOWER, BreakEven, Ratio, ratio
from unroll.measure.variants import cells_an_iteration, label
from unroll.report.compare import change
from unroll.report.folders import folders
from unroll.report.ledger.evidence import Evidence, break_even_text, ratio_text
from unroll.report.table import WIDTH
from unroll.report.tables import counted, factor, plain, significant, steps_text

LOOP = "dynamic"  # what is taken where the evidence does not tell two apart
UNROLLED = ("static", "static-traced")
OWN = "dynamic-own"
FUSED = ("block", "keras-cudnn")
DEVICES = ("cpu", "gpu")
PARTS = ("build", "first_call", "step")
CODE = {
    "static": "static_unroll(cell, ...)",
    "static-traced": "static_unroll(tf.function(cell), ...)",
    LOOP: "dynamic_unroll(cell, ...)",
    OWN: "dynamic_unroll(cell, ..., own_gradient=True, unroll=4)",
}
IN_KERAS = {
    "static": 'unroll.keras.LSTM(units, unroll="static", traced_cell=False), or keras.layers.LSTM(units, unroll=True)',
    "static-traced": 'unroll.keras.LSTM(units, unroll="static")',
    LOOP: "keras.layers.LSTM(units), as it comes",
    OWN: 'unroll.keras.LSTM(units, unroll="dynamic")',
}
BY_DEFAULT = "the loop takes sequences of any length"
MANY_UPDATES = 1000  # training steps, where it is not known how many there will be
FAR = 2.0  # doublings: as far as a factor of 4 in one of the sizes
DIGITS_IMAGES = 1437  # to train with, in scikit-learn's digits, which are the default
APART = "no verdict: nothing ran in the same rounds as the loop"


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
        variants: what to take; of two, the first for short trainings and the second for long ones; none without a
            verdict.
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
    advice = advise_from(nearest) if updates is None else _by_total(nearest, updates)
    return advice if distance(nearest.sizes, wanted) <= FAR else _too_far(advice, updates or MANY_UPDATES)


def _too_far(advice: Advice, updates: int) -> Advice:
    """Recommend nothing at sizes that are far from all measured ones; say to what the figures there point."""
    why = "no verdict: these sizes are far from all measured ones"
    undecided = _no_verdict(advice.nearest, updates, why, advice.evidence)
    return replace(undecided, because=f"the nearest are {advice.nearest.sizes}, more than a factor of 4 away in all")


def find_nearest(wanted: Sizes, device: str, places: Sequence[Path]) -> Nearest:
    """Find the measured sizes that differ least from those wanted, by factors, in the first folder that has any.

    Of runs that are equally near, those where variants took turns come first, and of these the last.
    """
    measured = [
        Nearest(folder, run, sizes)
        for folder in places
        for run in reversed(read_journal(folder))
        if run.device == device
        for sizes in measured_sizes(run)
    ]
    if measured:  # of those that are as near, the first: this machine's own, or else the reference
        return min(measured, key=lambda nearest: (distance(nearest.sizes, wanted), not _took_turns(nearest)))
    looked = ", ".join(map(str, places)) or "no folder"
    raise AdviceError(
        f"got --device {device}, and no training was measured on a {device.upper()} in {looked}; measure it: "
        f"{'on a machine with one, ' if device == 'gpu' else ''}{how_to_measure(wanted, device)}"
    )


def measured_sizes(run: Run) -> list[Sizes]:
    """Return the sizes at which the loop and something else were built, called and stepped to train."""
    by_sizes = {sizes: rivals(run, sizes) for sizes in run.all_sizes if sizes.valid is None}
    return sorted((sizes for sizes, others in by_sizes.items() if others and _totals(run, LOOP, sizes, 1)), key=str)


def rivals(run: Run, sizes: Sizes) -> list[str]:
    """Return what was measured beside the loop: unrolled, or with more cells an iteration."""
    looped = sorted(filter(cells_an_iteration, run.variants), key=cells_an_iteration)
    return [variant for variant in (*UNROLLED, OWN, *looped) if _totals(run, variant, sizes, 1)]


def _fused(nearest: Nearest) -> list[str]:
    """Return what runs an LSTM as one operation, where it was measured: no way to unroll, but good to know of."""
    return [variant for variant in FUSED if _totals(nearest.run, variant, nearest.sizes, 1)]


def distance(first: Sizes, second: Sizes) -> float:
    """Return how far apart sizes are: the length of the way over the logarithms of T, B and H, in doublings."""
    return math.hypot(*(math.log2(factor) for factor in _factors(first, second).values()))


def _factors(first: Sizes, second: Sizes) -> dict[str, float]:
    names = {"T": "steps", "B": "batch", "H": "hidden"}
    return {letter: getattr(first, name) / getattr(second, name) for letter, name in names.items()}


def _took_turns(nearest: Nearest) -> bool:
    _, run, sizes = nearest
    steps = [case_of(variant, sizes).key("step", "train") for variant in (LOOP, *rivals(run, sizes))]
    return any(run.side_by_side(steps[0], other) for other in steps[1:])


def _totals(run: Run, variant: str, sizes: Sizes, updates: int) -> dict[int, list[float]]:
    """Return the seconds of a training, build and first call included, by round; empty if a part was not measured."""
    parts = [run.find(quantity, "train", variant, sizes=sizes) for quantity in PARTS]
    measured = [part.rounds for part in parts if part]
    if len(measured) < len(PARTS):
        return {}
    shared = [number for number in measured[0] if all(number in rounds for rounds in measured)]
    return dict(
        zip(shared, _added([[rounds[number] for number in shared] for rounds in measured], updates), strict=True)
    )


def median_total(nearest: Nearest, variant: str, updates: int) -> float:
    """Return the median seconds of a training: build, first call and so many further steps."""
    return float(np.median(list(_totals(nearest.run, variant, nearest.sizes, updates).values())))


def _total(run: Run, variant: str, sizes: Sizes, updates: int) -> Measurement:
    """Return the seconds of a training as if they had been measured, each round in the process of its steps."""
    steps = run.find("step", "train", variant, sizes=sizes)
    return Measurement("s", _totals(run, variant, sizes, updates), steps.turns if steps else {}, "")


def _added(parts: Sequence[Sequence[Sequence[float]]], updates: int) -> list[list[float]]:
    """Add up the seconds of building, calling first and so many steps, round by round."""
    return [
        [build[0] + first[0] + updates * float(np.median(steps))] for build, first, steps in zip(*parts, strict=True)
    ]


def ratio_of_totals(nearest: Nearest, variant: str, updates: int, under: str = LOOP) -> Ratio:
    """Return the ratio of the times of two trainings, round by round where the two took turns."""
    _, run, sizes = nearest
    pair = [case_of(name, sizes) for name in (variant, under)]
    rounds = run.side_by_side(*(case.key(quantity, "train") for case in pair for quantity in PARTS))
    if rounds:
        long, other = (_added(parts, updates) for parts in (rounds.samples[:3], rounds.samples[3:]))
        return ratio(long, other, rounds.processes)
    before, after = (_total(run, name, sizes, updates) for name in (under, variant))
    return change(before, after, "total").ratio


def _by_total(nearest: Nearest, updates: int) -> Advice:
    """Choose by the whole time of so many training steps."""
    others = rivals(nearest.run, nearest.sizes)
    ratios = {variant: ratio_of_totals(nearest, variant, updates) for variant in others}
    what = f"build + first call + {updates} training steps"
    evidence = (
        *(
            Evidence(f"{what}, {label(variant)} / {label(LOOP)}", ratio_text(ratio), str(nearest.sizes))
            for variant, ratio in ratios.items()
        ),
        *_seconds(nearest, [LOOP, *others, *_fused(nearest)], updates),
    )
    if not any(ratio.has_verdict for ratio in ratios.values()):
        return _no_verdict(nearest, updates, _best_verdict(ratios.values()), evidence)
    faster = sorted((one for one in ratios if ratios[one].verdict == FASTER), key=lambda variant: ratios[variant].value)
    if faster:
        best = faster[0]
        alike = [one for one in others if one != best and not ratio_of_totals(nearest, best, updates, one).decided]
        worth = " in place of ".join(f"{significant(median_total(nearest, one, updates))} s" for one in (best, LOOP))
        because = f"{what} take {factor(ratios[best].value)} of the time that the loop takes, {worth} by the medians"
        because += f"; {_listed(alike)} beside it {CLOSE}, or {SAME}" if alike else ""
        return Advice((best,), f"Take {_code(best)}.", because, nearest, evidence)
    return Advice((LOOP,), f"Take {_code(LOOP)}.", _why_the_loop(ratios, what), nearest, evidence)


def _best_verdict(ratios: Iterable[Ratio]) -> str:
    """Return why there is no verdict, of the ratio with the most rounds."""
    return max(ratios, key=lambda ratio: ratio.rounds).verdict


def _no_verdict(nearest: Nearest, updates: int, why: str, evidence: tuple[Evidence, ...]) -> Advice:
    """Recommend nothing, and say to what the medians point, be it no way to unroll."""
    run, sizes = nearest.run, nearest.sizes
    variants = [LOOP, *rivals(run, sizes), *_fused(nearest)]
    totals = {variant: median_total(nearest, variant, updates) for variant in variants}
    best = min(totals, key=lambda variant: totals[variant])
    steps = f"after {counted(updates, 'training step')}"
    headline = f"{why[0].upper()}{why[1:]}; the figures point to {_code(best)} {steps}."
    needs = f"a verdict needs {ENOUGH_ROUNDS} rounds in several processes"
    because = f"{needs}; by the medians {_quoted(best)} takes the least time in all"
    return Advice((), headline, because, nearest, evidence)


def _why_the_loop(ratios: dict[str, Ratio], what: str) -> str:
    """Return what is known of each rival, none of which is shown to be faster."""
    by_verdict: dict[str, list[str]] = {}
    for variant, total in ratios.items():
        by_verdict.setdefault(total.verdict, []).append(variant)
    slower = by_verdict.pop(SLOWER, [])
    reasons = [f"{what} take longer with {_listed(slower)}"] if slower else []
    reasons += [f"{_listed(variants)} beside the loop: {verdict}" for verdict, variants in by_verdict.items()]
    return "; ".join([*reasons, BY_DEFAULT] if by_verdict else reasons)


def advise_from(nearest: Nearest) -> Advice:
    """Recommend by when something else than the loop has paid for itself, from one run at sizes where it can tell."""
    others = rivals(nearest.run, nearest.sizes)
    paid = {variant: _break_even(nearest, variant) for variant in others}
    known = {variant: steps for variant, steps in paid.items() if steps}
    evidence = (
        *(_paid_evidence(nearest, variant, steps) for variant, steps in known.items()),
        *_seconds(nearest, [LOOP, *others, *_fused(nearest)], 1),
    )
    best = min(known, key=lambda variant: known[variant].high, default=None)
    if best is None:
        steps = [ratio for variant in others if (ratio := _step_ratio(nearest, variant))]
        return _no_verdict(nearest, MANY_UPDATES, _best_verdict(steps) if steps else APART, evidence)
    if math.isinf(known[best].high):
        because = (
            f"no other way to unroll is shown to be quicker at these sizes, however long the training; {BY_DEFAULT}"
        )
        return Advice((LOOP,), f"Take {_code(LOOP)}.", because, nearest, evidence)
    if known[best].high == 0:
        because = "it starts no later than the loop, and its step is not shown to take longer"
        return Advice((best,), f"Take {_code(best)}.", because, nearest, evidence)
    low, high = (steps_text(steps) for steps in known[best][1:])
    few = f"up to {low} training step{'s' * (low != '1')}" if known[best].low > 0 else "few training steps"
    headline = f"Take {_code(LOOP)} for {few}, and {_code(best)} for more than {high}."
    because = f"{_quoted(best)} starts later, and has by then paid for itself; in between the two are {CLOSE}"
    return Advice((LOOP, best), headline, because, nearest, evidence)


def _step_ratio(nearest: Nearest, variant: str) -> Ratio | None:
    cases = [case_of(name, nearest.sizes) for name in (variant, LOOP)]
    return nearest.run.ratio("step", "train", *cases)


def _break_even(nearest: Nearest, variant: str) -> BreakEven | None:
    """Return the steps after which a rival has paid for itself: never if its step is slower; None if rounds are few.

    What starts no later is said to have paid for itself at once, however slow its step is.
    """
    step = _step_ratio(nearest, variant)
    if step is None or not step.has_verdict:
        return None
    if step.verdict == SLOWER:
        return BreakEven(math.inf, math.inf, math.inf)
    return nearest.run.break_even("train", *(case_of(name, nearest.sizes) for name in (variant, LOOP)))


def _paid_evidence(nearest: Nearest, variant: str, steps: BreakEven) -> Evidence:
    what = f"training steps after which {label(variant)} has paid for itself beside {label(LOOP)}"
    return Evidence(what, break_even_text(steps), str(nearest.sizes))


def _listed(variants: Iterable[str]) -> str:
    *first, last = map(_quoted, variants)
    return f"{', '.join(first)} and {last}" if first else last


def _quoted(variant: str) -> str:
    """Return a variant's name in quotation marks, because some names have commas in them."""
    return f'"{label(variant)}"'


def _seconds(nearest: Nearest, variants: Iterable[str], updates: int) -> tuple[Evidence, ...]:
    """Show of what each training consists."""
    figures = []
    for variant in variants:
        parts = [nearest.run.find(quantity, "train", variant, sizes=nearest.sizes) for quantity in PARTS]
        texts = [_milliseconds(part) for part in parts if part]
        text = " + ".join([*texts[:2], f"{updates} x {texts[2]}" if updates > 1 else texts[2]])
        figures.append(Evidence(f"{label(variant)}, build + first call + steps", f"{text} ms", str(nearest.sizes)))
    return tuple(figures)


def _milliseconds(measured: Measurement) -> str:
    low, high = measured.quartiles
    middle = f"{significant(measured.median * 1e3)}"
    return middle if len(measured.samples) == 1 else f"{middle} [{significant(low * 1e3)}, {significant(high * 1e3)}]"


def _code(variant: str) -> str:
    cells = cells_an_iteration(variant)
    code = f"dynamic_unroll(cell, ..., unroll={cells})" if cells else CODE.get(variant, "")
    name = "the loop" if variant == LOOP else _quoted(variant)
    return f"{name}: {code}" if code else name


def keras_text(advice: Advice) -> str:
    """Return what an advice comes to in Keras, as a sentence; empty where nothing is advised."""
    return f"In Keras: {'; for many: '.join(map(_in_keras, advice.variants))}." if advice.variants else ""


def _in_keras(variant: str) -> str:
    cells = cells_an_iteration(variant)
    return f"unroll.keras.LSTM(units, unroll={cells})" if cells else IN_KERAS[variant]


def how_to_measure(wanted: Sizes, device: str = "cpu") -> str:
    """Return the command that measures at some sizes, with data that has a batch of that size."""
    data = " --data mnist" if wanted.batch > DIGITS_IMAGES else ""
    chosen = f" --device {device}" if device != "cpu" else ""
    return f"unroll bench --steps {wanted.steps} --batch {wanted.batch} --hidden {wanted.hidden}{data}{chosen}"


def advice_lines(advice: Advice, wanted: Sizes) -> list[str]:
    """Format an advice as lines for the terminal."""
    folder, run, sizes = advice.nearest
    far = [f"{letter} {_times(value)}" for letter, value in _factors(sizes, wanted).items() if value != 1]
    nearness = f"nearest to them, with {', '.join(far)}" if far else "these very sizes"
    processor = plain(device_name(run))
    nearest = f"At the nearest sizes that were measured, {sizes}: " if far and advice.variants else ""
    return [
        *_lines(f"{nearest}{advice.headline}"),
        *_lines(f"Why: {advice.because}."),
        *_lines(keras_text(advice)),
        "",
        *_lines(f"asked for  T={wanted.steps}, B={wanted.batch}, H={wanted.hidden}", 11),
        *_lines(f"measured   {sizes}: {nearness}", 11),
        *_lines(f"where      {folder}, {run.started[:10]}, on {processor}", 11),
        *_lines("figures    medians, with 95% intervals for ratios and quartiles for times", 11),
        *(line for figure in advice.evidence for line in _lines(f"  {figure.what}: {figure.value}", 4)),
        *(_lines(f"to measure your own sizes: {how_to_measure(wanted, run.device)}", 2) if far else []),
    ]


def _lines(text: str, indent: int = 0) -> list[str]:
    """Return a line in as many as fit the terminal, the further ones set in; no word is broken."""
    margin = " " * indent
    return textwrap.wrap(text, WIDTH, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False)


def advice_json(advice: Advice, wanted: Sizes) -> str:
    """Write an advice as JSON; docs/reference/json.md describes its fields."""
    folder, run, sizes = advice.nearest
    content = {
        "headline": advice.headline,
        "because": advice.because,
        "variants": advice.variants,
        "in_keras": [_in_keras(variant) for variant in advice.variants],
        "asked": {name: getattr(wanted, name) for name in ("steps", "batch", "hidden")},
        "measured": asdict(sizes),
        "folder": str(folder),
        "run": run.id,
        "device": device_name(run),
        "evidence": [figure._asdict() for figure in advice.evidence],
        "to_measure": how_to_measure(wanted, run.device),
    }
    return json.dumps(content, indent=2)


def _times(value: float) -> str:
    return f"{factor(value)} times as large" if value > 1 else f"{factor(1 / value)} times smaller"

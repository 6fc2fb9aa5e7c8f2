"""What a run says on one question: ratios, growth and counts, each with its interval, its unit and its sizes."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from unroll.measure.config import Sizes, case_of
from unroll.measure.journal import Run, device_name
from unroll.measure.statistics import (
    AGREES,
    CLOSE,
    DIFFERS,
    ENOUGH_ROUNDS,
    FASTER,
    NOT_MEASURED,
    SAME,
    SAME_HIGH,
    SLOWER,
    BreakEven,
    Growth,
    Ratio,
    growth,
    median_of,
)
from unroll.measure.variants import label
from unroll.report import tables
from unroll.report.growth import FITTED_FROM, STEP_FORWARD, STEP_TRAIN, fit_growth, growth_text
from unroll.report.tables import Column, counted, factor, significant, steps_interval, steps_text

HOLDS, FAILS, DEPENDS = "holds", "does not hold here", "depends"
WORDS = (HOLDS, AGREES, DEPENDS, DIFFERS, FAILS, CLOSE, NOT_MEASURED)
SIDES = {"s": ("takes longer", "takes less time"), "": ("holds more", "holds less")}
FEWEST_LENGTHS = 5  # of fewer, even a factor that rises from each to the next may do so by chance
LETTERS = {"steps": "T", "batch": "B", "hidden": "H"}
VARIED = {"steps": "the number of steps", "batch": "the batch", "hidden": "the hidden size"}
Pair = tuple[str, str]  # two variants, the first over the second
OURS: Pair = ("static", "dynamic")
KERAS: Pair = ("keras-unrolled", "keras-loop")


class Evidence(NamedTuple):
    """One figure that a verdict rests on: of what it is, its value with its interval and unit, and at which sizes."""

    what: str
    value: str
    at: str = ""

    def __str__(self):
        return f"{self.what}: {self.value}" + (f" ({self.at})" if self.at else "")


class Finding(NamedTuple):
    """What the evidence comes to: one of `WORDS`, why, and the figures."""

    word: str
    because: str
    evidence: tuple[Evidence, ...] = ()


NOTHING_NEAR = Finding(NOT_MEASURED, "nothing comes near to it")


class Tally(NamedTuple):
    """At which sizes what is claimed is shown, at which the opposite, where it is the same, and too close to call."""

    shown: list[Sizes]
    opposite: list[Sizes]
    same: list[Sizes]
    close: list[Sizes]

    @property
    def word(self) -> str:
        """Return what the sizes come to: it fails only where the contrary is shown, and at no size the claim."""
        contrary = self.opposite or self.same
        if self.shown and contrary:
            return DEPENDS
        return CLOSE if self.close else HOLDS if self.shown else FAILS


def ratios_at(run: Run, question: Column, pair: Pair) -> dict[Sizes, Ratio]:
    """Return the ratio of two variants at all sizes where they took turns: the run's own, then from small to large.

    Sizes with a sequence_length are left out.
    """
    ratios = {}
    for sizes in _in_order(run, (sizes for sizes in run.all_sizes if sizes.valid is None)):
        over, under = (case_of(variant, sizes, question.mode) for variant in pair)
        if ratio := run.ratio(question.quantity, question.phase, over, under):
            ratios[sizes] = ratio
    return ratios


def _in_order(run: Run, sizes: Iterable[Sizes]) -> list[Sizes]:
    def place(at: Sizes) -> tuple:
        return at != run.sizes, at.steps, at.batch, at.hidden, at.input

    return sorted(sizes, key=place)


def tally(ratios: dict[Sizes, Ratio], more: bool) -> Tally:
    """Sort sizes by the verdict on the ratio there; it is claimed that the first of two takes more (or less)."""
    claimed, opposite = (SLOWER, FASTER) if more else (FASTER, SLOWER)
    words = (claimed, opposite, SAME, CLOSE)
    return Tally(*([sizes for sizes in ratios if ratios[sizes].verdict == word] for word in words))


def by_ratio(run: Run, metric: Column, pair: Pair, *, more: bool) -> Finding:
    """Judge whether the first of two variants takes longer (or less long) wherever the two ran in the same rounds."""
    ratios = ratios_at(run, metric, pair)
    evidence = ratio_evidence(metric, pair, ratios)
    if not ratios:
        return Finding(NOT_MEASURED, f"{names_of(pair)} did not run in the same rounds")
    judged = {sizes: ratio for sizes, ratio in ratios.items() if ratio.has_verdict}
    if not judged:
        return Finding(NOT_MEASURED, max(ratios.values(), key=lambda ratio: ratio.rounds).verdict, evidence)
    tallied = tally(judged, more)
    first, second = map(label, pair)
    effect = f"{first} takes {'longer' if more else 'less time'} than {second}"
    parts = {effect: tallied.shown, "the other way round": tallied.opposite, SAME: tallied.same, CLOSE: tallied.close}
    turns = f"on {varying(judged)}: " if tallied.word == DEPENDS else ""
    return Finding(tallied.word, turns + _where_each(parts, judged), evidence)


def _where_each(parts: dict[str, list[Sizes]], judged: dict[Sizes, Ratio]) -> str:
    """Return the text that says what is so at which sizes; the last of several parts are at all others."""
    filled = {text: sizes for text, sizes in parts.items() if sizes}
    if len(filled) == 1:
        return f"{next(iter(filled))} {_everywhere(judged)}"
    *named, last = filled
    return "; ".join([*(f"{text} at {places(filled[text], judged)}" for text in named), f"{last} at the others"])


def ratio_evidence(question: Column, pair: Pair, ratios: dict[Sizes, Ratio]) -> tuple[Evidence, ...]:
    """Show the ratio at the run's sizes, and the lowest and the highest of all."""
    if not ratios:
        return ()
    values = {sizes: ratio.value for sizes, ratio in ratios.items()}
    chosen = [next(iter(ratios)), min(values, key=values.__getitem__), max(values, key=values.__getitem__)]
    what = f"{question.heading}, {names_of(pair)}"
    return tuple(Evidence(what, ratio_text(ratios[sizes]), str(sizes)) for sizes in dict.fromkeys(chosen))


def ratio_text(ratio: Ratio) -> str:
    """Write a ratio with its interval and its rounds."""
    if without := tables.why_no_interval(ratio):
        return f"{factor(ratio.value)} ({without})"
    return f"{factor(ratio.value)} [{tables.interval(ratio, ', ')}], {ratio.rounds} rounds"


def names_of(pair: Pair) -> str:
    """Return the labels of two variants, the first over the second."""
    return " / ".join(map(label, pair))


def _everywhere(all_sizes: Collection[Sizes]) -> str:
    """Return the text that names all sizes of which something is true."""
    number = len(all_sizes)
    return f"at {span(all_sizes)}" if number == 1 else f"at all {number} sizes measured, {span(all_sizes)}"


def span(sizes: Iterable[Sizes]) -> str:
    """Write from where to where sizes reach.

    >>> span([Sizes(batch=1), Sizes(batch=512)])
    'T=28, B=1 to 512, H=128'
    """
    every = list(sizes)
    values = {letter: sorted({getattr(each, name) for each in every}) for name, letter in LETTERS.items()}
    return ", ".join(
        f"{letter}={seen[0]}" + (f" to {seen[-1]}" if len(seen) > 1 else "") for letter, seen in values.items()
    )


def places(sizes: Iterable[Sizes], among: Iterable[Sizes]) -> str:
    """Name sizes by what of them varies among all that were measured.

    >>> found = [Sizes(batch=1, hidden=32), Sizes(batch=1, hidden=512), Sizes(batch=8, hidden=512)]
    >>> places(found, [*found, Sizes(batch=32, hidden=32)])
    'B=1 with H=32, 512; B=8 with H=512'
    """
    chosen, every = list(sizes), list(among)
    names = [name for name in LETTERS if len({getattr(each, name) for each in every}) > 1]
    if not names:
        return span(chosen)
    *outer, inner = names
    at: dict[tuple, list[int]] = {}  # the inner size's values at each combination of the outer ones
    for each in sorted(chosen, key=lambda each: tuple(getattr(each, name) for name in names)):
        at.setdefault(tuple(getattr(each, name) for name in outer), []).append(getattr(each, inner))
    alike: dict[tuple, list[tuple]] = {}  # and where these values are the same
    for place, values in at.items():
        alike.setdefault(tuple(values), []).append(place)
    return "; ".join(
        " with ".join(filter(None, [_named(outer, where), _named([inner], [(value,) for value in values])]))
        for values, where in alike.items()
    )


def _named(names: Sequence[str], values: Sequence[tuple]) -> str:
    """Write values by their letters: B=1, 32; or of two sizes T=1, B=2 and T=1, B=4."""
    if len(names) == 1:
        return f"{LETTERS[names[0]]}={', '.join(str(value) for (value,) in values)}"
    texts = [
        ", ".join(f"{LETTERS[name]}={value}" for name, value in zip(names, place, strict=True)) for place in values
    ]
    return " and ".join(texts)


def varying(sizes: Iterable[Sizes]) -> str:
    """Return what varies among sizes: what a verdict that differs between them depends on."""
    every = list(sizes)
    return " and ".join(name for key, name in VARIED.items() if len({getattr(each, key) for each in every}) > 1)


def lengths(run: Run, question: Column, pair: Pair) -> dict[int, float]:
    """Return the ratio of two variants' medians at every T where both were measured, by T."""
    over, under = (run.sweep("steps", question.quantity, question.phase, variant, question.mode) for variant in pair)
    return {
        steps: over[steps].median / under[steps].median
        for steps in sorted(over.keys() & under.keys())
        if over[steps].samples and under[steps].samples and under[steps].median > 0
    }


def by_count(run: Run, question: Column, pair: Pair) -> Finding:
    """Judge whether the first of two variants is larger at every T; counted, so that any difference is one."""
    ratios = lengths(run, question, pair)
    if not ratios:
        return Finding(NOT_MEASURED, "not counted in this run")
    larger = [steps for steps, value in ratios.items() if value > 1]
    evidence = (*lengths_evidence(run, question, pair, ratios, "counted"), *exponents(run, question, pair))
    first = label(pair[0])
    if len(larger) == len(ratios):
        return Finding(HOLDS, f"{first} is larger at {_every_length(ratios)}", evidence)
    if not larger:
        return Finding(FAILS, f"{first} is not larger at {_every_length(ratios)}", evidence)
    return Finding(DEPENDS, f"on the number of steps: {first} is larger {_where(larger, ratios)}", evidence)


def by_length(run: Run, question: Column, pair: Pair, *, more: bool = True) -> Finding:
    """Judge whether the first of two variants takes more (or less), from what was measured at several T.

    At each T there are few measurements, or one. So the lengths stand for rounds: the interval is that of the median
    over them. The verdict depends on T where what is claimed grows with T for certain, and is there for certain at the
    largest T but not at every T; or shrinks, and is there at the smallest.
    """
    ratios = lengths(run, question, pair)
    if not ratios:
        return Finding(NOT_MEASURED, "not measured")
    evidence = lengths_evidence(run, question, pair, ratios)
    if len(ratios) < ENOUGH_ROUNDS:
        few = f"at {counted(len(ratios), 'length')} only, and one measurement has no spread"
        return Finding(NOT_MEASURED, f"{few}; the preset `full` measures it at many", evidence)
    first, sides = label(pair[0]), SIDES["s" if question.unit == "ms" else ""]
    what = f"{question.heading}, {names_of(pair)}"
    trend = growth(list(ratios), list(ratios.values()))
    rises, falls = (trend.low > 0, trend.high < 0) if more else (trend.high < 0, trend.low > 0)
    true = [steps for steps, value in ratios.items() if (value if more else 1 / value) > SAME_HIGH]
    end = max(ratios) if rises else min(ratios) if falls else None
    if end in true and len(true) < len(ratios):
        evidence += (Evidence(f"{what} changes as T^p, p", growth_text(trend), _from_to(ratios)),)
        because = f"on the number of steps: {first} {sides[not more]} {_where(true, ratios)}"
        return Finding(DEPENDS, because, evidence)
    typical = median_of(list(ratios.values()))
    text = f"{factor(typical.value)} [{tables.interval(typical, ', ')}], {len(ratios)} lengths"
    evidence += (Evidence(f"{what}, median over lengths", text, _from_to(ratios)),)
    over = f"over {len(ratios)} lengths, {_from_to(ratios)}"
    if typical.verdict in (SAME, CLOSE):
        return Finding(FAILS if typical.verdict == SAME else CLOSE, f"{typical.verdict} {over}", evidence)
    is_more = typical.verdict == SLOWER
    return Finding(HOLDS if is_more == more else FAILS, f"{first} {sides[not is_more]} as a rule, {over}", evidence)


def by_time(run: Run, question: Column, pair: Pair, *, more: bool) -> Finding:
    """Judge whether the first of two takes longer (or less long) wherever they took turns, and as T varies."""
    there, along = by_ratio(run, question, pair, more=more), by_length(run, question, pair, more=more)
    if there.word == NOT_MEASURED != along.word:
        return along
    if along.word == NOT_MEASURED:
        return there
    evidence = there.evidence + along.evidence
    if {there.word, along.word} == {HOLDS, FAILS}:
        return Finding(DEPENDS, f"on where: {there.because}; but {along.because}", evidence)
    first, second = sorted((there, along), key=lambda finding: (DEPENDS, CLOSE, HOLDS, FAILS).index(finding.word))
    return Finding(first.word, f"{first.because}; {second.because}", evidence)


def _every_length(ratios: dict[int, float]) -> str:
    return f"T={next(iter(ratios))}" if len(ratios) == 1 else f"all {len(ratios)} lengths, {_from_to(ratios)}"


def _from_to(lengths: Iterable[int]) -> str:
    steps = list(lengths)
    return f"T={min(steps)} to {max(steps)}"


def _where(true: list[int], ratios: dict[int, float]) -> str:
    """Return where along T something is true: from some T up, up to some T, or at which T."""
    steps = list(ratios)
    false = [length for length in steps if length not in true]
    if steps[-1] in true:
        start = next(length for length in steps if length > max(false))
        above, below = ([length for length in steps if (length >= start) == side] for side in (True, False))
        return f"from T={start} up ({_factors(ratios, above)}), below it {_factors(ratios, below)}"
    if steps[0] in true:
        end = max(length for length in steps if length < min(false))
        below, above = ([length for length in steps if (length <= end) == side] for side in (True, False))
        return f"up to T={end} ({_factors(ratios, below)}), above it {_factors(ratios, above)}"
    return f"at T={', '.join(map(str, true))} of T={', '.join(map(str, steps))}"


def _factors(ratios: dict[int, float], steps: list[int]) -> str:
    values = [ratios[length] for length in steps]
    low, high = factor(min(values)), factor(max(values))
    return f"{low} times" if low == high else f"{low} to {high} times"


def lengths_evidence(
    run: Run, question: Column, pair: Pair, ratios: dict[int, float], how: str = ""
) -> tuple[Evidence, ...]:
    """Show both at the run's T and at the largest, and how each was measured."""
    chosen = [run.sizes.steps] if run.sizes.steps in ratios else []
    evidence = []
    for steps in dict.fromkeys([*chosen, max(ratios)]):
        sizes = replace(run.sizes, steps=steps)
        measurements = [run.find(question.quantity, question.phase, variant, question.mode, sizes) for variant in pair]
        amounts = " against ".join(
            significant(measured.median / question.scale) for measured in measurements if measured
        )
        rounds = [len(measured.rounds) for measured in measurements if measured]
        once = "one measurement each" if question.unit != "ms" else "one round each"
        counted = how or (once if max(rounds) == 1 else f"medians of {' and '.join(map(str, rounds))} rounds")
        text = f"{amounts} {question.unit}: {factor(ratios[steps])} times ({counted})"
        evidence.append(Evidence(f"{question.heading}, {names_of(pair)}", text, str(sizes)))
    return tuple(evidence)


def exponent(run: Run, question: Column, variant: str) -> Growth | None:
    """Fit by which power of T a cost grows; None where it was measured at too few T."""
    fit = fit_growth(run.sweep("steps", question.quantity, question.phase, variant, question.mode))
    return None if isinstance(fit, str) else fit


def exponents(run: Run, question: Column, variants: Iterable[str]) -> tuple[Evidence, ...]:
    """Show by which powers of T a cost of some variants grows."""
    fits = {variant: exponent(run, question, variant) for variant in variants}
    texts = [f"{label(variant)} {growth_text(fit, exact=question.exact)}" for variant, fit in fits.items() if fit]
    at = f"T={FITTED_FROM} and more, {span([run.sizes]).partition(', ')[2]}"
    counted = " (counted)" if question.exact else ""
    return (Evidence(f"{question.heading} grows as T^p, p", f"{'; '.join(texts)}{counted}", at),) if texts else ()


def grows_faster(run: Run, question: Column, pair: Pair) -> Finding:
    """Judge whether a cost of the first of two variants grows faster with T: whether the factor between them grows."""
    ratios = {steps: value for steps, value in lengths(run, question, pair).items() if steps >= FITTED_FROM}
    if len(ratios) < FEWEST_LENGTHS:
        because = f"measured at fewer than {FEWEST_LENGTHS} lengths from T={FITTED_FROM} up"
        return Finding(NOT_MEASURED, because, exponents(run, question, pair))
    factors = growth(list(ratios), list(ratios.values()))
    what = f"{question.heading}, {names_of(pair)} changes as T^p, p"
    evidence = (Evidence(what, growth_text(factors), _from_to(ratios)), *exponents(run, question, pair))
    if factors.low > 0:
        return Finding(HOLDS, f"grows faster in {label(pair[0])}", evidence)
    if factors.high < 0:
        return Finding(FAILS, f"grows faster in {label(pair[1])}", evidence)
    return Finding(CLOSE, f"which grows faster is {CLOSE}", evidence)


def break_evens(run: Run, pair: Pair) -> dict[Sizes, BreakEven]:
    """Return the training steps after which the first of two has paid for itself, if they took turns often enough."""
    step = Column("step", "train", "", "ms")
    sizes = [sizes for sizes, paid in ratios_at(run, step, pair).items() if paid.has_verdict]
    paid = {at: run.break_even("train", *(case_of(variant, at) for variant in pair)) for at in sizes}
    return {at: steps for at, steps in paid.items() if steps}


def break_even_text(paid: BreakEven) -> str:
    """Write after how many steps one has paid for itself, with the interval."""
    return f"{steps_text(paid.steps)}, 95% interval {steps_interval(paid)}"


def combine(parts: dict[str, Finding]) -> Finding:
    """Combine the findings on all parts of a claim: where they agree, theirs; where one is not measured, none."""
    word = _combined({finding.word for finding in parts.values()})
    names_by_text: dict[str, list[str]] = {}
    for name, finding in parts.items():
        depends = finding.word == DEPENDS and not finding.because.startswith("on what is meant")
        names_by_text.setdefault(f"depends {finding.because}" if depends else finding.because, []).append(name)
    because = "; ".join(f"{' and '.join(names)}: {text}" for text, names in names_by_text.items())
    evidence = tuple(figure for finding in parts.values() for figure in finding.evidence)
    return Finding(word, f"on what is meant. {because}" if word == DEPENDS else because, evidence)


def _combined(words: set[str]) -> str:
    """Return the word of the whole: it depends where one part holds and another fails, else the least certain's."""
    if DEPENDS in words or words >= {HOLDS, FAILS}:
        return DEPENDS
    return next(word for word in (NOT_MEASURED, CLOSE, DIFFERS, AGREES, FAILS, HOLDS) if word in words)


def on_the_card(run: Run, finding: Finding) -> Finding:
    """Return a finding with the name of the GPU in front of its figures."""
    evidence = tuple(figure._replace(what=f"{device_name(run)}: {figure.what}") for figure in finding.evidence)
    return finding._replace(evidence=evidence)


def without_a_gpu(finding: Finding) -> Finding:
    """Return a finding without a verdict, for a claim about a GPU: its figures are shown as measured elsewhere."""
    evidence = tuple(figure._replace(what=f"without a GPU: {figure.what}") for figure in finding.evidence)
    return Finding(NOT_MEASURED, "it is said of a GPU, and this run was not measured on one", evidence)


def no_longer(what: str, ratio: Ratio, at: str) -> Finding:
    """Judge whether the first of two takes no longer than the second."""
    evidence = (Evidence(what, ratio_text(ratio), at),)
    if not ratio.has_verdict:
        return Finding(NOT_MEASURED, ratio.verdict, evidence)
    if ratio.verdict == CLOSE:
        return Finding(CLOSE, CLOSE, evidence)
    if ratio.verdict == SLOWER:
        return Finding(FAILS, "it takes longer", evidence)
    return Finding(HOLDS, "it takes less time" if ratio.verdict == FASTER else f"it takes {SAME}", evidence)


class Traces(NamedTuple):
    """How often a variant was traced, over how many calls of different lengths."""

    traces: int
    calls: int


def traces(run: Run, variant: str, quantity: str) -> Traces | None:
    """Return how often a variant was traced when lengths varied; None where it was not counted."""
    counted = run.find(quantity, "forward", variant)
    calls = re.search(r"\d+", counted.note) if counted and counted.samples else None
    return Traces(int(counted.median), int(calls[0])) if counted and calls else None


def steps_take(run: Run, pair: Pair, *, more: bool) -> Finding:
    """Judge whether the first of two takes longer (or less long) in training and in forward steps."""
    return combine({step.heading: by_time(run, step, pair, more=more) for step in (STEP_TRAIN, STEP_FORWARD)})

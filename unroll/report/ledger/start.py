"""The claims about what unrolling costs to start, and whether it is won back."""

import operator
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from unroll.measure.config import case_of
from unroll.measure.journal import Run
from unroll.measure.statistics import CLOSE, NOT_MEASURED, SLOWER, Ratio
from unroll.measure.variants import label
from unroll.report.growth import BUILD, FIRST_CALL, GRAPH_BYTES, STEP_TRAIN
from unroll.report.ledger.claim import D003, KERAS_DOCS, LEARNERS, R2RT, Results, claim
from unroll.report.ledger.evidence import (
    DEPENDS,
    FAILS,
    HOLDS,
    KERAS,
    OURS,
    Evidence,
    Finding,
    break_even_text,
    break_evens,
    by_count,
    by_time,
    combine,
    grows_faster,
    lengths,
    lengths_evidence,
    names_of,
    no_longer,
    places,
    ratio_text,
    span,
    traces,
    varying,
)
from unroll.report.tables import factor, significant, steps_text

R2RT_STEPS, R2RT_FACTOR = 200, 25.6 / 0.53


@claim(
    "longer-to-generate",
    "A network made by static_rnn takes longer to generate.",
    D003,
    "ratios.png",
)
def build_takes_longer(results: Results) -> Finding:
    """Judge whether static's training graph takes longer to build."""
    return by_time(results.run, BUILD, OURS, more=True)


@claim(
    "48-times-longer-to-build",
    "Unrolled, the graph of 200 steps takes 25.6 s to build, and as a loop 0.53 s.",
    R2RT,
    "growth.png",
)
def r2rt_build(results: Results) -> Finding:
    """Compare the factor between the two with the published one, at the same length."""
    run = results.run
    ratios, grows = lengths(run, BUILD, OURS), grows_faster(run, BUILD, OURS)
    around = {steps: value for steps, value in ratios.items() if steps in _around(ratios, R2RT_STEPS)}
    if grows.word == NOT_MEASURED or not around:
        return Finding(NOT_MEASURED, f"not measured around T={R2RT_STEPS}, and as T grows", grows.evidence)
    evidence = (*lengths_evidence(run, BUILD, OURS, around), *grows.evidence)
    if grows.word != HOLDS:
        return Finding(grows.word, grows.because, evidence)
    here = float(np.exp(np.interp(np.log(R2RT_STEPS), np.log(list(around)), np.log(list(around.values())))))
    between = "" if R2RT_STEPS in around else f" (between T={' and '.join(map(str, around))})"
    times = f"at T={R2RT_STEPS} {factor(here)} times here{between}, {R2RT_FACTOR:.0f} times in the source, of no spread"
    if 0.5 <= here / R2RT_FACTOR <= 2:
        return Finding(HOLDS, f"{times}: no more than a factor of 2 apart", evidence)
    return Finding(DEPENDS, f"on the network and the machine: {times}; the factor grows with T in both", evidence)


def _around(lengths: Iterable[int], steps: int) -> set[int]:
    """Return the measured length that was asked for, or the two next to it; none if it lies outside of them."""
    below, above = ([length for length in lengths if side(length, steps)] for side in (operator.le, operator.ge))
    return {max(below), min(above)} if below and above else set()


@claim(
    "first-call-and-graph",
    "Unrolled, the first call takes 10 s and the graph 3.5 MB; as a loop, it starts at once, with 180 KB.",
    "tensorflow issue 38628",
    "growth.png",
)
def starts_late_with_a_large_graph(results: Results) -> Finding:
    """Judge whether static's first call takes longer, and whether its graph is larger."""
    run = results.run
    start = {FIRST_CALL.heading: by_time(run, FIRST_CALL, OURS, more=True)}
    return combine(start | {GRAPH_BYTES.heading: by_count(run, GRAPH_BYTES, OURS)})


@claim(
    "short-sequences-only",
    "Unrolling is only suitable for short sequences.",
    KERAS_DOCS,
    "growth.png",
)
def suits_short_only(results: Results) -> Finding:
    """Judge whether the longer the sequence, the later what is unrolled starts, and whether its steps win that back."""
    run = results.run
    grown = combine({metric.heading: grows_faster(run, metric, KERAS) for metric in (BUILD, FIRST_CALL)})
    if grown.word != HOLDS:
        return grown
    longest = max(lengths(run, BUILD, KERAS))
    late, early = (_start_and_step(run, variant, longest) for variant in KERAS)
    if not late or not early:
        return Finding(NOT_MEASURED, f"no training step of both at T={longest}", grown.evidence)
    (start, step), (other_start, other_step) = late, early
    if step >= other_step:
        return Finding(HOLDS, f"{grown.because}; at T={longest} its training step takes no less time", grown.evidence)
    paid = steps_text((start - other_start) / (other_step - step))
    text = (
        f"{significant(start - other_start)} s later, {significant(1e3 * (other_step - step))} ms less a step: {paid}"
    )
    what = f"{names_of(KERAS)}, training steps after which it has paid for itself"
    evidence = (
        Evidence(what, f"{text} (medians, without an interval)", str(replace(run.sizes, steps=longest))),
        *grown.evidence,
    )
    because = (
        f"on how long it trains: its start grows with T, and by the medians at T={longest} {paid} steps pay for it"
    )
    return Finding(DEPENDS, because, evidence)


def _start_and_step(run: Run, variant: str, steps: int) -> tuple[float, float] | None:
    """Return the median seconds to build and call first, and of a training step; None if any was not measured."""
    sizes = replace(run.sizes, steps=steps)
    costs = [
        run.find(metric.quantity, metric.phase, variant, sizes=sizes) for metric in (BUILD, FIRST_CALL, STEP_TRAIN)
    ]
    medians = [measured.median for measured in costs if measured and measured.samples]
    return (medians[0] + medians[1], medians[2]) if len(medians) == len(costs) else None


@claim(
    "rebuilt-at-every-step",
    "The graph is built anew at every step.",
    LEARNERS,
    "break-even.png",
)
def rebuilt_at_every_step(results: Results) -> Finding:
    """Judge by the traces counted over several calls, or by a step that takes less time than a build."""
    run = results.run
    counted = traces(run, "dynamic", "retraces_signature")
    beside = {variant: _beside(run, variant, "build") for variant in OURS}
    evidence = tuple(
        Evidence(f"{label(variant)}, build / training step", ratio_text(ratio), str(run.sizes))
        for variant, ratio in beside.items()
        if ratio
    )
    if counted:
        text = f"{counted.traces} for {counted.calls} calls (counted)"
        evidence = (Evidence("dynamic, traces with an input signature", text, str(run.sizes)), *evidence)
        if counted.traces >= counted.calls:
            return Finding(HOLDS, "every call was traced", evidence)
        return Finding(FAILS, "it is traced once, and later calls run it", evidence)
    if any(ratio and ratio.verdict == SLOWER for ratio in beside.values()):
        return Finding(FAILS, "a later step takes less time than a build, and cannot include one", evidence)
    return Finding(NOT_MEASURED, "traces were not counted, and no step was shown to take less than a build", evidence)


def _beside(run: Run, variant: str, quantity: str) -> Ratio | None:
    """Return the ratio of a quantity of a variant to its training step, round by round."""
    case = case_of(variant, run.sizes)
    rounds = run.side_by_side(case.key(quantity, "train"), case.key("step", "train"))
    return rounds.ratio() if rounds else None


@claim(
    "no-warm-up",
    "The first call can be timed like any other: a benchmark needs no warm-up.",
    LEARNERS,
    "costs.png",
)
def first_call_is_as_any(results: Results) -> Finding:
    """Judge whether a first call takes no longer than a later step."""
    ratios = {variant: _beside(results.run, variant, "first_call") for variant in (*OURS, *KERAS)}
    parts = {
        label(variant): no_longer(f"{label(variant)}, first call / later training step", ratio, str(results.run.sizes))
        for variant, ratio in ratios.items()
        if ratio
    }
    return combine(parts) if parts else Finding(NOT_MEASURED, "no first call ran beside later steps")


@claim(
    "pays-off",
    "Unrolling is paid for once, and won back in training.",
    "asked by learners: which one should I use?",
    "break-even.png",
)
def pays_off(results: Results) -> Finding:
    """Judge whether what unrolling costs at the start is won back, and after how many training steps."""
    paid_after = break_evens(results.run, OURS)
    if not paid_after:
        return Finding(NOT_MEASURED, "no verdict: too few rounds side by side, or all in one process")
    paid = [sizes for sizes, steps in paid_after.items() if steps.high < np.inf]
    ends = [pick(paid, key=lambda sizes: paid_after[sizes].high) for pick in (min, max)] if paid else []
    chosen = dict.fromkeys([next(iter(paid_after)), *ends])
    what = "static beside dynamic, training steps after which it has paid for itself"
    evidence = tuple(Evidence(what, break_even_text(paid_after[sizes]), str(sizes)) for sizes in chosen)
    if len(paid) == len(paid_after):
        return Finding(HOLDS, f"at {span(paid_after)}", evidence)
    never = [sizes for sizes, steps in paid_after.items() if np.isinf(steps.low)]
    if len(never) == len(paid_after):
        return Finding(FAILS, f"never, at {span(paid_after)}", evidence)
    if not paid or not never:
        where = (
            f"it is won back at {places(paid, paid_after)}; {CLOSE} at the others"
            if paid
            else f"{CLOSE} at {span(paid_after)}"
        )
        return Finding(CLOSE, f"{where}, where the interval reaches up to never", evidence)
    because = (
        f"on {varying(paid_after)}: it is won back at {places(paid, paid_after)}, never at {places(never, paid_after)}"
    )
    return Finding(DEPENDS, because, evidence)

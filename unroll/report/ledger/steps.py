"""The claims about what a step costs."""

from itertools import product

from unroll.measure.config import Sizes
from unroll.measure.journal import Run
from unroll.measure.statistics import CLOSE, FASTER, NOT_MEASURED, SAME, SAME_HIGH, SLOWER
from unroll.measure.variants import cells_an_iteration, label
from unroll.report.compare import change
from unroll.report.growth import BUILD, STEP_FORWARD, STEP_TRAIN
from unroll.report.ledger.claim import BENCHMARK_RNN, KERAS_DOCS, R2RT, Results, claim
from unroll.report.ledger.evidence import (
    DEPENDS,
    FAILS,
    HOLDS,
    KERAS,
    OURS,
    Finding,
    Pair,
    by_ratio,
    by_time,
    combine,
    exponent,
    exponents,
    no_longer,
    ratio_evidence,
    ratios_at,
    steps_take,
)
from unroll.report.tables import Column


@claim(
    "static-is-faster",
    "A static network is the faster at every step.",
    "folklore: static is faster but bigger",
    "grid.png",
)
def static_steps_faster(results: Results) -> Finding:
    """Judge whether a step of static takes less time than one of dynamic."""
    return steps_take(results.run, OURS, more=False)


@claim(
    "unroll-is-faster",
    "unroll=True can speed up an RNN.",
    KERAS_DOCS,
    "grid.png",
)
def unrolled_layer_steps_faster(results: Results) -> Finding:
    """Judge whether a step of Keras's LSTM takes less time with unroll=True."""
    return steps_take(results.run, KERAS, more=False)


@claim(
    "no-benefit",
    "There is no real benefit in static_rnn.",
    "Stack Overflow question 51425803, its answer, after Denny Britz's guide of 2016",
    "grid.png",
)
def static_has_no_benefit(results: Results) -> Finding:
    """Judge whether a step of static nowhere takes less time than one of dynamic: the claim above, turned round."""
    finding = static_steps_faster.judge(results)
    return finding._replace(word={HOLDS: FAILS, FAILS: HOLDS}.get(finding.word, finding.word))


@claim(
    "loop-trains-faster",
    "The loop trains faster: three epochs take 96.7 s, and unrolled 117.8 s.",
    R2RT,
    "grid.png",
)
def static_trains_slower(results: Results) -> Finding:
    """Judge whether a training step of static takes longer than one of dynamic."""
    return by_time(results.run, STEP_TRAIN, OURS, more=True)


@claim(
    "as-fast-when-large",
    "dynamic_rnn is as performant as static_rnn for large batch sizes and depths, but not for smaller.",
    "tensorflow issue 9527, a maintainer",
    "grid.png",
)
def large_as_fast_small_not(results: Results) -> Finding:
    """Judge whether static is the faster at the smallest sizes, and not shown to be at the largest."""
    steps = (STEP_TRAIN, STEP_FORWARD)
    return combine({step.heading: _small_not_large(results.run, step) for step in steps})


def _small_not_large(run: Run, metric: Column) -> Finding:
    ratios = {sizes: ratio for sizes, ratio in ratios_at(run, metric, OURS).items() if ratio.has_verdict}
    order = sorted(ratios, key=_width)
    if not order or _width(order[0]) == _width(order[-1]):
        return Finding(NOT_MEASURED, "measured at one batch and hidden size at most")
    ends = {order[0]: ratios[order[0]], order[-1]: ratios[order[-1]]}
    small, large = (ratio.verdict for ratio in ends.values())
    evidence = ratio_evidence(metric, OURS, ends)
    because = f"beside dynamic, static is {small} at the smallest sizes, and {large} at the largest"
    if large == FASTER or small in (SLOWER, SAME):
        return Finding(FAILS, because, evidence)
    return Finding(CLOSE if CLOSE in (small, large) else HOLDS, because, evidence)


def _width(sizes: Sizes) -> int:
    return sizes.batch * sizes.hidden


@claim(
    "unroll-by-a-few",
    "A few cells an iteration give the speed of unrolling without its cost.",
    "keras issue 16485, where an unroll factor is asked for, as JAX's scan has it",
    "unroll.png",
)
def few_cells_an_iteration(results: Results) -> Finding:
    """Judge whether an unroll=k makes the loop's step faster, and its build no longer."""
    run = results.run
    stepped = dict.fromkeys(record.variant for record in run.records if record.quantity == STEP_TRAIN.quantity)
    cells = {cells: variant for variant in stepped if (cells := cells_an_iteration(variant))}
    parts = {f"unroll={k}": _gain(run, (variant, "dynamic")) for k, variant in sorted(cells.items())}
    return combine(parts) if parts else Finding(NOT_MEASURED, "no unroll=k in this run")


def _gain(run: Run, pair: Pair) -> Finding:
    step, build = by_ratio(run, STEP_TRAIN, pair, more=False), by_ratio(run, BUILD, pair, more=True)
    evidence = step.evidence + build.evidence
    if step.word != HOLDS:
        return Finding(step.word, step.because, evidence)
    if build.word != HOLDS:
        return Finding(HOLDS if build.word == FAILS else build.word, f"a faster step; build: {build.because}", evidence)
    return Finding(DEPENDS, "on how long it runs: a faster step, after a longer build", evidence)


@claim(
    "long-sequences",
    "A training step takes no more than in proportion to the number of steps.",
    f"{BENCHMARK_RNN}, which asks it at T = 100 to 1000",
    "growth.png",
)
def in_proportion(results: Results) -> Finding:
    """Judge whether a training step grows no faster than T."""
    return combine({label(variant): _no_faster_than_steps(results.run, variant) for variant in OURS})


def _no_faster_than_steps(run: Run, variant: str) -> Finding:
    fit, evidence = exponent(run, STEP_TRAIN, variant), exponents(run, STEP_TRAIN, [variant])
    if fit is None:
        return Finding(NOT_MEASURED, "measured at too few T")
    if fit.high <= SAME_HIGH:
        return Finding(HOLDS, "a step does not grow faster than T", evidence)
    if fit.low > 1:
        return Finding(FAILS, "a step grows faster than T", evidence)
    return Finding(CLOSE, f"whether it grows faster than T is {CLOSE}", evidence)


@claim(
    "half-the-length",
    "With a sequence_length of half the steps, an unroll takes no longer than one of half the steps.",
    f"{BENCHMARK_RNN}, which asks it at T = 50",
    "costs.png",
)
def half_the_length(results: Results) -> Finding:
    """Judge whether T steps with a sequence_length of L take no longer than L steps."""
    run = results.run
    pairs = sorted((pair for pair in product(run.all_sizes, repeat=2) if _is_short_for(*pair)), key=str)
    parts = {
        f"{label(variant)}, sequence_length={padded.valid} of {padded.steps}": finding
        for variant, (padded, short) in product(OURS, pairs)
        if (finding := _padding(run, variant, padded, short))
    }
    lacking = "no sequence_length beside the same length without; the preset benchmark_rnn has them"
    return combine(parts) if parts else Finding(NOT_MEASURED, lacking)


def _is_short_for(padded: Sizes, short: Sizes) -> bool:
    """Return whether the second is as long as the first's sequence_length, and has none."""
    same = (padded.batch, padded.hidden, padded.input) == (short.batch, short.hidden, short.input)
    return same and short.valid is None and padded.valid == short.steps < padded.steps


def _padding(run: Run, variant: str, padded: Sizes, short: Sizes) -> Finding | None:
    """Compare a training step with and without padding; the two did not take turns. None if either is missing."""
    before, after = (run.find("step", "train", variant, sizes=sizes) for sizes in (short, padded))
    if not before or not after or not before.samples or not after.samples:
        return None
    ratio = change(before, after, "step").ratio
    return no_longer(f"{label(variant)}, training step, padded / short", ratio, f"{padded}, beside {short}")

"""The claims about what unrolling costs to start, and whether it is won back."""

import numpy as np

from unroll.measure.journal import Run
from unroll.measure.statistics import Ratio, ratio
from unroll.measure.variants import label
from unroll.report.growth import BUILD, FIRST_CALL, GRAPH_BYTES, PROCESS
from unroll.report.ledger.claim import D003, KERAS_DOCS, LEARNERS, R2RT, Results, claim
from unroll.report.ledger.evidence import (
    DEPENDS,
    FAILS,
    HOLDS,
    KERAS,
    NOT_MEASURED,
    OURS,
    Evidence,
    Finding,
    break_even_text,
    break_evens,
    by_count,
    by_time,
    case_of,
    combine,
    grows_faster,
    lengths,
    lengths_evidence,
    no_longer,
    places,
    ratio_text,
    span,
    traces,
    varying,
)
from unroll.report.tables import factor

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
    """Compare the factor between the two with the published one, at the length nearest to the published one."""
    run = results.run
    ratios, grows = lengths(run, BUILD, OURS), grows_faster(run, BUILD, OURS)
    near = min(ratios, key=lambda steps: abs(np.log(steps / R2RT_STEPS)), default=0)
    if grows.word == NOT_MEASURED or not 0.5 <= near / R2RT_STEPS <= 2:
        return Finding(NOT_MEASURED, f"not measured near T={R2RT_STEPS}, and as T grows", grows.evidence)
    evidence = (*lengths_evidence(run, BUILD, OURS, {near: ratios[near]}), *grows.evidence)
    if grows.word != HOLDS:
        return Finding(FAILS, grows.because, evidence)
    times = f"{factor(ratios[near])} times at T={near} here, {R2RT_FACTOR:.0f} times at T={R2RT_STEPS} in the source"
    if 0.5 <= ratios[near] / R2RT_FACTOR <= 2:
        return Finding(HOLDS, f"{times}: no more than a factor of 2 apart", evidence)
    return Finding(DEPENDS, f"on the network and the machine: {times}; the factor grows with T in both", evidence)


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
    """Judge whether what is unrolled costs more the longer the sequence, and its loop less so."""
    asked = (BUILD, FIRST_CALL, PROCESS)
    return combine({question.heading: grows_faster(results.run, question, KERAS) for question in asked})


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
        Evidence(f"{label(variant)}, build / training step", ratio_text(found), str(run.sizes))
        for variant, found in beside.items()
        if found
    )
    if counted:
        text = f"{counted.traces} for {counted.calls} calls (counted)"
        evidence = (Evidence("dynamic, traces with an input signature", text, str(run.sizes)), *evidence)
        if counted.traces >= counted.calls:
            return Finding(HOLDS, "every call was traced", evidence)
        return Finding(FAILS, "it is traced once, and later calls run it", evidence)
    if any(found and found.decided and found.value > 1 for found in beside.values()):
        return Finding(FAILS, "a later step takes less time than a build, and cannot include one", evidence)
    return Finding(NOT_MEASURED, "traces were not counted, and no step was shown to take less than a build", evidence)


def _beside(run: Run, variant: str, quantity: str) -> Ratio | None:
    """Return the ratio of a quantity of a variant to its training step, round by round."""
    case = case_of(variant, run.sizes)
    rounds = run.side_by_side((quantity, "train", case), ("step", "train", case))
    return ratio(*rounds) if rounds else None


@claim(
    "no-warm-up",
    "The first call can be timed like any other: a benchmark needs no warm-up.",
    LEARNERS,
    "costs.png",
)
def first_call_is_as_any(results: Results) -> Finding:
    """Judge whether a first call takes no longer than a later step."""
    found = {variant: _beside(results.run, variant, "first_call") for variant in (*OURS, *KERAS)}
    parts = {
        label(variant): no_longer(f"{label(variant)}, first call / later training step", one, str(results.run.sizes))
        for variant, one in found.items()
        if one
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
    found = break_evens(results.run, OURS)
    if not found:
        return Finding(NOT_MEASURED, "the two did not take turns often enough")
    paid = [sizes for sizes, steps in found.items() if steps.high < np.inf]
    ends = [pick(paid, key=lambda sizes: found[sizes].high) for pick in (min, max)] if paid else []
    chosen = dict.fromkeys([next(iter(found)), *ends])
    what = "static beside dynamic, training steps after which it has paid for itself"
    evidence = tuple(Evidence(what, break_even_text(found[sizes]), str(sizes)) for sizes in chosen)
    if len(paid) == len(found):
        return Finding(HOLDS, f"at {span(found)}", evidence)
    if not paid:
        return Finding(FAILS, f"not shown at {span(found)}: its interval reaches up to never", evidence)
    because = f"on {varying(found)}: it is won back at {places(paid, found)}; at the others not for certain"
    return Finding(DEPENDS, because, evidence)

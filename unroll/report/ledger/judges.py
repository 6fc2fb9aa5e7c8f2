"""How each claim is judged: functions of the results that give a word, a reason and the figures behind it."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, product
from typing import NamedTuple

import numpy as np

from unroll.measure.config import Sizes
from unroll.measure.journal import Run
from unroll.measure.statistics import ENOUGH_ROUNDS, Ratio, ratio
from unroll.measure.variants import cells_an_iteration, label
from unroll.models.history import Training
from unroll.models.tutorials import TUTORIALS
from unroll.report.compare import change
from unroll.report.growth import (
    BUILD,
    EXPORT,
    FIRST_CALL,
    GRAPH_BYTES,
    PROCESS,
    STEP_FORWARD,
    STEP_TRAIN,
    TENSORS,
)
from unroll.report.ledger.evidence import (
    DEPENDS,
    FAILS,
    FEW_ROUNDS,
    HOLDS,
    NOT_MEASURED,
    Evidence,
    Finding,
    Pair,
    break_even_text,
    break_evens,
    by_count,
    by_length,
    by_pooled,
    by_ratio,
    by_time,
    case_of,
    combine,
    exponent,
    exponents,
    grows_faster,
    lengths,
    lengths_evidence,
    on_the_card,
    places,
    ratio_evidence,
    ratio_text,
    ratios_at,
    span,
    tally,
    varying,
    without_a_gpu,
)
from unroll.report.tables import Column, factor

OURS: Pair = ("static", "dynamic")
KERAS: Pair = ("keras-unrolled", "keras-loop")
JAX: Pair = ("jax-unrolled", "jax-loop")
CUDNN: Pair = ("keras-unrolled", "keras-cudnn")
HELD = (
    PROCESS,
    Column("process", "forward", "Process, forward", "MiB"),
    TENSORS,
    Column("tensors", "forward", "Tensors at peak, forward", "MiB"),
)
XLA_FIRST_CALLS, XLA_STEPS = (
    [Column(quantity, phase, f"{name} under XLA, {phase}", "ms", "xla") for phase in ("train", "forward")]
    for quantity, name in (("first_call", "First call"), ("step", "Step"))
)
UNEQUAL = "not the same network"  # how a failed check is noted: see unroll.measure.check
READ_THE_OUTPUT = ("keras-unrolled", "keras-loop", "block")  # outputs[-1]
READ_THE_STATE = ("static", "static-traced", "dynamic", "tf1-static", "tf1-dynamic")  # the final state's h
SIGNATURES = {"without": "retraces", "with": "retraces_signature"}
R2RT_STEPS, R2RT_FACTOR = 200, 25.6 / 0.53
KERAS_XLA_STEPS = 240  # of keras issue 16485


class Results(NamedTuple):
    """What a verdict is computed from: a run of the benchmarks; trainings and a run on a GPU, where there are any."""

    run: Run
    trainings: Sequence[Training] = ()
    gpu: Run | None = None


Judge = Callable[[Results], Finding]


# Judges of a kind: what is made for one claim fits others


def takes_longer(question: Column, pair: Pair) -> Judge:
    """Judge whether the first of two takes longer, wherever they took turns and as T varies."""
    return lambda results: by_time(results.run, question, pair, more=True)


def steps_take(pair: Pair, *, more: bool) -> Judge:
    """Judge whether the first of two takes longer (or less long) in training and in forward steps."""

    def judge(results: Results) -> Finding:
        steps = (STEP_TRAIN, STEP_FORWARD)
        return combine({one.heading: by_time(results.run, one, pair, more=more) for one in steps})

    return judge


def holds_more(pair: Pair) -> Judge:
    """Judge whether the first of two takes more memory, in each of its three scopes."""

    def judge(results: Results) -> Finding:
        scopes = {one.heading: by_length(results.run, one, pair) for one in HELD}
        return combine({GRAPH_BYTES.heading: by_count(results.run, GRAPH_BYTES, pair)} | scopes)

    return judge


def on_a_gpu(judge: Judge) -> Judge:
    """Judge by a run on a GPU only: these results' own, or the one beside them."""

    def judged(results: Results) -> Finding:
        gpu = results.run if results.run.device == "gpu" else results.gpu
        return on_the_card(gpu, judge(results._replace(run=gpu))) if gpu else without_a_gpu(judge(results))

    return judged


def nobody_measures(why: str, judge: Judge | None = None) -> Judge:
    """Leave a claim open that nothing here measures; show what comes nearest to it."""

    def judged(results: Results) -> Finding:
        nearest = judge(results).evidence if judge else ()
        return Finding(NOT_MEASURED, why, tuple(one._replace(what=f"nearest to it: {one.what}") for one in nearest))

    return judged


# What the two are


def one_cell_or_many(results: Results) -> Finding:
    """Count the cells in the two graphs, by the activations that every cell has as many of, and the loops."""
    run = results.run
    counts = {steps: _count_cells(run, steps) for steps in (run.sizes.steps, *sorted(run.outlines_at))}
    known = {steps: count for steps, count in counts.items() if count}
    if not known:
        return Finding(NOT_MEASURED, "the outlines of the two graphs are not among the results")
    evidence = tuple(
        Evidence(
            "forward graphs, cells of static for each of dynamic, loops of static and of dynamic",
            f"{count.cells:g}, {count.static_loops} and {count.dynamic_loops} (counted)",
            str(replace(run.sizes, steps=steps)),
        )
        for steps, count in known.items()
    )
    at = f"at T={', '.join(map(str, known))}"
    if all(count == Cells(steps, 0, 1) for steps, count in known.items()):
        return Finding(HOLDS, f"static has a cell for each step; dynamic has one, and a loop, {at}", evidence)
    return Finding(
        FAILS, f"static has not a cell for each step and no loop, or dynamic not one of each, {at}", evidence
    )


class Cells(NamedTuple):
    """What was counted in the two forward graphs: how many cells static has for each of dynamic's, and the loops."""

    cells: float
    static_loops: int
    dynamic_loops: int


def _count_cells(run: Run, steps: int) -> Cells | None:
    static, dynamic = (_operations(run, variant, steps) for variant in OURS)
    if "Sigmoid" not in static or "Sigmoid" not in dynamic:
        return None
    loops = (sum(one.endswith("While") for one in operations) for operations in (static, dynamic))
    return Cells(static.count("Sigmoid") / dynamic.count("Sigmoid"), *loops)


def _operations(run: Run, variant: str, steps: int) -> list[str]:
    """Return the operations of a variant's forward graph, its functions included."""
    return [operation for nodes in run.outline(variant, steps).values() for _, operation, _ in nodes]


def static_has_every_state(results: Results) -> Finding:
    """Look whether each step has a cell of its own in static's graph, whose state is a tensor of its own."""
    found = one_cell_or_many(results)
    if found.word != HOLDS:
        return found
    return found._replace(because="each step has a cell of its own in the graph, and so each state a tensor of its own")


def dynamic_has_the_last_state_only(results: Results) -> Finding:
    """Look whether the loop writes every step's output into a list, and whether training keeps something of each."""
    run = results.run
    operations, kept = _operations(run, "dynamic", run.sizes.steps), exponent(run, TENSORS, "dynamic")
    if not operations and not kept:
        return Finding(NOT_MEASURED, "neither dynamic's graph nor its memory at several T is among the results")
    evidence, said = exponents(run, TENSORS, OURS), []
    if operations:
        written = operations.count("TensorListStack")
        what = "dynamic, lists of every step's output that leave the loop"
        evidence = (Evidence(what, f"{written} (counted)", str(run.sizes)), *evidence)
        said += ["every step's output, which is an LSTM's h, leaves the loop in a list"] if written else []
    if kept and kept.low > 0:
        said.append("training keeps something of every step for the gradient, and the more steps the more")
    if said:
        return Finding(FAILS, " and ".join(said), evidence)
    return Finding(HOLDS, "nothing of a step is seen to be kept after the next", evidence)


def same_network(results: Results) -> Finding:
    """Judge whether both of the pair gave what the network in NumPy gives."""
    parts = {label(variant): equality(results.run, [variant]) for variant in OURS}
    lacking = [variant for variant, found in parts.items() if found.word == NOT_MEASURED]
    together = combine(parts)
    if lacking:
        return Finding(NOT_MEASURED, f"{' and '.join(lacking)}: not compared with NumPy", together.evidence)
    return together


def equality(run: Run, variants: Sequence[str], *, padded: bool = False) -> Finding:
    """Judge by the checks: what was built anew in each round counts if it gave NumPy's logits, or loss and update.

    With `padded`, by the checks of sizes that have a sequence_length.
    """
    records = [one for one in run.records if one.variant in variants and (one.sizes.valid is not None) == padded]
    right = [one for one in records if one.quantity == "first_call" and one.samples]
    wrong = sorted({f"{label(one.variant)}, {one.phase}, {one.mode}, {one.sizes}" for one in records if _unequal(one)})
    if not right and not wrong:
        return Finding(NOT_MEASURED, f"no graph of {' or '.join(map(label, variants))} was compared with NumPy")
    named = "; ".join(label(variant) for variant in variants if any(one.variant == variant for one in records))
    counts = f"{len(right)} equal, {len(wrong)} cases not (counted)"
    evidence = (Evidence(f"{named}, graphs compared with NumPy", counts, span(one.sizes for one in records)),)
    if not wrong:
        return Finding(HOLDS, "every graph gave NumPy's logits, or its loss and weight update", evidence)
    if right:
        return Finding(DEPENDS, f"on the case: not equal were {'; '.join(wrong)}", evidence)
    return Finding(FAILS, f"not equal were {'; '.join(wrong)}", evidence)


def _unequal(record) -> bool:
    return UNEQUAL in record.note and not record.samples


def last_output_is_the_state(results: Results) -> Finding:
    """Judge by variants that read outputs[-1] and others that read the state, all compared with one network."""
    output, state = (equality(results.run, readers) for readers in (READ_THE_OUTPUT, READ_THE_STATE))
    evidence = output.evidence + state.evidence
    for found, read in ((output, "outputs[-1]"), (state, "the state")):
        if found.word == NOT_MEASURED:
            return Finding(NOT_MEASURED, f"nothing that reads {read} was compared with NumPy", evidence)
        if found.word != HOLDS:
            return Finding(FAILS, found.because, evidence)
    padded = equality(results.run, READ_THE_STATE, padded=True)
    if padded.word != HOLDS:
        because = "networks that read outputs[-1] and others that read the state's h gave NumPy's logits"
        return Finding(HOLDS, because, evidence)
    because = (
        "on padding: without it, networks that read the one or the other gave NumPy's logits; with a sequence_length, "
        "those that read the state gave the ones of the last valid step, past which outputs are zero"
    )
    return Finding(DEPENDS, because, evidence + padded.evidence)


def first_slice_is_an_image(results: Results) -> Finding:
    """Judge by the checks: NumPy's network is fed row t of every image at step t, and so is what equals it."""
    found = same_network(results)
    if found.word != HOLDS or results.run.sizes.steps == 1:
        return Finding(NOT_MEASURED, "wants both of the pair compared with NumPy, at T > 1", found.evidence)
    because = "it is the first row of every image: fed so, every graph of the pair gave NumPy's result"
    return Finding(FAILS, because, found.evidence)


# What it costs to start


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


def starts_late_with_a_large_graph(results: Results) -> Finding:
    """Judge whether static's first call takes longer, and whether its graph is larger."""
    run = results.run
    start = {FIRST_CALL.heading: by_time(run, FIRST_CALL, OURS, more=True)}
    return combine(start | {GRAPH_BYTES.heading: by_count(run, GRAPH_BYTES, OURS)})


def suits_short_only(results: Results) -> Finding:
    """Judge whether what is unrolled costs more the longer the sequence, and its loop less so."""
    asked = (BUILD, FIRST_CALL, PROCESS)
    return combine({question.heading: grows_faster(results.run, question, KERAS) for question in asked})


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


def first_call_is_as_any(results: Results) -> Finding:
    """Judge whether a first call takes no longer than a later step."""
    found = {variant: _beside(results.run, variant, "first_call") for variant in (*OURS, *KERAS)}
    parts = {
        label(variant): _no_longer(f"{label(variant)}, first call / later training step", one, str(results.run.sizes))
        for variant, one in found.items()
        if one
    }
    return combine(parts) if parts else Finding(NOT_MEASURED, "no first call ran beside later steps")


def _no_longer(what: str, found: Ratio, at: str) -> Finding:
    """Judge whether the first of two takes no longer than the second."""
    evidence = (Evidence(what, ratio_text(found), at),)
    if found.rounds < ENOUGH_ROUNDS:
        return Finding(NOT_MEASURED, FEW_ROUNDS, evidence)
    if found.decided and found.value > 1:
        return Finding(FAILS, "it takes longer", evidence)
    return Finding(HOLDS, "it is not shown to take longer", evidence)


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


# What a step costs


def large_as_fast_small_not(results: Results) -> Finding:
    """Judge whether static is the faster at the smallest sizes, and not shown to be at the largest."""
    steps = (STEP_TRAIN, STEP_FORWARD)
    return combine({one.heading: _small_not_large(results.run, one) for one in steps})


def _small_not_large(run: Run, question: Column) -> Finding:
    ratios = {sizes: found for sizes, found in ratios_at(run, question, OURS).items() if found.rounds >= ENOUGH_ROUNDS}
    order = sorted(ratios, key=_width)
    if not order or _width(order[0]) == _width(order[-1]):
        return Finding(NOT_MEASURED, "measured at one batch and hidden size at most")
    small, large = order[0], order[-1]
    faster = tally(ratios, more=False).shown
    evidence = ratio_evidence(question, OURS, {sizes: ratios[sizes] for sizes in (small, large)})
    where = (
        f"static takes less time at {places(faster, ratios)}" if faster else "static is nowhere shown to take less time"
    )
    if large in faster:
        return Finding(FAILS, f"{where}, the largest among them", evidence)
    if small not in faster:
        return Finding(FAILS, f"{where}, and no difference is shown at the smallest", evidence)
    return Finding(HOLDS, f"{where}; no difference shown at the others, the largest among them", evidence)


def _width(sizes: Sizes) -> int:
    return sizes.batch * sizes.hidden


def in_proportion(results: Results) -> Finding:
    """Judge whether a training step grows no faster than T."""
    return combine({label(variant): _no_faster_than_steps(results.run, variant) for variant in OURS})


def _no_faster_than_steps(run: Run, variant: str) -> Finding:
    found, evidence = exponent(run, STEP_TRAIN, variant), exponents(run, STEP_TRAIN, [variant])
    if found is None:
        return Finding(NOT_MEASURED, "measured at too few T")
    if found.low > 1:
        return Finding(FAILS, "a step grows faster than T", evidence)
    return Finding(HOLDS, "growth faster than T is not shown", evidence)


def half_the_length(results: Results) -> Finding:
    """Judge whether T steps with a sequence_length of L take no longer than L steps."""
    run = results.run
    pairs = sorted((pair for pair in product(run.all_sizes, repeat=2) if _is_short_for(*pair)), key=str)
    parts = {
        f"{label(variant)}, sequence_length={padded.valid} of {padded.steps}": found
        for variant, (padded, short) in product(OURS, pairs)
        if (found := _padding(run, variant, padded, short))
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
    found = change(before, after, "step").ratio
    return _no_longer(f"{label(variant)}, training step, padded / short", found, f"{padded}, beside {short}")


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
    if NOT_MEASURED in (step.word, build.word):
        return Finding(NOT_MEASURED, step.because, evidence)
    if step.word == FAILS:
        return Finding(FAILS, "a faster step is not shown", evidence)
    if build.word == FAILS:
        return Finding(HOLDS, "a faster step, and a longer build is not shown", evidence)
    return Finding(DEPENDS, "on how long it runs: a faster step, after a longer build", evidence)


# What is held


def backprop_holds_less(results: Results) -> Finding:
    """Judge whether static holds more tensors during a training step than the loop."""
    return by_length(results.run, TENSORS, OURS)


def exports_larger(results: Results) -> Finding:
    """Judge whether static's SavedModel is the larger."""
    return by_count(results.run, EXPORT, OURS)


# What serves which lengths


class Traces(NamedTuple):
    """How often a variant was traced, over how many calls of different lengths."""

    traces: int
    calls: int


def traces(run: Run, variant: str, quantity: str) -> Traces | None:
    """Return how often a variant was traced when lengths varied; None where it was not counted."""
    found = run.find(quantity, "forward", variant)
    calls = re.search(r"\d+", found.note) if found and found.samples else None
    return Traces(int(found.median), int(calls[0])) if found and calls else None


def bound_to_its_length(results: Results) -> Finding:
    """Judge by which lengths static's SavedModel serves, and by how its weights come to serve others."""
    run = results.run
    saved, counted = run.find("export", "forward", "static"), traces(run, "static", "retraces")
    if not saved or not saved.note or not saved.samples:
        return Finding(NOT_MEASURED, "static was not exported")
    evidence = (Evidence("static, its SavedModel serves", saved.note, str(run.sizes)), *_served(results, "static"))
    if "only" not in saved.note:
        return Finding(FAILS, f"its SavedModel serves {saved.note}", evidence)
    if not counted:
        return Finding(HOLDS, f"its SavedModel serves {saved.note}", evidence)
    text = f"{counted.traces} for {counted.calls} lengths (counted)"
    evidence += (Evidence("static, traces with the same weights", text, str(run.sizes)), *_served(results, "dynamic"))
    because = f"on what is meant: one graph serves {saved.note}; the weights serve other T, each by a graph of its own"
    return Finding(DEPENDS, because, evidence)


def _served(results: Results, unroll: str) -> tuple[Evidence, ...]:
    """Show how trained weights, exported with an unroll, served images read for other numbers of rows."""
    found = [one for training in results.trainings for one in training.served if one.unroll == unroll]
    last = {one.rows: "refused" if one.test_accuracy is None else f"{one.test_accuracy:.4f}" for one in found}
    texts = ", ".join(f"{said} at T={rows}" for rows, said in sorted(last.items()))
    return (Evidence(f"{unroll}, test accuracy of a trained export", f"{texts} (one training)"),) if texts else ()


def takes_other_lengths(results: Results) -> Finding:
    """Judge by which lengths dynamic's SavedModel serves, and whether one trace does."""
    run = results.run
    saved, counted = run.find("export", "forward", "dynamic"), traces(run, "dynamic", "retraces_signature")
    if not saved or not saved.note or not saved.samples:
        return Finding(NOT_MEASURED, "dynamic was not exported")
    evidence = (Evidence("dynamic, its SavedModel serves", saved.note, str(run.sizes)), *_served(results, "dynamic"))
    if counted:
        text = f"{counted.traces} for {counted.calls} lengths (counted)"
        evidence += (Evidence("dynamic, traces with an input signature", text, str(run.sizes)),)
    if "only" in saved.note:
        return Finding(FAILS, f"its SavedModel serves {saved.note}", evidence)
    if counted and counted.traces > 1:
        return Finding(DEPENDS, f"on what is meant: its SavedModel serves {saved.note}, its graphs do not", evidence)
    return Finding(HOLDS, f"one graph serves {saved.note}", evidence)


def every_length_is_traced(results: Results) -> Finding:
    """Judge by the traces counted for several lengths, with and without an input signature that leaves T open."""
    run = results.run
    found = {how: traces(run, "dynamic", quantity) for how, quantity in SIGNATURES.items()}
    counted = {how: one for how, one in found.items() if one}
    if len(counted) < len(SIGNATURES):
        return Finding(NOT_MEASURED, "traces were not counted")
    evidence = tuple(
        Evidence(f"dynamic, traces {how} an input signature", f"{one.traces} for {one.calls} lengths (counted)")
        for how, one in counted.items()
    )
    anew = [how for how, one in counted.items() if one.traces >= one.calls]
    if len(anew) == len(counted):
        return Finding(HOLDS, "with an input signature and without", evidence)
    if not anew:
        return Finding(FAILS, "one graph serves several lengths, with an input signature and without", evidence)
    return Finding(DEPENDS, f"on an input signature that leaves T open: each is traced {anew[0]} one", evidence)


# Compilers


def xla_compiles_longer(results: Results) -> Finding:
    """Judge whether the first call under XLA, in which it compiles, takes longer for what is unrolled."""
    found = by_pooled(
        results.run, "First call under XLA, unrolled / its loop", XLA_FIRST_CALLS, (OURS, KERAS), more=True
    )
    if found.word == HOLDS and results.run.sizes.steps != KERAS_XLA_STEPS:
        return found._replace(because=f"{found.because}; how long {KERAS_XLA_STEPS} steps take was not tried")
    return found


def xla_loop_is_slower(results: Results) -> Finding:
    """Judge whether a step under XLA takes less time for what is unrolled."""
    return by_pooled(results.run, "Step under XLA, unrolled / its loop", XLA_STEPS, (OURS, KERAS), more=False)


# What they learn

DOCUMENT = TUTORIALS["002"]  # the one that printed what it reached
LEARNED = 0.95  # the test accuracy from which on a network can be said to read digits
FEWEST_SEEDS = 3  # of fewer there is no range to speak of


def reaches_the_printed(results: Results) -> Finding:
    """Judge whether what document 002 printed lies within the range over seeds, for either unroll."""
    reached: dict[str, list[float]] = {}
    for training in _finished(results.trainings):
        asked = training.settings
        if (asked["tutorial"], asked["updates"]) == (DOCUMENT.name, DOCUMENT.updates) and "mnist" in asked[
            "data"
        ].lower():
            reached.setdefault(asked["unroll"], []).append(_accuracy(training))
    parts = {unroll: _range_holds(unroll, accuracies) for unroll, accuracies in sorted(reached.items())}
    return combine(parts) if parts else Finding(NOT_MEASURED, "document 002 was not trained on MNIST to its end")


def _finished(trainings: Sequence[Training]) -> Iterator[Training]:
    """Return the trainings that came to their end."""
    return (one for one in trainings if one.result and one.result.update >= one.settings["updates"])


def _accuracy(training: Training) -> float:
    return training.result.test_accuracy if training.result else np.nan


def _range_text(accuracies: list[float]) -> str:
    count = f"mean and range of {len(accuracies)} training{'s' * (len(accuracies) != 1)}"
    return f"{np.mean(accuracies):.4f} [{min(accuracies):.4f}, {max(accuracies):.4f}], {count}"


def _range_holds(unroll: str, accuracies: list[float]) -> Finding:
    evidence = (Evidence(f"document 002, {unroll}, test accuracy", _range_text(accuracies)),)
    if len(accuracies) < FEWEST_SEEDS:
        return Finding(NOT_MEASURED, f"fewer than {FEWEST_SEEDS} seeds", evidence)
    printed = DOCUMENT.test_accuracy or np.nan
    if max(accuracies) < printed:
        return Finding(FAILS, "no seed reached it", evidence)
    if min(accuracies) > printed:
        return Finding(FAILS, "every seed surpassed it", evidence)
    return Finding(HOLDS, "it lies within the range over seeds", evidence)


def last_output_suffices(results: Results) -> Finding:
    """Judge by what networks have learned that read outputs[-1] only, of each document by its longest trainings."""
    reached: dict[str, dict[int, list[float]]] = {}
    for training in _finished(results.trainings):
        asked = training.settings
        if asked["network"]["reads"] == "outputs[-1]":
            by_updates = reached.setdefault(f"document {asked['tutorial']}", {})
            by_updates.setdefault(asked["updates"], []).append(_accuracy(training))
    parts = {name: _has_learned(name, by_updates[max(by_updates)]) for name, by_updates in sorted(reached.items())}
    return (
        combine(parts) if parts else Finding(NOT_MEASURED, "no network that reads outputs[-1] was trained to its end")
    )


def _has_learned(name: str, accuracies: list[float]) -> Finding:
    evidence = (Evidence(f"{name}, test accuracy", _range_text(accuracies)),)
    if min(accuracies) < LEARNED:
        return Finding(FAILS, f"a test accuracy below {LEARNED}", evidence)
    return Finding(HOLDS, f"a test accuracy of {LEARNED} or more from the last output alone", evidence)


def learn_the_same(results: Results) -> Finding:
    """Judge by pairs of trainings that differ in nothing but the unroll."""
    pairs = _pairs(results.trainings)
    if len(pairs) < ENOUGH_ROUNDS:
        because = f"{len(pairs)} pairs of trainings that differ in the unroll alone; {ENOUGH_ROUNDS} are needed"
        return Finding(NOT_MEASURED, because)
    static, dynamic = ([[_accuracy(one)] for one in either] for either in zip(*pairs, strict=True))
    found = ratio(static, dynamic)
    largest = max(abs(one[0] - other[0]) for one, other in zip(static, dynamic, strict=True))
    first = max(abs(one.points[0].loss - other.points[0].loss) for one, other in pairs)
    evidence = (
        Evidence("static / dynamic, test accuracy", ratio_text(found).replace("rounds", "pairs")),
        Evidence("static and dynamic, largest difference in test accuracy", f"{largest:.4f} in {len(pairs)} pairs"),
        Evidence("static and dynamic, largest difference in the first loss", f"{first:.2g} in {len(pairs)} pairs"),
    )
    if found.decided:
        return Finding(FAILS, f"{'static' if found.value > 1 else 'dynamic'} ends with the higher accuracy", evidence)
    return Finding(HOLDS, "no difference in test accuracy shown between trainings of the same seed", evidence)


def _pairs(trainings: Sequence[Training]) -> list[tuple[Training, Training]]:
    """Return pairs of trainings that differ in the unroll alone, static first; of several, the last counts."""

    def rest(training: Training) -> str:
        return str(sorted((name, str(value)) for name, value in training.settings.items() if name != "unroll"))

    found = []
    for _, group in groupby(sorted(_finished(trainings), key=rest), key=rest):
        either = {one.settings["unroll"]: one for one in group}
        if either.keys() >= set(OURS) and all(one.points for one in either.values()):
            found.append((either["static"], either["dynamic"]))
    return found

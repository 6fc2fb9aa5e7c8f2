"""The claims about what the two are: one network, as many cells or one cell in a loop."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from unroll.measure.journal import Measurement, Run
from unroll.measure.statistics import NOT_MEASURED
from unroll.measure.variants import label
from unroll.report.growth import TENSORS
from unroll.report.ledger.claim import D000, D003, Results, claim
from unroll.report.ledger.evidence import (
    DEPENDS,
    FAILS,
    HOLDS,
    OURS,
    Evidence,
    Finding,
    combine,
    exponent,
    exponents,
    span,
)

UNEQUAL = "not the same network"  # how a failed check is noted: see unroll.measure.check
SECOND_ORDER_WITHIN = 1e-9  # of the largest number, in double precision
READ_THE_OUTPUT = ("keras-unrolled", "keras-loop", "block")  # outputs[-1]
READ_THE_STATE = ("static", "static-traced", "dynamic", "tf1-static", "tf1-dynamic")  # the final state's h


@claim(
    "cells-in-the-graph",
    "static_rnn creates n_steps cells in the graph; dynamic_rnn creates one, and passes the other steps through it "
    "in a while loop.",
    D003,
    "graphs.png",
)
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
    loops = (sum(operation.endswith("While") for operation in operations) for operations in (static, dynamic))
    return Cells(static.count("Sigmoid") / dynamic.count("Sigmoid"), *loops)


def _operations(run: Run, variant: str, steps: int) -> list[str]:
    """Return the operations of a variant's forward graph, its functions included."""
    return [operation for nodes in run.outline(variant, steps).values() for _, operation, _ in nodes]


@claim(
    "same-network",
    "static_rnn and dynamic_rnn are two ways to the same network: the same shapes, and the same last state.",
    D000,
    "graphs.png",
)
def same_network(results: Results) -> Finding:
    """Judge whether both of the pair gave what the network in NumPy gives."""
    parts = {label(variant): equality(results.run, [variant]) for variant in OURS}
    lacking = [variant for variant, finding in parts.items() if finding.word == NOT_MEASURED]
    together = combine(parts)
    if lacking:
        return Finding(NOT_MEASURED, f"{' and '.join(lacking)}: not compared with NumPy", together.evidence)
    return together


def equality(run: Run, variants: Sequence[str], *, padded: bool = False) -> Finding:
    """Judge by the checks: what was built anew in each round counts if it gave NumPy's logits, or loss and update.

    With `padded`, by the checks of sizes that have a sequence_length.
    """
    records = [
        record for record in run.records if record.variant in variants and (record.sizes.valid is not None) == padded
    ]
    right = [record for record in records if record.quantity == "first_call" and record.samples]
    wrong = sorted(
        {
            f"{label(record.variant)}, {record.phase}, {record.mode}, {record.sizes}"
            for record in records
            if _unequal(record)
        }
    )
    if not right and not wrong:
        return Finding(NOT_MEASURED, f"no graph of {' or '.join(map(label, variants))} was compared with NumPy")
    named = "; ".join(label(variant) for variant in variants if any(record.variant == variant for record in records))
    counts = f"{len(right)} equal, {len(wrong)} cases not (counted)"
    evidence = (Evidence(f"{named}, graphs compared with NumPy", counts, span(record.sizes for record in records)),)
    if not wrong:
        return Finding(HOLDS, "every graph gave NumPy's logits, or its loss and weight update", evidence)
    if right:
        return Finding(DEPENDS, f"on the case: not equal were {'; '.join(wrong)}", evidence)
    return Finding(FAILS, f"not equal were {'; '.join(wrong)}", evidence)


def _unequal(record) -> bool:
    return UNEQUAL in record.note and not record.samples


@claim(
    "every-state",
    "A static_rnn model carries the intermediate state of every step, which helps in debugging.",
    D003,
    "reading.png",
)
def static_has_every_state(results: Results) -> Finding:
    """Look whether each step has a cell of its own in static's graph, whose state is a tensor of its own."""
    finding = one_cell_or_many.judge(results)
    if finding.word != HOLDS:
        return finding
    return finding._replace(
        because="each step has a cell of its own in the graph, and so each state a tensor of its own"
    )


@claim(
    "last-state-only",
    "A dynamic_rnn model only has the last state.",
    D003,
    "reading.png",
)
def dynamic_has_the_last_state_only(results: Results) -> Finding:
    """Look whether the loop writes every step's output into a list, and whether training keeps something of each."""
    run = results.run
    operations, kept = _operations(run, "dynamic", run.sizes.steps), exponent(run, TENSORS, "dynamic")
    if not operations and not kept:
        return Finding(NOT_MEASURED, "neither dynamic's graph nor its memory at several T is among the results")
    evidence, reasons = exponents(run, TENSORS, OURS), []
    if operations:
        written = operations.count("TensorListStack")
        what = "dynamic, lists of every step's output that leave the loop"
        evidence = (Evidence(what, f"{written} (counted)", str(run.sizes)), *evidence)
        reasons += ["every step's output, which is an LSTM's h, leaves the loop in a list"] if written else []
    if kept and kept.low > 0:
        reasons.append("training keeps something of every step for the gradient, and the more steps the more")
    if reasons:
        return Finding(FAILS, " and ".join(reasons), evidence)
    return Finding(HOLDS, "nothing of a step is seen to be kept after the next", evidence)


@claim(
    "last-output-is-the-state",
    "Taking the last state is taking outputs[-1].",
    "documents 000, 002 and 004, whose code reads outputs[-1], beside 001, which reads the state",
    "reading.png",
)
def last_output_is_the_state(results: Results) -> Finding:
    """Judge by variants that read outputs[-1] and others that read the state, all compared with one network."""
    output, state = (equality(results.run, readers) for readers in (READ_THE_OUTPUT, READ_THE_STATE))
    evidence = output.evidence + state.evidence
    for finding, read in ((output, "outputs[-1]"), (state, "the state")):
        if finding.word == NOT_MEASURED:
            return Finding(NOT_MEASURED, f"nothing that reads {read} was compared with NumPy", evidence)
        if finding.word != HOLDS:
            return Finding(FAILS, finding.because, evidence)
    padded = equality(results.run, READ_THE_STATE, padded=True)
    because = "on padding: without it, networks that read the one or the other gave NumPy's logits; with a "
    because += "sequence_length, outputs past a row's length are zero, and the state is the one of its last valid step"
    return Finding(DEPENDS, because + ("" if padded.word == HOLDS else " (by definition)"), evidence + padded.evidence)


@claim(
    "first-slice",
    "The LSTM is first fed with the first slice of the input list, which happens to be the whole first image.",
    "document 004",
    "trick.png",
)
def first_slice_is_an_image(results: Results) -> Finding:
    """Judge by the checks: NumPy's network is fed row t of every image at step t, and so is what equals it."""
    finding = same_network.judge(results)
    if finding.word != HOLDS or results.run.sizes.steps == 1:
        return Finding(NOT_MEASURED, "wants both of the pair compared with NumPy, at T > 1", finding.evidence)
    because = "it is the first row of every image: fed so, every graph of the pair gave NumPy's result"
    return Finding(FAILS, because, finding.evidence)


@claim(
    "second-order",
    "Second-order gradients are not supported through tf.while, so that static_rnn is needed.",
    "Stack Overflow question 51425803, a comment of 2019",
    "graphs.png",
)
def second_order_needs_static(results: Results) -> Finding:
    """Judge by whether dynamic has a second derivative, and the same as static."""
    run = results.run
    sizes = next((record.sizes for record in run.records if record.quantity == "second_order"), run.sizes)
    taken = {variant: run.find("second_order", "forward", variant, sizes=sizes) for variant in OURS}
    evidence = tuple(
        Evidence(f"{label(variant)}, second derivative beside static's", _difference_text(measured), str(sizes))
        for variant, measured in taken.items()
        if measured
    )
    dynamic = taken["dynamic"]
    if not dynamic:
        return Finding(NOT_MEASURED, "a run takes gradients of the first order only")
    if not dynamic.samples:
        return Finding(HOLDS, f"dynamic {dynamic.note}", evidence)
    if dynamic.median > SECOND_ORDER_WITHIN:
        return Finding(HOLDS, "dynamic's second derivative is another than static's", evidence)
    return Finding(FAILS, "dynamic has the second derivative that static has", evidence)


def _difference_text(measured: Measurement) -> str:
    if not measured.samples:
        return measured.note
    return f"differs by at most {measured.median:.0e} of the largest number, in float64"

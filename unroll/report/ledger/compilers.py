"""The claims about compilers and accelerators."""

from collections.abc import Sequence
from itertools import product

from unroll.measure.journal import Run
from unroll.measure.variants import label
from unroll.report.growth import FIRST_CALL, STEP_TRAIN
from unroll.report.ledger.claim import KERAS_DOCS, Results, claim, not_measured, on_a_gpu
from unroll.report.ledger.evidence import (
    HOLDS,
    KERAS,
    NOTHING_NEAR,
    OURS,
    Evidence,
    Finding,
    Pair,
    by_ratio,
    by_time,
    combine,
    names_of,
    steps_take,
)
from unroll.report.tables import Column, significant

CUDNN: Pair = ("keras-unrolled", "keras-cudnn")
JAX: Pair = ("jax-unrolled", "jax-loop")
PYTHON_LOOP: Pair = ("jax-python", "jax-loop")
XLA_FIRST_CALLS, XLA_STEPS = (
    [Column(quantity, phase, f"{name} under XLA, {phase}", "ms", "xla") for phase in ("train", "forward")]
    for quantity, name in (("first_call", "First call"), ("step", "Step"))
)
KERAS_XLA_STEPS = 240  # of keras issue 16485


@claim(
    "xla-compiles-for-minutes",
    "Under XLA, what is unrolled compiles for far longer: 240 steps take 5 minutes.",
    "keras issue 16485",
    "xla.png",
)
def xla_compiles_longer(results: Results) -> Finding:
    """Judge whether the first call under XLA, in which it compiles, takes longer for what is unrolled."""
    finding, long = _each_under_xla(results.run, XLA_FIRST_CALLS, more=True), _many_steps(results.run)
    if finding.word == HOLDS and not long:
        return finding._replace(because=f"{finding.because}; how long {KERAS_XLA_STEPS} steps take was not tried")
    return finding._replace(evidence=(*finding.evidence, *long))


def _many_steps(run: Run) -> tuple[Evidence, ...]:
    """Show the first call of a training step of as many steps as the claim has, where that was measured."""
    evidence = []
    for sizes, variant in product((sizes for sizes in run.all_sizes if sizes.steps == KERAS_XLA_STEPS), OURS):
        measured = run.find("first_call", "train", variant, "xla", sizes)
        if measured:
            rounds = f", {len(measured.rounds)} rounds" if len(measured.rounds) > 1 else ", one measurement"
            text = f"{significant(measured.median)} s{rounds}" if measured.samples else measured.note
            evidence.append(Evidence(f"{XLA_FIRST_CALLS[0].heading}, {label(variant)}", text, str(sizes)))
    return tuple(evidence)


def _each_under_xla(run: Run, metrics: Sequence[Column], *, more: bool) -> Finding:
    """Judge each comparison of what is unrolled with its loop on its own."""
    parts = {
        f"{metric.heading}, {names_of(pair)}": by_ratio(run, metric, pair, more=more)
        for metric in metrics
        for pair in (OURS, KERAS)
    }
    return combine(parts)


@claim(
    "xla-loop-is-slower",
    "Under XLA on a GPU, the loop's steps are 2 to 5 times slower than unrolled ones.",
    "keras issue 16485; the RTX 2080 Ti is named in its twin, tensorflow issue 55811",
    "xla.png",
)
@on_a_gpu
def xla_loop_is_slower(results: Results) -> Finding:
    """Judge whether a step under XLA takes less time for what is unrolled."""
    return _each_under_xla(results.run, XLA_STEPS, more=False)


@claim(
    "jax-compiles-longer",
    "In JAX, a Python loop compiles for longer than a scan: 10 steps of a rendering function take 11.15 s, and 2.58 s.",
    "jax issue 16611, where no scan was unrolled",
    "xla.png",
)
def python_loop_compiles_longer(results: Results) -> Finding:
    """Judge whether the first call, in which JAX compiles, takes longer for a Python loop than for a scan."""
    return by_time(results.run, FIRST_CALL, PYTHON_LOOP, more=True)


@claim(
    "jax-runs-faster",
    "In JAX on a GPU, a Python loop runs faster than a scan: in 0.107 s, and 1.756 s.",
    "jax issue 16611, where no scan was unrolled",
    "xla.png",
)
@not_measured("no Python loop is compiled by JAX here, but a scan that is unrolled")
@on_a_gpu
def python_loop_steps_faster(results: Results) -> Finding:
    """Show the training step of JAX's scan, unrolled and not."""
    return by_time(results.run, STEP_TRAIN, JAX, more=False)


@claim(
    "no-cudnn",
    "unroll=True gives up the fast implementation on a GPU, which is cuDNN's.",
    KERAS_DOCS,
    "ratios.png",
)
@on_a_gpu
def unrolled_layer_slower_than_cudnn(results: Results) -> Finding:
    """Judge whether a step of Keras's LSTM with unroll=True takes longer than one of cuDNN's."""
    return steps_take(results.run, CUDNN, more=True)


@claim(
    "torch-compiles-for-hours",
    "torch.compile takes about 5 hours for a GRU of 1500 steps.",
    "pytorch issue 154652",
    "growth.png",
)
@not_measured("nothing is compiled by torch.compile here: PyTorch runs eagerly, as it comes")
def torch_compiles_long(results: Results) -> Finding:
    """Show nothing: there is no figure that comes near to it."""
    return NOTHING_NEAR

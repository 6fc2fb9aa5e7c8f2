"""The claims about compilers and accelerators."""

from unroll.report.growth import FIRST_CALL
from unroll.report.ledger.claim import KERAS_DOCS, Results, claim, not_measured, on_a_gpu
from unroll.report.ledger.evidence import (
    HOLDS,
    KERAS,
    NOTHING_NEAR,
    OURS,
    Finding,
    Pair,
    by_pooled,
    by_time,
    steps_take,
)
from unroll.report.tables import Column

CUDNN: Pair = ("keras-unrolled", "keras-cudnn")
JAX: Pair = ("jax-unrolled", "jax-loop")
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
    found = by_pooled(
        results.run, "First call under XLA, unrolled / its loop", XLA_FIRST_CALLS, (OURS, KERAS), more=True
    )
    if found.word == HOLDS and results.run.sizes.steps != KERAS_XLA_STEPS:
        return found._replace(because=f"{found.because}; how long {KERAS_XLA_STEPS} steps take was not tried")
    return found


@claim(
    "xla-loop-is-slower",
    "Under XLA on a GPU, the loop's steps are 2 to 5 times slower than unrolled ones.",
    "keras issue 16485, on an RTX 2080 Ti",
    "xla.png",
)
@on_a_gpu
def xla_loop_is_slower(results: Results) -> Finding:
    """Judge whether a step under XLA takes less time for what is unrolled."""
    return by_pooled(results.run, "Step under XLA, unrolled / its loop", XLA_STEPS, (OURS, KERAS), more=False)


@claim(
    "jax-compiles-longer",
    "An unrolled jax.lax.scan compiles for longer: 10 steps take 11.15 s, and as a loop 2.58 s.",
    "jax issue 16611",
    "xla.png",
)
def unrolled_scan_compiles_longer(results: Results) -> Finding:
    """Judge whether the first call of JAX's unrolled scan takes longer."""
    return by_time(results.run, FIRST_CALL, JAX, more=True)


@claim(
    "jax-runs-faster",
    "On a GPU an unrolled jax.lax.scan runs faster: in 0.107 s, and as a loop in 1.756 s.",
    "jax issue 16611",
    "xla.png",
)
@on_a_gpu
def unrolled_scan_steps_faster(results: Results) -> Finding:
    """Judge whether a step of JAX's unrolled scan takes less time."""
    return steps_take(results.run, JAX, more=False)


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
@not_measured("nothing is compiled by torch.compile here: PyTorch runs eagerly")
def torch_compiles_long(results: Results) -> Finding:
    """Show nothing: there is no figure that comes near to it."""
    return NOTHING_NEAR

"""The claims about what is held, and what is saved."""

from unroll.measure.journal import Run
from unroll.report.growth import EXPORT, GRAPH_BYTES, PROCESS, TENSORS
from unroll.report.ledger.claim import D003, KERAS_DOCS, LEARNERS, Results, claim, not_measured
from unroll.report.ledger.evidence import (
    DEPENDS,
    FAILS,
    HOLDS,
    KERAS,
    NOTHING_NEAR,
    OURS,
    Finding,
    Pair,
    by_count,
    by_length,
    combine,
    names_of,
)
from unroll.report.tables import Column

RECOMPUTED = ("dynamic", "dynamic-recompute")
OVERLAP = ("dynamic", "dynamic-serial")
TFLITE = Column("tflite", "forward", "TFLite", "KiB")
HELD = (
    PROCESS,
    Column("process", "forward", "Process, forward", "MiB"),
    TENSORS,
    Column("tensors", "forward", "Tensors at peak, forward", "MiB"),
)


@claim(
    "more-memory",
    "The network of static_rnn takes up more memory, that of dynamic_rnn less.",
    D003,
    "growth.png",
)
def static_holds_more(results: Results) -> Finding:
    """Judge whether static takes more memory, in each of its three scopes."""
    return holds_more(results.run, OURS)


@claim(
    "unroll-holds-more",
    "unroll=True tends to be more memory-intensive.",
    KERAS_DOCS,
    "growth.png",
)
def unrolled_layer_holds_more(results: Results) -> Finding:
    """Judge whether Keras's LSTM takes more memory with unroll=True, in each of its three scopes."""
    return holds_more(results.run, KERAS)


def holds_more(run: Run, pair: Pair) -> Finding:
    """Judge whether the first of two takes more memory, in each of its three scopes."""
    scopes = {metric.heading: by_length(run, metric, pair) for metric in HELD}
    return combine({GRAPH_BYTES.heading: by_count(run, GRAPH_BYTES, pair)} | scopes)


@claim(
    "backprop-through-a-loop",
    "Backpropagation through a loop costs less memory than through an unrolled graph.",
    LEARNERS,
    "growth.png",
)
def backprop_holds_less(results: Results) -> Finding:
    """Judge whether static holds more tensors during a training step than the loop."""
    return by_length(results.run, TENSORS, OURS)


@claim(
    "larger-export",
    "The exported model of static_rnn is larger.",
    D003,
    "growth.png",
)
def exports_larger(results: Results) -> Finding:
    """Judge whether static's SavedModel is the larger."""
    return by_count(results.run, EXPORT, OURS)


@claim(
    "tflite-39-mb",
    "Converted to TFLite, an unrolled GRU takes 39 MB, and its loop 300 KB.",
    "tensorflow issue 59921",
    "growth.png",
)
def converts_to_tflite(results: Results) -> Finding:
    """Judge whether what is unrolled is the larger once it is converted to TFLite: our pair, and Keras's."""
    return combine({names_of(pair): by_count(results.run, TFLITE, pair) for pair in (OURS, KERAS)})


@claim(
    "swap-memory",
    "swap_memory=True lets the loop train longer sequences, by swapping what the gradient needs out to the host.",
    "TensorFlow 1, documentation of dynamic_rnn",
    "growth.png",
)
@not_measured("tf.while_loop takes the argument, but in TensorFlow 2 it calls while_v2, which has none")
def swaps_memory(results: Results) -> Finding:
    """Show nothing: there is no figure that comes near to it."""
    return NOTHING_NEAR


@claim(
    "parallel-iterations",
    "parallel_iterations bounds the memory of dynamic_rnn.",
    "tensorflow issue 17612",
    "growth.png",
)
def parallel_iterations_bound_memory(results: Results) -> Finding:
    """Judge whether the loop holds fewer tensors in training where its iterations may not overlap."""
    finding = by_length(results.run, TENSORS, OVERLAP)
    return finding._replace(because=f"parallel_iterations=1 for 32: {finding.because}")


@claim(
    "checkpoint-a-loop",
    "Checkpointing, which computes again what the gradient needs, only works without control flow.",
    "cybertronai/gradient-checkpointing issue 7",
    "growth.png",
)
def checkpoints_a_loop(results: Results) -> Finding:
    """Judge whether keeping all that the gradient needs holds no more tensors, in a loop, than computing it again."""
    kept = by_length(results.run, TENSORS, RECOMPUTED)
    saves = {HOLDS: "a loop can, by recompute=True: ", DEPENDS: "a loop can, by recompute=True; what it saves depends "}
    if kept.word in saves:
        return kept._replace(word=FAILS, because=saves[kept.word] + kept.because)
    return kept._replace(word={FAILS: HOLDS}.get(kept.word, kept.word))

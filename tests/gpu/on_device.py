"""What the tests let a process do on a device: it imports no pytest."""

import numpy as np
import tensorflow as tf
from proof import VARIANTS, make_problem, reference_values, results_of

from unroll.measure.gpus import describe_gpus
from unroll.measure.workloads import Batch, new_workload

# Sizes at which a GPU does take TF32 for its products, if it may.
SIZES = {"T": 28, "B": 32, "I": 28, "H": 64}


def errors_of_pair(dtype, mode, with_lengths, *, device):
    """Give by how much every unroll differs from static's, and static from NumPy in double precision.

    Of outputs, all states, and the gradients of weights, inputs and first state: relative to the largest element.
    """
    lengths = [(7 * row) % (SIZES["T"] + 1) for row in range(SIZES["B"])] if with_lengths else None
    problem = make_problem("lstm", **SIZES, lengths=lengths, dtype=dtype)
    exact = make_problem("lstm", **SIZES, lengths=lengths)
    found = {}
    for name in ("static", "static traced", "dynamic 1", "dynamic 7"):
        unroll, wrap = VARIANTS[name]
        found[name] = results_of(unroll, problem, mode, all_states=True, wrap=wrap)
    outputs, states = reference_values(exact, all_states=True)
    errors = {"static from NumPy": _error(found["static"][:2], (outputs, states))}
    for name in ("static traced", "dynamic 1", "dynamic 7"):
        errors[f"{name} from static"] = _error(found[name], found["static"])
    return errors


def where(*, device):
    """Say where TensorFlow puts what it is given, as the process does that measures on a device."""
    return tf.matmul(tf.ones([8, 8]), tf.ones([8, 8])).device.rpartition("device:")[2]


def _error(got, want):
    pairs = zip(tf.nest.flatten(got), tf.nest.flatten(want), strict=True)
    return max(float(np.abs(one - other).max() / np.abs(other).max()) for one, other in pairs)


def cards(*, device):
    """Describe the GPUs of this process."""
    return describe_gpus()


def operations_of(case, data, *, device):
    """Name the operations in a case's training graph, its functions' included."""
    workload = new_workload(case, Batch.of(data, case.sizes), data.seed, device)
    workload.build("train")
    graph = workload.functions["train"].graph.as_graph_def()
    parts = [graph.node, *(function.node_def for function in graph.library.function)]
    return sorted({node.op for nodes in parts for node in nodes})

"""The least that a step costs, as TensorFlow counts it on the real graph, and below what it really holds."""

import pytest
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from unroll.measure.batch import Data
from unroll.measure.config import PHASES, Case, Sizes
from unroll.measure.memory import peak
from unroll.measure.operations import (
    Operations,
    Traffic,
    count_kept,
    count_operations,
    count_traffic,
    count_weights,
    reached,
)
from unroll.measure.process import Limits, work_apart
from unroll.measure.workloads import new_network
from unroll.models import data

SIZES = [Sizes(steps=5, batch=6, hidden=7), Sizes(steps=1, batch=2, hidden=3), Sizes(steps=3, batch=1, hidden=11)]
ACTIVATIONS, SLOPE = ("Sigmoid", "Tanh"), 3  # y' = g (1 - y y), and likewise for a sigmoid


def graph_of(sizes, phase):
    """Give the graph of the static network, in which every cell can be counted; forward, with its weights frozen."""
    given = [tf.TensorSpec([sizes.batch, sizes.steps, sizes.input]), tf.TensorSpec([sizes.batch], tf.int32)]
    step = getattr(new_network("static", sizes, 0), phase)
    function = tf.function(step, autograph=False).get_concrete_function(*given[: 1 + (phase == "train")])
    return (convert_variables_to_constants_v2(function) if phase == "forward" else function).graph


def counted_by_tensorflow(graph):
    """Ask TensorFlow's profiler for the floating-point operations in a graph, by the name of the operation."""
    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    found, left = {}, [tf.compat.v1.profiler.profile(graph, cmd="op", options=options)]
    while left:
        node = left.pop()
        left += node.children
        found[node.name] = node.float_ops
    return found


def elements(graph, *kinds):
    """Count the elements that operations of some kinds give."""
    return sum(node.outputs[0].shape.num_elements() for node in graph.get_operations() if node.type in kinds)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("phase", PHASES)
def test_products_of_matrices_are_those_that_tensorflow_counts(phase, sizes):
    assert counted_by_tensorflow(graph_of(sizes, phase))["MatMul"] == count_operations(sizes, phase).matrix


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_what_is_done_element_by_element_forward_is_in_the_graph(sizes):
    graph = graph_of(sizes, "forward")
    found = counted_by_tensorflow(graph)
    assert (
        found["Mul"] + found["AddV2"] + elements(graph, *ACTIVATIONS) == count_operations(sizes, "forward").elementwise
    )


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_what_is_done_element_by_element_in_training_is_in_the_graph(sizes):
    graph = graph_of(sizes, "train")
    found = counted_by_tensorflow(graph)
    slopes = SLOPE * elements(graph, "SigmoidGrad", "TanhGrad")
    summed = (sizes.batch - 1) * (sizes.steps * 4 * sizes.hidden + 10)  # the biases' gradients, over the batch
    updates = count_weights(sizes)  # subtracted in place, which the profiler does not count
    loss = 10 * sizes.batch  # the one product of the loss
    needless = sizes.batch * sizes.hidden  # the gradient of the zero cell state, which nobody asks for
    assert (
        found["Mul"] + found["AddV2"] + found.get("AddN", 0) + elements(graph, *ACTIVATIONS) + slopes + summed + updates
        == count_operations(sizes, "train").elementwise + loss + needless
    )


def test_rows_that_end_early_take_fewer_steps():
    sizes = Sizes(steps=8, batch=2, hidden=3, valid=5)
    for phase in PHASES:
        assert count_operations(sizes, phase) == count_operations(Sizes(steps=5, batch=2, hidden=3), phase)
        assert count_traffic(sizes, phase) == count_traffic(Sizes(steps=5, batch=2, hidden=3), phase)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_weights_are_those_of_the_network(sizes):
    variables = new_network("static", sizes, 0).variables
    assert count_weights(sizes) == sum(variable.shape.num_elements() for variable in variables)


def test_what_is_moved_is_weights_images_and_states():
    sizes = Sizes(steps=3, batch=5, hidden=7)
    weights = 4 * (4 * 7 * (28 + 7 + 1) + 10 * 8)
    assert count_traffic(sizes, "forward") == Traffic(weights, 4 * 3 * 5 * 28, 0)
    assert count_traffic(sizes, "train") == Traffic(2 * weights, 2 * 4 * 3 * 5 * 28, 2 * 2 * 4 * 3 * 5 * 7)
    assert count_traffic(sizes, "train", state_bytes=2).states == 2 * 2 * 2 * 3 * 5 * 7
    assert count_traffic(sizes, "train").total == 2 * weights + 3360 + 1680


@pytest.mark.parametrize("variant", ["static", "dynamic"])
def test_no_training_step_holds_less_than_what_it_must_keep(variant):
    sizes = Sizes(steps=24, batch=64, hidden=64)
    given = Case(variant, "graph", sizes), "train", Data(*data.load("digits").train, seed=0)
    (record,) = work_apart(peak, *given, limits=Limits(60), variables={"TF_CPU_ALLOCATOR_USE_BFC": "1"})
    must = count_kept(sizes)
    assert must < record.samples[0] < 12 * must  # the gates, their slopes and the weights' gradients are held as well


def test_shares_are_of_what_the_machine_was_measured_to_do():
    sizes = Sizes(steps=3, batch=5, hidden=7)
    matrix, moved = count_operations(sizes, "train").matrix, count_traffic(sizes, "train").total
    found = reached(2.0, sizes, "train", matrix_rate=matrix, bandwidth=4 * moved)
    assert found == (0.5, 0.125, 1.0)
    assert reached(2.0, sizes, "train", matrix_rate=8 * matrix, bandwidth=moved).least_seconds == 1.0


def test_a_phase_that_is_none_is_refused():
    with pytest.raises(ValueError, match="got the phase 'backward'; want forward or train"):
        count_operations(Sizes(), "backward")


def test_at_the_default_sizes_by_hand():
    cells = 28 * 128 * 128  # T B H
    assert count_operations(Sizes(), "forward") == Operations(8 * cells * 156 + 20 * 128 * 128, 17 * cells + 1280)

"""What lies in the graph: T cells side by side, or a loop around one; and that no iteration's work grows with T."""

import functools

import pytest
import tensorflow as tf
from proof import as_it_is, fixed_problem

from unroll.rnn import LSTMCell, LSTMWeights, dynamic_unroll, init_weights, static_unroll

MATMULS = {"lstm": 2, "gru": 4}  # in one cell; the unrolls themselves multiply nothing


def build(unroll, T, cell="lstm", wrap=as_it_is, training=False, read=as_it_is):
    """Build the graph of one unroll, or that of its gradient too, and give its GraphDef with the function library."""
    problem = fixed_problem(cell, 2, False)
    variables = tf.nest.map_structure(tf.Variable, problem.weights)

    def run(inputs, state):
        with tf.GradientTape() as tape:
            outputs, _ = unroll(wrap(problem.kind.cell(read(variables))), inputs, state)
            loss = tf.reduce_sum(outputs)
        return tape.gradient(loss, list(variables)) if training else outputs

    def spec(array):
        return tf.TensorSpec(array.shape, array.dtype)

    inputs = tf.TensorSpec([T, *problem.inputs.shape[1:]], problem.dtype)
    run = tf.function(run, autograph=False)
    return run.get_concrete_function(inputs, tf.nest.map_structure(spec, problem.state)).graph.as_graph_def()


def dynamic(unroll):
    return functools.partial(dynamic_unroll, unroll=unroll)


def count(nodes, *ops):
    return sum(node.op in ops for node in nodes)


def bodies(graph):
    """Give the nodes of each loop's body."""
    functions = {function.signature.name: function.node_def for function in graph.library.function}
    return [functions[node.attr["body"].func.name] for node in graph.node if node.op in ("While", "StatelessWhile")]


def all_nodes(graph):
    """Give the nodes of the graph and of all its functions."""
    return [*graph.node, *(node for function in graph.library.function for node in function.node_def)]


def cells_of(graph, cell="lstm"):
    """Count the cells: in each loop's body, and outside of them."""
    inside = [count(body, "MatMul") / MATMULS[cell] for body in bodies(graph)]
    return inside, count(all_nodes(graph), "MatMul") / MATMULS[cell] - sum(inside)


@pytest.mark.parametrize("cell", MATMULS)
@pytest.mark.parametrize("T", [1, 2, 28, 50])
def test_static_has_one_cell_a_step_and_no_loop(T, cell):
    assert cells_of(build(static_unroll, T, cell), cell) == ([], T)


@pytest.mark.parametrize("T", [1, 2, 28, 50])
def test_static_with_a_traced_cell_has_one_call_a_step_and_one_cell(T):
    graph = build(static_unroll, T, wrap=tf.function)
    calls = [node.attr["f"].func.name for node in graph.node if node.op.endswith("PartitionedCall")]
    assert (len(calls), len(set(calls))) == (T, 1)
    assert cells_of(graph) == ([], 1)


@pytest.mark.parametrize("cell", MATMULS)  # the LSTM says what its output looks like, the GRU is traced to find out
@pytest.mark.parametrize("T", [1, 28, None])
def test_dynamic_has_one_loop_of_one_cell(T, cell):
    assert cells_of(build(dynamic_unroll, T, cell), cell) == ([1], 0)


@pytest.mark.parametrize(
    ("T", "unroll", "cells"),
    [
        (28, 7, [7]),
        (28, 28, [28]),
        (28, 40, [28]),
        (28, 3, [3, 1]),
        (50, 40, [40, 1]),
        (None, 1, [1]),
        (None, 7, [7, 1]),
    ],
)
def test_unroll_puts_k_cells_in_the_loop_and_the_rest_in_a_second(T, unroll, cells):
    assert cells_of(build(dynamic(unroll), T)) == (cells, 0)


@pytest.mark.parametrize("training", [False, True])
def test_every_unroll_from_t_up_is_the_same_graph(training):
    graphs = [build(dynamic(unroll), 2, training=training) for unroll in (1, 2, 3, 40)]
    shorter, *same = [sorted(node.op for node in all_nodes(graph)) for graph in graphs]
    assert same[0] == same[1] == same[2] != shorter


@pytest.mark.parametrize("unroll", [1, 4])
@pytest.mark.parametrize("training", [False, True])
def test_dynamic_has_as_many_nodes_for_any_number_of_steps(training, unroll):
    few, many = (len(all_nodes(build(dynamic(unroll), T, training=training))) for T in (4, 64))
    assert few == many


def test_static_has_more_nodes_for_more_steps():
    few, many = (len(all_nodes(build(static_unroll, T, training=True))) for T in (4, 64))
    assert many > 10 * few


def test_the_gradient_of_dynamic_is_one_more_loop():
    graph = build(dynamic_unroll, 28, training=True)
    assert len(bodies(graph)) == 2


@pytest.mark.parametrize(("read", "reads"), [(as_it_is, 3 * 28), (LSTMWeights.read, 3)], ids=["each step", "once"])
def test_weights_that_are_read_once_are_three_reads_in_the_graph(read, reads):
    assert count(build(static_unroll, 28, read=read).node, "ReadVariableOp") == reads


def slow_unroll(cell, inputs, state):
    """The mistake: each step's slice of the inputs has a gradient as large as all of them, which makes T * T."""
    T = inputs.shape[0]

    def body(t, state, outputs):
        output, state = cell(inputs[t], state)
        return t + 1, state, outputs.write(t, output)

    outputs = tf.TensorArray(inputs.dtype, T)
    _, state, outputs = tf.while_loop(lambda t, *_: t < T, body, (0, state, outputs), maximum_iterations=T)
    return outputs.stack(), state


def tensors_of_all_steps(unroll, T=67):
    """Return the operations inside a training step's loops that make a tensor with a row for each of the T steps.

    One such operation an iteration makes the whole step take T * T. No other size of the problem is as large as T.
    """
    weights = init_weights(3, 2, seed=0)
    cell = LSTMCell(weights)

    @tf.function(autograph=False)
    def train(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs, _ = unroll(cell, inputs, cell.zero_state(5))
            loss = tf.reduce_sum(outputs)
        return tape.gradient(loss, [inputs, *weights])

    graph = train.get_concrete_function(tf.TensorSpec([T, 5, 3])).graph.as_graph_def(add_shapes=True)
    assert bodies(graph)

    def sizes(node):
        return {dim.size for shape in node.attr["_output_shapes"].list.shape for dim in shape.dim}

    return [node.op for body in bodies(graph) for node in body if max(sizes(node), default=0) >= T]


@pytest.mark.parametrize("unroll", [1, 4])
def test_no_iteration_of_dynamic_makes_a_tensor_of_all_steps(unroll):
    assert tensors_of_all_steps(dynamic(unroll)) == []


def test_a_quadratic_training_step_is_caught():
    assert "StridedSliceGrad" in tensors_of_all_steps(slow_unroll)

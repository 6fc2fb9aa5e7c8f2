"""The loops with a gradient of their own give what the pair gives: every slope, in every mode, and second order."""

import functools
from dataclasses import replace

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st
from loops import CELLS, LOOPS, OWN, problem_of
from proof import (
    MODES,
    arguments_of,
    as_arrays,
    check_gradients,
    check_no_steps,
    check_values,
    differentiable,
    float_leaves,
    make_problem,
    reference_results,
    results_of,
)

from unroll.rnn import LSTMCell, dynamic_unroll, init_weights, static_unroll


def cases(*chosen):
    """Give (cell, loop) of the loops chosen, each with the cells that it takes."""
    return [(cell, loop) for loop in chosen for cell in CELLS[loop]]


def check(loop, cell, T, with_lengths, mode, all_states=False, dtype="float64"):
    problem, own = problem_of(cell, T, with_lengths, loop, dtype)
    got, want = results_of(LOOPS[loop], own, mode, all_states=all_states), reference_results(problem, all_states)
    check_values(got, want, dtype)
    check_gradients(got, want, dtype)


@pytest.mark.parametrize("all_states", [False, True])
@pytest.mark.parametrize("with_lengths", [False, True])
@pytest.mark.parametrize("T", [1, 7])
@pytest.mark.parametrize(("cell", "loop"), cases("own 1", "own 3", "own 40", "recompute 1", "recompute 3"))
def test_eager_equals_the_reference(cell, loop, T, with_lengths, all_states):
    check(loop, cell, T, with_lengths, "eager", all_states)


@pytest.mark.parametrize("with_lengths", [False, True])
@pytest.mark.parametrize(
    ("cell", "loop"), [("lstm", "own 1"), *cases("own 3"), ("gru", "recompute 1"), ("memory", "recompute 3")]
)
def test_graph_equals_the_reference(cell, loop, with_lengths):
    check(loop, cell, 7, with_lengths, "graph", all_states=with_lengths)


@pytest.mark.parametrize(("cell", "loop"), [("lstm", "own 4"), ("lstm", "own 40"), ("memory", "recompute 1")])
def test_graph_of_many_steps_equals_the_reference(cell, loop):
    check(loop, cell, 28, True, "graph")


@pytest.mark.parametrize(
    ("cell", "loop", "T", "with_lengths"),
    [
        ("lstm", "own 3", 7, True),
        ("lstm", "own 4", 28, False),
        ("memory", "recompute 1", 7, True),
    ],
)
def test_xla_equals_the_reference(cell, loop, T, with_lengths):
    check(loop, cell, T, with_lengths, "xla", all_states=with_lengths)


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("loop", ["own 4", "recompute 1"])
def test_float32_stays_within_its_bounds(loop, mode):
    check(loop, "lstm", 28, True, mode, dtype="float32")


@st.composite
def problems(draw, cells):
    T, B, I, H = (draw(st.integers(1, largest), label=name) for name, largest in zip("TBIH", (9, 4, 4, 4), strict=True))
    lengths = draw(st.none() | st.lists(st.integers(0, T), min_size=B, max_size=B), label="lengths")
    cell, scale, seed = draw(st.sampled_from(cells)), draw(st.sampled_from([0.1, 0.5])), draw(st.integers(0, 1000))
    return make_problem(cell, T=T, B=B, I=I, H=H, lengths=lengths, scale=scale, seed=seed)


def check_any(problem, options, all_states, mode):
    got = results_of(functools.partial(dynamic_unroll, **options), problem, mode, all_states=all_states)
    want = reference_results(problem, all_states)
    check_values(got, want, "float64")
    check_gradients(got, want, "float64")


@hypothesis.given(problems(["lstm"]), st.integers(1, 9), st.booleans())
def test_the_lstms_own_gradient_is_right_on_any_problem_eagerly(problem, k, all_states):
    check_any(problem, {"own_gradient": True, "unroll": k}, all_states, "eager")


@hypothesis.settings(max_examples=6)
@hypothesis.given(problems(["lstm"]), st.integers(1, 9), st.booleans())
def test_the_lstms_own_gradient_is_right_on_any_problem_in_a_graph(problem, k, all_states):
    check_any(problem, {"own_gradient": True, "unroll": k}, all_states, "graph")


@hypothesis.settings(max_examples=8)
@hypothesis.given(problems(["lstm", "gru", "memory"]), st.integers(1, 9), st.booleans())
def test_recomputed_cells_are_right_on_any_problem_eagerly(problem, k, all_states):
    check_any(problem, {"recompute": True, "unroll": k}, all_states, "eager")


def graph_for_any_steps(problem, all_states, loop):
    """Build the one graph that is to serve every T and B."""
    weights = tf.nest.map_structure(tf.Variable, problem.weights)
    run = differentiable(LOOPS[loop], problem.kind, weights, all_states=all_states)
    T, B = problem.inputs.shape[:2]

    def unknown(array):
        return tf.TensorSpec([None if size in (T, B) else size for size in array.shape], array.dtype)

    signature = tf.nest.map_structure(unknown, arguments_of(problem, all_states))
    return tf.function(run, autograph=False, input_signature=signature)


@pytest.mark.parametrize(
    ("cell", "loop", "all_states"), [("lstm", "own 3", False), ("lstm", "own 3", True), ("memory", "recompute 3", True)]
)
def test_one_graph_serves_any_number_of_steps_and_none(cell, loop, all_states):
    problem, own = problem_of(cell, 28, True, loop)
    run = graph_for_any_steps(own, all_states, loop)
    for T in (28, 1, 5):
        shorter = replace(problem, inputs=problem.inputs[:T], lengths=np.minimum(problem.lengths, T))
        got, want = as_arrays(run(*arguments_of(shorter, all_states))), reference_results(shorter, all_states)
        check_values(got, want, "float64")
        check_gradients(got, want, "float64")
    check_no_steps(run, problem, all_states)
    assert run.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize(("cell", "loop"), [("lstm", "own 3"), ("gru", "own 3"), ("memory", "recompute 1")])
def test_no_steps_give_no_outputs_and_the_initial_state(cell, loop, mode):
    problem, own = problem_of(cell, 28, True, loop)
    weights = tf.nest.map_structure(tf.Variable, problem.weights)
    check_no_steps(MODES[mode](differentiable(LOOPS[loop], own.kind, weights, all_states=False)), problem, False)


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize(("cell", "loop"), [("lstm", "own 3"), ("memory", "recompute 3")])
def test_nan_in_the_padding_reaches_neither_results_nor_gradients(cell, loop, mode):
    problem, own = problem_of(cell, 7, True, loop)
    padding = np.arange(7)[:, np.newaxis] >= problem.lengths
    spoiled = replace(own, inputs=np.where(padding[:, :, np.newaxis], np.nan, problem.inputs))
    got, want = results_of(LOOPS[loop], spoiled, mode, all_states=True), reference_results(problem, True)
    check_values(got, want, "float64")
    check_gradients(got, want, "float64")


@pytest.mark.parametrize(
    ("read", "all_states"), [("output", False), ("hidden", False), ("cell", False), ("output", True), ("cell", True)]
)
@pytest.mark.parametrize("loop", ["own 3", "recompute 3"])
def test_a_loss_may_read_one_result_alone(loop, read, all_states):
    """A graph makes up zeros for the slopes of the others, which are then left out."""
    problem, _ = problem_of("lstm", 7, False)
    cell = LSTMCell(tf.nest.map_structure(tf.Variable, problem.weights))

    def slopes(unroll):
        with tf.GradientTape() as tape:
            output, (hidden, memory) = unroll(cell, problem.inputs, problem.state, return_all_states=all_states)
            loss = tf.reduce_sum(tf.sin({"output": output, "hidden": hidden, "cell": memory}[read]))
        return tape.gradient(loss, [*cell.weights])

    got, want = (tf.function(slopes, autograph=False)(unroll) for unroll in (LOOPS[loop], static_unroll))
    for slope, right in zip(got, want, strict=True):
        np.testing.assert_allclose(slope, right, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("loop", ["own 3", "recompute 3"])
def test_a_slope_of_one_number_everywhere_is_no_zero(loop):
    problem, _ = problem_of("lstm", 7, False)
    cell = LSTMCell(tf.nest.map_structure(tf.Variable, problem.weights))

    @tf.function(autograph=False)
    def slopes(number):
        @tf.custom_gradient
        def filled(outputs):
            return tf.reduce_sum(outputs), lambda slope: tf.fill([*outputs.shape], number)

        with tf.GradientTape() as tape:
            loss = filled(LOOPS[loop](cell, problem.inputs, problem.state)[0])
        return tape.gradient(loss, cell.weights.kernel)

    once, twice = slopes(tf.constant(1.0, tf.float64)), slopes(tf.constant(2.0, tf.float64))
    assert np.abs(once).max() > 0.1
    np.testing.assert_allclose(twice, 2 * once)


def second_order(unroll, problem, mode="eager", inner=lambda function: function, *, all_states):
    """Differentiate a nonlinear function of all first-order slopes; `inner` wraps what gives these."""
    weights = tf.nest.map_structure(tf.Variable, problem.weights)

    def first_order(inputs, state, lengths, factors):
        sources = [[*weights], inputs, float_leaves(state)]
        with tf.GradientTape() as tape:
            tape.watch(sources[1:])
            values = unroll(
                problem.kind.cell(weights), inputs, state, sequence_length=lengths, return_all_states=all_states
            )
            pairs = zip(factors, float_leaves(values), strict=True)
            loss = sum(tf.reduce_sum(factor * value**2) for factor, value in pairs)
        return tape.gradient(loss, sources, unconnected_gradients="zero")

    first_order = inner(first_order)

    def run(inputs, state, lengths, factors):
        sources = [[*weights], inputs, float_leaves(state)]
        with tf.GradientTape() as tape:
            tape.watch(sources[1:])
            slopes = first_order(inputs, state, lengths, factors)
            loss = sum(tf.reduce_sum(tf.sin(3 * slope)) for slope in tf.nest.flatten(slopes))
        return tape.gradient(loss, sources, unconnected_gradients="zero")

    return [slope.numpy() for slope in tf.nest.flatten(MODES[mode](run)(*arguments_of(problem, all_states)))]


def check_second_order(cell, loop, with_lengths, all_states, *modes, T=3):
    """Hold second-order slopes against those of cells side by side: all in float64."""
    problem, own = problem_of(cell, T, with_lengths, loop)
    want = second_order(static_unroll, problem, all_states=all_states)
    for slope, right in zip(second_order(LOOPS[loop], own, *modes, all_states=all_states), want, strict=True):
        np.testing.assert_allclose(slope, right, rtol=0, atol=1e-12 * np.abs(right).max())


SECOND = [("lstm", "own 2"), ("gru", "own 2"), ("memory", "recompute 2")]


@pytest.mark.parametrize(("with_lengths", "all_states"), [(True, False), (False, True)])
@pytest.mark.parametrize(("cell", "loop"), SECOND)
def test_second_order_is_that_of_cells_side_by_side_eagerly(cell, loop, with_lengths, all_states):
    check_second_order(cell, loop, with_lengths, all_states, "eager")


@pytest.mark.parametrize(("cell", "loop"), [("lstm", "own 2"), ("lstm", "recompute 2")])
def test_second_order_is_that_of_cells_side_by_side_in_a_graph(cell, loop):
    check_second_order(cell, loop, True, False, "graph")


def test_second_order_is_that_of_cells_side_by_side_under_xla():
    check_second_order("lstm", "own 2", False, False, "xla", T=2)


@pytest.mark.parametrize("loop", ["own 2", "recompute 2"])
def test_second_order_passes_through_a_graph_that_gives_the_first(loop):
    check_second_order("lstm", loop, False, True, "eager", MODES["graph"])


@pytest.mark.parametrize("loop", ["own 1", "own 4", "recompute 1", "recompute 3"])
def test_the_loop_ends_with_the_longest_row(loop):
    problem, _ = problem_of("lstm", 7, False)
    cell, taken = LSTMCell(problem.weights), []

    class Counted(LSTMCell):
        def __call__(self, inputs, state):
            taken.append(1)
            return super().__call__(inputs, state)

        def keep_steps(self, weights, inputs, state):
            taken.extend([1] * inputs.shape[0])
            return super().keep_steps(weights, inputs, state)

    unroll = LOOPS[loop]
    inputs = np.concatenate([problem.inputs] * 4)  # 28 steps
    outputs, state = unroll(Counted(problem.weights), inputs, problem.state, sequence_length=[3, 0, 5, 2])
    want, final = dynamic_unroll(cell, inputs, problem.state, sequence_length=[3, 0, 5, 2])
    traced = loop not in OWN  # once, to find what the cell takes from around it
    k = int(loop.split()[1])
    assert len(taken) == traced + -(-5 // k) * k
    np.testing.assert_allclose(outputs, want, rtol=1e-12)
    np.testing.assert_allclose(state.cell, final.cell, rtol=1e-12)


def all_nodes(graph):
    return [*graph.node, *(node for function in graph.library.function for node in function.node_def)]


@functools.cache
def training_graph(loop, T=28, unroll=None):
    weights = init_weights(3, 2, seed=0)
    cell = LSTMCell(weights)

    def train(inputs):
        with tf.GradientTape() as tape:
            _, state = (unroll or LOOPS[loop])(cell, inputs, cell.zero_state(4))
            loss = tf.reduce_sum(state.hidden)
        return tape.gradient(loss, [*weights])

    return tf.function(train, autograph=False).get_concrete_function(tf.TensorSpec([T, 4, 3])).graph.as_graph_def()


def count(graph, op):
    return sum(node.op == op for node in all_nodes(graph))


@pytest.mark.parametrize("loop", ["own 1", "own 4", "recompute 1"])
def test_tensorflow_keeps_nothing_of_its_own(loop):
    """What the gradient of a loop keeps, TensorFlow pushes onto lists."""
    assert count(training_graph("dynamic", unroll=dynamic_unroll), "TensorListPushBack") > 5
    assert count(training_graph(loop), "TensorListPushBack") == 0


@pytest.mark.parametrize(("loop", "kept"), [("own 4", 1), ("recompute 1", 2)])
def test_the_loop_forwards_keeps_what_the_cell_says(loop, kept):
    """The LSTM keeps one tensor a block; what is run again, the two parts of its state. The outputs come on top."""
    forward, backward = (node for node in training_graph(loop).node if node.op in ("While", "StatelessWhile"))
    functions = {function.signature.name: function.node_def for function in training_graph(loop).library.function}
    written = [node for node in functions[forward.attr["body"].func.name] if node.op == "TensorListSetItem"]
    assert len(written) == kept + 1
    assert backward.attr["parallel_iterations"].i == (1 if "recompute" in loop else 32 // 4)


@pytest.mark.parametrize("loop", ["own 4", "recompute 1"])
def test_the_graph_does_not_grow_with_the_number_of_steps(loop):
    assert len(all_nodes(training_graph(loop, 64))) == len(all_nodes(training_graph(loop, 28)))


def test_a_loop_reads_each_variable_once_where_the_gradient_is_the_lstms_own():
    assert count(training_graph("own 4"), "ReadVariableOp") == 3

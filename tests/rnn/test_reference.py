"""The reference itself: its gradient found in a second way, and what lengths, rows and dtypes mean to it."""

import numpy as np
import pytest
import tensorflow as tf
from proof import KINDS, fixed_problem, loss_of_rows, reference_results, reference_values

from unroll.rnn import LSTMState, LSTMWeights, ReferenceLSTMCell, reference_unroll

T = 5


def central_difference(loss, nest, h=1e-5):
    """Differentiate `loss(nest)` with respect to every element of its floats, in real numbers."""
    leaves = tf.nest.flatten(nest)
    gradients = []
    for n, leaf in enumerate(leaves):
        if np.issubdtype(leaf.dtype, np.integer):
            continue
        gradients.append(np.empty(leaf.shape))
        for index in np.ndindex(leaf.shape):
            slopes = []
            for step in (h, -h):
                changed = leaf.copy()
                changed[index] += step
                slopes.append(loss(tf.nest.pack_sequence_as(nest, [*leaves[:n], changed, *leaves[n + 1 :]])) / step)
            gradients[-1][index] = sum(slopes) / 2
    return gradients


@pytest.mark.parametrize("with_lengths", [False, True])
@pytest.mark.parametrize("cell", KINDS)
def test_its_complex_step_agrees_with_central_differences(cell, with_lengths):
    problem = fixed_problem(cell, T, with_lengths)
    results = reference_results(problem, True)
    got = [*results.weight_gradients, results.input_gradient, *results.state_gradients]

    def loss(nest):
        weights, inputs, state = nest
        return loss_of_rows(problem, True, weights=weights, inputs=inputs, state=state).sum()

    want = central_difference(loss, (problem.weights, problem.inputs, problem.state))
    for got_leaf, want_leaf in zip(got, want, strict=True):
        np.testing.assert_allclose(got_leaf, want_leaf, rtol=0, atol=1e-8 * np.abs(want_leaf).max())


@pytest.mark.parametrize("cell", KINDS)
def test_its_final_state_is_the_last_of_all_its_states(cell):
    problem = fixed_problem(cell, T, True)
    outputs, states = reference_values(problem, True)
    same_outputs, final_state = reference_values(problem, False)
    np.testing.assert_array_equal(outputs, same_outputs)
    tf.nest.map_structure(lambda all_of, last: np.testing.assert_array_equal(all_of[-1], last), states, final_state)


@pytest.mark.parametrize("cell", KINDS)
def test_a_row_with_a_length_gives_what_it_gives_alone_cut_to_that_length(cell):
    problem = fixed_problem(cell, T, True)
    outputs, state = reference_values(problem, False)
    for row, length in enumerate(problem.lengths):
        assert not outputs[length:, row].any()
        initial = tf.nest.map_structure(lambda leaf, row=row: leaf[row : row + 1], problem.state)
        if length == 0:
            alone = initial
        else:
            twin = problem.kind.twin(problem.weights)
            alone_outputs, alone = reference_unroll(twin, problem.inputs[:length, row : row + 1], initial)
            np.testing.assert_allclose(outputs[:length, row], alone_outputs[:, 0], rtol=1e-14)
        tf.nest.map_structure(lambda all_rows, one, row=row: check_row(all_rows[row], one[0]), state, alone)


def check_row(got, want):
    np.testing.assert_allclose(got, want, rtol=1e-14)


def test_one_step_of_the_lstm_is_what_pencil_and_paper_give():
    # The kernel passes 1 input on to the gates i, f, g, o as 0, 1, 2, 3; the bias adds 1 to f.
    weights = LSTMWeights(np.array([[0.0, 1, 2, 3]]), np.zeros([1, 4]), np.array([0.0, 1, 0, 0]))
    state = LSTMState(np.zeros([1, 1]), np.array([[0.5]]))
    output, (hidden, cell) = ReferenceLSTMCell(weights)(np.array([[1.0]]), state)
    # sigmoid(0) = 0.5, sigmoid(1 + 1) = 0.880797, tanh(2) = 0.964028, sigmoid(3) = 0.952574
    assert cell.item() == pytest.approx(0.880797 * 0.5 + 0.5 * 0.964028, abs=1e-6)
    assert output.item() == hidden.item() == pytest.approx(0.952574 * np.tanh(0.9224125), abs=1e-6)


def test_it_computes_in_double_precision_whatever_it_is_given():
    problem = fixed_problem("lstm", T, True, "float32")
    outputs, state = reference_values(problem, False)
    assert {outputs.dtype, state.hidden.dtype, state.cell.dtype} == {np.dtype("float64")}


def test_it_takes_the_variables_of_the_pair():
    problem = fixed_problem("lstm", T, True)
    cell = ReferenceLSTMCell(tf.nest.map_structure(tf.Variable, problem.weights))
    outputs, _ = reference_unroll(cell, tf.constant(problem.inputs), problem.state, sequence_length=problem.lengths)
    np.testing.assert_array_equal(outputs, reference_values(problem, False)[0])


def test_it_leaves_its_arguments_alone():
    problem = fixed_problem("memory", T, True)
    before = [leaf.copy() for leaf in tf.nest.flatten(problem.state)]
    reference_values(problem, True)
    for leaf, copy in zip(tf.nest.flatten(problem.state), before, strict=True):
        np.testing.assert_array_equal(leaf, copy)

"""What the dynamic unroll has to itself: T may be unknown or 0, and a loop may hold several cells."""

import functools
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from proof import (
    MODES,
    arguments_of,
    as_arrays,
    check_gradients,
    check_no_steps,
    check_values,
    differentiable,
    fixed_problem,
    reference_results,
    results_of,
)

from unroll.rnn import dynamic_unroll


def count(inputs, state):
    return state, state + 1


@pytest.mark.parametrize("unroll", [0, -1, 1.5, True, "2", None])
def test_an_unroll_that_is_no_positive_integer_is_refused(unroll):
    with pytest.raises(ValueError, match=f"got unroll={unroll!r}; want .*an integer from 1 up"):
        dynamic_unroll(count, tf.ones([3, 2, 4]), tf.zeros([2, 1]), unroll=unroll)


def test_unroll_may_be_a_numpy_integer():
    outputs, _ = dynamic_unroll(count, tf.ones([3, 2, 4]), tf.zeros([2, 1]), unroll=np.int64(2))
    assert outputs[:, 0, 0].numpy().tolist() == [0, 1, 2]


def graph_for_any_steps(problem, all_states, unroll, batch_known):
    """Build the one graph that is to serve every T: T is unknown, and so is B if asked for."""
    run = differentiable(
        functools.partial(dynamic_unroll, unroll=unroll),
        problem.kind,
        tf.nest.map_structure(tf.Variable, problem.weights),
        all_states=all_states,
    )
    T, B = problem.inputs.shape[:2]

    def unknown(array):
        shape = [None if size == T else None if size == B and not batch_known else size for size in array.shape]
        return tf.TensorSpec(shape, array.dtype)

    signature = tf.nest.map_structure(unknown, arguments_of(problem, all_states))
    return tf.function(run, autograph=False, input_signature=signature)


@pytest.mark.parametrize(
    ("cell", "unroll", "batch_known", "all_states"),
    [
        ("lstm", 1, True, False),
        ("lstm", 3, False, True),
        ("gru", 1, False, True),
        ("memory", 2, True, False),
    ],
)
def test_one_graph_serves_any_number_of_steps(cell, unroll, batch_known, all_states):
    problem = fixed_problem(cell, 28, True)
    run = graph_for_any_steps(problem, all_states, unroll, batch_known)
    for T in (28, 1, 5):
        shorter = replace(problem, inputs=problem.inputs[:T], lengths=np.minimum(problem.lengths, T))
        got, want = as_arrays(run(*arguments_of(shorter, all_states))), reference_results(shorter, all_states)
        check_values(got, want, problem.dtype)
        check_gradients(got, want, problem.dtype)
    assert run.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("all_states", [False, True])
@pytest.mark.parametrize("mode", ["eager", "graph", "graph of unknown T"])
@pytest.mark.parametrize(("cell", "unroll"), [("gru", 2), ("memory", 1)])
def test_no_steps_give_no_outputs_and_the_initial_state(cell, unroll, mode, all_states):
    problem = fixed_problem(cell, 28, True)
    if mode in MODES:
        weights = tf.nest.map_structure(tf.Variable, problem.weights)
        unroll = functools.partial(dynamic_unroll, unroll=unroll)
        run = MODES[mode](differentiable(unroll, problem.kind, weights, all_states=all_states))
    else:
        run = graph_for_any_steps(problem, all_states, unroll, batch_known=False)
    check_no_steps(run, problem, all_states)


@pytest.mark.parametrize("parallel_iterations", [1, 8])
def test_parallel_iterations_change_nothing(parallel_iterations):
    problem = fixed_problem("gru", 7, True)
    unroll = functools.partial(dynamic_unroll, parallel_iterations=parallel_iterations)
    got, want = results_of(unroll, problem, "graph", all_states=True), reference_results(problem, True)
    check_values(got, want, problem.dtype)
    check_gradients(got, want, problem.dtype)


def test_lengths_known_in_the_graph_are_checked_against_an_unknown_number_of_steps_as_it_runs():
    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, 2, 4])])
    def run(inputs):
        return dynamic_unroll(count, inputs, tf.zeros([2, 1]), sequence_length=[1, 3])

    outputs, _ = run(tf.ones([3, 2, 4]))
    assert outputs[:, :, 0].numpy().tolist() == [[0, 0], [0, 1], [0, 2]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="from 0 to T = the number of steps"):
        run(tf.ones([2, 2, 4]))


@pytest.mark.parametrize(("unroll", "return_all_states", "cells_run"), [(1, False, 3), (2, False, 4), (1, True, 10)])
@pytest.mark.parametrize("known", [True, False])
def test_the_loop_ends_with_the_longest_row(known, unroll, return_all_states, cells_run):
    count = tf.Variable(0)

    def cell(inputs, state):
        count.assign_add(1)
        return state + inputs, state + inputs

    @tf.function
    def run(lengths):
        return dynamic_unroll(
            cell,
            tf.ones([10, 2, 1]),
            tf.zeros([2, 1]),
            sequence_length=[3, 2] if known else lengths,
            unroll=unroll,
            return_all_states=return_all_states,
        )

    run.get_concrete_function(tf.constant([3, 2]))
    count.assign(0)  # tracing may run the cell's initialisation
    output_sequence, state = run(tf.constant([3, 2]))
    assert count.numpy() == cells_run
    assert output_sequence[:, 0, 0].numpy().tolist() == [1, 2, 3] + [0] * 7
    assert (state[-1] if return_all_states else state).numpy().ravel().tolist() == [3, 2]

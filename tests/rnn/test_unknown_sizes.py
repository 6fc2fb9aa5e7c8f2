"""Sizes that are known only as the graph runs: what does not fit is refused then, and nothing is spread silently."""

import numpy as np
import pytest
import tensorflow as tf

from unroll.rnn import dynamic_unroll, static_unroll

pytestmark = pytest.mark.parametrize("unroll", [static_unroll, dynamic_unroll])

T, B, I = 3, 4, 2
INPUTS = np.ones([T, B, I], np.float32)


def count(inputs, state):
    return state + inputs, state + inputs


def function_of(pair, *, inputs=(T, None, I), state=(None, I), cell=count, **options):
    """Return a function of arrays (inputs, state, lengths) whose shapes, but for these, are unknown to its graph."""
    shapes = [tf.TensorSpec(inputs), tf.TensorSpec(state), tf.TensorSpec([None], tf.int32)]

    def run(inputs, state, lengths=None):
        return pair(cell, inputs, state, sequence_length=lengths, **options)

    def call(*arrays):
        function = tf.function(run, autograph=False, input_signature=shapes[: len(arrays)])
        return function(*arrays)

    return call


@pytest.mark.parametrize("lengths", [[2], [], [1, 2, 3, 3, 3]])
@pytest.mark.parametrize("all_states", [False, True])
def test_lengths_of_another_batch_are_refused(unroll, lengths, all_states):
    run = function_of(unroll, return_all_states=all_states)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"got a sequence_length whose number of values is.*want"):
        run(INPUTS, np.zeros([B, I], np.float32), np.array(lengths, np.int32))


def test_one_row_is_not_spread_over_two_lengths(unroll):
    run = function_of(unroll)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"whose number of values is\] \[2\].*B =\] \[1\]"):
        run(INPUTS[:, :1], np.zeros([1, I], np.float32), np.array([2, 3], np.int32))


@pytest.mark.parametrize("rows", [1, 3, 5])
@pytest.mark.parametrize("shapes", [{}, {"inputs": (T, B, I)}, {"state": None}], ids=["none", "inputs", "state"])
def test_a_state_of_another_batch_is_refused(unroll, rows, shapes):
    shapes = {"state": (rows, I)} if "state" in shapes else shapes
    run = function_of(unroll, **shapes)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"got a state whose number of rows is.*want"):
        run(INPUTS, np.zeros([rows, I], np.float32))


def test_a_result_of_one_row_is_not_spread(unroll):
    def mean_of_rows(inputs, state):
        return inputs, tf.reduce_mean(inputs, axis=0, keepdims=True)

    run = function_of(unroll, cell=mean_of_rows)
    with pytest.raises(tf.errors.InvalidArgumentError, match="got from the cell a tensor whose number of rows is"):
        run(INPUTS, np.zeros([B, I], np.float32))


@pytest.mark.parametrize("shape", [(T, None, None), (None, None, I)])
def test_parts_of_the_inputs_that_disagree_are_refused(unroll, shape):
    spec = [tf.TensorSpec([T, None, I]), tf.TensorSpec([None, None, I])]

    @tf.function(autograph=False, input_signature=spec)
    def run(x, y):
        return unroll(lambda pair, state: (pair[0] + pair[1], state), (x, y), ())

    rows = INPUTS[:, :1] if shape[0] else INPUTS[:1]
    assert run(INPUTS, INPUTS)[0].shape == INPUTS.shape
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"got a part of the input_sequence whose [TB] is"):
        run(INPUTS, rows)


def test_unroll_by_two_checks_as_well(unroll):
    options = {"unroll": 2} if unroll is dynamic_unroll else {}
    run = function_of(unroll, **options)
    with pytest.raises(tf.errors.InvalidArgumentError, match="got a sequence_length whose"):
        run(INPUTS, np.zeros([B, I], np.float32), np.array([2], np.int32))


def test_what_fits_is_computed(unroll):
    outputs, _ = function_of(unroll)(INPUTS, np.zeros([B, I], np.float32), np.array([0, 1, 2, 3], np.int32))
    np.testing.assert_array_equal(outputs[:, :, 0], [[0, 1, 1, 1], [0, 0, 2, 2], [0, 0, 0, 3]])


def test_xla_drops_the_checks(unroll):
    """What the docstrings say: under XLA lengths of one row are spread over all."""
    function = tf.function(
        lambda x, lengths: unroll(count, x, tf.zeros([tf.shape(x)[1], I]), sequence_length=lengths)[0],
        autograph=False,
        jit_compile=True,
        input_signature=[tf.TensorSpec([T, None, I]), tf.TensorSpec([None], tf.int32)],
    )
    outputs = function(INPUTS, np.array([2], np.int32))
    np.testing.assert_array_equal(outputs[:, :, 0], [[1] * B, [2] * B, [0] * B])

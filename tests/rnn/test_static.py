"""What the static unroll has to itself: it needs a known T."""

import numpy as np
import pytest
import tensorflow as tf

from unroll.rnn import static_unroll


def count(inputs, state):
    return state, state + 1


def test_an_unknown_number_of_steps_is_refused_and_the_other_unroll_named():
    run = tf.function(lambda inputs: static_unroll(count, inputs, tf.zeros([2, 1])), autograph=False)
    with pytest.raises(ValueError, match=r"got an input_sequence of shape \(None, 2, 4\).*known.*dynamic_unroll"):
        run.get_concrete_function(tf.TensorSpec([None, 2, 4]))


@pytest.mark.parametrize("all_states", [False, True])
def test_no_steps_are_refused(all_states):
    with pytest.raises(ValueError, match=r"got an input_sequence of shape \(0, 2, 4\).*at least 1"):
        static_unroll(count, tf.ones([0, 2, 4]), tf.zeros([2, 1]), return_all_states=all_states)


def test_an_unknown_batch_size_is_no_obstacle():
    @tf.function(autograph=False)
    def run(inputs, state):
        return static_unroll(count, inputs, state)

    run = run.get_concrete_function(tf.TensorSpec([3, None, 4]), tf.TensorSpec([None, 1]))
    for B in (1, 5):
        outputs, state = run(tf.ones([3, B, 4]), tf.zeros([B, 1]))
        assert (outputs.shape, state.shape) == ([3, B, 1], [B, 1])


def test_a_traced_cell_is_traced_once():
    traces = []

    @tf.function
    def cell(inputs, state):
        traces.append(inputs.shape)
        return state, state + 1

    outputs, _ = static_unroll(cell, tf.ones([28, 2, 4]), tf.zeros([2, 1]))
    assert traces == [[2, 4]]
    np.testing.assert_array_equal(outputs[:, 0, 0], np.arange(28))

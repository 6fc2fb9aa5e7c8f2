"""What does not work, as docs/how-to/add-a-cell.md says it: a test that fails here is good news for that page."""

import numpy as np
import pytest
import tensorflow as tf
from proof import MODES

from unroll.rnn import dynamic_unroll, static_unroll

X, STATE = np.ones([3, 2, 1], np.float32), np.zeros([2, 1], np.float32)


def gradient_of(unroll, wrap, mode):
    """Return the gradient of the weight that the cell closes over as a tensor."""
    weight = tf.Variable([[0.5]])

    def run():
        with tf.GradientTape() as tape:
            kernel = tf.convert_to_tensor(weight)
            cell = wrap(lambda inputs, state: (tf.tanh(inputs @ kernel + state),) * 2)
            outputs, _ = unroll(cell, X, STATE)
        return tape.gradient(outputs, weight)

    return MODES[mode](run)()


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("unroll", [static_unroll, dynamic_unroll])
def test_recompute_grad_loses_the_gradient_of_a_tensor_that_the_cell_closes_over(unroll, mode):
    assert gradient_of(unroll, lambda cell: cell, mode) > 1
    lost = gradient_of(unroll, tf.recompute_grad, mode)
    if unroll is dynamic_unroll and mode == "graph":
        assert lost == 0
    else:
        assert lost is None


def forward_derivative(unroll, mode):
    """Return the outputs' derivative along the weight, in forward mode."""

    def run(kernel):
        with tf.autodiff.ForwardAccumulator(kernel, tf.ones_like(kernel)) as accumulator:
            outputs, _ = unroll(lambda inputs, state: (tf.tanh(inputs @ kernel + state),) * 2, X, STATE)
            total = tf.reduce_sum(outputs)
        return accumulator.jvp(total)

    return MODES[mode](run)(tf.constant([[0.5]]))


@pytest.mark.parametrize("case", [(static_unroll, "eager"), (static_unroll, "graph"), (dynamic_unroll, "eager")])
def test_forward_mode_works_in_static_and_eagerly(case):
    want = gradient_of(static_unroll, lambda cell: cell, "eager")
    np.testing.assert_allclose(forward_derivative(*case), want[0, 0], rtol=1e-5)


def test_forward_mode_fails_in_the_loop_of_a_graph():
    with pytest.raises(TypeError, match=r"dtype: 'variant'> is not compatible"):  # TensorFlow's lists are variants
        forward_derivative(dynamic_unroll, "graph")

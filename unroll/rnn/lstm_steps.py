"""The LSTM's own gradient: k steps forwards, which keep states and activated gates, and the same k steps backwards."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from unroll.rnn.two_loops import add_slopes


class LSTMSteps:
    """What `LSTMCell` offers to a loop with a gradient of its own, as `StepsWithGradient` says.

    The inputs of k steps meet the kernel in one product, and each weight's slope over k steps is one product or sum.
    From step to step, only the product with the recurrent kernel is left.
    """

    weights: Any
    _check: Callable

    def keep_steps(self, weights, inputs, state):
        self._check(tf.TensorSpec(inputs.shape[1:], inputs.dtype), state)
        kernel, recurrent_kernel, bias = weights
        k, _, input_size = inputs.shape
        projected = tf.matmul(tf.reshape(inputs, [-1, input_size]), kernel) + bias  # [k B, 4H]
        states, gates = [state], []
        for x in tf.split(projected, k):  # k times [B, 4H]
            hidden, cell = states[-1]
            i, f, g, o = tf.split(x + tf.matmul(hidden, recurrent_kernel), 4, axis=1)  # each [B, H]
            i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
            cell = f * cell + i * g
            states.append(type(state)(o * tf.tanh(cell), cell))
            gates += [i, f, g, o]
        hidden, cells = zip(*states, strict=True)
        # One tensor, because each that is kept costs the loops an array: 1, k + 1 and 4k times [B, H].
        return [*hidden[1:]], states[1:], tf.stack([state.hidden, *cells, *gates])

    def kept_spec(self, cells, batch_size):
        hidden_size = self.weights.recurrent_kernel.shape[0]
        return tf.TensorSpec([5 * cells + 2, batch_size, hidden_size], self.weights.kernel.dtype)

    def gradient_of_steps(self, weights):
        # Transposed once for all blocks, and not in every product.
        kernel, recurrent_kernel = tf.transpose(weights.kernel), tf.transpose(weights.recurrent_kernel)

        def take_back(inputs, kept, output_slopes, state_slopes):
            k, _, input_size = inputs.shape
            first_hidden, *kept = tf.unstack(kept)
            cells, gates = kept[: k + 1], kept[k + 1 :]
            hidden, slopes, state_slope = [], [], (None, None)  # slopes of gates before they are activated; last first
            for j in reversed(range(k)):
                i, f, g, o = gates[4 * j : 4 * j + 4]
                tanh_cell = tf.tanh(cells[j + 1])
                hidden.append(o * tanh_cell)  # as forwards, which is cheaper than to keep it
                hidden_slope = add_slopes(state_slope[0], state_slopes[j].hidden, output_slopes[j])
                cell_slope = add_slopes(state_slope[1], state_slopes[j].cell, _tanh_slope(tanh_cell, hidden_slope * o))
                i_slope, f_slope = _sigmoid_slope(i, cell_slope * g), _sigmoid_slope(f, cell_slope * cells[j])
                g_slope, o_slope = _tanh_slope(g, cell_slope * i), _sigmoid_slope(o, hidden_slope * tanh_cell)
                slopes.append(tf.concat([i_slope, f_slope, g_slope, o_slope], axis=1))  # [B, 4H]
                state_slope = tf.matmul(slopes[-1], recurrent_kernel), cell_slope * f
            before = tf.concat([first_hidden, *hidden[:0:-1]], axis=0)  # [k B, H]
            slopes = tf.concat(slopes[::-1], axis=0)  # [k B, 4H]
            weight_slopes = (
                tf.matmul(tf.reshape(inputs, [-1, input_size]), slopes, transpose_a=True),
                tf.matmul(before, slopes, transpose_a=True),
                tf.reduce_sum(slopes, axis=0),
            )
            return tf.reshape(tf.matmul(slopes, kernel), tf.shape(inputs)), state_slope, weight_slopes

        return take_back


def _sigmoid_slope(sigmoid, slope):
    """Return the slope of x for that of sigmoid(x)."""
    return tf.raw_ops.SigmoidGrad(y=sigmoid, dy=slope)


def _tanh_slope(tanh, slope):
    """Return the slope of x for that of tanh(x)."""
    return tf.raw_ops.TanhGrad(y=tanh, dy=slope)

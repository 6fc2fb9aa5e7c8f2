"""The meaning of both unrolls in NumPy and double precision (TensorFlow walks the nests, and nothing else)."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import tensorflow as tf

from unroll.rnn.cell import LSTMState, LSTMWeights


@dataclass(frozen=True, eq=False)
class ReferenceLSTMCell:
    """`LSTMCell` in NumPy: inputs [N, I] and state -> output [N, H] and next state, for any number of rows N.

    Complex weights, inputs or states pass through, so that a derivative can be taken by a complex step:
    with f real and h tiny, f'(x) = Im f(x + ih) / h, exact to rounding.
    """

    weights: LSTMWeights

    def __call__(self, inputs, state):
        kernel, recurrent_kernel, bias = (_wide(weight) for weight in self.weights)
        i, f, g, o = np.split(inputs @ kernel + state.hidden @ recurrent_kernel + bias, 4, axis=1)  # each [N, H]
        cell = _sigmoid(f) * state.cell + _sigmoid(i) * np.tanh(g)
        hidden = _sigmoid(o) * np.tanh(cell)
        return hidden, LSTMState(hidden, cell)


def reference_unroll(cell, input_sequence, initial_state, *, sequence_length=None, return_all_states=False):
    """Run `cell` step by step, on the rows that are not over yet; arguments and results as in `static_unroll`.

    Args:
        cell: a NumPy callable (inputs [N, ...], state) -> (output [N, ...], next_state), for any number of rows N.

    >>> count = lambda inputs, state: (state + inputs, state + inputs)
    >>> outputs, state = reference_unroll(count, np.ones([3, 2, 1]), np.zeros([2, 1]), sequence_length=[3, 1])
    >>> outputs[:, :, 0].tolist(), state[:, 0].tolist()
    ([[1.0, 1.0], [2.0, 0.0], [3.0, 0.0]], [3.0, 1.0])
    """
    input_sequence = _wide(input_sequence)
    state = tf.nest.map_structure(_wide, initial_state)
    steps, batch_size = input_sequence.shape[:2]
    lengths = np.full(batch_size, steps) if sequence_length is None else np.asarray(sequence_length)

    outputs, states = [], []
    for t in range(steps):
        valid = t < lengths  # [B]
        output, next_state = cell(input_sequence[t, valid], tf.nest.map_structure(partial(_take, valid), state))
        outputs.append(_put(valid, np.zeros((batch_size, *output.shape[1:]), output.dtype), output))
        state = tf.nest.map_structure(partial(_put, valid), state, next_state)
        states.append(state)

    output_sequence = np.stack(outputs)  # [T, B, H]
    if return_all_states:
        return output_sequence, tf.nest.map_structure(lambda *leaves: np.stack(leaves), *states)
    return output_sequence, state


def _take(valid, array):
    """Return the valid rows of `array` [B, ...]."""
    return array[valid]


def _put(valid, array, rows):
    """Return a copy of `array` [B, ...] with its valid rows replaced."""
    array = array.astype(np.result_type(array, rows))
    array[valid] = rows
    return array


def _wide(array):
    """Return an array with floats in double precision; integers and complex numbers as they are."""
    array = np.asarray(array)
    return array.astype(np.float64) if np.issubdtype(array.dtype, np.floating) else array


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))

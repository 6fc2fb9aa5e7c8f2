"""The meaning of both unrolls in NumPy and double precision (TensorFlow walks the nests, and nothing else)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from unroll.rnn.cell import LSTMState, LSTMWeights

S = TypeVar("S")  # the nest of the state


@dataclass(frozen=True, eq=False)
class ReferenceLSTMCell:
    """`LSTMCell` in NumPy: inputs [N, I] and state -> output [N, H] and next state, for any number of rows N.

    Complex weights, inputs or states pass through, so that a derivative can be taken by a complex step:
    with f real and h tiny, f'(x) = Im f(x + ih) / h, exact to rounding.
    """

    weights: LSTMWeights

    def __call__(self, inputs: Any, state: Any) -> tuple[Any, LSTMState]:
        kernel, recurrent_kernel, bias = (_wide(weight) for weight in self.weights)
        i, f, g, o = np.split(inputs @ kernel + state.hidden @ recurrent_kernel + bias, 4, axis=1)  # each [N, H]
        cell = _sigmoid(f) * state.cell + _sigmoid(i) * np.tanh(g)
        hidden = _sigmoid(o) * np.tanh(cell)
        return hidden, LSTMState(hidden, cell)


def reference_unroll(
    cell: Callable[[Any, Any], tuple[Any, Any]],
    input_sequence: Any,
    initial_state: S,
    *,
    sequence_length: Any = None,
    return_all_states: bool = False,
) -> tuple[Any, S]:
    """Run `cell` step by step, on the rows that are not over yet; arguments and results as in `static_unroll`.

    Args:
        cell: a NumPy callable (inputs [N, ...], state) -> (output [N, ...], next_state), for any number of rows N; all
            may nest, and scalars of the state are given as they are.

    >>> count = lambda inputs, state: (state + inputs, state + inputs)
    >>> outputs, state = reference_unroll(count, np.ones([3, 2, 1]), np.zeros([2, 1]), sequence_length=[3, 1])
    >>> outputs[:, :, 0].tolist(), state[:, 0].tolist()
    ([[1.0, 1.0], [2.0, 0.0], [3.0, 0.0]], [3.0, 1.0])
    """
    input_sequence = tf.nest.map_structure(_wide, input_sequence)
    state = tf.nest.map_structure(_wide, initial_state)
    steps, batch_size = tf.nest.flatten(input_sequence)[0].shape[:2]
    lengths = np.full(batch_size, steps) if sequence_length is None else np.asarray(sequence_length)

    outputs, states = [], []
    for t in range(steps):
        valid = t < lengths  # [B]
        inputs = tf.nest.map_structure(lambda array, t=t, valid=valid: array[t, valid], input_sequence)
        output, next_state = cell(inputs, tf.nest.map_structure(partial(_take, valid), state))
        outputs.append(tf.nest.map_structure(partial(_spread, valid), output))
        state = tf.nest.map_structure(partial(_put, valid), state, next_state)
        states.append(state)

    output_sequence = tf.nest.map_structure(_stack, *outputs)  # [T, B, H]
    if return_all_states:
        return output_sequence, tf.nest.map_structure(_stack, *states)
    return output_sequence, state


def _stack(*steps):
    return np.stack(steps)


def _take(valid, array):
    """Return the valid rows of `array` [B, ...], or a scalar as it is."""
    return array[valid] if array.ndim else array


def _put(valid, array, rows):
    """Return a copy of `array` [B, ...] with its valid rows replaced; a scalar is replaced if any row is valid."""
    if not array.ndim:
        return np.asarray(rows) if valid.any() else array
    array = array.astype(np.result_type(array, rows))
    array[valid] = rows
    return array


def _spread(valid, rows):
    """Return [B, ...] with `rows` where it is valid and zeros elsewhere."""
    return _put(valid, np.zeros((len(valid), *rows.shape[1:]), rows.dtype), rows)


def _wide(array):
    """Return an array with floats in double precision; integers and complex numbers as they are."""
    array = np.asarray(array)
    return array.astype(np.float64) if np.issubdtype(array.dtype, np.floating) else array


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))

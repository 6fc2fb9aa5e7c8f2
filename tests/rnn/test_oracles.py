"""The pair against implementations that nobody here wrote: Keras, TensorFlow 1's two unrolls, the fused kernel."""

import functools
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from proof import (
    VARIANTS,
    Results,
    check_gradients,
    check_values,
    fixed_problem,
    reference_values,
    results_of,
)

from unroll.measure.peers import block_lstm
from unroll.rnn import LSTMState, LSTMWeights

PAIR = ("static", "dynamic 3")
T = 4


def check_pair(want, problem, **options):
    """Hold each unroll of the pair against the oracle's results."""
    for variant in PAIR:
        got = results_of(VARIANTS[variant].unroll, problem, all_states=False, **options)
        check_values(got, want, problem.dtype)
        check_gradients(got, want, problem.dtype)


@pytest.mark.parametrize("with_lengths", [False, True])
@pytest.mark.parametrize("unroll", [False, True])
def test_keras_lstm_gives_the_same(unroll, with_lengths):
    problem = fixed_problem("lstm", T, with_lengths)
    units = problem.state.hidden.shape[1]
    layer = keras.layers.LSTM(
        units, unroll=unroll, return_sequences=True, return_state=True, use_cudnn=False, dtype="float64"
    )
    layer.build((None, T, problem.inputs.shape[2]))
    layer.set_weights(problem.weights.to_keras())
    weights = LSTMWeights.from_keras(layer)

    def keras_unroll(cell, inputs, state, *, sequence_length, return_all_states):
        # Keras is batch-major, and where a row is over it repeats the last output in place of giving zeros.
        mask = None if sequence_length is None else tf.sequence_mask(sequence_length, T)
        outputs, *state = layer(tf.transpose(inputs, [1, 0, 2]), initial_state=[*state], mask=mask)
        outputs = outputs if mask is None else tf.where(mask[:, :, tf.newaxis], outputs, 0)
        return tf.transpose(outputs, [1, 0, 2]), LSTMState(*state)

    want = results_of(keras_unroll, problem, "graph", all_states=False, weights=weights)
    check_pair(want, problem, weights=weights)


class TensorFlow1Cell:
    """What TensorFlow 1's unrolls ask of a cell, around one of ours."""

    def __init__(self, cell, problem):
        self.cell = cell
        self.state_size = tf.nest.map_structure(lambda leaf: tf.TensorShape(leaf.shape[1:]), problem.state)
        self.output_size = reference_values(problem, False)[0].shape[-1]

    def zero_state(self, batch_size, dtype):
        raise NotImplementedError("the tests always give a state")

    def __call__(self, inputs, state, scope=None):
        return self.cell(inputs, state)


def static_rnn(cell, inputs, state, *, sequence_length, return_all_states):
    outputs, state = tf.compat.v1.nn.static_rnn(cell, tf.unstack(inputs), state, sequence_length=sequence_length)
    return tf.stack(outputs), state


def dynamic_rnn(cell, inputs, state, *, sequence_length, return_all_states):
    return tf.compat.v1.nn.dynamic_rnn(cell, inputs, sequence_length, state, time_major=True)


@pytest.mark.parametrize("with_lengths", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru"])  # they take no state of several dtypes
@pytest.mark.parametrize("unroll", [static_rnn, dynamic_rnn])
def test_tensorflow_1_gives_the_same(unroll, cell, with_lengths):
    problem = fixed_problem(cell, T, with_lengths)
    wrap = functools.partial(TensorFlow1Cell, problem=problem)
    check_pair(results_of(unroll, problem, "graph", all_states=False, wrap=wrap), problem)


def test_the_fused_kernel_gives_the_same():
    problem = fixed_problem("lstm", T, False, "float32")  # it knows no float64

    def fused_unroll(cell, inputs, state, *, sequence_length, return_all_states):
        kernel, recurrent_kernel, bias = cell.weights
        weights = tf.concat([kernel, recurrent_kernel], axis=0)
        outputs, cells = block_lstm(inputs, state.hidden, state.cell, weights, tf.convert_to_tensor(bias))
        return outputs, LSTMState(outputs[-1], cells[-1])

    check_pair(results_of(fused_unroll, problem, "graph", all_states=False), problem)


@dataclass(frozen=True)
class BasicLSTMCell:
    """TensorFlow 1's cell as its source writes it, in NumPy: gates i, j, f, o, and the forget bias at each step."""

    kernel: Any
    bias: Any
    forget_bias: float

    def __call__(self, inputs, state):
        gates = np.concatenate([inputs, state.hidden], axis=1) @ self.kernel + self.bias
        i, j, f, o = np.split(gates, 4, axis=1)
        new_c = state.cell * sigmoid(f + self.forget_bias) + sigmoid(i) * np.tanh(j)
        new_h = np.tanh(new_c) * sigmoid(o)
        return new_h, LSTMState(new_h, new_c)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def check_basic_lstm(converted, basic_cell):
    """Hold the pair, with the converted weights, against TensorFlow 1's cell."""
    problem = fixed_problem("lstm", T, True)
    problem = replace(problem, kind=problem.kind._replace(twin=lambda weights: basic_cell), weights=converted)
    for variant in PAIR:
        got = results_of(VARIANTS[variant].unroll, problem, all_states=False, gradients=False)
        check_values(got, Results(*reference_values(problem, False)), problem.dtype)


@pytest.fixture
def basic_cell():
    random = np.random.default_rng(3)
    return BasicLSTMCell(random.normal(size=[5, 8]), random.normal(size=[8]), forget_bias=0.7)


def test_weights_of_tensorflow_1_mean_the_same_here(basic_cell):
    converted = LSTMWeights.from_basic_lstm(basic_cell.kernel, basic_cell.bias, basic_cell.forget_bias)
    check_basic_lstm(converted, basic_cell)


def test_a_forgotten_forget_bias_is_caught(basic_cell):
    converted = LSTMWeights.from_basic_lstm(basic_cell.kernel, basic_cell.bias, forget_bias=0.0)
    with pytest.raises(AssertionError, match="outputs"):
        check_basic_lstm(converted, basic_cell)

"""The same LSTM as others unroll it: Keras and TensorFlow 1, given our weights."""

from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from unroll.rnn import LSTMCell, LSTMState, LSTMWeights


class KerasReader:
    """`keras.layers.LSTM` with copies of our weights, kept off cuDNN: [B, T, I] -> last hidden state [B, H]."""

    def __init__(self, weights: LSTMWeights, *, unroll: bool):
        input_size, hidden_size = weights.kernel.shape[0], weights.recurrent_kernel.shape[0]
        off: Any = False  # annotated as a string in Keras, documented as a bool
        self.layer = keras.layers.LSTM(hidden_size, unroll=unroll, use_cudnn=off)
        self.layer.build((None, None, input_size))
        self.layer.set_weights(weights.to_keras())

    @property
    def variables(self) -> list[tf.Variable]:
        return list(LSTMWeights.from_keras(self.layer))

    def __call__(self, images) -> tf.Tensor:
        return self.layer(images)


@dataclass(frozen=True)
class TensorFlow1Cell:
    """`LSTMCell` as TensorFlow 1 asks for it: its unrolls take any object with these four names."""

    cell: LSTMCell

    @property
    def output_size(self) -> int:
        return self.cell.weights.recurrent_kernel.shape[0]

    @property
    def state_size(self) -> LSTMState:
        return LSTMState(self.output_size, self.output_size)

    def zero_state(self, batch_size, dtype) -> LSTMState:
        return self.cell.zero_state(batch_size)

    def __call__(self, inputs, state, scope=None):
        return self.cell(inputs, state)


@dataclass(frozen=True)
class TensorFlow1Reader:
    """`tf.compat.v1.nn.static_rnn` or `dynamic_rnn` around our cell: [B, T, I] -> last hidden state [B, H]."""

    weights: LSTMWeights
    static: bool

    @property
    def variables(self) -> list[tf.Variable]:
        return list(self.weights)

    def __call__(self, images) -> tf.Tensor:
        cell: Any = TensorFlow1Cell(LSTMCell(self.weights.read()))
        if self.static:
            _, state = tf.compat.v1.nn.static_rnn(cell, tf.unstack(images, axis=1), dtype=images.dtype)
        else:
            _, state = tf.compat.v1.nn.dynamic_rnn(cell, images, dtype=images.dtype)
        return state.hidden  # [B, H]

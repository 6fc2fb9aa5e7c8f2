"""The same LSTM as others unroll it: Keras and TensorFlow 1, given our weights."""

from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from unroll.rnn import LSTMCell, LSTMState, LSTMWeights


class KerasEncoder:
    """`keras.layers.LSTM` with copies of our weights: [B, T, I] -> last hidden state [B, H].

    It is kept off cuDNN, or with `cudnn` kept to it: left to itself, Keras would choose by what it finds. `policy` is
    Keras's dtype policy, such as "mixed_bfloat16".
    """

    def __init__(self, weights: LSTMWeights, *, unroll: bool, cudnn: bool = False, policy: str = "float32"):
        input_size, hidden_size = weights.kernel.shape[0], weights.recurrent_kernel.shape[0]
        use: Any = cudnn  # annotated as a string in Keras, documented as a bool
        self.layer = keras.layers.LSTM(hidden_size, unroll=unroll, use_cudnn=use, dtype=policy)
        self.layer.build((None, None, input_size))
        self.layer.set_weights(weights.to_keras())

    @property
    def variables(self) -> list[tf.Variable]:
        return list(LSTMWeights.from_keras(self.layer))

    def __call__(self, images) -> tf.Tensor:
        return tf.cast(self.layer(images), images.dtype)


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
class TensorFlow1Encoder:
    """`tf.compat.v1.nn.static_rnn` or `dynamic_rnn` around our cell: [B, T, I] -> last hidden state [B, H]."""

    weights: LSTMWeights
    static: bool
    sequence_length: Any = None

    @property
    def variables(self) -> list[tf.Variable]:
        return list(self.weights)

    def __call__(self, images) -> tf.Tensor:
        cell: Any = TensorFlow1Cell(LSTMCell(self.weights.read()))
        options = {"dtype": images.dtype, "sequence_length": self.sequence_length}
        if self.static:
            _, state = tf.compat.v1.nn.static_rnn(cell, tf.unstack(images, axis=1), **options)
        else:
            _, state = tf.compat.v1.nn.dynamic_rnn(cell, images, **options)
        return state.hidden  # [B, H]


@dataclass(frozen=True)
class BlockEncoder:
    """`tf.raw_ops.BlockLSTMV2`, one operation for all steps: [B, T, I] -> last hidden state [B, H]."""

    weights: LSTMWeights

    @property
    def variables(self) -> list[tf.Variable]:
        return list(self.weights)

    def __call__(self, images) -> tf.Tensor:
        kernel, recurrent_kernel, bias = self.weights.read()
        rows = tf.transpose(images, [1, 0, 2])  # [T, B, I]
        zeros = tf.zeros([tf.shape(images)[0], recurrent_kernel.shape[0]])  # [B, H]
        outputs, _ = block_lstm(rows, zeros, zeros, tf.concat([kernel, recurrent_kernel], axis=0), bias)
        return outputs[-1]  # [B, H]


@tf.custom_gradient
def block_lstm(inputs, hidden, cell, weights, bias):
    """Run TensorFlow's fused kernel over inputs [T, B, I]; its gates come in the order i, f, c, o, which is ours.

    Its gradient is called by hand: TensorFlow registers for this kernel the one of its predecessor, whose order is
    i, c, f, o (tensorflow/python/ops/rnn_grad.py).

    Returns:
        the hidden and the cell state after every step, [T, B, H] each.
    """
    steps = tf.cast(tf.shape(inputs)[0], tf.int64)
    no_peepholes = dict.fromkeys(("wci", "wcf", "wco"), tf.zeros_like(hidden[0]))
    arguments = {"seq_len_max": steps, "x": inputs, "cs_prev": cell, "h_prev": hidden, "w": weights, "b": bias}
    arguments |= no_peepholes | {"use_peephole": False}
    made = tf.raw_ops.BlockLSTMV2(**arguments, cell_clip=0)

    def gradient(hidden_gradient, cell_gradient):
        gradients = tf.raw_ops.BlockLSTMGradV2(
            **arguments, **made._asdict(), h_grad=hidden_gradient, cs_grad=cell_gradient
        )
        return [getattr(gradients, f"{name}_grad") for name in ("x", "h_prev", "cs_prev", "w", "b")]

    return (made.h, made.cs), gradient

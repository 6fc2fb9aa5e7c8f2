"""The network that is trained and measured: an LSTM reads a digit row by row, a dense layer names it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from unroll.rnn import LSTMCell, LSTMWeights, init_weights

CLASSES = 10


@dataclass(frozen=True)
class LSTMReader:
    """Reads images row by row with one of the pair: [B, T, I] -> the hidden state after the last row, [B, H].

    `unroll` is `static_unroll` or `dynamic_unroll`; `wrap_cell` may be `tf.function`, which traces the cell once.
    With `sequence_length` [B], rows past an image's length do not count.
    """

    weights: LSTMWeights
    unroll: Callable
    wrap_cell: Callable = lambda cell: cell
    sequence_length: Any = None

    @property
    def variables(self) -> list[tf.Variable]:
        return list(self.weights)

    def __call__(self, images) -> tf.Tensor:
        cell = LSTMCell(self.weights.read())
        rows = tf.transpose(images, [1, 0, 2])  # [T, B, I]
        start = cell.zero_state(tf.shape(images)[0])
        _, state = self.unroll(self.wrap_cell(cell), rows, start, sequence_length=self.sequence_length)
        return state.hidden  # [B, H]


@dataclass(frozen=True)
class MixedReader:
    """Reads images in 16-bit floats from weights that stay float32: [B, T, I] -> last hidden state [B, H], as float32.

    `make_reader` makes the reader of the rounded weights: one that takes tensors in place of Variables. `dtype` is
    "float16" or "bfloat16". Weights are rounded once a call, and their gradients come back as float32.

    Source: Micikevicius et al., "Mixed Precision Training" (2018).
    """

    weights: LSTMWeights
    make_reader: Callable
    dtype: str

    @property
    def variables(self) -> list[tf.Variable]:
        return list(self.weights)

    def __call__(self, images) -> tf.Tensor:
        rounded = LSTMWeights(*(tf.cast(weight, self.dtype) for weight in self.weights.read()))
        hidden = self.make_reader(rounded)(tf.cast(images, self.dtype))  # [B, H]
        return tf.cast(hidden, images.dtype)


@dataclass(frozen=True)
class Network:
    """A reader [B, T, I] -> [B, H] with a dense layer on its last hidden state, and plain gradient descent.

    `reader` is an `LSTMReader` or a peer's: any callable with `variables` in the order kernel, recurrent kernel, bias.
    With 16-bit floats, a `loss_scale` above 1 keeps small gradients from being rounded to zero; the update undoes it.
    """

    reader: Any
    kernel: tf.Variable  # [H, 10]
    bias: tf.Variable  # [10]
    learning_rate: float = 0.1
    loss_scale: float = 1.0  # a power of two, which rounds nothing

    @property
    def variables(self) -> list[tf.Variable]:
        return [*self.reader.variables, self.kernel, self.bias]

    def forward(self, images) -> tf.Tensor:
        """Give the logits [B, 10] of images [B, T, I]."""
        return tf.matmul(self.reader(images), self.kernel) + self.bias

    def loss(self, images, labels) -> tf.Tensor:
        """Give the mean cross-entropy of images [B, T, I] under their labels [B]."""
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, self.forward(images)))

    def train(self, images, labels) -> tf.Tensor:
        """Take one training step: forward, gradients and weight update. Gives the loss before the update."""
        with tf.GradientTape() as tape:
            loss = self.loss(images, labels)
        scale = None if self.loss_scale == 1 else [tf.constant(self.loss_scale, loss.dtype)]
        gradients: list[Any] = tape.gradient(loss, self.variables, output_gradients=scale)
        rate = self.learning_rate / self.loss_scale
        for variable, gradient in zip(self.variables, gradients, strict=True):
            variable.assign_sub(rate * gradient)
        return loss


def init_network(make_reader: Callable[[LSTMWeights], Any], input_size: int, hidden_size: int, *, seed: int) -> Network:
    """Build a network with new weights; the same seed gives the same weights, whatever the reader."""
    reader = make_reader(init_weights(input_size, hidden_size, seed=seed))
    limit = np.sqrt(6 / (hidden_size + CLASSES))
    kernel: Any = np.random.default_rng(seed + 1).uniform(-limit, limit, [hidden_size, CLASSES])
    return Network(reader, tf.Variable(kernel, dtype=tf.float32), tf.Variable(tf.zeros([CLASSES])))

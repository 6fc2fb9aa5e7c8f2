"""The network that is trained and measured: an LSTM reads a digit row by row, a dense layer names it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from unroll.models.settings import Settings
from unroll.models.tutorials import Design
from unroll.rnn import LSTMCell, LSTMState, LSTMWeights, dynamic_unroll, init_weights, static_unroll

CLASSES = 10
UNROLLS: dict[str, Callable] = {"static": static_unroll, "dynamic": dynamic_unroll}


class InputLayer(NamedTuple):
    """A dense layer before the LSTM, without an activation: rows [T, B, I] -> [T, B, H]."""

    kernel: tf.Variable  # [I, H]
    bias: tf.Variable  # [H]

    def __call__(self, rows) -> tf.Tensor:
        return tf.tensordot(rows, self.kernel, 1) + self.bias


@dataclass(frozen=True)
class LSTMEncoder:
    """Reads images row by row with one of the pair: [B, T, I] -> the hidden state after the last row, [B, H].

    `unroll` is `static_unroll` or `dynamic_unroll`; `wrap_cell` may be `tf.function`, which traces the cell once.
    With `sequence_length` [B], rows past an image's length do not count. With `reads_outputs` the result is taken from
    the last of the outputs, where a row that has ended is zero; it is the same number else.
    """

    weights: LSTMWeights
    unroll: Callable
    wrap_cell: Callable = lambda cell: cell
    sequence_length: Any = None
    input_layer: InputLayer | None = None
    reads_outputs: bool = False

    @property
    def variables(self) -> list[tf.Variable]:
        return [*self.weights, *(self.input_layer or ())]

    def __call__(self, images) -> tf.Tensor:
        outputs, state = self._read(images)
        return outputs[-1] if self.reads_outputs else state.hidden  # [B, H]

    def states(self, images) -> LSTMState:
        """Return the state after every row of images [B, T, I]: h and c, [T, B, H] each."""
        _, states = self._read(images, return_all_states=True)
        return states

    def _read(self, images, **more):
        cell = LSTMCell(self.weights.read())
        rows = tf.transpose(images, [1, 0, 2])  # [T, B, I]
        if self.input_layer:
            rows = self.input_layer(rows)  # [T, B, H]
        start = cell.zero_state(tf.shape(images)[0])
        return self.unroll(self.wrap_cell(cell), rows, start, sequence_length=self.sequence_length, **more)


@dataclass(frozen=True)
class MixedEncoder:
    """Reads images in 16-bit floats from weights that stay float32: [B, T, I] -> last hidden state [B, H], as float32.

    `make_encoder` makes the encoder of the rounded weights: one that takes tensors in place of Variables. `dtype` is
    "float16" or "bfloat16". Weights are rounded once a call, and their gradients come back as float32.

    Source: Micikevicius et al., "Mixed Precision Training" (2018).
    """

    weights: LSTMWeights
    make_encoder: Callable
    dtype: str

    @property
    def variables(self) -> list[tf.Variable]:
        return list(self.weights)

    def __call__(self, images) -> tf.Tensor:
        rounded = LSTMWeights(*(tf.cast(weight, self.dtype) for weight in self.weights.read()))
        hidden = self.make_encoder(rounded)(tf.cast(images, self.dtype))  # [B, H]
        return tf.cast(hidden, images.dtype)


@dataclass(frozen=True)
class Network:
    """An encoder [B, T, I] -> [B, H] with a dense layer on its last hidden state, and plain gradient descent.

    `encoder` is an `LSTMEncoder` or a peer's: any callable with `variables` in the order kernel, recurrent kernel,
    bias. With 16-bit floats, a `loss_scale` above 1 keeps small gradients from being rounded to zero; the update
    undoes it.
    """

    encoder: Any
    kernel: tf.Variable  # [H, 10]
    bias: tf.Variable  # [10]
    learning_rate: float = 0.1
    loss_scale: float = 1.0  # a power of two, which rounds nothing

    @property
    def variables(self) -> list[tf.Variable]:
        return [*self.encoder.variables, self.kernel, self.bias]

    def forward(self, images) -> tf.Tensor:
        """Return the logits [B, 10] of images [B, T, I]."""
        return self.logits(self.encoder(images))

    def logits(self, hidden) -> tf.Tensor:
        """Return the logits [B, 10] of hidden states [B, H]."""
        return tf.matmul(hidden, self.kernel) + self.bias

    def loss(self, images, labels) -> tf.Tensor:
        """Return the mean cross-entropy of images [B, T, I] under their labels [B]."""
        return cross_entropy(self.forward(images), labels)

    def gradients(self, images, labels) -> tuple[tf.Tensor, tf.Tensor, list[Any]]:
        """Return the logits, the loss, and `loss_scale` times its gradient for each of `variables`."""
        with tf.GradientTape() as tape:
            logits = self.forward(images)
            loss = cross_entropy(logits, labels)
        scale = None if self.loss_scale == 1 else [tf.constant(self.loss_scale, loss.dtype)]
        gradients: Any = tape.gradient(loss, self.variables, output_gradients=scale)
        return logits, loss, gradients

    def train(self, images, labels) -> tf.Tensor:
        """Take one training step: forward, gradients and weight update. Gives the loss before the update."""
        _, loss, gradients = self.gradients(images, labels)
        rate = self.learning_rate / self.loss_scale
        for variable, gradient in zip(self.variables, gradients, strict=True):
            variable.assign_sub(rate * gradient)
        return loss


def cross_entropy(logits, labels) -> tf.Tensor:
    """Return the mean cross-entropy of logits [B, 10] under their labels [B]."""
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))


def named_rightly(logits, labels) -> tf.Tensor:
    """Return for which logits [B, 10] the largest is that of their label [B]."""
    return tf.argmax(logits, 1, labels.dtype) == labels


def init_network(
    make_encoder: Callable[[LSTMWeights], Any], input_size: int, hidden_size: int, *, seed: int
) -> Network:
    """Build a network with new weights; the same seed gives the same weights, whatever the encoder."""
    encoder = make_encoder(init_weights(input_size, hidden_size, seed=seed))
    return Network(encoder, *_init_dense(hidden_size, CLASSES, Design(), np.random.default_rng(seed + 1), "float32"))


def build_network(settings: Settings) -> Network:
    """Build the network that a training asks for, with its first weights.

    The same seed gives the same weights, whatever the unroll and, up to rounding, the dtype.
    """
    design, dtype, hidden = settings.network, settings.dtype, settings.hidden
    outer, inner, lstm = (np.random.default_rng([settings.seed, number]) for number in range(3))
    input_layer = InputLayer(*_init_dense(settings.input, hidden, design, inner, dtype)) if design.input_layer else None
    weights = _init_lstm(hidden if input_layer else settings.input, hidden, design, lstm, dtype)
    encoder = LSTMEncoder(
        weights,
        UNROLLS[settings.unroll],
        input_layer=input_layer,
        reads_outputs=design.reads == "outputs[-1]",
    )
    return Network(encoder, *_init_dense(hidden, CLASSES, design, outer, dtype))


def weight_names(design: Design) -> list[str]:
    """Name the weights of a network that was built so, in the order of its `variables`."""
    input_layer = ["input_kernel", "input_bias"] if design.input_layer else []
    return [*LSTMWeights._fields, *input_layer, "dense_kernel", "dense_bias"]


def _init_lstm(input_size: int, hidden_size: int, design: Design, random, dtype: Any) -> LSTMWeights:
    """Draw an LSTM's first weights; TensorFlow 1's cell had one kernel, [I+H, 4H], and a bias of zeros."""
    if design.lstm == "Glorot":
        return init_weights(input_size, hidden_size, seed=int(random.integers(1 << 32)), dtype=dtype)
    kernel = _glorot_uniform(input_size + hidden_size, 4 * hidden_size, random)
    values = LSTMWeights.from_basic_lstm(kernel, np.zeros(4 * hidden_size))
    return LSTMWeights(*(tf.Variable(value, dtype=dtype, name=name) for name, value in values._asdict().items()))


def _init_dense(rows: int, columns: int, design: Design, random, dtype: str) -> tuple[tf.Variable, tf.Variable]:
    """Draw a dense layer's first kernel [rows, columns] and bias [columns]."""
    normal = random.standard_normal
    is_normal = design.kernels == "standard normal"
    kernel: Any = normal([rows, columns]) if is_normal else _glorot_uniform(rows, columns, random)
    bias: Any = {"zeros": 0.0, "0.1": 0.1, "standard normal": normal(columns)}[design.biases] * np.ones(columns)
    return tf.Variable(kernel, dtype=dtype, name="kernel"), tf.Variable(bias, dtype=dtype, name="bias")


def _glorot_uniform(rows: int, columns: int, random) -> np.ndarray:
    limit = np.sqrt(6 / (rows + columns))
    return random.uniform(-limit, limit, [rows, columns])

"""The LSTM cell, its weights and its state: one step of the network, written once for both unrolls."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from unroll.rnn.lstm_steps import LSTMSteps


class LSTMState(NamedTuple):
    """What an LSTM carries from step to step; both tensors are [B, H].

    The hidden state is also the step's output. TensorFlow 1 stored the two in the other order, (c, h).
    """

    hidden: Any
    cell: Any


class LSTMWeights(NamedTuple):
    """An LSTM's weights as one value: Variables, tensors or arrays, with the gates in the order i, f, g, o.

    Shapes: `kernel` [I, 4H] meets the inputs, `recurrent_kernel` [H, 4H] meets the hidden state, `bias` [4H].
    Both unrolls are given the same value; nothing is copied.
    """

    kernel: Any
    recurrent_kernel: Any
    bias: Any

    def read(self) -> "LSTMWeights":
        """Return the weights as tensors, so that a graph reads each Variable once and not at every step.

        Call it inside the function that is differentiated: gradients pass through to the Variables.
        """
        return LSTMWeights(*(tf.convert_to_tensor(weight) for weight in self))

    @classmethod
    def from_keras(cls, layer: Any) -> "LSTMWeights":
        """Take the weights of a built `keras.layers.LSTM`, whose order i, f, c, o is ours under another letter.

        The three tensors are the layer's own Variables, not copies.

        Raises:
            ValueError: the layer is not built yet, or has no bias.
        """
        weights = [variable.value for variable in layer.weights]
        if len(weights) != 3:
            raise ValueError(
                f"the Keras layer has {len(weights)} weights, want kernel, recurrent kernel and bias: "
                "build the layer on its input shape first, and give it use_bias=True"
            )
        return cls(*weights)

    def to_keras(self) -> list[Any]:
        """Return the list that `keras.layers.LSTM.set_weights` takes: arrays [I, 4H], [H, 4H], [4H]."""
        return [tf.convert_to_tensor(weight).numpy() for weight in self]

    @classmethod
    def from_basic_lstm(cls, kernel: Any, bias: Any, forget_bias: float = 1.0) -> "LSTMWeights":
        """Convert the weights of TensorFlow 1's `BasicLSTMCell`.

        There, one kernel [I+H, 4H] stands for both of ours, the gates come in the order i, j, f, o, and
        `forget_bias` was added at every step; here it goes into the bias [4H].

        Raises:
            ValueError: the kernel's last dimension is not 4H, or it has no rows left for the inputs.
        """
        kernel, bias = np.asarray(kernel), np.asarray(bias)
        hidden_size = bias.shape[0] // 4 if bias.ndim == 1 else 0
        if kernel.ndim != 2 or not hidden_size or kernel.shape[1] != 4 * hidden_size or kernel.shape[0] <= hidden_size:
            raise ValueError(
                f"got a kernel of shape {kernel.shape} and a bias of shape {bias.shape}; "
                "want TensorFlow 1's [I+H, 4H] and [4H]"
            )
        i, j, f, o = np.split(np.concatenate([kernel, bias[np.newaxis]]), 4, axis=1)  # each [I+H+1, H]
        f[-1] += forget_bias
        reordered = np.concatenate([i, f, j, o], axis=1)  # [I+H+1, 4H]
        return cls(reordered[: -hidden_size - 1], reordered[-hidden_size - 1 : -1], reordered[-1])


@dataclass(frozen=True, eq=False)  # by identity: weights do not hash, and tf.function hashes what it wraps
class LSTMCell(LSTMSteps):
    """One step of an LSTM with the given weights.

        i, f, g, o  = split(inputs @ kernel + bias + hidden @ recurrent_kernel)
        next cell   = sigmoid(f) * cell + sigmoid(i) * tanh(g)
        next hidden = sigmoid(o) * tanh(next cell)

    Call it with inputs [B, I] and an `LSTMState`; it returns the next hidden state [B, H], which is the step's
    output, and the next `LSTMState`.

    Raises:
        ValueError: the weights' shapes do not belong together, or the inputs are not [B, I].
        TypeError: weights, inputs and state are not all of one dtype, or the state is no `LSTMState`.

    Source: Gers, Schmidhuber and Cummins, "Learning to Forget: Continual Prediction with LSTM" (2000), without
    peepholes, as in TensorFlow 1's `BasicLSTMCell` and in Keras.

    >>> cell = LSTMCell(init_weights(3, 2, seed=0))
    >>> output, state = cell(tf.ones([5, 3]), cell.zero_state(5))
    >>> output.shape, state.cell.shape
    (TensorShape([5, 2]), TensorShape([5, 2]))
    """

    weights: LSTMWeights

    def __post_init__(self):
        kernel, recurrent_kernel, bias = (tuple(weight.shape) for weight in self.weights)
        hidden_size = recurrent_kernel[0] if recurrent_kernel else 0
        columns = (4 * hidden_size,)
        if len(kernel) != 2 or kernel[1:] != columns or recurrent_kernel[1:] != columns or bias != columns:
            raise ValueError(
                f"got LSTM weights of shapes kernel {kernel}, recurrent_kernel {recurrent_kernel}, bias {bias}; "
                "want [I, 4H], [H, 4H], [4H]"
            )

    def __call__(self, inputs: Any, state: LSTMState) -> tuple[tf.Tensor, LSTMState]:
        self._check(inputs, state)
        return self.advance(self.project(inputs), state)

    def project(self, inputs: Any) -> tf.Tensor:
        """Meet inputs [N, I] with kernel and bias, [N, 4H]: no state is needed, so N may be the rows of many steps."""
        return tf.matmul(inputs, self.weights.kernel) + self.weights.bias

    def advance(self, projected: Any, state: LSTMState) -> tuple[tf.Tensor, LSTMState]:
        """Take a step whose inputs are projected already, [B, 4H]."""
        gates = projected + tf.matmul(state.hidden, self.weights.recurrent_kernel)  # [B, 4H]
        i, f, g, o = tf.split(gates, 4, axis=1)  # each [B, H]
        cell = tf.sigmoid(f) * state.cell + tf.sigmoid(i) * tf.tanh(g)
        hidden = tf.sigmoid(o) * tf.tanh(cell)
        return hidden, LSTMState(hidden, cell)

    def zero_state(self, batch_size: Any) -> LSTMState:
        """Return the state that a sequence starts from: two tensors of zeros, [B, H]."""
        zeros = tf.zeros([batch_size, self.weights.recurrent_kernel.shape[0]], tf.as_dtype(self.weights.kernel.dtype))
        return LSTMState(zeros, zeros)

    def output_spec(self, batch_size: int | None) -> tf.TensorSpec:
        """Return what the output of a step looks like, which spares `dynamic_unroll` a trace to find out."""
        return tf.TensorSpec([batch_size, self.weights.recurrent_kernel.shape[0]], self.weights.kernel.dtype)

    def _check(self, inputs, state):
        input_size, hidden_size = self.weights.kernel.shape[0], self.weights.recurrent_kernel.shape[0]
        if not isinstance(state, LSTMState):
            raise TypeError(f"got a state of {type(state).__name__}; want an LSTMState: start from cell.zero_state(B)")
        if not inputs.shape.is_compatible_with([None, input_size]):
            raise ValueError(f"got inputs of shape {inputs.shape} a step; this cell's kernel wants [B, {input_size}]")
        for leaf in state:
            if not leaf.shape.is_compatible_with([None, hidden_size]):
                raise ValueError(f"got a state of shape {leaf.shape}; this cell wants [B, {hidden_size}]")
        dtypes = [tf.as_dtype(tensor.dtype).name for tensor in (inputs, *state, *self.weights)]
        if len(set(dtypes)) > 1:
            raise TypeError(
                f"got inputs of {dtypes[0]}, a state of {dtypes[1]} and {dtypes[2]}, weights of "
                f"{', '.join(dtypes[3:])}; want one dtype throughout: cast the inputs or the weights"
            )


def init_weights(
    input_size: int, hidden_size: int, *, seed: int, forget_bias: float = 1.0, dtype: Any = tf.float32
) -> LSTMWeights:
    """Draw new LSTM weights as Variables: Glorot uniform kernels, and a bias of zeros but for the forget gate's.

    `forget_bias` is added to the forget gate's part of the bias, once, here. The same seed gives the same weights in
    every dtype, up to rounding.

    Raises:
        ValueError: a size is not a positive integer.

    >>> [tuple(weight.shape) for weight in init_weights(3, 2, seed=0)]
    [(3, 8), (2, 8), (8,)]
    """
    for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise ValueError(f"got {name}={size!r}; want a positive integer")
    random = np.random.default_rng(seed)

    def glorot_uniform(rows):
        limit = np.sqrt(6 / (rows + hidden_size))
        return random.uniform(-limit, limit, [rows, 4 * hidden_size])

    forget = np.repeat([0.0, forget_bias, 0.0, 0.0], hidden_size)  # gates i, f, g, o: [4H]
    values = LSTMWeights(glorot_uniform(input_size), glorot_uniform(hidden_size), forget)
    return LSTMWeights(*(tf.Variable(value, dtype=dtype, name=name) for name, value in values._asdict().items()))

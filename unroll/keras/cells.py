"""What the layer makes of the pair's own cell, or unrolls in its place: Keras's cell, a mask, a cell that is traced."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import tensorflow as tf

from unroll.rnn import LSTMCell, LSTMState, static_unroll

MOST_CELLS = 10  # in one traced call: with more, tracing them costs more than the calls do


@dataclass(frozen=True, eq=False)
class KerasCell:
    """`keras.layers.LSTMCell` as a cell of the pair, for what `LSTMCell` lacks: dropout, other activations, no bias."""

    layer: Any
    training: bool

    def __call__(self, inputs, state: LSTMState) -> tuple[tf.Tensor, LSTMState]:
        output, state = self.layer(inputs, [*state], training=self.training)
        return output, LSTMState(*state)

    def output_spec(self, batch_size) -> tf.TensorSpec:
        """Return what the output of a step looks like, which spares `dynamic_unroll` a trace to find out."""
        return tf.TensorSpec([batch_size, self.layer.units], self.layer.compute_dtype)


def traced_unroll(cell, sequence, state: LSTMState, *, each_step: bool):
    """Lay cells side by side that are traced once, a few in each call: every call costs time to build and to start.

    Takes and gives what `static_unroll` does, but without `each_step` there are no outputs: the last one is the hidden
    state, and were it a result of its own, the gradient of every call would begin with zeros for it.
    """

    @partial(tf.function, autograph=False)
    def some_cells(inputs, state):
        if isinstance(cell, LSTMCell):  # the products with the kernel wait for no state: all of a call's are one
            outputs, state = static_unroll(cell.advance, _project(cell, inputs), state)
        else:
            outputs, state = static_unroll(cell, inputs, state)
        return (outputs if each_step else None), state

    state = LSTMState(*map(tf.convert_to_tensor, state))  # a stateful layer's is in Variables
    T = sequence.shape[0]
    calls = -(-T // MOST_CELLS)
    outputs = []
    for inputs in tf.split(sequence, [T // calls + (number < T % calls) for number in range(calls)]):
        some_outputs, state = some_cells(inputs, state)
        outputs.append(some_outputs)
    return (tf.concat(outputs, 0) if each_step else None), state  # [T, B, H]


def _project(cell: LSTMCell, inputs) -> tf.Tensor:
    """Project the inputs [k, B, I] of k steps in one product, [k, B, 4H]."""
    k, _, width = inputs.shape
    rows = cell.project(tf.reshape(inputs, [-1, width]))  # [k B, 4H]
    return tf.reshape(rows, [k, -1, rows.shape[1]])


@dataclass(frozen=True, eq=False)
class MaskedCell:
    """A cell whose masked rows stand still: their state stays, and their output is the hidden state that stayed.

    Inputs are [B, I + 1], as `join_mask` makes them: the last column is the mask.
    """

    cell: Any

    def __call__(self, inputs, state: LSTMState) -> tuple[tf.Tensor, LSTMState]:
        inputs, mask = tf.split(inputs, [inputs.shape[1] - 1, 1], axis=1)  # [B, I], [B, 1]
        _, next_state = self.cell(inputs, state)
        state = LSTMState(*(tf.where(mask > 0, new, old) for new, old in zip(next_state, state, strict=True)))
        return state.hidden, state

    def output_spec(self, batch_size) -> tf.TensorSpec:
        """Return what the output of a step looks like: no other than without a mask."""
        return self.cell.output_spec(batch_size)


def join_mask(sequence, mask) -> tf.Tensor:
    """Join a mask [T, B, 1] to its sequence [T, B, I], whose masked steps become zero: returns [T, B, I + 1].

    Were they not zeroed, a NaN in the padding would reach the weights' gradient as 0 * NaN.
    """
    sequence = tf.where(mask, sequence, tf.zeros_like(sequence))
    return tf.concat([sequence, tf.cast(mask, sequence.dtype)], axis=2)


@dataclass(frozen=True, eq=False)
class StateCell:
    """A cell that gives the same next state, and in place of its output nothing."""

    cell: Any

    def __call__(self, inputs, state: LSTMState) -> tuple[tuple[()], LSTMState]:
        return (), self.cell(inputs, state)[1]

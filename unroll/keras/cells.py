"""What the layer makes of the pair's own cell, or unrolls in its place: Keras's cell, a mask, a cell that is traced."""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from unroll.rnn import LSTMState, static_unroll

MOST_CELLS = 8  # in one traced call: with more, tracing them costs more than the calls do


@dataclass(frozen=True, eq=False)
class KerasCell:
    """`keras.layers.LSTMCell` as a cell of the pair, for what `LSTMCell` lacks: dropout, other activations, no bias."""

    layer: Any
    training: bool

    def __call__(self, inputs, state: LSTMState) -> tuple[tf.Tensor, LSTMState]:
        output, state = self.layer(inputs, [*state], training=self.training)
        return output, LSTMState(*state)

    def output_spec(self, batch_size) -> tf.TensorSpec:
        """Say what the output of a step looks like, which spares `dynamic_unroll` a trace to find out."""
        return tf.TensorSpec([batch_size, self.layer.units], self.layer.compute_dtype)


class TracedCells:
    """Some of an LSTM's cells, laid side by side and traced once, as one cell of so many steps.

    Inputs are [B, k, I], for k steps; the output is [B, k, H], or without `each_step` the last step's alone, [B, H].
    That one is the hidden state: were it a result of its own, the gradient of every call would begin with zeros for it.
    """

    def __init__(self, cell, each_step: bool):
        def run(inputs, state):
            outputs, state = static_unroll(cell, tf.transpose(inputs, [1, 0, 2]), state)  # [k, B, H]
            return (tf.transpose(outputs, [1, 0, 2]) if each_step else None), state

        self.run = tf.function(run, autograph=False)

    def __call__(self, inputs, state: LSTMState) -> tuple[tf.Tensor, LSTMState]:
        outputs, state = self.run(inputs, state)
        return state.hidden if outputs is None else outputs, state


def traced_unroll(cell, sequence, state: LSTMState, *, each_step: bool):
    """Lay T calls of a traced cell side by side, or rather T / k of k cells: every call costs time to build and start.

    Takes and gives what `static_unroll` does, but without `each_step` the outputs are only those of each call's end.
    """
    T, _, width = sequence.shape
    k = max(cells for cells in range(1, MOST_CELLS + 1) if T % cells == 0)
    steps = tf.transpose(tf.reshape(sequence, [T // k, k, -1, width]), [0, 2, 1, 3])  # [T / k, B, k, I]
    outputs, state = static_unroll(TracedCells(cell, each_step), steps, state)
    if not each_step:
        return outputs, state  # [T / k, B, H]
    outputs = tf.transpose(outputs, [0, 2, 1, 3])  # [T / k, k, B, H]
    return tf.reshape(outputs, [T, -1, outputs.shape[3]]), state  # [T, B, H]


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
        """Say what the output of a step looks like: no other than without a mask."""
        return self.cell.output_spec(batch_size)


def join_mask(sequence, mask) -> tf.Tensor:
    """Put a mask [T, B, 1] beside its sequence [T, B, I], whose masked steps become zero: gives [T, B, I + 1].

    Were they not zeroed, a NaN in the padding would reach the weights' gradient as 0 * NaN.
    """
    sequence = tf.where(mask, sequence, tf.zeros_like(sequence))
    return tf.concat([sequence, tf.cast(mask, sequence.dtype)], axis=2)

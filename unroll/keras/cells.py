"""What the layer unrolls besides the pair's own cell: Keras's cell, and any cell with a mask."""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from unroll.rnn import LSTMState


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

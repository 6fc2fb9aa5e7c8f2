"""What was tried to make a training step quicker, or the traced cell's start: the variants of this folder's journal.

Measured by `--preset quick --steps 100 --batch 32 --hidden 64 --variants static,mine:packed,...`, with this folder in
PYTHONPATH. docs/design.md says what came of each.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import tensorflow as tf

from unroll.rnn import LSTMCell, LSTMState, LSTMWeights, dynamic_unroll

traced = partial(tf.function, autograph=False)
compiled = partial(traced, jit_compile=True)


@dataclass(frozen=True)
class Encoder:
    """Reads images [B, T, I] row by row, by `read` of a subclass: rows [T, B, I] -> the last hidden state [B, H]."""

    weights: LSTMWeights

    @property
    def variables(self) -> list[Any]:
        """Return kernel, recurrent kernel and bias."""
        return list(self.weights)

    def __call__(self, images):
        return self.read(tf.transpose(images, [1, 0, 2]), LSTMCell(self.weights.read()))  # [T, B, I]

    def read(self, rows, cell):
        """Return the last hidden state."""
        raise NotImplementedError


class own_1(Encoder):
    """The loop with the cell's own gradient, one cell an iteration; `dynamic-own` has four."""

    cells, cell_class = 1, LSTMCell

    def read(self, rows, cell):
        """Run the loop."""
        start = cell.zero_state(tf.shape(rows)[1])
        cell = self.cell_class(cell.weights)
        return dynamic_unroll(cell, rows, start, own_gradient=True, unroll=self.cells)[1].hidden


class own_5(own_1):
    """The same, five cells an iteration."""

    cells = 5


class own_10(own_1):
    """The same, ten cells an iteration."""

    cells = 10


class CompiledSteps(LSTMCell):
    """The cell whose k steps, forwards and backwards, XLA compiles."""

    def keep_steps(self, weights, inputs, state):
        """Take k steps."""
        return compiled(super().keep_steps)(weights, inputs, state)

    def gradient_of_steps(self, weights):
        """Return what takes k steps back."""
        return compiled(super().gradient_of_steps(weights))


class xla_cells(own_1):
    """The loop with the cell's own gradient, whose four cells an iteration XLA compiles; the loop stays as it is."""

    cells, cell_class = 4, CompiledSteps


class packed(Encoder):
    """Calls of one traced cell, whose state is one tensor [2, B, H] and whose weights are captured, not passed."""

    def read(self, rows, cell):
        """Call the traced cell T times."""

        @traced
        def step(x, state):
            _, next_state = cell(x, LSTMState(*tf.unstack(state)))
            return tf.stack(next_state)

        state = tf.stack(cell.zero_state(tf.shape(rows)[1]))
        for x in tf.unstack(rows):
            state = step(x, state)
        return state[0]


class packed_weights(Encoder):
    """As `packed`; and kernel, recurrent kernel and bias are one tensor [I + H + 1, 4H]."""

    def read(self, rows, cell):
        """Call the traced cell T times."""
        kernel, recurrent_kernel, bias = cell.weights
        weights = tf.concat([kernel, recurrent_kernel, bias[tf.newaxis]], 0)

        @traced
        def step(x, state):
            hidden, carried = tf.unstack(state)
            gates = tf.matmul(tf.concat([x, hidden], 1), weights[:-1]) + weights[-1]
            i, f, g, o = tf.split(gates, 4, axis=1)
            carried = tf.sigmoid(f) * carried + tf.sigmoid(i) * tf.tanh(g)
            return tf.stack([tf.sigmoid(o) * tf.tanh(carried), carried])

        state = tf.zeros([2, tf.shape(rows)[1], recurrent_kernel.shape[0]])
        for x in tf.unstack(rows):
            state = step(x, state)
        return state[0]


class blocks(Encoder):
    """Cells side by side; the inputs of four steps at a time meet the kernel in one product."""

    steps = 4

    def read(self, rows, cell):
        """Lay the cells side by side."""
        state = cell.zero_state(tf.shape(rows)[1])
        for first in range(0, rows.shape[0], self.steps):
            block = rows[first : first + self.steps]
            projected = cell.project(tf.reshape(block, [-1, rows.shape[2]]))  # [k B, 4H]
            for x in tf.split(projected, block.shape[0]):
                _, state = cell.advance(x, state)
        return state.hidden


class blocks_all(blocks):
    """The same, with one product for all steps."""

    steps = 1_000_000

"""The layer: `keras.layers.LSTM` with the pair's unrolls in place of Keras's own."""

from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

from unroll.errors import UnrollError
from unroll.keras.cells import KerasCell, MaskedCell, StateCell, join_mask, traced_unroll
from unroll.keras.packed import packed_unroll
from unroll.rnn import LSTMCell, LSTMState, LSTMWeights, dynamic_unroll, static_unroll
from unroll.rnn.step import check_arguments

Unroll = Literal["static", "dynamic"] | int
DROPOUT, NO_CUDNN = ("dropout", "recurrent_dropout"), ("auto", False)
CELLS_IN_TRAINING = 4  # in an iteration of the loop with the cell's own gradient; docs/design.md says why


@keras.saving.register_keras_serializable(package="unroll")
class LSTM(keras.layers.LSTM):
    """`keras.layers.LSTM`, unrolled by `static_unroll` or `dynamic_unroll`: sequences [B, T, I] -> [B, H] or [B, T, H].

    Weights, outputs, states, masks, dropout and files are those of `keras.layers.LSTM`, which it is a subclass of: what
    is said there of every other argument holds here.

    Args:
        units: H, as all further arguments in the order and with the meaning that Keras gives them.
        unroll: "dynamic" for one cell in a loop; a number k for k cells in each iteration of it; "static" for T cells
            side by side, where T must be known.
        traced_cell: with "static", trace a few cells once and leave calls of them in the graph, which is faster to
            build and to start. Under XLA and run eagerly, where they would be compiled or traced again and again, all
            cells are laid out.
        recompute: keep the states of a loop alone and run each cell again for its gradient: more work, and less memory
            for long sequences. Not with "static", nor with dropout in the layer.

    In training on a CPU, a loop takes the gradient that `LSTMCell` brings in place of TensorFlow's; "dynamic" is then 4
    cells in each iteration.

    Raises:
        ValueError: `unroll` is neither of the words nor a number from 1 up; `use_cudnn=True` is asked for; Keras runs
            on another backend than TensorFlow; `recompute` is asked for with "static" or dropout; or, when called,
            T is unknown with unroll="static".

    Source: Keras 3, `keras.layers.LSTM`; the argument `unroll` after JAX's `lax.scan`.

    >>> import numpy as np
    >>> layer = LSTM(2, unroll="static", return_sequences=True)
    >>> layer(np.ones([5, 3, 4])).shape
    TensorShape([5, 3, 2])
    """

    def __init__(
        self,
        units,
        *arguments,
        unroll: Literal["static", "dynamic"] | int = "dynamic",
        traced_cell: bool = True,
        recompute: bool = False,
        **options,
    ):
        _check_backend()
        if options.get("use_cudnn", "auto") not in NO_CUDNN:
            raise ValueError(
                f"got use_cudnn={options['use_cudnn']!r}; this layer unrolls by itself and never calls cuDNN: leave "
                "use_cudnn out, or use keras.layers.LSTM"
            )
        # Keras's own unroll, True or False, stays off: this layer's is unroll_as.
        super().__init__(units, *arguments, unroll=False, **options | {"use_cudnn": False})
        self.unroll_as = _checked(unroll)
        self.traced_cell = bool(traced_cell)
        self.recompute = bool(recompute)
        if self.recompute and self.unroll_as == "static":
            raise UnrollError('got recompute=True and unroll="static"; want a loop: unroll="dynamic", or a number')
        if self.recompute and any(getattr(self.cell, name) for name in DROPOUT):
            raise UnrollError(
                "got recompute=True and dropout, which Keras would draw anew as cells run again; want one of them: put "
                "a keras.layers.Dropout before the layer, or leave recompute out"
            )

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Do what Keras leaves to a layer: run the cell over sequences [B, T, I] from the state [hidden, cell].

        Returns:
            the last output [B, H]; all outputs [B, T, H] if they are to be returned, else the last again; and the final
            state as a list.
        """
        self._check_steps_known(sequences)
        sequence = self._steps_first(tf.cast(sequences, self.compute_dtype))  # [T, B, I]
        cell = self._choose_cell(training)
        if mask is not None:
            mask = self._steps_first(_checked_mask(mask))  # [T, B, 1]
            (sequence, mask), _, _ = check_arguments((sequence, mask), (), None)

        outputs: Any
        outputs, state = self._unroll_masked(cell, sequence, mask, LSTMState(*initial_state), training)
        last_output = state.hidden  # outputs[-1] is the same, and its gradient is larger

        if mask is not None:
            valid = mask if self.zero_output_for_mask else _has_begun(mask)
            last_output = _where(valid[-1], last_output)
            outputs = _where(valid, outputs) if self.return_sequences else outputs
        if not self.return_sequences:
            return last_output, last_output, [*state]
        return last_output, tf.transpose(outputs, [1, 0, 2]), [*state]

    def get_config(self):
        own = {"unroll": self.unroll_as, "traced_cell": self.traced_cell, "recompute": self.recompute}
        return {**super().get_config(), **own}

    def _choose_cell(self, training: bool):
        """Take the pair's cell, its weights read once for all steps, or Keras's for what the pair's does not have."""
        cell = self.cell
        is_the_pairs = (
            cell.activation is keras.activations.tanh
            and cell.recurrent_activation is keras.activations.sigmoid
            and cell.use_bias
            and not any(getattr(cell, name) for name in DROPOUT)
        )
        if not is_the_pairs:
            return KerasCell(cell, training)
        weights = [tf.cast(weight, self.compute_dtype) for weight in LSTMWeights.from_keras(cell)]
        return LSTMCell(LSTMWeights(*weights).read())

    def _unroll_masked(self, cell, sequence, mask, state: LSTMState, training):
        """Unroll the cell over [T, B, I]; where the mask [T, B, 1] is off, state and output stay as they were."""
        takes_own = isinstance(cell, LSTMCell) and self.unroll_as != "static" and not self.recompute
        if training and takes_own and not tf.config.list_logical_devices("GPU"):
            cells = CELLS_IN_TRAINING if self.unroll_as == "dynamic" else int(self.unroll_as)
            options = {"own_gradient": True, "unroll": cells}
            if mask is None:
                return dynamic_unroll(cell, sequence, state, **options)
            return packed_unroll(cell, sequence, mask, state, **options)
        if mask is not None:
            sequence, cell = join_mask(sequence, mask), MaskedCell(cell)  # [T, B, I + 1]
        return self._unroll(cell, sequence, state)

    def _unroll(self, cell, sequence, state: LSTMState):
        if self.unroll_as == "static":
            traced = self.traced_cell and not tf.executing_eagerly() and not _is_compiled_by_xla()
            if traced:
                return traced_unroll(cell, sequence, state, each_step=self.return_sequences)
            return static_unroll(cell, sequence, state)
        cells = 1 if self.unroll_as == "dynamic" else int(self.unroll_as)
        if not self.return_sequences and not self.recompute:
            # TFLite converts no list of outputs of an unknown batch; the last output is the hidden state anyway.
            cell = StateCell(cell)
        return dynamic_unroll(cell, sequence, state, unroll=cells, recompute=self.recompute)

    def _steps_first(self, batch_major):
        """Turn [B, T, ...] into [T, B, ...], the last step first where the layer goes backwards."""
        time_major = tf.transpose(batch_major, [1, 0, 2])
        return tf.reverse(time_major, [0]) if self.go_backwards else time_major

    def _check_steps_known(self, sequences):
        if self.unroll_as == "static" and sequences.shape[1] is None:
            raise ValueError(
                f'got sequences of shape {tuple(sequences.shape)} in {self.name!r} with unroll="static", which lays T '
                "cells side by side: want a known T, such as by keras.Input((T, I)), or use "
                'unroll="dynamic"'
            )


def _checked(unroll):
    """Return `unroll` as it goes into a file: one of the two words, or a number of cells as a Python integer."""
    if isinstance(unroll, str) and unroll in ("static", "dynamic"):
        return unroll
    if isinstance(unroll, bool):
        hint = f"; for Keras's unroll={unroll} write {words_of(unroll)!r}"
    elif isinstance(unroll, int | np.integer) and unroll > 0:
        return int(unroll)
    else:
        hint = ""
    raise ValueError(
        f'got unroll={unroll!r}; want "static", "dynamic", or how many cells one iteration of the loop holds, an '
        f"integer from 1 up{hint}"
    )


def words_of(unrolled: bool) -> str:
    """Return this layer's word for what `keras.layers.LSTM` calls unroll=True or False."""
    return "static" if unrolled else "dynamic"


def _check_backend():
    if keras.config.backend() != "tensorflow":
        raise ValueError(
            f"Keras runs on {keras.config.backend()}, and unroll.keras.LSTM is made of TensorFlow: set "
            "KERAS_BACKEND=tensorflow in the environment before Keras is imported, or use keras.layers.LSTM"
        )


def _is_compiled_by_xla() -> bool:
    """Return whether what is traced will be compiled by XLA: by jit_compile=True of this function or one around."""
    graph: Any = tf.compat.v1.get_default_graph()
    return GraphOrParentsInXlaContext(graph)


def _checked_mask(mask) -> tf.Tensor:
    """Return a mask as booleans [B, T, 1]; Keras takes it as [B, T] too, and in a list."""
    mask = tf.cast(keras.tree.flatten(mask)[0], tf.bool)
    return mask[:, :, tf.newaxis] if mask.shape.rank == 2 else mask


def _has_begun(mask) -> tf.Tensor:
    """Return for each step [T, B, 1] whether it or one before it counts: until then, Keras's output is zero."""
    return tf.cumsum(tf.cast(mask, tf.int32), axis=0) > 0


def _where(valid, outputs) -> tf.Tensor:
    return tf.where(valid, outputs, tf.zeros_like(outputs))

"""What the two unrolls share: the arguments they accept, and one checked, masked step of any cell."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

State = Any  # any nest of [B, ...] tensors
Cell = Callable[[tf.Tensor, State], tuple[tf.Tensor, State]]


def check_arguments(input_sequence, initial_state, sequence_length):
    """Turn the three arguments into tensors, or raise one clear error before anything is built.

    Returns:
        `input_sequence` [T, B, ...], `initial_state` as the same nest of [B, ...], `sequence_length` int32 [B] or None.
    """
    input_sequence = tf.convert_to_tensor(input_sequence)
    initial_state = tf.nest.map_structure(tf.convert_to_tensor, initial_state)
    if input_sequence.shape.rank is None or input_sequence.shape.rank < 2:
        raise ValueError(
            f"got an input_sequence of shape {input_sequence.shape}; want [T, B, I], time-major: "
            "for batch-major data [B, T, I] use tf.transpose(x, [1, 0, 2])"
        )
    batch_size = input_sequence.shape[1]
    for leaf in tf.nest.flatten(initial_state):
        if leaf.shape.rank == 0 or not leaf.shape[:1].is_compatible_with([batch_size]):
            raise ValueError(
                f"got a state of shape {leaf.shape} with an input_sequence of shape {input_sequence.shape}; "
                f"want a state of [{batch_size}, ...]: is the input_sequence time-major, [T, B, I]?"
            )
    if sequence_length is not None:
        sequence_length = _check_length(tf.convert_to_tensor(sequence_length), input_sequence)
    return input_sequence, initial_state, sequence_length


def check_steps_known(input_sequence):
    """Refuse a sequence whose number of steps the static unroll cannot lay out: unknown, or none."""
    if not input_sequence.shape[0]:
        raise ValueError(
            f"got an input_sequence of shape {input_sequence.shape}; want a known T of at least 1, because "
            "static_unroll lays T cells into the graph: set it by set_shape or a signature, or use dynamic_unroll"
        )


def count_steps(input_sequence) -> Any:
    """Return T, as a Python integer where it is known when the graph is built, else as a tensor."""
    T = input_sequence.shape[0]
    return tf.shape(input_sequence)[0] if T is None else T


def check_unroll(unroll, T) -> int:
    """Return how many cells an iteration shall hold: `unroll`, but no more than a known T."""
    if isinstance(unroll, bool) or not isinstance(unroll, int | np.integer) or unroll < 1:
        raise ValueError(f"got unroll={unroll!r}; want how many cells one iteration holds, an integer from 1 up")
    return int(unroll) if tf.is_tensor(T) else max(1, min(int(unroll), T))


def make_step(cell: Cell, sequence_length):
    """Wrap `cell` into step(t, inputs, state): it checks what the cell returns, and masks rows that are over.

    From step `sequence_length` on, a row's output is zero and its state stays as it was. Its inputs are zeroed too:
    a NaN in the padding would otherwise reach the gradient of the weights, as 0 * NaN.
    """

    def checked_step(t, inputs, state):
        return _check_result(cell(inputs, state), inputs, state)

    def masked_step(t, inputs, state):
        valid = t < sequence_length  # [B]
        output, next_state = checked_step(t, _where(valid, inputs, tf.zeros_like(inputs)), state)
        next_state = tf.nest.map_structure(lambda new, old: _where(valid, new, old), next_state, state)
        return _where(valid, output, tf.zeros_like(output)), next_state

    return checked_step if sequence_length is None else masked_step


def longest(sequence_length) -> Any:
    """Return the steps after which all rows are over, as a Python integer if known when the graph is built."""
    values = tf.get_static_value(sequence_length)
    return tf.reduce_max(sequence_length) if values is None else int(max(values, default=0))


def output_spec(cell: Cell, input_sequence, initial_state) -> tf.TensorSpec:
    """Find the dtype and shape of a step's output: the cell says it, or one step is traced and thrown away."""
    batch_size = input_sequence.shape[1]
    say_spec = getattr(cell, "output_spec", None)
    if say_spec is not None:
        return say_spec(batch_size)

    def placeholder(shape, dtype):
        return tf.compat.v1.placeholder(dtype, shape)

    with tf.__internal__.FuncGraph("output_spec").as_default():
        inputs = placeholder(input_sequence.shape[1:], input_sequence.dtype)
        state = tf.nest.map_structure(lambda leaf: placeholder(leaf.shape, leaf.dtype), initial_state)
        output, _ = _check_result(cell(inputs, state), inputs, state)
    return tf.TensorSpec(output.shape, output.dtype)


def stack_steps(array, input_sequence):
    """Stack a TensorArray of T elements [B, ...] to [T, B, ...], where B may be unknown and T may turn out to be 0."""
    shape = array.element_shape
    if shape.is_fully_defined():
        return array.stack()
    # TensorArray.stack() wants to know B when the graph is built; the operation behind it takes B as it runs.
    element_shape = [tf.shape(input_sequence)[1], *shape[1:]]
    stacked = tf.raw_ops.TensorListStack(
        input_handle=array.flow, element_shape=element_shape, element_dtype=array.dtype, num_elements=-1
    )
    stacked.set_shape([input_sequence.shape[0], *shape])
    return stacked


def _where(valid, new, old):
    """Take the valid rows of `new` and the others of `old`; `valid` [B] is spread over all axes of `new` [B, ...]."""
    return tf.where(tf.reshape(valid, [-1] + [1] * (new.shape.rank - 1)), new, old)


def _check_length(sequence_length, input_sequence):
    """Return `sequence_length` as int32 [B]; its range is checked now where its values are known, else at each call."""
    steps, batch_size = input_sequence.shape[:2]
    if not sequence_length.dtype.is_integer:
        raise TypeError(f"got a sequence_length of {sequence_length.dtype.name}; want integers: int32 or int64")
    if not sequence_length.shape.is_compatible_with([batch_size]):
        raise ValueError(
            f"got a sequence_length of shape {sequence_length.shape}; want [{batch_size}], one length for each row"
        )
    message = f"want every sequence_length from 0 to T = {'the number of steps' if steps is None else steps}"
    values = tf.get_static_value(sequence_length)
    if values is not None and steps is not None:
        if np.any((values < 0) | (values > steps)):
            raise ValueError(f"got a sequence_length of {values.tolist()}; {message}")
        return tf.cast(sequence_length, tf.int32)
    sequence_length = tf.cast(sequence_length, tf.int64)  # so that none is cut to a smaller, valid length first
    checks = [
        tf.debugging.assert_non_negative(sequence_length, message),
        tf.debugging.assert_less_equal(sequence_length, tf.shape(input_sequence, tf.int64)[0], message),
    ]
    with tf.control_dependencies([check for check in checks if check is not None]):
        return tf.cast(sequence_length, tf.int32)


def _check_result(result, inputs, state):
    """Return the cell's (output, next_state) if the output is one tensor and the state has kept its form."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise TypeError(f"got {type(result).__name__} from the cell; want a pair (output, next_state)")
    output, next_state = result
    if not tf.is_tensor(output):
        raise TypeError(f"got an output of {type(output).__name__} from the cell; want one tensor [B, ...] a step")
    if output.shape.rank == 0 or not output.shape[:1].is_compatible_with(inputs.shape[:1]):
        raise ValueError(f"got an output of shape {output.shape} from the cell; want [{inputs.shape[0]}, ...]")
    try:
        tf.nest.assert_same_structure(state, next_state)
        for before, after in zip(tf.nest.flatten(state), tf.nest.flatten(next_state), strict=True):
            if not tf.is_tensor(after) or after.dtype != before.dtype:
                raise TypeError
            after.set_shape(before.shape)  # a loop wants the same static shape in every iteration
    except (TypeError, ValueError):
        raise ValueError(
            f"the cell was given a state {_form(state)} and returned {_form(next_state)}; "
            "want the same nest, shapes and dtypes from step to step"
        ) from None
    return output, next_state


def _form(state):
    """Name a state's nest with the dtype and shape of each leaf, for error messages."""
    return tf.nest.map_structure(lambda leaf: f"{leaf.dtype.name}{leaf.shape}" if tf.is_tensor(leaf) else leaf, state)

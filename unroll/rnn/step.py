"""What the two unrolls share: the arguments they accept, and one checked, masked step of any cell."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

Inputs = Any  # any nest of [B, ...] tensors, one at least
Outputs = Any  # any nest of [B, ...] tensors, empty where a cell has no output
State = Any  # any nest of [B, ...] tensors and of scalars
Cell = Callable[[Inputs, State], tuple[Outputs, State]]
S = TypeVar("S")  # the nest of the state that a caller gives, and gets again
Function = TypeVar("Function", bound=Callable)


def not_converted(function: Function) -> Function:
    """Keep AutoGraph from converting a function and the cell that it calls; type checkers see the function as it is."""
    return tf.autograph.experimental.do_not_convert(function)


def check_arguments(input_sequence, initial_state, sequence_length):
    """Turn the three arguments into tensors, or raise one clear error before anything is built.

    Sizes that are unknown as the graph is built are compared as it runs, except under XLA, which drops such checks.

    Returns:
        `input_sequence` as the same nest of [T, B, ...], all with the T that any of them shows, `initial_state`
        as the same nest of [B, ...] and scalars, `sequence_length` int32 [B] or None.
    """
    input_sequence = tf.nest.map_structure(tf.convert_to_tensor, input_sequence)
    initial_state = tf.nest.map_structure(tf.convert_to_tensor, initial_state)
    if sequence_length is not None:
        sequence_length = tf.convert_to_tensor(sequence_length)
    steps, batch_size = _check_shapes(input_sequence, initial_state, sequence_length)

    checks = _check_as_it_runs(input_sequence, initial_state, sequence_length)
    if checks:
        with tf.control_dependencies(checks):
            initial_state = tf.nest.map_structure(tf.identity, initial_state)
            input_sequence = tf.nest.map_structure(tf.identity, input_sequence)
            sequence_length = None if sequence_length is None else tf.identity(sequence_length)
        for leaf in tf.nest.flatten(input_sequence):
            leaf.set_shape([steps, *leaf.shape[1:]])  # not B: TensorFlow would compare it before these checks run
        for leaf in tf.nest.flatten(initial_state):
            leaf.set_shape([batch_size, *leaf.shape[1:]] if leaf.shape.rank else [])
    if sequence_length is not None:
        sequence_length = _check_length(sequence_length, input_sequence)
    return input_sequence, initial_state, sequence_length


def first_leaf(input_sequence) -> tf.Tensor:
    """Return the tensor [T, B, ...] of a nest that T and B are read from: all have the same."""
    return tf.nest.flatten(input_sequence)[0]


def check_steps_known(input_sequence):
    """Refuse a sequence whose number of steps the static unroll cannot lay out: unknown, or none."""
    shape = first_leaf(input_sequence).shape
    if not shape[0]:
        raise ValueError(
            f"got an input_sequence of shape {shape}; want a known T of at least 1, because "
            "static_unroll lays T cells into the graph: set it by set_shape or a signature, or use dynamic_unroll"
        )


def count_steps(input_sequence) -> Any:
    """Return T, as a Python integer where it is known when the graph is built, else as a tensor."""
    first = first_leaf(input_sequence)
    return tf.shape(first)[0] if first.shape[0] is None else first.shape[0]


def check_unroll(unroll, T) -> int:
    """Return how many cells an iteration shall hold: `unroll`, but no more than a known T."""
    if isinstance(unroll, bool) or not isinstance(unroll, int | np.integer) or unroll < 1:
        raise ValueError(f"got unroll={unroll!r}; want how many cells one iteration holds, an integer from 1 up")
    return int(unroll) if tf.is_tensor(T) else max(1, min(int(unroll), T))


def make_step(cell: Cell, sequence_length):
    """Wrap `cell` into step(t, inputs, state): it checks what the cell returns, and masks rows that are over.

    From step `sequence_length` on, a row's output is zero and its state stays as it was. Its inputs are zeroed too:
    a NaN in the padding would otherwise reach the gradient of the weights, as 0 * NaN. A scalar in the state belongs
    to no row and stays once all rows are over.
    """

    def checked_step(t, inputs, state):
        return _check_result(cell(inputs, state), inputs, state)

    def masked_step(t, inputs, state):
        valid = t < sequence_length  # [B]
        output, next_state = checked_step(t, _zero_unless(valid, inputs), state)
        next_state = tf.nest.map_structure(lambda new, old: _where(valid, new, old), next_state, state)
        return _zero_unless(valid, output), next_state

    return checked_step if sequence_length is None else masked_step


def longest(sequence_length) -> Any:
    """Return the steps after which all rows are over, as a Python integer if known when the graph is built."""
    values = tf.get_static_value(sequence_length)
    return tf.reduce_max(sequence_length) if values is None else int(max(values, default=0))


def output_spec(cell: Cell, input_sequence, initial_state) -> Any:
    """Find the nest, dtypes and shapes of a step's output: the cell says it, or one step is traced and thrown away.

    A cell that makes its Variables when first called makes them in that trace, outside of the loop.
    """
    say_spec = getattr(cell, "output_spec", None)
    if say_spec is not None:
        return say_spec(first_leaf(input_sequence).shape[1])

    def output_of(inputs, state):
        return _check_result(cell(inputs, state), inputs, state)[0]

    traced: Any = tf.function(output_of, autograph=False)
    function = traced.get_concrete_function(step_specs(input_sequence), specs_of(initial_state))
    return specs_of(function.structured_outputs)


def specs_of(nest) -> Any:
    """Return a TensorSpec for each tensor of a nest."""
    return tf.nest.map_structure(lambda leaf: tf.TensorSpec(leaf.shape, leaf.dtype), nest)


def step_specs(sequence) -> Any:
    """Return a TensorSpec [B, ...] of one step for each tensor [T, B, ...] of a nest."""
    return tf.nest.map_structure(lambda leaf: tf.TensorSpec(leaf.shape[1:], leaf.dtype), sequence)


def unstack_steps(input_sequence) -> list:
    """Unstack a nest of [T, B, ...] to T nests of [B, ...]."""
    steps = zip(*map(tf.unstack, tf.nest.flatten(input_sequence)), strict=True)
    return [tf.nest.pack_sequence_as(input_sequence, step) for step in steps]


def stack_steps(steps) -> Any:
    """Stack nests of [B, ...], one a step, to one nest of [T, B, ...]."""
    for step in steps[1:]:
        _check_same_output(steps[0], step)
    return tf.nest.map_structure(lambda *leaves: tf.stack(leaves), *steps)


def arrays_of_steps(input_sequence) -> Any:
    """Return a nest of TensorArrays of T elements [B, ...], for a nest of [T, B, ...]."""
    T = count_steps(input_sequence)
    return tf.nest.map_structure(lambda leaf: tf.TensorArray(leaf.dtype, T).unstack(leaf), input_sequence)


def empty_arrays(nest, T) -> Any:
    """Return a nest of TensorArrays of T elements, each with the dtype and shape of a tensor or spec in `nest`."""
    return tf.nest.map_structure(lambda leaf: tf.TensorArray(leaf.dtype, T, element_shape=leaf.shape), nest)


def read_step(arrays, t) -> Any:
    """Read the nest of [B, ...] that a nest of TensorArrays holds for step t."""
    return tf.nest.map_structure(lambda array: array.read(t), arrays)


def write_step(arrays, t, step) -> Any:
    """Write a nest of [B, ...] into the same nest of TensorArrays, at step t."""
    _check_same_output(
        tf.nest.map_structure(lambda array: tf.TensorSpec(array.element_shape, array.dtype), arrays), step
    )
    return write_arrays(arrays, t, step)


def write_arrays(arrays, n, nest) -> Any:
    """Write each tensor of a nest into the TensorArray in its place, as element n."""
    return tf.nest.map_structure(lambda array, leaf: array.write(n, leaf), arrays, nest)


def _check_same_output(first, output):
    if not _same_form(first, output):
        raise ValueError(_changed("first returned", first, output))


def stack_arrays(arrays, input_sequence) -> Any:
    """Stack a nest of TensorArrays of T elements [B, ...] to a nest of [T, B, ...]."""
    return tf.nest.map_structure(lambda array: _stack_array(array, first_leaf(input_sequence)), arrays)


def _stack_array(array, first):
    """Stack a TensorArray of T elements [B, ...] to [T, B, ...], where B may be unknown and T may turn out to be 0."""
    sizes = list(array.element_shape)
    if sizes[:1] == [None]:
        sizes[0] = tf.shape(first)[1]
    stacked = stack_elements(array, sizes)
    stacked.set_shape([first.shape[0], *array.element_shape])
    return stacked


def stack_elements(array, sizes) -> tf.Tensor:
    """Stack a TensorArray whose elements have these sizes, of which some may be tensors.

    TensorArray.stack() wants to know them all when the graph is built; the operation behind it takes them as it runs.
    """
    if array.element_shape.is_fully_defined():
        return array.stack()
    return tf.raw_ops.TensorListStack(
        input_handle=array.flow, element_shape=sizes, element_dtype=array.dtype, num_elements=-1
    )


def _check_shapes(input_sequence, initial_state, sequence_length):
    """Compare what is known of the shapes as the graph is built; return T and B, each None where nothing shows it."""
    inputs = tf.nest.flatten(input_sequence)
    if not inputs:
        raise ValueError(
            f"got an empty nest, {input_sequence!r}, as input_sequence; want at least one tensor [T, B, ...], "
            "which says how many steps and rows there are"
        )
    common = tf.TensorShape([None, None])
    for leaf in inputs:
        if leaf.shape.rank is None or leaf.shape.rank < 2:
            raise ValueError(
                f"got an input_sequence of shape {leaf.shape}; want [T, B, I], time-major, in each tensor of the nest: "
                "for batch-major data [B, T, I] use tf.transpose(x, [1, 0, 2])"
            )
        if not leaf.shape[:2].is_compatible_with(common):
            raise ValueError(
                f"got an input_sequence of shapes {', '.join(str(leaf.shape) for leaf in inputs)}; "
                "want the same T and B, [T, B, ...], in each tensor of the nest"
            )
        common = common.merge_with(leaf.shape[:2])

    steps, batch_size = common
    for leaf in tf.nest.flatten(initial_state):
        if leaf.shape.rank is None or not leaf.shape[:1].is_compatible_with([batch_size][: leaf.shape.rank]):
            raise ValueError(
                f"got a state of shape {leaf.shape} with an input_sequence of shape {inputs[0].shape}; want a state of "
                f"[{batch_size}, ...], or a scalar: is the input_sequence time-major, [T, B, I]?"
            )
        batch_size = leaf.shape[0] if batch_size is None and leaf.shape.rank else batch_size
    if sequence_length is not None:
        if not sequence_length.dtype.is_integer:
            raise TypeError(f"got a sequence_length of {sequence_length.dtype.name}; want integers: int32 or int64")
        if sequence_length.shape.rank != 1 or not sequence_length.shape.is_compatible_with([batch_size]):
            raise ValueError(
                f"got a sequence_length of shape {sequence_length.shape}; want [{batch_size}], one length for each row"
            )
        batch_size = sequence_length.shape[0] if batch_size is None else batch_size
    return steps, batch_size


def _check_as_it_runs(input_sequence, initial_state, sequence_length) -> list:
    """Compare the sizes that were unknown to `_check_shapes` once they are known; return the operations that do it."""
    first, *rest = tf.nest.flatten(input_sequence)
    states = [leaf for leaf in tf.nest.flatten(initial_state) if leaf.shape.rank]
    checks = []

    def compare(tensor, axis, first_axis, got, want):
        if tensor.shape[axis] is None or first.shape[first_axis] is None:
            size, first_size = tf.shape(tensor)[axis], tf.shape(first)[first_axis]
            checks.append(_assert(tf.equal(size, first_size), f"got {got}", size, f"want {want}", first_size))

    for leaf in rest:
        compare(leaf, 0, 0, "a part of the input_sequence whose T is", "the T of the first part,")
        compare(leaf, 1, 1, "a part of the input_sequence whose B is", "the B of the first part,")
    for leaf in states:
        compare(leaf, 0, 1, "a state whose number of rows is", "the B of the input_sequence [T, B, ...],")
    if sequence_length is not None:
        compare(sequence_length, 0, 1, "a sequence_length whose number of values is", "one for each row, B =")
    return checks


def _assert(condition, *sentence):
    """Return an operation that, as the graph runs, raises InvalidArgumentError with the sentence: XLA drops it."""
    return tf.raw_ops.Assert(condition=condition, data=sentence)


def _where(valid, new, old):
    """Take the valid rows of `new` [B, ...] and the others of `old`; of scalars, `new` where any row is valid."""
    if new.shape.rank == 0:
        return tf.where(tf.reduce_any(valid), new, old)
    return tf.where(tf.reshape(valid, [-1] + [1] * (new.shape.rank - 1)), new, old)


def _zero_unless(valid, nest):
    return tf.nest.map_structure(lambda leaf: _where(valid, leaf, tf.zeros_like(leaf)), nest)


def _check_length(sequence_length, input_sequence):
    """Return `sequence_length` as int32 [B]; its range is checked now where its values are known, else at each call."""
    steps = first_leaf(input_sequence).shape[0]
    message = f"want every sequence_length from 0 to T = {'the number of steps' if steps is None else steps}"
    values = tf.get_static_value(sequence_length)
    if values is not None and steps is not None:
        if np.any((values < 0) | (values > steps)):
            raise ValueError(f"got a sequence_length of {values.tolist()}; {message}")
        return tf.cast(sequence_length, tf.int32)
    lengths = tf.cast(sequence_length, tf.int64)  # so that none is cut to a smaller, valid length first
    in_range = (lengths >= 0) & (lengths <= tf.cast(count_steps(input_sequence), tf.int64))
    check = _assert(tf.reduce_all(in_range), "got a sequence_length of", lengths, message)
    with tf.control_dependencies([check]):
        return tf.cast(lengths, tf.int32)


def _check_result(result, inputs, state):
    """Return the cell's (output, next_state) if the output is a nest of rows and the state has kept its form."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise TypeError(f"got {type(result).__name__} from the cell; want a pair (output, next_state)")
    output, next_state = result
    batch_size = first_leaf(inputs).shape[0]
    for leaf in tf.nest.flatten(output):
        if not tf.is_tensor(leaf):
            raise TypeError(
                f"got an output of {type(leaf).__name__} from the cell; want a tensor [B, ...] a step, a nest of them, "
                "or () for none"
            )
        if leaf.shape.rank == 0 or not leaf.shape[:1].is_compatible_with([batch_size]):
            raise ValueError(f"got an output of shape {leaf.shape} from the cell; want [{batch_size}, ...]")
    if not _same_form(state, next_state):
        raise ValueError(_changed("was given a state", state, next_state))
    output = tf.nest.map_structure(lambda leaf: _keep_rows(leaf, first_leaf(inputs)), output)
    next_state = tf.nest.map_structure(_keep_rows, next_state, state)
    return output, with_shapes_of(state, next_state)


def with_shapes_of(old, new) -> Any:
    """Return `new` with the static shapes of `old`: a loop wants the same in every iteration."""
    for before, after in zip(tf.nest.flatten(old), tf.nest.flatten(new), strict=True):
        after.set_shape(before.shape)
    return new


def _keep_rows(leaf, like):
    """Return what the cell gave; if the rows of only one are known by now, they are compared as the graph runs."""
    if like.shape.rank == 0 or (leaf.shape[:1].rank == 1 and leaf.shape[0] is None) == (like.shape[0] is None):
        return leaf
    rows, wanted = tf.shape(leaf)[0], tf.shape(like)[0]
    check = _assert(tf.equal(rows, wanted), "got from the cell a tensor whose number of rows is", rows, "want", wanted)
    with tf.control_dependencies([check]):
        return tf.identity(leaf)


def _same_form(before, after) -> bool:
    """Return whether two nests have the same structure, and tensors or specs of the same dtypes and fitting shapes."""
    try:
        tf.nest.assert_same_structure(before, after)
    except (TypeError, ValueError):
        return False
    pairs = zip(tf.nest.flatten(before), tf.nest.flatten(after), strict=True)
    return all(
        tf.is_tensor(new) and new.dtype == old.dtype and new.shape.is_compatible_with(old.shape) for old, new in pairs
    )


def _changed(did, before, after) -> str:
    return (
        f"the cell {did} {_form(before)} and returned {_form(after)}; "
        "want the same nest, shapes and dtypes from step to step"
    )


def _form(nest):
    """Name a nest with the dtype and shape of each leaf, for error messages."""
    return tf.nest.map_structure(
        lambda leaf: f"{leaf.dtype.name}{leaf.shape}" if hasattr(leaf, "shape") and hasattr(leaf, "dtype") else leaf,
        nest,
    )

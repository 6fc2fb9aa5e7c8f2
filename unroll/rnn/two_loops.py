"""A loop whose gradient is a second loop: the first keeps what the second needs, and nothing else.

TensorFlow's gradient of a `tf.while_loop` keeps, of every step, each tensor that the gradient of an operation reads.
Here a cell takes k steps forwards and says what it keeps, and takes the same k steps backwards with what it kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf

from unroll.rnn.step import (
    count_steps,
    first_leaf,
    read_step,
    stack_elements,
    stack_steps,
    step_specs,
    with_shapes_of,
    write_arrays,
)

Nest = Any  # of tensors; a nest of slopes has None where it has no slope, as for integers


class Blocks(NamedTuple):
    """How a sequence of `cells` times `count` steps is cut into blocks, of which the first `run` are run."""

    cells: int
    count: Any
    run: Any


@dataclass(frozen=True, eq=False)
class TwoLoops:
    """The loop forwards and the loop backwards, each of which takes a block of k steps in an iteration.

    Attributes:
        steps: what takes them: `keep_steps` and `gradient_of_steps` of `StepsWithGradient`.
        weights: a nest of tensors, all that has a slope besides the inputs and the state.
        specs: a function of k that returns a TensorSpec for a step's output, and for each tensor that k steps keep.
        every_state: whether the state after each step is wanted in place of the final one.
        parallel_iterations: how many steps may overlap, forwards and backwards.
    """

    steps: Any
    weights: Nest
    specs: Callable[[int], tuple[Nest, Nest]]
    every_state: bool
    parallel_iterations: tuple[int, int]

    def run(self, inputs: Nest, state: Nest, cells: int, last) -> tuple[Nest, Nest]:
        """Take the steps before `last`, `cells` in an iteration, and the T % cells at the end one by one.

        Returns:
            outputs [T, B, ...], and the final state or every state [T, B, ...]: zeros for steps that were not taken.
        """
        T = count_steps(inputs)
        blocks, rest = T // cells, T % cells
        if cells == 1 or not (tf.is_tensor(T) or rest):
            outputs, states, state = self._run_blocks(inputs, state, _blocks(cells, blocks, last))
            return outputs, states if self.every_state else state
        parts = [tf.split(leaf, [T - rest, rest]) for leaf in tf.nest.flatten(inputs)]
        first, second = (tf.nest.pack_sequence_as(inputs, part) for part in zip(*parts, strict=True))
        *results, state = self._run_blocks(first, state, _blocks(cells, blocks, last))
        *more, state = self._run_blocks(second, state, _blocks(1, rest, last - blocks * cells))
        outputs, states = tf.nest.map_structure(lambda *leaves: tf.concat(leaves, 0), results, more)
        return outputs, states if self.every_state else state

    def _run_blocks(self, inputs, state, blocks) -> Any:
        """Return outputs, every state if wanted, and the final state."""

        @tf.custom_gradient
        def run(*_):
            results, kept = self._forward(blocks, inputs, state)

            def gradient(*slopes, variables=()):
                arrays = self._forward(blocks, inputs, state)[1] if _is_being_saved() else kept
                slopes = map(_at_floats, results, tf.nest.pack_sequence_as(results, slopes))
                gradients = tf.nest.flatten(self._backward(blocks, inputs, state, results[0], arrays, *slopes))
                return (gradients, [None] * len(variables)) if variables else gradients  # those are among the weights

            return results, gradient

        return run(*tf.nest.flatten((inputs, state, self.weights)))

    def _forward(self, blocks, inputs, state):
        """Run the loop forwards; returns the results, and arrays of what each block kept."""
        read = _reader(inputs, blocks)
        output_spec, kept_spec = self.specs(blocks.cells)
        outputs = _arrays_of_steps(output_spec, blocks)
        states = _arrays_of_steps(state, blocks) if self.every_state else ()

        def body(n, state, kept, outputs, states):
            new_outputs, new_states, new_kept = self.steps.keep_steps(self.weights, read(n), state)
            if self.every_state:
                states = write_arrays(states, n, stack_steps(new_states))
            state = with_shapes_of(state, new_states[-1])
            outputs = write_arrays(outputs, n, stack_steps(new_outputs))
            return n + 1, state, write_arrays(kept, n, new_kept), outputs, states

        _, state, kept, outputs, states = tf.while_loop(
            lambda n, *_: n < blocks.run,
            body,
            (0, state, _arrays(kept_spec, blocks), outputs, states),
            parallel_iterations=max(1, self.parallel_iterations[0] // blocks.cells),
            maximum_iterations=blocks.count,
        )
        join = partial(_join_blocks, blocks=blocks, batch_size=_batch_size(inputs))
        return (*tf.nest.map_structure(join, (outputs, states)), state), kept

    def _backward(self, blocks, inputs, state, outputs, kept, output_slopes, states_slopes, state_slopes):
        """Run the loop backwards; returns the slopes of inputs, state and weights."""
        read = _reader((inputs, _read_by_the_loss(output_slopes), _read_by_the_loss(states_slopes)), blocks)
        take_back = self.steps.gradient_of_steps(self.weights)

        def body(n, state_slopes, input_slopes, weight_slopes):
            n = n - 1
            block, output_slopes, states_slopes = read(n)
            output_slopes, arriving = (_unstack(leaves, blocks.cells) for leaves in (output_slopes, states_slopes))
            arriving[-1] = [*map(tf.add, arriving[-1], state_slopes)] or state_slopes
            block_slopes = take_back(
                block,
                read_step(kept, n),
                [pack_floats(outputs, leaves) for leaves in output_slopes],
                [pack_floats(state, leaves) for leaves in arriving],
            )
            more_inputs, more_state, more_weights = map(_at_floats, (inputs, state, self.weights), block_slopes)
            weight_slopes = [*map(tf.add, weight_slopes, more_weights)]
            input_slopes = write_arrays(input_slopes, n, more_inputs)
            return n, with_shapes_of(state_slopes, more_state), input_slopes, weight_slopes

        input_slopes = _arrays_of_steps(step_specs(floats_of(inputs)), blocks)
        weight_slopes = [tf.zeros_like(leaf) for leaf in floats_of(self.weights)]
        _, state_slopes, input_slopes, weight_slopes = tf.while_loop(
            lambda n, *_: n > 0,
            body,
            (blocks.run, state_slopes, input_slopes, weight_slopes),
            parallel_iterations=max(1, self.parallel_iterations[1] // blocks.cells),
            maximum_iterations=blocks.count,
        )
        input_slopes = [_join_blocks(array, blocks, _batch_size(inputs)) for array in input_slopes]
        return [*map(pack_floats, (inputs, state, self.weights), (input_slopes, state_slopes, weight_slopes))]


def add_slopes(*slopes):
    """Add up slopes, of which any but one may be None."""
    slopes = [slope for slope in slopes if slope is not None]
    return tf.add_n(slopes) if len(slopes) > 1 else slopes[0]


def floats_of(nest: Nest) -> list:
    """Return the tensors or Variables of a nest that hold floats: those that have a slope."""
    return [leaf for leaf in tf.nest.flatten(nest) if _is_float(leaf)]


def pack_floats(like: Nest, slopes) -> Nest:
    """Make a nest of slopes: like `like`, with the slopes in their order where it has floats, and None elsewhere."""
    left = iter(slopes)
    return tf.nest.map_structure(lambda leaf: next(left, None) if _is_float(leaf) else None, like)


def placeholders(specs: Nest) -> Nest:
    """Return a placeholder for each spec of a nest, in a graph that is traced and thrown away."""
    return tf.nest.map_structure(lambda spec: tf.compat.v1.placeholder(spec.dtype, spec.shape), specs)


def _is_float(leaf):
    return leaf.dtype.is_floating or leaf.dtype.is_complex


def _at_floats(like, slopes) -> list[tf.Tensor]:
    """Return those of a nest of slopes that stand where `like` has floats."""
    pairs = zip(tf.nest.flatten(like), tf.nest.flatten(slopes), strict=True)
    return [tf.convert_to_tensor(slope) for leaf, slope in pairs if _is_float(leaf)]


def _is_being_saved():
    """Return whether a SavedModel is made of a gradient: it cannot hold arrays that another graph has filled."""
    graph: Any = tf.compat.v1.get_default_graph()
    return not tf.executing_eagerly() and graph.name.startswith("internal_grad_fn")


def _read_by_the_loss(slopes):
    """Return the slopes of a sequence, or none of them if a graph has made them up: zeros as large as the sequence."""

    def is_made_up(slope):
        if tf.executing_eagerly():
            return False
        filled_with = tf.get_static_value(slope.op.inputs[1]) if slope.op.type == "Fill" else None
        return slope.op.type == "ZerosLike" or (filled_with is not None and filled_with == 0)

    return [] if all(map(is_made_up, slopes)) else slopes


def _unstack(leaves, cells):
    """Unstack a list of tensors [k, B, ...] to k lists of tensors [B, ...]."""
    steps = zip(*(tf.unstack(leaf, cells) for leaf in leaves), strict=True)
    return [list(step) for step in steps] or [[]] * cells


def _blocks(cells, count, last):
    """Cut `cells` times `count` steps into blocks, of which those are run that hold steps before `last`."""
    return Blocks(cells, count, tf.clip_by_value(-(-last // cells), 0, count))


def _arrays(specs, blocks):
    """Make a TensorArray for each tensor of a block, with an element for each block."""

    def array(spec):
        return tf.TensorArray(spec.dtype, blocks.count, element_shape=spec.shape, clear_after_read=False)

    return tf.nest.map_structure(array, specs)


def _arrays_of_steps(nest, blocks):
    """Make a TensorArray for each tensor of a step [B, ...], with an element [k, B, ...] for each block."""
    return _arrays(
        tf.nest.map_structure(lambda leaf: tf.TensorSpec([blocks.cells, *leaf.shape], leaf.dtype), nest), blocks
    )


def _reader(nest, blocks):
    """Cut tensors [T, ...] into blocks [k, ...]; returns a function of n that reads block n."""
    cells, count, _ = blocks

    def cut(leaf):
        shape = [count, cells, *leaf.shape[1:]]
        if tf.is_tensor(count) or None in shape:
            shape = tf.concat([[count, cells], tf.shape(leaf)[1:]], 0)
        parts = tf.reshape(leaf, shape)
        parts.set_shape([None, cells, *leaf.shape[1:]])
        return tf.TensorArray(leaf.dtype, count, clear_after_read=False).unstack(parts)

    return partial(read_step, tf.nest.map_structure(cut, nest))


def _join_blocks(array, blocks, batch_size):
    """Join an array's blocks [k, B, ...] to [T, B, ...], where B may be unknown and there may be no blocks."""
    cells, *sizes = array.element_shape
    sizes = [batch_size if size is None else size for size in sizes]
    joined = tf.reshape(stack_elements(array, [cells, *sizes]), [blocks.count * cells, *sizes])
    joined.set_shape([None, *array.element_shape[1:]])
    return joined


def _batch_size(nest):
    """Return B of a sequence [T, B, ...], as a Python integer where it is known when the graph is built."""
    first = first_leaf(nest)
    return tf.shape(first)[1] if first.shape[1] is None else first.shape[1]

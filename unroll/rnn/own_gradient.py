"""The dynamic unroll of a cell that brings its own gradient, and what such a cell offers."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

import tensorflow as tf

from unroll.errors import UnrollError
from unroll.rnn.recompute import recompute_unroll
from unroll.rnn.step import check_arguments, check_unroll, count_steps, longest, specs_of
from unroll.rnn.two_loops import Nest, TwoLoops, placeholders

OFFER = ("weights", "keep_steps", "gradient_of_steps")


class StepsWithGradient(Protocol):
    """What a cell offers to a loop with a gradient of its own, as `LSTMCell` does.

    Attributes:
        weights: a nest of tensors or Variables: all that has a slope besides the inputs and the state.
    """

    weights: Nest

    def keep_steps(self, weights: Nest, inputs: Nest, state: Nest) -> tuple[list, list, Nest]:
        """Take k steps: inputs [k, B, ...], state [B, ...] -> a list of k outputs, a list of k states, what is kept.

        `weights` are those of the cell as tensors. What is kept is any nest of tensors. Rows that are over go on, on
        inputs of zeros, and must stay finite.
        """
        ...

    def gradient_of_steps(self, weights: Nest) -> Callable:
        """Return a function that takes k steps backwards; what all blocks of k steps share is computed here, once.

        It is called with (inputs, kept, output_slopes, state_slopes): the block's inputs, what it kept, and two lists
        of k, the slopes of each step's output and what the loss and the next block add to those of its state; a leaf
        is None where nothing is added (`add_slopes` takes that). It returns the slopes of inputs, state and weights.
        """
        ...


def unroll_in_two_loops(*arguments, own_gradient: bool, recompute: bool):
    """Run `dynamic_unroll` with the gradient that is asked for; the arguments are its own, in their order.

    Raises:
        UnrollError: both are asked for.
    """
    if own_gradient and recompute:
        raise UnrollError(
            "got own_gradient=True and recompute=True; want one of them: the cell's own gradient keeps what it needs, "
            "recompute=True keeps the states alone"
        )
    return (recompute_unroll if recompute else own_gradient_unroll)(*arguments)


def own_gradient_unroll(
    cell, input_sequence, initial_state, sequence_length, return_all_states, unroll, parallel_iterations
):
    """Run a cell that offers `StepsWithGradient`; arguments and results are those of `dynamic_unroll`.

    Rows that are over go on, and what they give is left out afterwards: so the loop has no mask.

    Raises:
        UnrollError: the cell does not offer all that is needed.
    """
    _check_offer(cell)
    input_sequence, initial_state, sequence_length = check_arguments(input_sequence, initial_state, sequence_length)
    T = count_steps(input_sequence)
    cells = check_unroll(unroll, T)
    weights = tf.nest.map_structure(tf.convert_to_tensor, cell.weights)
    loops = TwoLoops(
        cell,
        weights,
        partial(_trace_specs, cell, weights, input_sequence, initial_state),
        every_state=return_all_states or sequence_length is not None,
        parallel_iterations=(parallel_iterations, parallel_iterations),
    )
    if sequence_length is None:
        return loops.run(input_sequence, initial_state, cells, T)

    valid = tf.transpose(tf.sequence_mask(sequence_length, T))  # [T, B]
    most = longest(sequence_length)
    last = T if return_all_states else most
    outputs, states = loops.run(_zero_unless(valid, input_sequence), initial_state, cells, last)
    steps = tf.range(1, T + 1) if return_all_states else T  # [T] or a scalar
    taken = tf.minimum(steps[:, tf.newaxis] if return_all_states else T, sequence_length)  # by a row, [T, B] or [B]
    indices = tf.stack([taken, tf.broadcast_to(tf.range(tf.shape(taken)[-1]), tf.shape(taken))], axis=-1)

    def hold(first, leaf):
        leaf = tf.concat([first[tf.newaxis], leaf], 0)
        if first.shape.rank == 0:  # a scalar of the state belongs to no row, and goes on until the longest row ends
            return tf.gather(leaf, tf.minimum(steps, most))
        return tf.gather_nd(leaf, indices)

    return _zero_unless(valid, outputs), tf.nest.map_structure(hold, initial_state, states)


def _check_offer(cell):
    missing = [name for name in OFFER if not hasattr(cell, name)]
    if missing:
        raise UnrollError(
            f"got own_gradient=True and a {type(cell).__name__} that has no {', no '.join(missing)}; want a cell with "
            f"{', '.join(OFFER)}, such as LSTMCell, or use recompute=True, which takes any cell"
        )


def _trace_specs(cell, weights, inputs, state, cells):
    """Return a TensorSpec for a step's output, and for each tensor that `cells` steps keep.

    An array's dtype must be known before the loop's body is traced, and its element's shape for T = 0. A cell may say
    both, by `output_spec` and `kept_spec`; of any other cell, one block is traced into a graph that is thrown away.
    """
    if hasattr(cell, "kept_spec"):
        return cell.output_spec(inputs.shape[1]), cell.kept_spec(cells, inputs.shape[1])

    with tf.__internal__.FuncGraph("block").as_default():
        block = tf.nest.map_structure(lambda leaf: tf.TensorSpec([cells, *leaf.shape[1:]], leaf.dtype), inputs)
        block, state = placeholders((block, specs_of(state)))
        outputs, _, kept = cell.keep_steps(weights, block, state)
    return specs_of(outputs[0]), specs_of(kept)


def _zero_unless(valid, sequence):
    """Return a sequence [T, B, ...] with zeros where it is not valid [T, B]."""

    def zero(leaf):
        spread = tf.reshape(valid, tf.concat([tf.shape(valid), [1] * (leaf.shape.rank - 2)], 0))
        return tf.where(spread, leaf, tf.zeros_like(leaf))

    return tf.nest.map_structure(zero, sequence)

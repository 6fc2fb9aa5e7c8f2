"""The dynamic unroll: one copy of the cell in the graph, and a loop that runs it T times."""

from typing import Any

import tensorflow as tf

from unroll.rnn.own_gradient import unroll_in_two_loops
from unroll.rnn.step import (
    Cell,
    S,
    arrays_of_steps,
    check_arguments,
    check_unroll,
    count_steps,
    empty_arrays,
    longest,
    make_step,
    not_converted,
    output_spec,
    read_step,
    stack_arrays,
    write_step,
)


@not_converted
def dynamic_unroll(
    cell: Cell,
    input_sequence: Any,
    initial_state: S,
    *,
    sequence_length: Any = None,
    return_all_states: bool = False,
    unroll: int = 1,
    parallel_iterations: int = 32,
    own_gradient: bool = False,
    recompute: bool = False,
) -> tuple[tf.Tensor, S]:
    """Run `cell` over `input_sequence` as one cell inside a `tf.while_loop`.

        state = initial_state
        for t in range(T):                              # this loop is in the graph: one cell, run T times
            output_sequence[t], state = cell(input_sequence[t], state)
        return output_sequence, state

    The graph does not grow with T, and T may be unknown when it is built. Every step's output goes into a TensorArray;
    what the gradient will need, TensorFlow keeps in lists that it adds to the loop. With `unroll=k` the loop's body
    holds k cells, and a second loop of one cell runs the last T % k steps. With `sequence_length` the loop ends where
    the longest row does, unless every step's state is asked for.

    Args:
        cell: any callable (inputs, state) -> (output, next_state), nests of [B, ...]; it is not converted by AutoGraph.
            The output may be empty, ().
        input_sequence: [T, B, I], time-major, or a nest of [T, B, ...]; T may be unknown, or 0. XLA takes no T = 0 and,
            for gradients, no unknown T below `unroll`. (Where B = T, a batch-major sequence goes unnoticed.)
        initial_state: any nest of [B, ...] tensors and of scalars, such as a step counter.
        sequence_length: [B] integers from 0 to T. Past a row's length its outputs are zero and its state stays as it
            was. A scalar of the state belongs to no row: it goes on until the longest row ends, as in `static_rnn`.
        return_all_states: give the state after every step, each leaf [T, B, ...], in place of the final state.
        unroll: how many cells one iteration of the loop holds, from 1 up; T need not be a multiple of it.
        parallel_iterations: how many iterations may overlap, where their operations do not wait for each other.
        own_gradient: whether the cell's own gradient takes the place of TensorFlow's, in a second loop. `LSTMCell` has
            one, as has any cell that offers `StepsWithGradient`; several cells an iteration, such as 4, suit it best.
        recompute: whether to keep only the state before each iteration and run each cell again for its gradient. That
            is more work, and in a graph of many steps less memory. The cell must draw no random numbers.

    Returns:
        `output_sequence` [T, B, H], or the same nest of [T, B, ...] as a step's output, and the final state as the same
        nest as `initial_state`.

    Raises:
        ValueError: shapes, lengths or `unroll` that do not fit, a cell that changes its state's form, lacks a gradient
            of its own or may not run twice.
        tf.errors.InvalidArgumentError: sizes or lengths that do not fit and are known only as the graph runs. XLA drops
            these checks, and computes with what it was given.
        TypeError: a length that is no integer, or a cell that does not return a pair of tensors and a state.

    Source: `tf.nn.dynamic_rnn` of TensorFlow 1; `unroll` after JAX's `lax.scan`.

    >>> count = lambda inputs, state: (state + inputs, state + inputs)
    >>> output_sequence, state = dynamic_unroll(count, tf.ones([3, 2, 1]), tf.zeros([2, 1]))
    >>> output_sequence[:, 0, 0].numpy().tolist(), state[0].numpy().tolist()
    ([1.0, 2.0, 3.0], [3.0])
    """
    if own_gradient or recompute:
        arguments = cell, input_sequence, initial_state, sequence_length, return_all_states, unroll, parallel_iterations
        return unroll_in_two_loops(*arguments, own_gradient=own_gradient, recompute=recompute)
    input_sequence, initial_state, sequence_length = check_arguments(input_sequence, initial_state, sequence_length)
    step = make_step(cell, sequence_length)
    T = count_steps(input_sequence)
    cells = check_unroll(unroll, T)
    # An array's elements that were never written are zeros: right for outputs, wrong for states, which stay.
    last = T if sequence_length is None or return_all_states else longest(sequence_length)

    inputs = arrays_of_steps(input_sequence)  # T times [B, I]
    outputs = empty_arrays(output_spec(cell, input_sequence, initial_state), T)
    states = empty_arrays(initial_state, T) if return_all_states else ()

    def run_cell(t, state, outputs, states):
        output, state = step(t, read_step(inputs, t), state)
        outputs = write_step(outputs, t, output)
        if return_all_states:
            states = write_step(states, t, state)
        return t + 1, state, outputs, states

    def loop(carry, cells, iterations):
        end = carry[0] + cells * iterations

        def body(*carry):
            for _ in range(cells):
                carry = run_cell(*carry)
            return carry

        return tf.while_loop(
            lambda t, *_: t < tf.minimum(end, last),
            body,
            carry,
            parallel_iterations=parallel_iterations,
            maximum_iterations=iterations,  # XLA must know how much to keep for the gradient
        )

    carry = loop((0, initial_state, outputs, states), cells, T // cells)
    if cells > 1 and (tf.is_tensor(T) or T % cells):
        carry = loop(carry, 1, T % cells)
    _, state, outputs, states = carry

    output_sequence = stack_arrays(outputs, input_sequence)  # [T, B, H]
    if return_all_states:
        return output_sequence, stack_arrays(states, input_sequence)
    return output_sequence, state

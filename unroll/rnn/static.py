"""The static unroll: T copies of the cell, laid side by side in the graph."""

from typing import Any

import tensorflow as tf

from unroll.rnn.step import (
    Cell,
    S,
    check_arguments,
    check_steps_known,
    make_step,
    not_converted,
    stack_steps,
    unstack_steps,
)


@not_converted
def static_unroll(
    cell: Cell,
    input_sequence: Any,
    initial_state: S,
    *,
    sequence_length: Any = None,
    return_all_states: bool = False,
) -> tuple[tf.Tensor, S]:
    """Run `cell` over `input_sequence` as T cells side by side in the graph.

        state = initial_state
        for t in range(T):                              # this loop is in Python: T cells stay behind in the graph
            output_sequence[t], state = cell(input_sequence[t], state)
        return output_sequence, state

    The graph grows with T, and T must be known when it is built. `static_unroll(tf.function(cell), ...)` leaves T calls
    of one traced cell in the graph in place of T copies, which is faster to build and no faster to start.

    Args:
        cell: any callable (inputs, state) -> (output, next_state), nests of [B, ...]; it is not converted by AutoGraph.
            The output may be empty, ().
        input_sequence: [T, B, I], time-major, or a nest of [T, B, ...]; T must be known, from 1 up. (Where B = T,
            a batch-major sequence goes unnoticed.)
        initial_state: any nest of [B, ...] tensors and of scalars, such as a step counter.
        sequence_length: [B] integers from 0 to T. Past a row's length its outputs are zero and its state stays as it
            was. A scalar of the state belongs to no row: it goes on until the longest row ends, as in `static_rnn`.
        return_all_states: give the state after every step, each leaf [T, B, ...], in place of the final state.

    Returns:
        `output_sequence` [T, B, H], or the same nest of [T, B, ...] as a step's output, and the final state as the same
        nest as `initial_state`.

    Raises:
        ValueError: shapes or lengths that do not fit, an unknown T or T = 0, or a cell that changes its state's form.
        tf.errors.InvalidArgumentError: sizes or lengths that do not fit and are known only as the graph runs. XLA drops
            these checks, and computes with what it was given.
        TypeError: a length that is no integer, or a cell that does not return a pair of tensors and a state.

    Source: `tf.nn.static_rnn` of TensorFlow 1.

    >>> count = lambda inputs, state: (state + inputs, state + inputs)
    >>> output_sequence, state = static_unroll(count, tf.ones([3, 2, 1]), tf.zeros([2, 1]))
    >>> output_sequence[:, 0, 0].numpy().tolist(), state[0].numpy().tolist()
    ([1.0, 2.0, 3.0], [3.0])
    """
    input_sequence, initial_state, sequence_length = check_arguments(input_sequence, initial_state, sequence_length)
    step = make_step(cell, sequence_length)
    check_steps_known(input_sequence)

    inputs = unstack_steps(input_sequence)  # T times [B, I]
    state, outputs, states = initial_state, [], []

    for t in range(len(inputs)):
        output, state = step(t, inputs[t], state)
        outputs.append(output)
        states.append(state)

    output_sequence = stack_steps(outputs)  # [T, B, H]
    if return_all_states:
        return output_sequence, stack_steps(states)
    return output_sequence, state

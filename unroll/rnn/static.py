"""The static unroll: T copies of the cell, laid side by side in the graph."""

import tensorflow as tf

from unroll.rnn.step import Cell, check_arguments, check_steps_known, make_step


@tf.autograph.experimental.do_not_convert
def static_unroll(
    cell: Cell,
    input_sequence,
    initial_state,
    *,
    sequence_length=None,
    return_all_states: bool = False,
):
    """Run `cell` over `input_sequence` as T cells side by side in the graph.

        state = initial_state
        for t in range(T):                              # this loop is in Python: T cells stay behind in the graph
            output_sequence[t], state = cell(input_sequence[t], state)
        return output_sequence, state

    The graph grows with T, and T must be known when it is built. `static_unroll(tf.function(cell), ...)` leaves T calls
    of one traced cell in the graph in place of T copies, which is faster to build and no faster to start.

    Args:
        cell: any callable (inputs [B, ...], state) -> (output [B, ...], next_state); it is not converted by AutoGraph.
        input_sequence: [T, B, I], time-major; T must be known, from 1 up. (Where B = T, batch-major goes unnoticed.)
        initial_state: any nest of [B, ...] tensors.
        sequence_length: [B] integers from 0 to T. Past a row's length its outputs are zero and its state stays as it
            was. Values known only as the graph runs are checked then, except under XLA, which drops such checks.
        return_all_states: give the state after every step, each leaf [T, B, ...], in place of the final state.

    Returns:
        `output_sequence` [T, B, H], and the final state as the same nest as `initial_state`.

    Raises:
        ValueError: shapes or lengths that do not fit, an unknown T or T = 0, or a cell that changes its state's form.
        TypeError: a length that is no integer, or a cell that does not return a pair of a tensor and a state.

    Source: `tf.nn.static_rnn` of TensorFlow 1.

    >>> count = lambda inputs, state: (state + inputs, state + inputs)
    >>> output_sequence, state = static_unroll(count, tf.ones([3, 2, 1]), tf.zeros([2, 1]))
    >>> output_sequence[:, 0, 0].numpy().tolist(), state[0].numpy().tolist()
    ([1.0, 2.0, 3.0], [3.0])
    """
    input_sequence, initial_state, sequence_length = check_arguments(input_sequence, initial_state, sequence_length)
    step = make_step(cell, sequence_length)
    check_steps_known(input_sequence)

    inputs = tf.unstack(input_sequence)  # T times [B, I]
    state, outputs, states = initial_state, [], []

    for t in range(len(inputs)):
        output, state = step(t, inputs[t], state)
        outputs.append(output)
        states.append(state)

    output_sequence = tf.stack(outputs)  # [T, B, H]
    if return_all_states:
        return output_sequence, tf.nest.map_structure(lambda *leaves: tf.stack(leaves), *states)
    return output_sequence, state

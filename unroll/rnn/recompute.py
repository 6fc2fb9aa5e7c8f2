"""The dynamic unroll that keeps the states alone: backwards, each cell is run again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from unroll.errors import UnrollError
from unroll.rnn.step import (
    check_arguments,
    check_unroll,
    count_steps,
    longest,
    make_step,
    output_spec,
    specs_of,
    step_specs,
    unstack_steps,
)
from unroll.rnn.two_loops import TwoLoops, floats_of, pack_floats, placeholders

# What TensorFlow counts as stateful, but may run twice: it changes nothing, or calls functions that are looked at.
MAY_RUN_TWICE = {
    *("ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VariableShape", "Assert", "PrintV2"),
    *("StatefulPartitionedCall", "While", "If", "Case"),
}


def recompute_unroll(
    cell, input_sequence, initial_state, sequence_length, return_all_states, unroll, parallel_iterations
):
    """Run any cell and keep one state for every `unroll` steps; arguments and results are those of `dynamic_unroll`.

    Raises:
        UnrollError: the cell holds an operation that may not run twice, such as one that draws random numbers.
    """
    input_sequence, initial_state, sequence_length = check_arguments(input_sequence, initial_state, sequence_length)
    T = count_steps(input_sequence)
    inputs = input_sequence, tf.range(T)
    spec = output_spec(cell, input_sequence, initial_state)
    steps = _trace(make_step(cell, sequence_length), inputs, initial_state)
    loops = TwoLoops(
        steps,
        steps.read_weights(),
        lambda cells: (spec, specs_of(initial_state)),
        every_state=return_all_states,
        parallel_iterations=(parallel_iterations, 1),  # what runs ahead backwards would hold all that its cells compute
    )
    last = T if sequence_length is None or return_all_states else longest(sequence_length)
    return loops.run(inputs, initial_state, check_unroll(unroll, T), last)


@dataclass(frozen=True, eq=False)
class RecomputedSteps:
    """Steps of any cell with a gradient: only the state before them is kept, and backwards they run under a tape.

    Attributes:
        step: a function of (t, inputs [B, ...], state) that returns (output, next state), as `make_step` makes it.
        captured: the tensors of floats that it takes from around it.
        variables: the Variables of floats that it reads.
    """

    step: Callable
    captured: list[tf.Tensor]
    variables: list[Any]

    def read_weights(self) -> list[tf.Tensor]:
        """Return as tensors all that has a slope besides the inputs and the state."""
        return [*self.captured, *map(tf.convert_to_tensor, self.variables)]

    def keep_steps(self, weights, inputs, state):
        kept, outputs, states = state, [], []
        for leaf, t in unstack_steps(inputs):
            output, state = self.step(t, leaf, state)
            outputs.append(output)
            states.append(state)
        return outputs, states, kept

    def gradient_of_steps(self, weights):
        def take_back(inputs, state, output_slopes, state_slopes):
            state = tf.nest.map_structure(tf.identity, state)  # one tensor may be given several times: one source each
            sources = floats_of(inputs), floats_of(state), [*map(_within, self.captured), *self.variables]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(sources)
                outputs, states, _ = self.keep_steps(weights, inputs, state)
            if not tf.executing_eagerly():  # a cell may do something else when it is called again
                _check_may_run_twice(tf.compat.v1.get_default_graph().as_graph_def())
            results, slopes = map(tf.nest.flatten, ((outputs, states), (output_slopes, state_slopes)))
            targets = [result for result, slope in zip(results, slopes, strict=True) if slope is not None]
            slopes = [slope for slope in slopes if slope is not None]
            gradients: Any = tape.gradient(targets, sources, slopes, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            return pack_floats(inputs, gradients[0]), pack_floats(state, gradients[1]), gradients[2]

        return take_back


def _trace(step, inputs, state):
    """Trace one step into a graph that is thrown away, to find what it takes from around it."""
    with tf.__internal__.FuncGraph("step").as_default() as graph:
        (leaf, t), state = placeholders((step_specs(inputs), specs_of(state)))
        step(t, leaf, state)
    _check_may_run_twice(graph.as_graph_def())
    variables = floats_of([*graph._watched_variables])  # those that are not trainable, too, which a tape leaves out
    return RecomputedSteps(step, floats_of(graph.external_captures), variables)


def _check_may_run_twice(graph):
    """Refuse an operation that would give something else when it runs again, or change something once more."""
    for node in [*graph.node, *(node for function in graph.library.function for node in function.node_def)]:
        definition = op_def_registry.get(node.op)
        if definition is not None and definition.is_stateful and node.op not in MAY_RUN_TWICE:
            raise UnrollError(
                f"got recompute=True and a cell with the operation {node.op}, which would give or change something "
                "else when the cell runs again for its gradient; want a cell without it: draw random numbers before "
                "the unroll and pass them with the inputs, use tf.random.stateless_uniform, or leave recompute out"
            )


def _within(tensor):
    """Return a captured tensor as operations see it here: in a loop's body, the placeholder that stands for it."""
    graph: Any = tf.compat.v1.get_default_graph()
    return tensor if tf.executing_eagerly() else graph.capture(tensor)

"""What the proofs share: cells and their NumPy twins, the problems, what an unroll makes of them, and the checks.

`results_of` runs one unroll on one problem and differentiates it; `reference_results` does the same in NumPy, with
gradients by complex step; `check_values` and `check_gradients` hold the one against the other within `TOLERANCES`.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from unroll.rnn import (
    LSTMCell,
    LSTMState,
    LSTMWeights,
    ReferenceLSTMCell,
    dynamic_unroll,
    reference_unroll,
    static_unroll,
)


class Tolerance(NamedTuple):
    """How far an array may be from its reference, relative to the reference's largest element."""

    values: float
    gradients: float


TOLERANCES = {"float64": Tolerance(1e-12, 1e-12), "float32": Tolerance(2e-6, 5e-6)}


class Weights(NamedTuple):
    kernel: Any
    recurrent_kernel: Any
    bias: Any


@dataclass(frozen=True, eq=False)
class GRUCell:
    weights: Weights

    def __call__(self, inputs, hidden):
        kernel, recurrent_kernel, bias = self.weights
        x_z, x_r, x_c = tf.split(tf.matmul(inputs, kernel) + bias, 3, axis=1)
        u_z, u_r, u_c = tf.split(recurrent_kernel, 3, axis=1)
        z = tf.sigmoid(x_z + tf.matmul(hidden, u_z))
        r = tf.sigmoid(x_r + tf.matmul(hidden, u_r))
        candidate = tf.tanh(x_c + tf.matmul(r * hidden, u_c))
        hidden = z * hidden + (1 - z) * candidate
        return hidden, hidden


@dataclass(frozen=True, eq=False)
class ReferenceGRUCell:
    weights: Weights

    def __call__(self, inputs, hidden):
        kernel, recurrent_kernel, bias = self.weights
        x_z, x_r, x_c = np.split(inputs @ kernel + bias, 3, axis=1)
        u_z, u_r, u_c = np.split(recurrent_kernel, 3, axis=1)
        z = 1 / (1 + np.exp(-x_z - hidden @ u_z))
        r = 1 / (1 + np.exp(-x_r - hidden @ u_r))
        hidden = z * hidden + (1 - z) * np.tanh(x_c + (r * hidden) @ u_c)
        return hidden, hidden


@dataclass(frozen=True, eq=False)
class MemoryCell:
    """A cell with a nested state: a hidden vector [B, H], a fast-weight matrix [B, H, H] and an int32 clock [B].

    Its output [B, 2H] has not the shape of any part of its state, and the clock acts on the values.
    """

    weights: Weights

    def __call__(self, inputs, state):
        kernel, recurrent_kernel, bias = self.weights
        hidden, (matrix, clock) = state["hidden"], state["memory"]
        recalled = tf.linalg.matvec(matrix, hidden) / tf.cast(clock + 1, hidden.dtype)[:, tf.newaxis]
        hidden = tf.tanh(tf.matmul(inputs, kernel) + tf.matmul(hidden, recurrent_kernel) + bias + recalled)
        matrix = 0.8 * matrix + 0.2 * hidden[:, :, tf.newaxis] * hidden[:, tf.newaxis, :]
        return tf.concat([hidden, recalled], axis=1), {"hidden": hidden, "memory": (matrix, clock + 1)}


@dataclass(frozen=True, eq=False)
class ReferenceMemoryCell:
    weights: Weights

    def __call__(self, inputs, state):
        kernel, recurrent_kernel, bias = self.weights
        hidden, (matrix, clock) = state["hidden"], state["memory"]
        recalled = (matrix @ hidden[:, :, np.newaxis])[:, :, 0] / (clock + 1)[:, np.newaxis]
        hidden = np.tanh(inputs @ kernel + hidden @ recurrent_kernel + bias + recalled)
        matrix = 0.8 * matrix + 0.2 * hidden[:, :, np.newaxis] * hidden[:, np.newaxis, :]
        return np.concatenate([hidden, recalled], axis=1), {"hidden": hidden, "memory": (matrix, clock + 1)}


class Kind(NamedTuple):
    """A cell, its twin, how many gates' columns its weights have, and the shapes of its state for sizes (B, H)."""

    cell: Callable
    twin: Callable
    weights: Callable
    gates: int
    state: Callable


def _lstm_state(floats, B, H):
    return LSTMState(floats(B, H), floats(B, H))


def _memory_state(floats, B, H):
    return {"hidden": floats(B, H), "memory": (floats(B, H, H), np.arange(B, dtype=np.int32))}


KINDS = {
    "lstm": Kind(LSTMCell, ReferenceLSTMCell, LSTMWeights, 4, _lstm_state),
    "gru": Kind(GRUCell, ReferenceGRUCell, Weights, 3, lambda floats, B, H: floats(B, H)),
    "memory": Kind(MemoryCell, ReferenceMemoryCell, Weights, 1, _memory_state),
}


@dataclass(frozen=True, eq=False)
class Problem:
    """Everything an unroll is given, as NumPy arrays."""

    kind: Kind
    weights: Any
    inputs: np.ndarray
    state: Any
    lengths: np.ndarray | None

    @property
    def dtype(self):
        return self.inputs.dtype.name


def make_problem(cell, *, T, B=4, I=3, H=2, lengths=None, dtype="float64", scale=0.5, seed=0):
    """Draw weights, inputs and a state at random; `cell` is a key of KINDS."""
    kind, random = KINDS[cell], np.random.default_rng([seed, T, B, I, H])

    def floats(*shape):
        return random.normal(0, scale, shape).astype(dtype)

    weights = kind.weights(floats(I, kind.gates * H), floats(H, kind.gates * H), floats(kind.gates * H))
    lengths = None if lengths is None else np.asarray(lengths, np.int32)
    return Problem(kind, weights, floats(T, B, I), kind.state(floats, B, H), lengths)


@functools.cache
def fixed_problem(cell, T, with_lengths, dtype="float64"):
    """Give the problem of a test's parameters; its lengths are T, 0, 1 and one between."""
    return make_problem(cell, T=T, lengths=[T, 0, 1, (T + 1) // 2] if with_lengths else None, dtype=dtype)


class Results(NamedTuple):
    """What is compared. The gradients are of one random weighting of all outputs and states."""

    outputs: Any
    states: Any  # all of them, or the final one
    weight_gradients: Any = None
    input_gradient: Any = None
    state_gradients: Any = None


def float_leaves(nest):
    return [leaf for leaf in tf.nest.flatten(nest) if not tf.as_dtype(leaf.dtype).is_integer]


def reference_values(problem, all_states, **changed):
    """Give outputs and states in NumPy; `changed` stands in for the problem's own weights, inputs or state."""
    problem = replace(problem, **changed)
    return reference_unroll(
        problem.kind.twin(problem.weights),
        problem.inputs,
        problem.state,
        sequence_length=problem.lengths,
        return_all_states=all_states,
    )


@functools.cache
def cotangents(problem, all_states):
    """Draw the factor that each float in the results has in the loss, which is what gets differentiated."""
    random, values = np.random.default_rng(7), reference_values(problem, all_states)
    return [random.normal(size=leaf.shape).astype(problem.dtype) for leaf in float_leaves(values)]


def loss_of_rows(problem, all_states, **changed):
    """Give the loss of each row of the batch, [B]; the rows do not know of each other."""
    outputs, states = reference_values(problem, all_states, **changed)
    values = [outputs, *float_leaves(states)]
    batch_axes = [1] + [1 if all_states else 0] * (len(values) - 1)
    losses = [
        np.moveaxis(factor * value, axis, 0).reshape(value.shape[axis], -1).sum(axis=1)
        for factor, value, axis in zip(cotangents(problem, all_states), values, batch_axes, strict=True)
    ]
    return sum(losses)


def complex_step(losses, array, batch_axis=None, h=1e-30):
    """Differentiate `losses(array)` [B], summed, with respect to each element; a batch has its rows taken at once."""
    gradient = np.empty(array.shape)
    for index in np.ndindex(*(1 if axis == batch_axis else size for axis, size in enumerate(array.shape))):
        if batch_axis is not None:
            index = (*index[:batch_axis], slice(None), *index[batch_axis + 1 :])
        changed = array.astype(np.complex128)
        changed[index] += 1j * h
        slopes = losses(changed).imag / h
        gradient[index] = slopes.sum() if batch_axis is None else slopes
    return gradient


def complex_step_of_nest(losses, nest, batch_axis=None):
    """Differentiate `losses(nest)` with respect to each float leaf of the nest."""
    leaves = tf.nest.flatten(nest)

    def with_leaf(n, leaf):
        return losses(tf.nest.pack_sequence_as(nest, [*leaves[:n], leaf, *leaves[n + 1 :]]))

    return [
        complex_step(functools.partial(with_leaf, n), leaf, batch_axis)
        for n, leaf in enumerate(leaves)
        if not tf.as_dtype(leaf.dtype).is_integer
    ]


@functools.cache
def reference_results(problem, all_states):
    """Do in NumPy what `results_of` does in TensorFlow."""

    def losses(**changed):
        return loss_of_rows(problem, all_states, **changed)

    return Results(
        *reference_values(problem, all_states),
        complex_step_of_nest(lambda weights: losses(weights=weights), problem.weights),
        complex_step(lambda inputs: losses(inputs=inputs), problem.inputs, batch_axis=1),
        complex_step_of_nest(lambda state: losses(state=state), problem.state, batch_axis=0),
    )


def as_it_is(cell):
    return cell


class Variant(NamedTuple):
    """An unroll, and what is made of the cell before it is unrolled."""

    unroll: Callable
    wrap: Callable = as_it_is


VARIANTS = {
    "static": Variant(static_unroll),
    "static traced": Variant(static_unroll, tf.function),
    **{f"dynamic {k}": Variant(functools.partial(dynamic_unroll, unroll=k)) for k in (1, 3, 7, 28, 40)},
}

MODES = {
    "eager": lambda function: function,
    "graph": functools.partial(tf.function, autograph=False),
    "xla": functools.partial(tf.function, autograph=False, jit_compile=True),
}


def differentiable(unroll, kind, weights, *, all_states, gradients=True, wrap=as_it_is):
    """Give a function (inputs, state, lengths, factors) -> Results, which unrolls the cell and differentiates that.

    `wrap` makes the cell into the one that is unrolled; `factors` are what each output and state counts in the loss.
    """

    def run(inputs, state, lengths, factors):
        with tf.GradientTape() as tape:
            tape.watch([inputs, float_leaves(state)])
            cell = wrap(kind.cell(weights))
            values = unroll(cell, inputs, state, sequence_length=lengths, return_all_states=all_states)
            pairs = zip(factors, float_leaves(values), strict=True)
            loss = sum(tf.reduce_sum(factor * value) for factor, value in pairs)
        if not gradients:
            return Results(*values)
        sources = [list(weights), inputs, float_leaves(state)]
        return Results(*values, *tape.gradient(loss, sources, unconnected_gradients="zero"))

    return run


def results_of(unroll, problem, mode="eager", *, all_states, weights=None, **options):
    """Run `unroll` on the problem and differentiate it; `weights` are Variables in place of new ones."""
    weights = tf.nest.map_structure(tf.Variable, problem.weights) if weights is None else weights
    run = MODES[mode](differentiable(unroll, problem.kind, weights, all_states=all_states, **options))
    return as_arrays(run(*arguments_of(problem, all_states)))


def arguments_of(problem, all_states):
    """Give what a `differentiable` function is called with."""
    arguments = problem.inputs, problem.state, problem.lengths, cotangents(problem, all_states)
    return tf.nest.map_structure(lambda array: None if array is None else tf.constant(array), arguments)


def as_arrays(results):
    return tf.nest.map_structure(lambda tensor: None if tensor is None else tensor.numpy(), results)


def check_values(got, want, dtype):
    """Hold outputs and states against the reference."""
    for name in ("outputs", "states"):
        _check_close(name, getattr(got, name), getattr(want, name), TOLERANCES[dtype].values)


def check_gradients(got, want, dtype):
    """Hold the gradients against the reference."""
    for name in ("weight_gradients", "input_gradient", "state_gradients"):
        _check_close(name, getattr(got, name), getattr(want, name), TOLERANCES[dtype].gradients)


def _check_close(name, got, want, rtol):
    """Compare leaf by leaf, relative to the largest element of a leaf: where it is all zeros, exactly."""
    tf.nest.assert_same_structure(got, want)
    for got_leaf, want_leaf in zip(tf.nest.flatten(got), tf.nest.flatten(want), strict=True):
        atol = rtol * np.abs(want_leaf).max(initial=0)
        np.testing.assert_allclose(got_leaf, want_leaf, rtol=0, atol=atol, equal_nan=False, err_msg=name)


def check_no_steps(run, problem, all_states):
    """Check that of T = 0 there are no outputs, the initial state, and only its own slopes."""
    inputs, state, lengths, (output_factor, *factors) = arguments_of(problem, all_states)
    factors = [factor[:0] if all_states else factor for factor in factors]
    got = as_arrays(run(inputs[:0], state, tf.zeros_like(lengths), [output_factor[:0], *factors]))
    assert got.outputs.shape == (0, *output_factor.shape[1:])
    assert got.input_gradient.shape == (0, *inputs.shape[1:])
    assert not any(gradient.any() for gradient in got.weight_gradients)
    initial = [leaf[np.newaxis][:0] if all_states else leaf for leaf in tf.nest.flatten(problem.state)]
    for leaf, want in zip(tf.nest.flatten(got.states), initial, strict=True):
        np.testing.assert_array_equal(leaf, want)
    for gradient, factor in zip(got.state_gradients, factors, strict=True):
        np.testing.assert_array_equal(gradient, np.zeros_like(gradient) if all_states else factor)

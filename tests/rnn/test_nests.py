"""Steps that nest, with scalars in the state; and cells that make their weights when they are first called."""

import numpy as np
import pytest
import sonnet
import tensorflow as tf
from proof import MODES

from unroll.rnn import dynamic_unroll, reference_unroll, static_unroll

UNROLLS = {
    "static": static_unroll,
    "dynamic": dynamic_unroll,
    "dynamic by 2": lambda *arguments, **options: dynamic_unroll(*arguments, unroll=2, **options),
}
T, B, I = 3, 4, 2
LENGTHS = np.array([2, 0, 1, 2], np.int32)  # all rows are over before T
X = np.random.default_rng(0).normal(size=[T, B, I])
RESET = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 1]], bool)  # [T, B]


def numbered(inputs, state):
    """Count the steps in a scalar, which acts on the values: output x + n."""
    total, steps = state["total"], state["steps"]
    total = total + inputs * (steps + 1)
    return total, {"total": total, "steps": steps + 1}


def with_reset(inputs, state):
    """Sum, from the start again in the rows that are reset: Haiku's reset core around a sum."""
    x, reset = inputs
    kept = state * (1 - reset[:, np.newaxis])
    return x + kept, x + kept


def two_in_two_out(inputs, state):
    """Take a nest of two, and give a nest of other names, shapes and dtypes."""
    x, (y, clock) = inputs["x"], inputs["rest"]
    state = state + x * y
    return {"sum": (state, x - y), "clock": clock + 1}, state


def no_output(inputs, state):
    return (), state + inputs


CASES = {
    "scalar": (numbered, X, {"total": np.zeros([B, I]), "steps": np.array(0.0)}),
    "reset": (with_reset, (X, RESET.astype(float)), np.ones([B, I])),
    "nested": (two_in_two_out, {"x": X, "rest": (X + 1, np.arange(T * B).reshape(T, B))}, np.zeros([B, I])),
    "no output": (no_output, X, np.zeros([B, I])),
    "pair of equal shapes, T = B": (with_reset, (X[:, :T], RESET[:, :T].astype(float)), np.ones([T, I])),
}


def check_same(got, want):
    tf.nest.assert_same_structure(got, want)
    for got_leaf, want_leaf in zip(tf.nest.flatten(got), tf.nest.flatten(want), strict=True):
        np.testing.assert_allclose(got_leaf, want_leaf, rtol=1e-12)


@pytest.mark.parametrize("all_states", [False, True])
@pytest.mark.parametrize("with_lengths", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("unroll", UNROLLS)
@pytest.mark.parametrize("case", CASES)
def test_nests_equal_the_reference(case, unroll, mode, with_lengths, all_states):
    cell, inputs, state = CASES[case]
    options = {"return_all_states": all_states}
    lengths = LENGTHS[: tf.nest.flatten(inputs)[0].shape[1]] if with_lengths else None

    def run(inputs, state, lengths):
        return UNROLLS[unroll](cell, inputs, state, sequence_length=lengths, **options)

    tensors = tf.nest.map_structure(tf.constant, (inputs, state))
    got = MODES[mode](run)(*tensors, None if lengths is None else tf.constant(lengths))
    check_same(got, reference_unroll(cell, inputs, state, sequence_length=lengths, **options))


def loss_of(results):
    """Add up the squares of all that is no integer."""
    leaves = [leaf for leaf in tf.nest.flatten(results) if not np.issubdtype(np.asarray(leaf).dtype, np.integer)]
    return sum((leaf * leaf).sum() for leaf in leaves)


def slopes_by_complex_step(cell, given):
    """Return the slope of the reference's loss by each leaf that is no integer, in double precision."""
    slopes, leaves = [], [np.asarray(leaf) for leaf in tf.nest.flatten(given)]
    for number, leaf in enumerate(leaves):
        if np.issubdtype(leaf.dtype, np.integer):
            continue
        slope = np.zeros(leaf.shape)
        for place in np.ndindex(leaf.shape):
            step = np.zeros(leaf.shape, complex)
            step[place] = 1e-30j
            moved = tf.nest.pack_sequence_as(given, [*leaves[:number], leaf + step, *leaves[number + 1 :]])
            slope[place] = loss_of(reference_unroll(cell, *moved)).imag / 1e-30
        slopes.append(slope)
    return slopes


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("unroll", UNROLLS)
@pytest.mark.parametrize("case", CASES)
def test_the_slopes_of_nests_are_those_of_the_complex_step(case, unroll, mode):
    cell, inputs, state = CASES[case]

    def run(given):
        floats = [leaf for leaf in tf.nest.flatten(given) if leaf.dtype.is_floating]
        with tf.GradientTape() as tape:
            tape.watch(floats)
            results = tf.nest.flatten(UNROLLS[unroll](cell, *given))
            loss = tf.add_n([tf.reduce_sum(leaf * leaf) for leaf in results if leaf.dtype.is_floating])
        return tape.gradient(loss, floats)

    given = tf.nest.map_structure(tf.constant, (inputs, state))
    for got, want in zip(MODES[mode](run)(given), slopes_by_complex_step(cell, (inputs, state)), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("T", [0, 1, 3])
@pytest.mark.parametrize("case", CASES)
def test_steps_and_rows_may_be_unknown(case, T):
    cell, inputs, state = CASES[case]
    inputs = tf.nest.map_structure(lambda leaf: leaf[:T], inputs)
    signature = [
        tf.nest.map_structure(lambda leaf: tf.TensorSpec([None, None, *leaf.shape[2:]], leaf.dtype), inputs),
        tf.nest.map_structure(lambda leaf: tf.TensorSpec([None, *leaf.shape[1:]][: leaf.ndim], leaf.dtype), state),
    ]
    run = tf.function(lambda *arguments: dynamic_unroll(cell, *arguments), autograph=False, input_signature=signature)
    outputs, final = run(inputs, state)
    if T:
        check_same((outputs, final), reference_unroll(cell, inputs, state))
    else:
        assert all(leaf.shape[:2] == [0, tf.nest.flatten(inputs)[0].shape[1]] for leaf in tf.nest.flatten(outputs))
        check_same(final, state)


class TensorFlow1Counter:
    """A counter that TensorFlow 1's unrolls take: its state is a scalar alone, and its output a sum."""

    state_size, output_size = tf.TensorShape([]), I

    def zero_state(self, batch_size, dtype):
        raise NotImplementedError("the test gives a state")

    def __call__(self, inputs, steps, scope=None):
        return inputs, steps + 1


@pytest.mark.parametrize("unroll", UNROLLS)
def test_a_scalar_counts_as_long_as_in_tensorflow_1(unroll):
    def counts(x, steps, lengths):
        cell, nn = TensorFlow1Counter(), tf.compat.v1.nn
        _, static = nn.static_rnn(cell, tf.unstack(x), steps, sequence_length=lengths)
        _, got = UNROLLS[unroll](cell, x, steps, sequence_length=lengths)
        return static, got

    static, got = MODES["graph"](counts)(tf.constant(X), tf.constant(0.0, tf.float64), tf.constant(LENGTHS))
    assert got == static == max(LENGTHS)


@pytest.mark.parametrize("unroll", [static_unroll, dynamic_unroll])
class TestRefused:
    def test_an_empty_nest_of_inputs(self, unroll):
        with pytest.raises(ValueError, match=r"got an empty nest, \(\), as input_sequence; want at least one tensor"):
            unroll(numbered, (), np.zeros([B, I]))

    @pytest.mark.parametrize("other", [X[:2], X[:, :3]], ids=["T", "B"])
    def test_parts_of_another_size(self, unroll, other):
        with pytest.raises(ValueError, match=r"got an input_sequence of shapes \(3, 4, 2\), .*want the same T and B"):
            unroll(with_reset, (X, other), np.zeros([B, I]))

    def test_steps_without_a_batch(self, unroll):
        with pytest.raises(ValueError, match=r"got an input_sequence of shape \(3,\); want \[T, B, I\]"):
            unroll(numbered, X[:, 0, 0], np.zeros([]))
        with pytest.raises(ValueError, match=r"got a state of shape \(5,\).*\(3, 2\); want a state of \[2, ...\]"):
            unroll(numbered, X[:, 0], np.zeros([5]))

    def test_outputs_of_another_nest_from_step_to_step(self, unroll):
        calls = []

        def cell(inputs, state):
            calls.append(inputs)
            return (inputs if len(calls) % 2 else (inputs, inputs)), state

        with pytest.raises(ValueError, match=r"the cell first returned .* and returned .*; want the same nest"):
            unroll(cell, X, ())


class LazySum(tf.Module):
    def __call__(self, inputs, state):
        self.weight = self.weight if hasattr(self, "weight") else tf.Variable(tf.fill(inputs.shape[1:], 2.0))
        return state + self.weight * inputs, state + self.weight * inputs


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("make_cell", [LazySum, lambda: sonnet.VanillaRNN(I), lambda: sonnet.LSTM(I)])
def test_a_cell_may_make_its_weights_when_first_called(make_cell, mode):
    cell, x = make_cell(), tf.constant(X, tf.float32)
    state = cell.initial_state(B) if hasattr(cell, "initial_state") else tf.zeros([B, I])
    run = tf.function(dynamic_unroll, autograph=False) if mode == "graph" else dynamic_unroll
    with tf.GradientTape() as tape:
        outputs, _ = run(cell, x, state)
        loss = tf.reduce_sum(outputs)
    assert cell.trainable_variables
    gradients = tape.gradient(loss, cell.trainable_variables)
    with tf.GradientTape() as tape:
        want, _ = static_unroll(cell, x, state)
        loss = tf.reduce_sum(want)
    np.testing.assert_allclose(outputs, want, rtol=1e-5, atol=1e-6)
    for got, right in zip(gradients, tape.gradient(loss, cell.trainable_variables), strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-4, atol=1e-5)

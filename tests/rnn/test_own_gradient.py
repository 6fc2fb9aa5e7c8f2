"""What the loops with a gradient of their own ask of a cell: what it must offer, and what it may hold."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from loops import LOOPS, OwnGRUCell
from proof import MODES, fixed_problem

from unroll.errors import UnrollError
from unroll.rnn import LSTMCell, LSTMState, LSTMWeights, dynamic_unroll, init_weights, static_unroll
from unroll.rnn.two_loops import add_slopes

INPUTS, STATE = tf.ones([3, 2, 4]), tf.zeros([2, 4])


def add(inputs, state):
    return inputs + state, inputs + state


class HalfCell:
    """A cell that offers a part of what its own gradient needs."""

    def __init__(self, *offered):
        for name in offered:
            setattr(self, name, ())

    def __call__(self, inputs, state):
        return add(inputs, state)


@pytest.mark.parametrize(
    ("offered", "missing"),
    [
        ((), "weights, no keep_steps, no gradient_of_steps"),
        (("weights", "keep_steps"), "gradient_of_steps"),
        (("weights", "gradient_of_steps"), "keep_steps"),
        (("keep_steps", "gradient_of_steps"), "weights"),
    ],
)
def test_a_cell_that_offers_half_of_a_gradient_is_refused_by_name(offered, missing):
    with pytest.raises(UnrollError, match=f"a HalfCell that has no {missing}; want .*or use recompute=True"):
        dynamic_unroll(HalfCell(*offered), INPUTS, STATE, own_gradient=True)


class CountingCell:
    """Adds up its inputs [B, 1], weighted, and how many steps it took; offers its own gradient."""

    def __init__(self, weight):
        self.weights = weight

    def __call__(self, inputs, state):
        steps, total = state
        total = total + self.weights * inputs + steps
        return total, (steps + 1.0, total)

    def keep_steps(self, weights, inputs, state):
        states = [state]
        for x in tf.unstack(inputs):
            states.append((states[-1][0] + 1.0, states[-1][1] + weights * x + states[-1][0]))
        return [total for _, total in states[1:]], states[1:], tf.zeros([])

    def gradient_of_steps(self, weights):
        def take_back(inputs, kept, output_slopes, state_slopes):
            total_slope, steps_slope, input_slopes = None, None, []
            for output_slope, (steps, total) in zip(reversed(output_slopes), reversed(state_slopes), strict=True):
                total_slope = add_slopes(total_slope, output_slope, total)
                steps_slope = add_slopes(steps_slope, steps, tf.reduce_sum(total_slope))
                input_slopes.insert(0, weights * total_slope)
            slopes = tf.stack(input_slopes)
            return slopes, (steps_slope, total_slope), tf.reduce_sum(slopes * inputs) / weights

        return take_back


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("all_states", [False, True], ids=["final state", "all states"])
@pytest.mark.parametrize("lengths", [None, [1, 5, 3]], ids=["full", "lengths"])
def test_a_scalar_of_the_state_goes_on_until_the_longest_row_ends(mode, all_states, lengths):
    inputs, weight = tf.constant(np.random.default_rng(0).normal(size=[6, 3, 1])), tf.constant(2.0, tf.float64)
    start = tf.constant(0.5, tf.float64), tf.zeros([3, 1], tf.float64)

    def run(unroll):
        with tf.GradientTape() as tape:
            sources = inputs, weight, start
            tape.watch(sources)
            results = unroll(CountingCell(weight), inputs, start, sequence_length=lengths, return_all_states=all_states)
            loss = tf.add_n([tf.reduce_sum(leaf**2) for leaf in tf.nest.flatten(results)])
        return results, tape.gradient(loss, sources)

    own = partial(dynamic_unroll, own_gradient=True, unroll=2)
    ours, theirs = (MODES[mode](partial(run, unroll))() for unroll in (own, static_unroll))
    for one, other in zip(tf.nest.flatten(ours), tf.nest.flatten(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_two_gradients_at_once_are_refused():
    with pytest.raises(UnrollError, match="got own_gradient=True and recompute=True; want one of them"):
        dynamic_unroll(add, INPUTS, STATE, own_gradient=True, recompute=True)


@pytest.mark.parametrize("loop", ["own 3", "recompute 3"])
def test_bad_input_is_refused_as_in_the_pair(loop):
    cell = LSTMCell(init_weights(4, 5, seed=0))
    refused = [
        ((tf.ones([3, 2]), cell.zero_state(2), None), "shape"),
        ((tf.ones([3, 2, 7]), cell.zero_state(2), None), r"this cell's kernel wants \[B, 4\]"),
        ((tf.ones([3, 2, 4]), cell.zero_state(9), None), "is the input_sequence time-major"),
        ((tf.ones([3, 2, 4]), LSTMState(tf.zeros([2, 6]), tf.zeros([2, 6])), None), r"this cell wants \[B, 5\]"),
        ((tf.ones([3, 2, 4]), cell.zero_state(2), [4, 0]), "from 0 to T = 3"),
        ((tf.ones([3, 2, 4], tf.float64), cell.zero_state(2), None), "want one dtype throughout"),
    ]
    for (inputs, state, lengths), message in refused:
        with pytest.raises((ValueError, TypeError), match=message):
            LOOPS[loop](cell, inputs, state, sequence_length=lengths)
    with pytest.raises(ValueError, match="got unroll=0"):
        dynamic_unroll(cell, tf.ones([3, 2, 4]), cell.zero_state(2), own_gradient=True, unroll=0)


def draw_within(inputs, state):
    return tf.cond(tf.reduce_sum(inputs) > 0, lambda: inputs, lambda: tf.random.normal(tf.shape(inputs))), state


GENERATOR, COUNT = tf.random.Generator.from_seed(1), tf.Variable(0.0)


@pytest.mark.parametrize(
    ("cell", "operation"),
    [
        (lambda inputs, state: (tf.nn.dropout(inputs, 0.5), state), "RandomUniform"),
        (tf.function(lambda inputs, state: (tf.random.normal([2, 4]), state)), "RandomStandardNormal"),
        (draw_within, "RandomStandardNormal"),
        (lambda inputs, state: (GENERATOR.uniform([2, 4]), state), "RngReadAndSkip"),
        (lambda inputs, state: (COUNT.assign_add(1.0) + inputs, state), "AssignAddVariableOp"),
    ],
    ids=["dropout", "in a function", "in a branch", "generator", "assignment"],
)
def test_a_cell_that_may_not_run_twice_is_refused_by_its_operation(cell, operation):
    with pytest.raises(UnrollError, match=f"a cell with the operation {operation}, .*tf.random.stateless_uniform"):
        dynamic_unroll(cell, INPUTS, STATE, recompute=True)


def test_a_cell_that_draws_only_when_it_is_called_again_is_refused_in_a_graph():
    masks = {}

    def cell(inputs, state):
        mask = masks.get("mask")
        return inputs * (tf.random.uniform([2, 4]) if mask is None else mask) + state, state

    @tf.function(autograph=False)
    def train(inputs):
        masks["mask"] = tf.random.uniform([2, 4])
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs, _ = dynamic_unroll(cell, inputs, STATE, recompute=True)
            masks.clear()
        return tape.gradient(outputs, inputs)

    with pytest.raises(UnrollError, match="a cell with the operation RandomUniform"):
        train(INPUTS)


TABLE = tf.Variable(tf.reshape(tf.range(8.0), [4, 2]), trainable=False)
SMALL, LARGE = tf.constant([[0.5, 0.25]]), tf.random.stateless_normal([80, 2], [1, 2])


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("k", [1, 2])
def test_whatever_a_cell_takes_from_around_it_gets_its_slope(k, mode):
    """Small and large tensors, one of the graph, a Variable that is gathered from and not trainable."""

    def slopes(**options):
        with tf.GradientTape() as tape:
            tape.watch([SMALL, LARGE, TABLE])
            scale = tf.sin(SMALL) + 1

            def cell(inputs, state):
                tf.debugging.assert_greater(inputs, -9.0)
                row = tf.gather(TABLE, tf.constant([1, 2]))
                noise = tf.random.stateless_uniform([2, 2], tf.cast([inputs[0, 0], 7], tf.int32))
                state = tf.tanh(state * scale + row * SMALL + noise + 0.1 * tf.reduce_sum(LARGE, 0))
                return state, state

            outputs, _ = dynamic_unroll(cell, tf.random.stateless_normal([5, 2, 3], [3, 4]), tf.ones([2, 2]), **options)
            loss = tf.reduce_sum(tf.sin(outputs))
        return [tf.convert_to_tensor(slope) for slope in tape.gradient(loss, [SMALL, LARGE, TABLE])]

    got, want = MODES[mode](lambda: (slopes(recompute=True, unroll=k), slopes()))()
    for slope, right in zip(got, want, strict=True):
        assert np.abs(right).max() > 1e-3
        np.testing.assert_allclose(slope, right, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_an_output_may_be_an_integer_and_a_state_may_be_empty(mode):
    def both():
        counted = dynamic_unroll(lambda inputs, state: (state, state + 1), INPUTS, tf.constant([0, 10]), recompute=True)
        return *counted, *dynamic_unroll(lambda inputs, state: (2 * inputs, state), INPUTS, (), recompute=True)

    outputs, state, doubled, nothing = MODES[mode](both)()
    assert (outputs.numpy().tolist(), state.numpy().tolist()) == ([[0, 10], [1, 11], [2, 12]], [3, 13])
    np.testing.assert_array_equal(doubled, 2 * INPUTS)
    assert nothing == ()


@pytest.mark.parametrize("form", [tf.Variable, tf.constant, np.asarray])
def test_weights_may_be_variables_tensors_or_arrays(form):
    for kind, cell in (("lstm", LSTMCell), ("gru", OwnGRUCell)):
        problem = fixed_problem(kind, 7, True)
        weights = type(problem.weights)(*map(form, problem.weights))
        want, _ = dynamic_unroll(cell(weights), problem.inputs, problem.state)
        got, _ = dynamic_unroll(cell(weights), problem.inputs, problem.state, own_gradient=True, unroll=2)
        np.testing.assert_allclose(got, want, rtol=1e-12)


class Saved(tf.Module):
    """What goes into a SavedModel: an unroll, and the weights that it takes its slopes for."""

    def __init__(self, loop, problem):
        super().__init__()
        self.weights, self.loop = [*map(tf.Variable, problem.weights)], LOOPS[loop]

    @tf.function(autograph=False)
    def loss(self, inputs, state, lengths):
        cell = LSTMCell(LSTMWeights(*self.weights))
        outputs, state = self.loop(cell, inputs, LSTMState(*state), sequence_length=lengths)
        return tf.reduce_sum(outputs**2) + tf.reduce_sum(state.cell)


@pytest.mark.parametrize("loop", ["own 3", "recompute 3"])
def test_a_saved_model_has_the_gradient_that_was_saved(loop, tmp_path):
    problem = fixed_problem("lstm", 7, True)
    given = tf.constant(problem.inputs), [*map(tf.constant, problem.state)], tf.constant(problem.lengths)

    def slopes(model):
        with tf.GradientTape() as tape:
            loss = model.loss(*given)
        return tape.gradient(loss, [*model.weights])

    model = Saved(loop, problem)
    want = slopes(model)
    tf.saved_model.save(model, str(tmp_path))
    for slope, right in zip(slopes(tf.saved_model.load(str(tmp_path))), want, strict=True):
        assert np.abs(right).max() > 0.1
        np.testing.assert_allclose(slope, right, rtol=1e-12)


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("loop", ["own 3", "recompute 1", "recompute 3"])
def test_one_tensor_may_be_given_several_times(loop, mode):
    """As both parts of the state, as `zero_state` does, as inputs, and around the cell: its slope is counted once."""
    lstm, start = LSTMCell(init_weights(4, 4, seed=0)), tf.constant([[0.1, 0.2, 0.3, 0.4]] * 2)

    def with_start(inputs, state):
        output, state = lstm(inputs, state)
        return output * start, state

    def slope(unroll):
        cell = lstm if loop == "own 3" else with_start
        with tf.GradientTape() as tape:
            tape.watch(start)
            outputs, _ = unroll(cell, tf.stack([start] * 4), LSTMState(start, start))
            loss = tf.reduce_sum(tf.sin(outputs))
        return tape.gradient(loss, start)

    got, want = MODES[mode](lambda: (slope(LOOPS[loop]), slope(dynamic_unroll)))()
    np.testing.assert_allclose(got, want, rtol=1e-5)

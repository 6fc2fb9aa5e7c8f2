"""What both unrolls ask of their arguments and of a cell: each refusal says what was given and what is wanted."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from unroll.rnn import LSTMCell, dynamic_unroll, init_weights, static_unroll

CELL = LSTMCell(init_weights(3, 2, seed=0))
ROWS = tf.random.stateless_normal([4, 5, 3], [0, 0])  # [T, B, I]
STATE = CELL.zero_state(5)

both = pytest.mark.parametrize(
    "unroll",
    [static_unroll, dynamic_unroll, partial(dynamic_unroll, unroll=3)],
    ids=["static", "dynamic", "dynamic-3"],
)
in_both_modes = pytest.mark.parametrize("mode", [lambda f: f, tf.function], ids=["eager", "graph"])


@both
@pytest.mark.parametrize("shape", [[], [3]])
def test_a_sequence_of_too_low_a_rank_is_refused(unroll, shape):
    with pytest.raises(ValueError, match=r"want \[T, B, I\], time-major: for batch-major data .* tf.transpose"):
        unroll(CELL, tf.zeros(shape), STATE)


@both
def test_an_unknown_rank_is_refused(unroll):
    function = tf.function(lambda rows: unroll(CELL, rows, STATE), input_signature=[tf.TensorSpec(None)])
    with pytest.raises(ValueError, match=r"got an input_sequence of shape <unknown>; want \[T, B, I\]"):
        function(ROWS)


@both
def test_another_last_dimension_is_refused(unroll):
    with pytest.raises(ValueError, match=r"got inputs of shape \(5, 7\) a step; this cell's kernel wants \[B, 3\]"):
        unroll(CELL, tf.zeros([4, 5, 7]), STATE)


@both
@pytest.mark.parametrize("batch_size", [1, 4])
def test_batch_sizes_that_disagree_are_refused(unroll, batch_size):
    with pytest.raises(
        ValueError, match=rf"got a state of shape \({batch_size}, 2\) with .*want a state of \[5, \.\.\.\]"
    ):
        unroll(CELL, ROWS, CELL.zero_state(batch_size))


@both
def test_a_state_without_a_batch_is_refused(unroll):
    with pytest.raises(ValueError, match=r"got a state of shape \(\)"):
        unroll(lambda inputs, state: (inputs, state), ROWS, tf.constant(0))


@both
@pytest.mark.parametrize("shape", [[], [4], [5, 1]])
def test_a_sequence_length_of_another_shape_is_refused(unroll, shape):
    with pytest.raises(ValueError, match=r"got a sequence_length of shape .*; want \[5\], one length for each row"):
        unroll(CELL, ROWS, STATE, sequence_length=np.ones(shape, np.int32))


@both
@pytest.mark.parametrize("dtype", [np.float32, np.bool_])
def test_a_sequence_length_of_another_type_is_refused(unroll, dtype):
    with pytest.raises(TypeError, match=r"got a sequence_length of .*; want integers"):
        unroll(CELL, ROWS, STATE, sequence_length=np.ones(5, dtype))


@both
@in_both_modes
@pytest.mark.parametrize("lengths", [[0, 1, 2, 3, 5], [0, 1, 2, 3, -1]])
def test_a_sequence_length_out_of_range_is_refused(unroll, mode, lengths):
    with pytest.raises(
        ValueError, match=r"got a sequence_length of \[0, 1, 2, 3, -?\d\]; want every .* from 0 to T = 4"
    ):
        mode(lambda: unroll(CELL, ROWS, STATE, sequence_length=lengths))()


@both
@pytest.mark.parametrize("lengths", [[0, 1, 2, 3, 5], [0, 1, 2, 3, -1]])
def test_a_sequence_length_known_only_as_the_graph_runs_is_checked_then(unroll, lengths):
    function = tf.function(lambda lengths: unroll(CELL, ROWS, STATE, sequence_length=lengths)[0])
    np.testing.assert_array_equal(function(tf.constant([0, 1, 2, 3, 4]))[3, :4], np.zeros([4, 2]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="want every sequence_length from 0 to T = 4"):
        function(tf.constant(lengths))


@both
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.int32])
def test_a_sequence_length_may_be_of_any_integer_type(unroll, dtype):
    outputs, _ = unroll(CELL, ROWS, STATE, sequence_length=np.array([0, 1, 2, 3, 4], dtype))
    np.testing.assert_array_equal(np.any(outputs, axis=2).sum(axis=0), [0, 1, 2, 3, 4])


@both
@in_both_modes
@pytest.mark.parametrize(
    "change",
    [
        lambda state: (state, state),
        lambda state: [state],
        lambda state: tf.concat([state, state], axis=1),
        lambda state: tf.cast(state, tf.float64),
        lambda state: None,
    ],
    ids=["a pair", "a list", "another shape", "another dtype", "none"],
)
def test_a_cell_that_changes_its_states_form_is_refused(unroll, mode, change):
    def cell(inputs, state):
        return inputs, change(state)

    with pytest.raises(
        ValueError, match=r"the cell was given a state float32\(5, 2\) and returned .*; want the same nest"
    ):
        mode(lambda: unroll(cell, ROWS, tf.zeros([5, 2])))()


@both
@pytest.mark.parametrize("result", [None, 3, (1, 2, 3)])
def test_a_cell_that_returns_no_pair_is_refused(unroll, result):
    with pytest.raises(TypeError, match=r"got .* from the cell; want a pair \(output, next_state\)"):
        unroll(lambda inputs, state: result, ROWS, tf.zeros([5, 2]))


@both
def test_an_output_that_is_no_tensor_is_refused(unroll):
    with pytest.raises(TypeError, match="got an output of tuple from the cell; want one tensor"):
        unroll(lambda inputs, state: ((inputs, inputs), state), ROWS, tf.zeros([5, 2]))


@both
def test_mixed_dtypes_are_refused(unroll):
    with pytest.raises(TypeError, match="got inputs of float64, a state of float32 and float32"):
        unroll(CELL, tf.cast(ROWS, tf.float64), STATE)


@pytest.mark.parametrize("unroll", [0, -1, 1.5, True, "2", None])
def test_an_unroll_that_is_no_positive_integer_is_refused(unroll):
    with pytest.raises(
        ValueError, match=r"got unroll=.*; want how many cells one iteration holds, an integer from 1 up"
    ):
        dynamic_unroll(CELL, ROWS, STATE, unroll=unroll)


def test_static_refuses_an_unknown_number_of_steps_and_names_dynamic_unroll():
    function = tf.function(lambda rows: static_unroll(CELL, rows, STATE), input_signature=[tf.TensorSpec([None, 5, 3])])
    with pytest.raises(ValueError, match=r"\(None, 5, 3\); want a known T of at least 1.*use dynamic_unroll"):
        function(ROWS)


def test_static_refuses_no_steps():
    with pytest.raises(ValueError, match=r"\(0, 5, 3\); want a known T of at least 1"):
        static_unroll(CELL, ROWS[:0], STATE)


@pytest.mark.parametrize("unroll", [1, 3])
def test_one_dynamic_graph_serves_any_number_of_steps_and_rows(unroll):
    @tf.function(input_signature=[tf.TensorSpec([None, None, 3])])
    def serve(rows):
        return dynamic_unroll(CELL, rows, CELL.zero_state(tf.shape(rows)[1]), unroll=unroll)

    for steps, batch_size in ((0, 5), (1, 5), (4, 2), (28, 1)):
        rows = tf.random.stateless_normal([steps, batch_size, 3], [1, 2])
        outputs, state = serve(rows)
        assert outputs.shape == (steps, batch_size, 2)
        if steps:
            want, want_state = static_unroll(CELL, rows, CELL.zero_state(batch_size))
            np.testing.assert_allclose(outputs, want, rtol=0, atol=1e-6)
            np.testing.assert_allclose(state.cell, want_state.cell, rtol=0, atol=1e-6)
        else:
            np.testing.assert_array_equal(state.cell, np.zeros([batch_size, 2]))


@pytest.mark.parametrize("unroll", [1, 3])
def test_gradients_pass_where_nothing_is_known_before_the_graph_runs(unroll):
    def gradients(rows, run):
        with tf.GradientTape() as tape:
            tape.watch(rows)
            outputs, states = run(CELL, rows, CELL.zero_state(tf.shape(rows)[1]), return_all_states=True)
            loss = tf.reduce_sum(tf.sin(outputs)) + tf.reduce_sum(states.cell)
        return tape.gradient(loss, [rows, *CELL.weights])

    @tf.function(input_signature=[tf.TensorSpec([None, None, 3])])
    def dynamic_gradients(rows):
        return gradients(rows, partial(dynamic_unroll, unroll=unroll))

    for found, want in zip(dynamic_gradients(ROWS), gradients(ROWS, static_unroll), strict=True):
        np.testing.assert_allclose(found, want, rtol=0, atol=1e-5)


@in_both_modes
@pytest.mark.parametrize(
    "cell", [CELL, lambda inputs, state: CELL(inputs, state)], ids=["says its output", "is traced"]
)
def test_no_steps_give_no_outputs_and_the_initial_state(mode, cell):
    state = tf.nest.map_structure(lambda leaf: leaf + 1, STATE)
    outputs, final = mode(lambda: dynamic_unroll(cell, ROWS[:0], state, return_all_states=False))()
    assert outputs.shape == (0, 5, 2)
    np.testing.assert_array_equal(final.hidden, state.hidden)


@both
def test_nan_in_the_padding_reaches_nothing(unroll):
    lengths = np.array([0, 1, 2, 3, 4])
    padded = np.where((np.arange(4)[:, None] < lengths)[:, :, None], ROWS, np.nan).astype(np.float32)
    with tf.GradientTape() as tape:
        outputs, state = unroll(CELL, padded, STATE, sequence_length=lengths)
        loss = tf.reduce_sum(outputs) + tf.reduce_sum(state.cell)
    gradients = tape.gradient(loss, list(CELL.weights))
    want, _ = unroll(CELL, ROWS, STATE, sequence_length=lengths)
    np.testing.assert_array_equal(outputs, want)
    for array in (state.hidden, state.cell, *gradients):
        assert np.isfinite(array).all()


@both
@in_both_modes
def test_a_cells_output_may_have_another_dtype_than_its_input(unroll, mode):
    def count(inputs, state):
        return state + 1, state + 1

    outputs, state = mode(lambda: unroll(count, ROWS, tf.zeros([5], tf.int32)))()
    assert outputs.dtype == tf.int32
    np.testing.assert_array_equal(outputs[:, 0], [1, 2, 3, 4])
    np.testing.assert_array_equal(state, [4] * 5)


@both
def test_autograph_leaves_the_pair_and_its_cell_alone(unroll):
    seen = []

    def cell(inputs, state):
        seen.append(tf.autograph.experimental and tf.__internal__.autograph.control_status_ctx().status.name)
        return inputs, state

    tf.function(lambda rows: unroll(cell, rows, tf.zeros([5, 2])))(ROWS)
    assert set(seen) == {"DISABLED"}


@both
def test_names_and_results_of_the_pair_are_the_same(unroll):
    outputs, states = unroll(CELL, ROWS, STATE, return_all_states=True)
    _, final = unroll(CELL, ROWS, STATE)
    np.testing.assert_array_equal(outputs, states.hidden)
    np.testing.assert_array_equal(states.cell[-1], final.cell)

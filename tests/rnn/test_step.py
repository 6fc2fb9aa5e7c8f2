"""What both unrolls refuse, and what they let through: one clear error each that says what was given and wanted."""

import inspect
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from proof import KINDS, MODES, check_gradients, check_values, fixed_problem, reference_results, results_of

from unroll.rnn import LSTMCell, LSTMState, LSTMWeights, dynamic_unroll, init_weights, static_unroll

pytestmark = pytest.mark.parametrize("unroll", [static_unroll, dynamic_unroll])

T, B, I, H = 3, 2, 4, 5
INPUTS = np.ones([T, B, I], np.float32)
STATE = np.zeros([B, H], np.float32)


@pytest.fixture(scope="module")
def cell():
    return LSTMCell(init_weights(I, H, seed=0))


def count(inputs, state):
    """The simplest cell: it counts its steps, whatever the inputs."""
    return state, state + 1


@pytest.mark.parametrize("shape", [[], [T], [T, B]])
def test_inputs_of_a_wrong_rank_are_refused(unroll, cell, shape):
    with pytest.raises(ValueError, match=r"got .* shape \(.*wants? \[(T, )?B, "):
        unroll(cell, tf.ones(shape), cell.zero_state(B))


def test_inputs_of_unknown_rank_are_refused(unroll, cell):
    run = tf.function(lambda inputs: unroll(cell, inputs, cell.zero_state(B)), autograph=False)
    with pytest.raises(ValueError, match=r"got an input_sequence of shape <unknown>; want \[T, B, I\]"):
        run.get_concrete_function(tf.TensorSpec(None))


def test_inputs_of_a_wrong_last_dimension_are_refused(unroll, cell):
    with pytest.raises(ValueError, match=r"got inputs of shape \(2, 7\).*wants \[B, 4\]"):
        unroll(cell, tf.ones([T, B, 7]), cell.zero_state(B))


@pytest.mark.parametrize("shape", [[3, H], [H]])
def test_a_state_of_another_batch_size_is_refused(unroll, shape):
    with pytest.raises(
        ValueError, match=r"got a state of shape .*input_sequence of shape \(3, 2, 4\).*want .*\[2, ...\]"
    ):
        unroll(count, INPUTS, tf.zeros(shape))


def test_a_batch_major_sequence_gets_a_hint(unroll, cell):
    with pytest.raises(ValueError, match="is the input_sequence time-major"):
        unroll(cell, tf.ones([B, T, I]), cell.zero_state(B))


def test_a_state_of_a_wrong_size_is_refused(unroll, cell):
    with pytest.raises(ValueError, match=r"got a state of shape \(2, 6\).*wants \[B, 5\]"):
        unroll(cell, INPUTS, LSTMState(tf.zeros([B, 6]), tf.zeros([B, 6])))


@pytest.mark.parametrize("lengths", [[1], [1, 2, 3], [[1, 2]], 2])
def test_lengths_of_a_wrong_shape_are_refused(unroll, lengths):
    with pytest.raises(ValueError, match=r"got a sequence_length of shape .*want \[2\]"):
        unroll(count, INPUTS, STATE, sequence_length=lengths)


@pytest.mark.parametrize(("lengths", "dtype"), [([1.0, 2.0], "float32"), ([True, False], "bool")])
def test_lengths_that_are_no_integers_are_refused(unroll, lengths, dtype):
    with pytest.raises(TypeError, match=f"got a sequence_length of {dtype}; want integers"):
        unroll(count, INPUTS, STATE, sequence_length=lengths)


@pytest.mark.parametrize("lengths", [[-1, 2], [0, 4]])
def test_lengths_out_of_range_are_refused(unroll, lengths):
    with pytest.raises(ValueError, match=r"got a sequence_length of \[.*\]; want .*from 0 to T = 3"):
        unroll(count, INPUTS, STATE, sequence_length=lengths)


@pytest.mark.parametrize("lengths", [[-1, 2], [0, 4]])
def test_lengths_out_of_range_are_refused_when_a_graph_runs(unroll, lengths):
    run = tf.function(lambda lengths: unroll(count, INPUTS, STATE, sequence_length=lengths), autograph=False)
    outputs, _ = run(tf.constant([0, T]))
    assert outputs.shape == [T, B, H]
    with pytest.raises(tf.errors.InvalidArgumentError, match="want every sequence_length from 0 to T = 3"):
        run(tf.constant(lengths))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64])
def test_lengths_of_any_integer_type_are_taken(unroll, dtype):
    outputs, _ = unroll(count, INPUTS, STATE + 1, sequence_length=np.array([1, 3], dtype))
    assert outputs[:, :, 0].numpy().tolist() == [[1, 1], [0, 2], [0, 3]]


@pytest.mark.parametrize(
    ("change", "returned"),
    [
        (lambda state: tf.concat([state, state], axis=1), r"float32\(2, 10\)"),
        (lambda state: state[:1], r"float32\(1, 5\)"),
        (lambda state: tf.cast(state, tf.float64), r"float64\(2, 5\)"),
        (lambda state: (state, state), r"\('float32\(2, 5\)', 'float32\(2, 5\)'\)"),
        (lambda state: [state], r"\['float32\(2, 5\)'\]"),
        (lambda state: None, "None"),
        (lambda state: 0.0, "0.0"),
    ],
    ids=["shape", "batch size", "dtype", "structure", "list", "none", "number"],
)
def test_a_cell_that_changes_the_form_of_its_state_is_refused(unroll, change, returned):
    with pytest.raises(ValueError, match=rf"given a state float32\(2, 5\) and returned {returned}; want the same"):
        unroll(lambda inputs, state: (inputs, change(state)), INPUTS, STATE)


@pytest.mark.parametrize(
    ("result", "returned"), [((INPUTS, STATE, STATE), "tuple"), (None, "NoneType"), (1.0, "float")]
)
def test_a_cell_that_returns_no_pair_is_refused(unroll, result, returned):
    with pytest.raises(TypeError, match=rf"got {returned}.* from the cell; want a pair \(output, next_state\)"):
        unroll(lambda inputs, state: result, INPUTS, STATE)


@pytest.mark.parametrize("output", [1.0, None, STATE], ids=["number", "none", "array"])
@pytest.mark.parametrize("nest", [lambda leaf: leaf, lambda leaf: {"a": tf.constant(STATE), "b": leaf}])
def test_a_cell_whose_output_is_no_tensor_is_refused(unroll, nest, output):
    with pytest.raises(TypeError, match=rf"got an output of {type(output).__name__} from the cell; want a tensor"):
        unroll(lambda inputs, state: (nest(output), state), INPUTS, STATE)


@pytest.mark.parametrize("output", [tf.zeros([]), tf.zeros([1, H])], ids=["scalar", "one row"])
def test_an_output_without_the_batch_is_refused(unroll, output):
    with pytest.raises(ValueError, match=r"got an output of shape .* from the cell; want \[.*, \.\.\.\]"):
        unroll(lambda inputs, state: (output, state), INPUTS, STATE)


def test_a_length_beyond_32_bits_is_refused_as_the_graph_runs(unroll):
    function = tf.function(lambda lengths: unroll(count, INPUTS, STATE, sequence_length=lengths)[0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="want every sequence_length"):
        function(tf.fill([INPUTS.shape[1]], tf.constant(2**32 + 1, tf.int64)))


@pytest.mark.parametrize("odd", ["inputs", "state", "weights"])
def test_mixed_dtypes_are_refused(unroll, odd):
    dtypes = dict.fromkeys(("inputs", "state", "weights"), tf.float32) | {odd: tf.float64}
    cell = LSTMCell(init_weights(I, H, seed=0, dtype=dtypes["weights"]))
    state = tf.nest.map_structure(lambda leaf: tf.cast(leaf, dtypes["state"]), cell.zero_state(B))
    with pytest.raises(TypeError, match=r"got inputs of float.*want one dtype throughout"):
        unroll(cell, tf.cast(INPUTS, dtypes["inputs"]), state)


def test_states_of_two_dtypes_are_refused_by_the_lstm(unroll, cell):
    state = LSTMState(tf.zeros([B, H]), tf.zeros([B, H], tf.float64))
    with pytest.raises(TypeError, match="a state of float32 and float64"):
        unroll(cell, INPUTS, state)


@pytest.mark.parametrize("mode", MODES)
def test_an_output_may_have_another_dtype_than_the_inputs(unroll, mode):
    outputs, state = MODES[mode](lambda inputs, state: unroll(count, inputs, state))(INPUTS, tf.constant([0, 10]))
    assert (outputs.dtype, outputs.numpy().tolist()) == (tf.int32, [[0, 10], [1, 11], [2, 12]])
    assert (state.dtype, state.numpy().tolist()) == (tf.int32, [3, 13])


def test_a_cell_may_have_no_state(unroll):
    outputs, state = unroll(lambda inputs, state: (2 * inputs, state), INPUTS, ())
    np.testing.assert_array_equal(outputs, 2 * INPUTS)
    assert state == ()


def test_an_empty_batch_gives_empty_results(unroll, cell):
    outputs, state = unroll(cell, INPUTS[:, :0], cell.zero_state(0), sequence_length=tf.zeros([0], tf.int32))
    assert (outputs.shape, state.cell.shape) == ([T, 0, H], [0, H])


@pytest.mark.parametrize("cell", KINDS)
def test_the_state_keeps_its_nest(unroll, cell):
    problem = fixed_problem(cell, T, True)
    for all_states in (False, True):
        _, state = unroll(
            problem.kind.cell(problem.weights),
            problem.inputs,
            problem.state,
            sequence_length=problem.lengths,
            return_all_states=all_states,
        )
        tf.nest.assert_same_structure(state, problem.state)
        assert [leaf.dtype.name for leaf in tf.nest.flatten(state)] == [
            leaf.dtype.name for leaf in tf.nest.flatten(problem.state)
        ]


@pytest.mark.parametrize("form", [tf.Variable, tf.constant, np.asarray])
def test_weights_may_be_variables_tensors_or_arrays(unroll, form):
    problem = fixed_problem("lstm", T, True)
    weights = LSTMWeights(*map(form, problem.weights))
    outputs, _ = unroll(LSTMCell(weights), problem.inputs, problem.state, sequence_length=problem.lengths)
    np.testing.assert_allclose(outputs, reference_results(problem, False).outputs, rtol=1e-12)


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("all_states", [False, True])
def test_weights_may_be_read_once_and_gradients_still_reach_the_variables(unroll, all_states, mode):
    problem = fixed_problem("lstm", T, True)
    got = results_of(unroll, problem, mode, all_states=all_states, wrap=lambda cell: LSTMCell(cell.weights.read()))
    check_gradients(got, reference_results(problem, all_states), problem.dtype)


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("cell", KINDS)
def test_nan_in_the_padding_reaches_neither_results_nor_gradients(unroll, cell, mode):
    problem = fixed_problem(cell, T, True)
    padding = np.arange(T)[:, np.newaxis] >= problem.lengths
    spoiled = replace(problem, inputs=np.where(padding[:, :, np.newaxis], np.nan, problem.inputs))
    assert np.isnan(spoiled.inputs).any()
    got, want = results_of(unroll, spoiled, mode, all_states=True), reference_results(problem, True)
    check_values(got, want, problem.dtype)
    check_gradients(got, want, problem.dtype)


def test_autograph_leaves_the_unroll_and_the_cell_alone(unroll):
    files = {}

    def cell(inputs, state):
        files.update({frame.function: Path(frame.filename).name for frame in inspect.stack(0)})
        return inputs, state

    @tf.function
    def run():
        return unroll(cell, INPUTS, STATE)

    run()
    assert files["cell"] == "test_step.py"
    assert files[unroll.__name__] == f"{unroll.__name__.removesuffix('_unroll')}.py"


def test_lambda_cells_work_inside_a_converted_function(unroll):
    @tf.function
    def run(inputs):
        return unroll(lambda inputs, state: (state, state + 1), inputs, STATE)

    outputs, state = run(INPUTS)
    assert outputs[:, 0, 0].numpy().tolist() == [0, 1, 2]
    assert state[0, 0].numpy() == 3

"""The LSTM cell and its weights: where they come from, where they go, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from unroll.rnn import LSTMCell, LSTMState, LSTMWeights, dynamic_unroll, init_weights, static_unroll

I, H = 3, 2


def arrays(*shapes):
    return LSTMWeights(*(np.ones(shape) for shape in shapes))


def built_layer(**options):
    layer = keras.layers.LSTM(H, **options)
    layer.build((None, 4, I))
    return layer


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_new_weights_have_their_shapes_and_dtype(dtype):
    weights = init_weights(I, H, seed=0, dtype=dtype)
    assert [tuple(weight.shape) for weight in weights] == [(I, 4 * H), (H, 4 * H), (4 * H,)]
    assert {weight.dtype.name for weight in weights} == {dtype}
    assert all(isinstance(weight, tf.Variable) and weight.trainable for weight in weights)


@pytest.mark.parametrize("forget_bias", [1.0, 0.0, 2.5])
def test_the_forget_bias_is_in_the_forget_gate_alone(forget_bias):
    bias = init_weights(I, H, seed=0, forget_bias=forget_bias).bias
    assert bias.numpy().tolist() == [0, 0, forget_bias, forget_bias, 0, 0, 0, 0]


def test_the_same_seed_gives_the_same_weights_in_every_dtype():
    single, double, other = (
        init_weights(I, H, seed=s, dtype=d) for s, d in [(5, "float32"), (5, "float64"), (6, "float64")]
    )
    np.testing.assert_array_equal(single.kernel, tf.cast(double.kernel, "float32"))
    np.testing.assert_array_equal(single.recurrent_kernel, tf.cast(double.recurrent_kernel, "float32"))
    assert not np.array_equal(double.kernel, other.kernel)


def test_new_kernels_fill_the_glorot_range():
    weights = init_weights(100, 50, seed=0)
    for kernel, rows in ((weights.kernel, 100), (weights.recurrent_kernel, 50)):
        limit = np.sqrt(6 / (rows + 50))
        assert 0.99 * limit < np.abs(kernel.numpy()).max() <= limit


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "3", None])
@pytest.mark.parametrize("name", ["input_size", "hidden_size"])
def test_a_size_that_is_no_positive_integer_is_refused(name, size):
    sizes = {"input_size": I, "hidden_size": H} | {name: size}
    with pytest.raises(ValueError, match=f"got {name}={size!r}; want a positive integer"):
        init_weights(**sizes, seed=0)


@pytest.mark.parametrize(
    "weights",
    [
        arrays([I, 8], [H, 8], [7]),
        arrays([I, 8], [H, 8], [1, 8]),
        arrays([I, 8], [3, 8], [8]),
        arrays([I, 12], [H, 8], [8]),
        arrays([8], [H, 8], [8]),
        arrays([I, 8], [], [8]),
    ],
)
def test_weights_that_do_not_belong_together_are_refused(weights):
    with pytest.raises(ValueError, match=r"got LSTM weights of shapes kernel .*; want \[I, 4H\], \[H, 4H\], \[4H\]"):
        LSTMCell(weights)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_zero_state_fits_the_cell(dtype):
    state = LSTMCell(init_weights(I, H, seed=0, dtype=dtype)).zero_state(4)
    assert isinstance(state, LSTMState)
    for leaf in state:
        assert (leaf.shape, leaf.dtype.name, leaf.numpy().any()) == ([4, H], dtype, False)


def test_the_zero_state_takes_a_batch_size_known_only_as_the_graph_runs():
    cell = LSTMCell(init_weights(I, H, seed=0))
    run = tf.function(lambda inputs: cell.zero_state(tf.shape(inputs)[0]), autograph=False)
    assert run(tf.ones([5, I])).hidden.shape == [5, H]


def test_the_output_spec_is_what_the_cell_puts_out():
    cell = LSTMCell(init_weights(I, H, seed=0))
    output, _ = cell(tf.ones([4, I]), cell.zero_state(4))
    assert cell.output_spec(4) == tf.TensorSpec(output.shape, output.dtype)


def test_the_gates_come_in_the_order_i_f_g_o():
    # Closing one gate at a time (-100 makes its sigmoid 0) from a state of 1 and inputs of 0, with g = tanh(1).
    def step(**bias):
        bias = np.repeat([bias.get(gate, 0.0) for gate in "ifgo"], H)
        cell = LSTMCell(LSTMWeights(np.zeros([I, 4 * H]), np.zeros([H, 4 * H]), bias))
        state = LSTMState(tf.zeros([1, H], "float64"), tf.ones([1, H], "float64"))
        output, state = cell(tf.zeros([1, I], "float64"), state)
        return output.numpy()[0, 0], state.cell.numpy()[0, 0]

    assert step(g=1, i=-100)[1] == pytest.approx(0.5)  # half of the old cell state, nothing new
    assert step(g=1, f=-100)[1] == pytest.approx(0.5 * np.tanh(1))  # nothing old
    assert step(g=1, o=-100)[0] == pytest.approx(0)
    assert step(g=1, o=100)[0] == pytest.approx(np.tanh(step(g=1)[1]))


def test_keras_weights_are_shared_and_not_copied():
    layer = built_layer()
    weights = LSTMWeights.from_keras(layer)
    layer.weights[0].assign(np.full([I, 4 * H], 7.0))
    np.testing.assert_array_equal(weights.kernel, np.full([I, 4 * H], 7.0))
    weights.bias.assign(np.full([4 * H], 3.0))
    np.testing.assert_array_equal(layer.get_weights()[2], np.full([4 * H], 3.0))


def test_weights_come_back_from_keras_as_they_went():
    weights, layer = init_weights(I, H, seed=3), built_layer()
    layer.set_weights(weights.to_keras())
    for there, back in zip(weights, LSTMWeights.from_keras(layer), strict=True):
        np.testing.assert_array_equal(there, back)


def test_a_keras_layer_that_is_not_built_is_refused():
    with pytest.raises(ValueError, match="has 0 weights, want kernel, recurrent kernel and bias: build the layer"):
        LSTMWeights.from_keras(keras.layers.LSTM(H))


def test_a_keras_layer_without_bias_is_refused():
    with pytest.raises(ValueError, match=r"has 2 weights, want .*use_bias=True"):
        LSTMWeights.from_keras(built_layer(use_bias=False))


def test_keras_own_forget_bias_arrives():
    bias = LSTMWeights.from_keras(built_layer(unit_forget_bias=True)).bias
    assert bias.numpy().tolist() == init_weights(I, H, seed=0, forget_bias=1.0).bias.numpy().tolist()


def test_tensorflow_1_weights_are_reordered():
    kernel, bias = np.arange(5 * 8.0).reshape(5, 8), np.arange(8.0)  # I = 3, H = 2; gates i, j, f, o
    weights = LSTMWeights.from_basic_lstm(kernel, bias, forget_bias=100.0)
    order = [0, 1, 4, 5, 2, 3, 6, 7]
    np.testing.assert_array_equal(weights.kernel, kernel[:3, order])
    np.testing.assert_array_equal(weights.recurrent_kernel, kernel[3:, order])
    assert weights.bias.tolist() == [0, 1, 104, 105, 2, 3, 6, 7]
    np.testing.assert_array_equal(bias, np.arange(8.0))  # untouched


@pytest.mark.parametrize(
    ("kernel", "bias"),
    [([5, 8], [12]), ([5, 12], [8]), ([2, 8], [8]), ([1, 8], [8]), ([8], [8]), ([5, 8], [8, 1]), ([5, 7], [7])],
)
def test_tensorflow_1_weights_of_wrong_shapes_are_refused(kernel, bias):
    with pytest.raises(ValueError, match=r"got a kernel of shape .* and a bias of shape .*; want .*\[I\+H, 4H\]"):
        LSTMWeights.from_basic_lstm(np.ones(kernel), np.ones(bias))


def test_reading_gives_the_same_values_as_tensors():
    weights = init_weights(I, H, seed=0)
    read = weights.read()
    assert isinstance(read, LSTMWeights)
    assert not any(isinstance(tensor, tf.Variable) for tensor in read)
    for tensor, variable in zip(read, weights, strict=True):
        np.testing.assert_array_equal(tensor, variable)


def test_two_cells_may_share_weights_and_see_their_updates():
    weights = init_weights(I, H, seed=0)
    inputs, state = tf.ones([4, 1, I]), LSTMCell(weights).zero_state(1)
    before = [unroll(LSTMCell(weights), inputs, state)[0] for unroll in (static_unroll, dynamic_unroll)]
    weights.kernel.assign(2 * weights.kernel)
    after = [unroll(LSTMCell(weights), inputs, state)[0] for unroll in (static_unroll, dynamic_unroll)]
    np.testing.assert_array_equal(after[0], after[1])
    assert not np.array_equal(before[0], after[0])


def test_a_state_that_is_no_lstm_state_is_refused():
    cell = LSTMCell(init_weights(I, H, seed=0))
    with pytest.raises(TypeError, match="got a state of list; want an LSTMState"):
        cell(tf.zeros([4, I]), [tf.zeros([4, H]), tf.zeros([4, H])])


def test_a_cell_of_variables_can_be_traced_and_called_eagerly():
    cell = LSTMCell(init_weights(I, H, seed=0))
    inputs, state = tf.ones([4, I]), cell.zero_state(4)
    np.testing.assert_allclose(tf.function(cell)(inputs, state)[0], cell(inputs, state)[0], rtol=1e-6)

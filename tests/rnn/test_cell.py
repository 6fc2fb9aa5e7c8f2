import numpy as np
import pytest
import tensorflow as tf

from unroll.rnn import LSTMCell, LSTMState, LSTMWeights, init_weights


def weights_of(kernel, recurrent_kernel, bias) -> LSTMWeights:
    return LSTMWeights(np.zeros(kernel), np.zeros(recurrent_kernel), np.zeros(bias))


def test_the_forget_bias_is_in_the_forget_gates_quarter_alone():
    bias = init_weights(3, 2, seed=0, forget_bias=1.5).bias.numpy()
    np.testing.assert_array_equal(bias, [0, 0, 1.5, 1.5, 0, 0, 0, 0])


def test_the_same_seed_gives_the_same_weights_in_every_dtype():
    single, again = init_weights(3, 2, seed=4), init_weights(3, 2, seed=4)
    double, other = init_weights(3, 2, seed=4, dtype=tf.float64), init_weights(3, 2, seed=5)
    np.testing.assert_array_equal(single.kernel, again.kernel)
    np.testing.assert_array_equal(single.kernel, double.kernel.numpy().astype(np.float32))
    assert np.abs(single.kernel - other.kernel).max() > 0.01


def test_kernels_are_glorot_uniform():
    kernel = init_weights(50, 100, seed=0).kernel.numpy()
    limit = np.sqrt(6 / 150)
    assert 0.99 * limit < np.abs(kernel).max() <= limit
    assert np.std(kernel) == pytest.approx(limit / np.sqrt(3), rel=0.02)


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "3"])
@pytest.mark.parametrize("name", ["input_size", "hidden_size"])
def test_sizes_that_are_no_positive_integer_are_refused(name, size):
    sizes = {"input_size": 3, "hidden_size": 2, name: size}
    with pytest.raises(ValueError, match=f"got {name}=.*; want a positive integer"):
        init_weights(**sizes, seed=0)


@pytest.mark.parametrize(
    "shapes",
    [([3, 8], [2, 7], [8]), ([3, 8], [2, 8], [7]), ([3, 7], [2, 8], [8]), ([8], [2, 8], [8]), ([3, 8], [], [8])],
)
def test_weights_that_do_not_belong_together_are_refused(shapes):
    with pytest.raises(ValueError, match=r"got LSTM weights of shapes .*; want \[I, 4H\], \[H, 4H\], \[4H\]"):
        LSTMCell(weights_of(*shapes))


def test_inputs_of_another_size_are_refused():
    cell = LSTMCell(init_weights(3, 2, seed=0))
    with pytest.raises(ValueError, match=r"got inputs of shape \(5, 4\) a step; this cell's kernel wants \[B, 3\]"):
        cell(tf.zeros([5, 4]), cell.zero_state(5))


def test_a_state_of_another_size_is_refused():
    cell = LSTMCell(init_weights(3, 2, seed=0))
    with pytest.raises(ValueError, match=r"got a state of shape \(5, 3\); this cell wants \[B, 2\]"):
        cell(tf.zeros([5, 3]), LSTMState(tf.zeros([5, 3]), tf.zeros([5, 2])))


@pytest.mark.parametrize(("inputs", "hidden", "cell_state"), [(64, 32, 32), (32, 64, 64), (32, 32, 64)])
def test_mixed_dtypes_are_refused(inputs, hidden, cell_state):
    cell = LSTMCell(init_weights(3, 2, seed=0))
    dtype = {32: tf.float32, 64: tf.float64}
    state = LSTMState(tf.zeros([5, 2], dtype[hidden]), tf.zeros([5, 2], dtype[cell_state]))
    with pytest.raises(TypeError, match=r"got inputs of float.*want one dtype throughout"):
        cell(tf.zeros([5, 3], dtype[inputs]), state)


def test_weights_may_be_arrays():
    weights = init_weights(3, 2, seed=0)
    arrays = LSTMWeights(*weights.to_keras())
    inputs = tf.random.stateless_uniform([5, 3], [0, 1])
    state = LSTMCell(weights).zero_state(5)
    np.testing.assert_array_equal(LSTMCell(arrays)(inputs, state)[0], LSTMCell(weights)(inputs, state)[0])


def test_weights_are_read_once_and_gradients_reach_the_variables():
    variables = init_weights(3, 2, seed=0)

    @tf.function(autograph=False)
    def gradients(inputs):
        with tf.GradientTape() as tape:
            cell = LSTMCell(variables.read())
            state = cell.zero_state(5)
            for _ in range(4):
                output, state = cell(inputs, state)
            loss = tf.reduce_sum(output)
        return tape.gradient(loss, list(variables))

    graph = gradients.get_concrete_function(tf.TensorSpec([5, 3])).graph
    assert [node.type for node in graph.get_operations()].count("ReadVariableOp") == 3
    assert all(np.abs(gradient).max() > 0 for gradient in gradients(tf.ones([5, 3])))


def test_the_zero_state_is_two_tensors_of_zeros():
    state = LSTMCell(init_weights(3, 2, seed=0, dtype=tf.float64)).zero_state(5)
    assert isinstance(state, LSTMState)
    for leaf in state:
        assert leaf.dtype == tf.float64
        np.testing.assert_array_equal(leaf, np.zeros([5, 2]))


def test_keras_weights_go_over_and_back():
    import keras

    layer = keras.layers.LSTM(2)
    layer.build((None, None, 3))
    weights = init_weights(3, 2, seed=0)
    layer.set_weights(weights.to_keras())
    taken = LSTMWeights.from_keras(layer)
    for ours, theirs in zip(weights, taken, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    taken.bias.assign(tf.ones([8]))
    np.testing.assert_array_equal(layer.get_weights()[2], np.ones(8))  # the layer's own, not a copy


@pytest.mark.parametrize(("use_bias", "build"), [(True, False), (False, True)])
def test_a_keras_layer_without_three_weights_is_refused(use_bias, build):
    import keras

    layer = keras.layers.LSTM(2, use_bias=use_bias)
    if build:
        layer.build((None, None, 3))
    with pytest.raises(ValueError, match="build the layer on its input shape first, and give it use_bias=True"):
        LSTMWeights.from_keras(layer)


def test_basic_lstm_weights_become_ours():
    """Against `BasicLSTMCell` as TensorFlow 1 documents it: gates i, j, f, o; the forget bias added at each step."""
    random = np.random.default_rng(0)
    kernel, bias = random.normal(size=[5, 8]), random.normal(size=8)
    x, h, c = random.normal(size=[4, 3]), random.normal(size=[4, 2]), random.normal(size=[4, 2])

    def sigmoid(value):
        return 1 / (1 + np.exp(-value))

    i, j, f, o = np.split(np.concatenate([x, h], axis=1) @ kernel + bias, 4, axis=1)
    next_c = c * sigmoid(f + 0.7) + sigmoid(i) * np.tanh(j)
    next_h = np.tanh(next_c) * sigmoid(o)

    cell = LSTMCell(LSTMWeights.from_basic_lstm(kernel, bias, forget_bias=0.7))
    output, state = cell(tf.constant(x), LSTMState(tf.constant(h), tf.constant(c)))
    np.testing.assert_allclose(output, next_h, rtol=1e-12)
    np.testing.assert_allclose(state.cell, next_c, rtol=1e-12)


def test_converting_basic_lstm_weights_leaves_the_given_arrays_alone():
    kernel, bias = np.zeros([5, 8]), np.zeros(8)
    LSTMWeights.from_basic_lstm(kernel, bias, forget_bias=1.0)
    assert not bias.any()


@pytest.mark.parametrize(
    ("kernel", "bias"), [([5, 7], [8]), ([2, 8], [8]), ([5, 8], [2, 8]), ([8], [8]), ([5, 8], [0])]
)
def test_weights_that_are_no_basic_lstms_are_refused(kernel, bias):
    with pytest.raises(ValueError, match=r"want TensorFlow 1's \[I\+H, 4H\] and \[4H\]"):
        LSTMWeights.from_basic_lstm(np.zeros(kernel), np.zeros(bias))

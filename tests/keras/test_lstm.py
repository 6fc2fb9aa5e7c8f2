"""The layer against `keras.layers.LSTM`: outputs, states, masks, gradients; what lies in its graph; bad input."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layers import OPTIONS, OURS, check_same, make_layer, make_problem, results_of
from proof import MODES

import unroll.keras
from unroll.keras import LSTM


@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@pytest.mark.parametrize("name", OPTIONS)
def test_every_combination_gives_what_keras_gives(name, masked):
    options = OPTIONS[name]
    seed = 2 * list(OPTIONS).index(name) + masked
    problem = make_problem(seed, masked=masked, with_state=not options["stateful"])
    keras_own, static, traced, dynamic, dynamic_3 = (make_layer(kind, problem, **options) for kind in (False, *OURS))
    calls = 2 if options["stateful"] else 1
    want, *found = results_of([keras_own, traced, dynamic_3], problem, calls=calls)
    for got in [*found, *results_of([static, dynamic], problem, "eager", calls=calls)]:
        check_same(got, want, "float64")


@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@pytest.mark.parametrize("unrolled", [False, True])
def test_float32_gives_what_both_of_keras_give(unrolled, masked):
    problem = make_problem(11 + masked, masked=masked, dtype="float32")
    kinds = (unrolled, "static traced", "dynamic 3")
    layers = [make_layer(kind, problem, return_sequences=True, return_state=True) for kind in kinds]
    want, *found = results_of(layers, problem)
    for got in found:
        check_same(got, want, "float32")


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize(("T", "masked"), [(20, True), (23, False)])
def test_traced_cells_give_the_same_in_several_calls(T, masked, return_sequences):
    problem = make_problem(13, T=T, masked=masked)
    options = {"return_sequences": return_sequences, "return_state": True, "go_backwards": True}
    want, got = results_of([make_layer(kind, problem, **options) for kind in (False, "static traced")], problem)
    check_same(got, want, "float64")


@pytest.mark.parametrize("mode", ["eager", "xla"])
def test_eager_and_xla_give_what_keras_gives(mode):
    problem = make_problem(5, masked=True)
    options = {"return_sequences": True, "return_state": True, "go_backwards": True}
    (want,) = results_of([make_layer(False, problem, **options)], problem)
    layers = [make_layer(kind, problem, **options) for kind in ("static traced", "dynamic 3")]
    for got in results_of(layers, problem, mode):
        check_same(got, want, "float64")


OTHERS = {
    "activation": {"activation": "relu"},
    "recurrent_activation": {"recurrent_activation": "hard_sigmoid"},
    "no bias": {"use_bias": False},
    "dropout": {"dropout": 0.4},
    "both dropouts": {"dropout": 0.3, "recurrent_dropout": 0.3},
    "zeros where masked": {"zero_output_for_mask": True},
    "zeros where masked, last output": {"zero_output_for_mask": True, "return_sequences": False},
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_else_keras_offers_is_the_same(name):
    problem = make_problem(21, T=4, masked=True)
    options = {"return_sequences": True, "return_state": True} | OTHERS[name]
    layers = [make_layer(kind, problem, **options) for kind in (False, *OURS)]
    want, *found = results_of(layers, problem, training=True)
    for got in found:
        check_same(got, want, "float64")


def test_dropout_drops_in_training_alone():
    problem = make_problem(22)
    layers = [make_layer("static traced", problem, dropout=rate) for rate in (0.0, 0.5)]
    (without, dropped), (same, also) = (results_of(layers, problem, training=training) for training in (True, False))
    assert not np.allclose(without.outputs[0], dropped.outputs[0])
    np.testing.assert_allclose(same.outputs[0], also.outputs[0], rtol=1e-12)


@pytest.mark.parametrize("kind", OURS)
def test_a_nan_in_the_padding_reaches_neither_outputs_nor_gradients(kind):
    problem = make_problem(23, masked=True)
    layer = make_layer(kind, problem)
    (want,) = results_of([layer], problem)
    problem.inputs[~problem.mask] = np.nan
    (got,) = results_of([layer], problem)
    check_same(got, want, "float64")


def test_a_stateful_layer_goes_on_from_its_state_until_it_is_reset():
    problem = make_problem(24, with_state=False)
    layer = make_layer("dynamic", problem, stateful=True)
    first, second = layer(problem.inputs).numpy(), layer(problem.inputs).numpy()
    assert not np.allclose(first, second)
    layer.reset_state()
    np.testing.assert_array_equal(layer(problem.inputs).numpy(), first)


def test_weights_have_the_names_order_shapes_and_start_of_keras():
    problem = make_problem(25)
    found = []
    for kind in (False, "dynamic"):
        layer = make_layer(kind, problem)
        fresh = type(layer).from_config(layer.get_config())
        fresh.build(problem.inputs.shape)
        found.append(([(weight.path, weight.name, weight.shape) for weight in layer.weights], fresh.get_weights()))
    (names, weights), (same_names, same_weights) = found
    assert names == same_names
    forget = np.split(weights[2], 4)[1]
    np.testing.assert_array_equal(forget, 1)
    np.testing.assert_array_equal(same_weights[2], weights[2])


def test_regularisers_and_constraints_hold():
    problem = make_problem(26)
    options = {"kernel_regularizer": "l2", "bias_constraint": keras.constraints.NonNeg()}
    layer = make_layer("static traced", problem, **options)
    kernel = layer.get_weights()[0]
    np.testing.assert_allclose(layer.losses[0], 0.01 * np.square(kernel).sum())
    assert isinstance(layer.cell.bias.constraint, keras.constraints.NonNeg)
    assert not make_layer("static traced", problem, trainable=False).trainable_weights


def graph_of(kind, T=7, mode="graph", **options):
    """Build the forward graph of a layer on any number of rows."""
    problem = make_problem(0)
    layer = make_layer(kind, problem, **options)
    spec = tf.TensorSpec([None, T, problem.inputs.shape[2]], "float64")
    return MODES[mode](lambda inputs: layer(inputs)).get_concrete_function(spec).graph.as_graph_def()


def nodes(graph):
    return [*graph.node, *(node for function in graph.library.function for node in function.node_def)]


def count(graph, *ops):
    return sum(node.op in ops for node in nodes(graph))


@pytest.mark.parametrize(
    ("kind", "T", "calls", "products", "loops"),
    [
        ("static", 10, 0, 2 * 10, 0),
        ("static traced", 10, 1, 1 + 10, 0),
        ("static traced", 30, 3, 1 + 10, 0),
        ("static traced", 31, 4, 1 + 8 + 1 + 7, 0),
        ("dynamic", 10, 0, 2 * 1, 1),
        ("dynamic 3", 10, 0, 2 * (3 + 1), 2),
    ],
)
def test_the_graph_holds_what_unroll_says(kind, T, calls, products, loops):
    graph = graph_of(kind, T)
    assert count(graph, "PartitionedCall", "StatefulPartitionedCall") == calls
    assert count(graph, "MatMul") == products
    assert count(graph, "While", "StatelessWhile") == loops


def test_each_weight_is_read_once():
    assert [count(graph_of(kind), "ReadVariableOp") for kind in OURS] == [3, 3, 3, 3]


def test_a_traced_cell_is_not_left_to_xla():
    """XLA was seen to compile calls of a traced cell anew at each step."""
    graph = graph_of("static traced", mode="xla")
    assert count(graph, "PartitionedCall", "StatefulPartitionedCall") == 0
    assert count(graph, "MatMul") == 2 * 7


def test_a_traced_cell_is_not_traced_where_it_runs_eagerly(monkeypatch):
    problem = make_problem(1)
    layer = make_layer("static traced", problem)

    def refused(*arguments, **options):
        raise AssertionError("traced a cell that would be traced anew at the next call")

    monkeypatch.setattr(tf, "function", refused)
    layer(problem.inputs)
    with pytest.raises(AssertionError, match="traced anew"):
        tf.compat.v1.wrap_function(layer, [tf.TensorSpec(problem.inputs.shape, "float64")])


@pytest.mark.parametrize("kind", ["dynamic", "dynamic 3"])
def test_a_loop_takes_any_number_of_steps(kind):
    problem = make_problem(2)
    layer = make_layer(kind, problem)
    spec = tf.TensorSpec([None, None, problem.inputs.shape[2]], "float64")
    run = tf.function(layer, input_signature=[spec])
    for T in (1, 4, 7):
        inputs = np.random.default_rng(T).normal(size=[2, T, problem.inputs.shape[2]])
        np.testing.assert_allclose(run(inputs), layer(inputs), rtol=1e-12)


@pytest.mark.parametrize("unroll", ["fast", 0, -1, 2.5, None, True, False, "3", [3]])
def test_an_unroll_that_is_neither_word_nor_number_is_refused(unroll):
    with pytest.raises(ValueError, match='want "static", "dynamic", or how many cells') as raised:
        LSTM(3, unroll=unroll)
    assert repr(unroll) in str(raised.value)


def test_the_error_says_what_keras_own_words_are_here():
    with pytest.raises(ValueError, match="for Keras's unroll=True write 'static'"):
        LSTM(3, unroll=True)
    with pytest.raises(ValueError, match="for Keras's unroll=False write 'dynamic'"):
        LSTM(3, unroll=False)


def test_static_refuses_an_unknown_number_of_steps_and_names_dynamic():
    layer = LSTM(3, unroll="static", name="reader")
    run = tf.function(layer, input_signature=[tf.TensorSpec([None, None, 2])])
    with pytest.raises(ValueError, match=r"shape \(None, None, 2\) in 'reader'.*unroll=\"dynamic\""):
        run(tf.ones([1, 2, 2]))


def test_cudnn_is_refused():
    assert LSTM(3, use_cudnn="auto").use_cudnn is False
    with pytest.raises(ValueError, match="got use_cudnn=True; this layer unrolls by itself"):
        LSTM(3, use_cudnn=True)


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ValueError, match=r"Keras runs on jax.*KERAS_BACKEND=tensorflow"):
        LSTM(3)


def test_the_package_gives_these_names():
    assert unroll.keras.__all__ == ["LSTM", "from_keras", "to_keras"]


@pytest.mark.parametrize("kind", OURS)
def test_states_and_masks_of_another_batch_are_refused_as_the_graph_runs(kind):
    layer = LSTM(3, **OURS[kind])
    layer.build((None, 4, 2))
    signature = [tf.TensorSpec([None, 4, 2]), tf.TensorSpec([None, 4], tf.bool), tf.TensorSpec([None, 3])]

    @tf.function(autograph=False, input_signature=signature)
    def run(inputs, mask, state):
        return layer(inputs, mask=mask, initial_state=[state, state])

    def arrays(B, mask_rows, state_rows):
        return np.ones([B, 4, 2], "float32"), np.ones([mask_rows, 4], bool), np.zeros([state_rows, 3], "float32")

    assert run(*arrays(4, 4, 4)).shape == [4, 3]
    with pytest.raises(tf.errors.InvalidArgumentError, match="got a state whose number of rows is"):
        run(*arrays(4, 4, 1))
    with pytest.raises(tf.errors.InvalidArgumentError, match="got a part of the input_sequence whose B is"):
        run(*arrays(1, 4, 4))


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"got an input_sequence of shapes \(4, 3, 2\), \(4, 1, 1\); want the same T"):
        LSTM(3)(np.ones([3, 4, 2], "float32"), mask=np.ones([1, 4], bool))

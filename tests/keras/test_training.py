"""The layer in training, where its loops take the gradient that the pair's cell brings, or run cells again."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from layers import OPTIONS, batches, check_same, digits_model, make_layer, make_problem, results_of
from proof import MODES

from unroll.errors import UnrollError
from unroll.keras import LSTM, from_keras, to_keras

KINDS = ("dynamic", "dynamic 3", "recompute")


def make_ours(kind, problem, **options):
    more = {"recompute": True} if kind == "recompute" else {}
    return make_layer("dynamic" if kind == "recompute" else kind, problem, **options, **more)


@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@pytest.mark.parametrize("name", OPTIONS)
def test_every_combination_gives_what_keras_gives(name, masked):
    options = OPTIONS[name]
    seed = 2 * list(OPTIONS).index(name) + masked
    problem = make_problem(seed, masked=masked, with_state=not options["stateful"])
    kind = "dynamic" if masked == options["return_sequences"] else "dynamic 3"
    layers = [make_layer(False, problem, **options), make_ours(kind, problem, **options)]
    want, got = results_of(layers, problem, "eager", calls=2 if options["stateful"] else 1, training=True)
    check_same(got, want, "float64")


@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_graph_of_more_steps_than_an_iteration_holds_gives_what_keras_gives(kind, masked):
    problem = make_problem(13, T=7, masked=masked)
    options = {"return_sequences": True, "return_state": True}
    (want,) = results_of([make_layer(False, problem, **options)], problem, "eager")
    (got,) = results_of([make_ours(kind, problem, **options)], problem, training=True)
    check_same(got, want, "float64")


def test_xla_gives_what_keras_gives():
    problem = make_problem(5, masked=True)
    options = {"return_sequences": True, "return_state": True, "go_backwards": True}
    (want,) = results_of([make_layer(False, problem, **options)], problem, training=True)
    (got,) = results_of([make_ours("dynamic 3", problem, **options)], problem, "xla", training=True)
    check_same(got, want, "float64")


@pytest.mark.parametrize("kind", KINDS)
def test_a_nan_in_the_padding_reaches_neither_outputs_nor_gradients(kind):
    problem = make_problem(23, masked=True)
    layer = make_ours(kind, problem)
    (want,) = results_of([layer], problem, training=True)
    problem.inputs[~problem.mask] = np.nan
    (got,) = results_of([layer], problem, training=True)
    check_same(got, want, "float64")


def kept_by_tensorflow(kind, masked=False, training=True, **options):
    """Count the tensors that TensorFlow pushes onto lists for the gradient of a loop."""
    problem = make_problem(3, T=7, masked=masked)
    layer = make_ours(kind, problem, **options)

    def train(inputs):
        mask = None if problem.mask is None else tf.constant(problem.mask)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(inputs, mask=mask, training=training))
        return tape.gradient(loss, [weight.value for weight in layer.trainable_weights])

    graph = MODES["graph"](train).get_concrete_function(tf.constant(problem.inputs)).graph.as_graph_def()
    nodes = [node for function in graph.library.function for node in function.node_def]
    return sum(node.op == "TensorListPushBack" for node in nodes)


def test_only_what_is_not_the_pairs_own_leaves_its_gradient_to_tensorflow():
    assert not any(kept_by_tensorflow(kind, masked) for kind in KINDS for masked in (False, True))
    assert kept_by_tensorflow("dynamic", training=False)
    assert kept_by_tensorflow("dynamic", activation="relu")
    assert not kept_by_tensorflow("recompute", activation="relu")


def test_on_a_gpu_the_gradient_is_tensorflows(monkeypatch):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [f"{kind}:0"])
    assert kept_by_tensorflow("dynamic")


def test_recompute_trains_the_same_history_and_goes_into_the_configuration():
    histories = []
    for layer in (functools.partial(keras.layers.LSTM, 5), functools.partial(LSTM, 5, recompute=True)):
        model = digits_model(layer)
        histories.append(model.fit(*batches(), batch_size=12, epochs=2, verbose=0).history["loss"])
    np.testing.assert_allclose(histories[1], histories[0], rtol=1e-5)
    layer = LSTM(5, unroll=4, recompute=True)
    assert LSTM.from_config(layer.get_config()).recompute
    assert to_keras(layer).get_config()["unroll"] is False
    assert from_keras(to_keras(layer)).recompute is False


def test_recompute_is_refused_of_cells_side_by_side_and_with_dropout():
    with pytest.raises(UnrollError, match='got recompute=True and unroll="static"; want a loop'):
        LSTM(3, unroll="static", recompute=True)
    for name in ("dropout", "recurrent_dropout"):
        with pytest.raises(UnrollError, match=r"got recompute=True and dropout.*a keras.layers.Dropout before"):
            LSTM(3, recompute=True, **{name: 0.5})

"""The layer in a model: trained, run, exported, saved and loaded, in every way that Keras knows."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from layers import OURS, batches, digits_model, saves
from proof import TOLERANCES

from unroll.keras import LSTM

KERAS = functools.partial(keras.layers.LSTM, 5)
KINDS = {name: functools.partial(LSTM, 5, **options) for name, options in OURS.items()}


def history(layer, *, epochs=3, **compiled):
    model = digits_model(layer, **compiled)
    return model.fit(*batches(), batch_size=12, epochs=epochs, verbose=0).history["loss"]


@functools.cache
def keras_history(**options):
    return history(functools.partial(KERAS, **options))


@pytest.fixture(scope="module")
def trained():
    """A model around the layer, after some training."""
    model = digits_model(KINDS["static traced"])
    model.fit(*batches(), batch_size=12, epochs=1, verbose=0)
    return model


@pytest.mark.parametrize("dropout", [{}, {"dropout": 0.3, "recurrent_dropout": 0.2}], ids=["", "dropout"])
def test_the_same_seed_trains_the_same_history(dropout):
    want = keras_history(**dropout)
    assert len(set(want)) == 3
    for name in ("static traced", "dynamic 3"):
        got = history(functools.partial(KINDS[name], **dropout))
        np.testing.assert_allclose(got, want, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("kind", ["static traced", "dynamic"])
def test_fit_under_xla_trains_the_same_history_and_compiles_once(kind):
    want = keras_history()
    traces = []

    class Counted(LSTM):
        def inner_loop(self, *arguments, **options):
            traces.append(1)
            return super().inner_loop(*arguments, **options)

    got = history(functools.partial(Counted, 5, **OURS[kind]), jit_compile=True)
    np.testing.assert_allclose(got, want, rtol=1e-5)
    assert len(traces) == 2  # Keras calls a layer once to see what it gives, and once more to train it


def test_run_eagerly_trains_the_same_history():
    got = history(KINDS["static traced"], epochs=1, run_eagerly=True)
    np.testing.assert_allclose(got, keras_history()[:1], rtol=1e-5)


def test_mixed_precision_computes_in_bfloat16_and_keeps_float32_weights():
    layers = [functools.partial(layer, dtype="mixed_bfloat16") for layer in (KERAS, KINDS["static traced"])]
    models = [digits_model(layer) for layer in layers]
    want, got = (model.layers[0](batches()[0]) for model in models)
    assert got.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(got, tf.float32), tf.cast(want, tf.float32), atol=0.02)
    assert {weight.dtype for weight in models[1].weights} == {"float32"}
    want, got = (model.fit(*batches(), batch_size=12, epochs=2, verbose=0).history["loss"] for model in models)
    np.testing.assert_allclose(got, want, rtol=0.02)
    assert got[1] < got[0]


def test_predict_gives_what_the_model_gives(trained):
    inputs, _ = batches()
    np.testing.assert_allclose(trained.predict(inputs, verbose=0), trained(inputs), rtol=1e-5, atol=1e-6)


def test_an_exported_model_serves_any_batch(trained, tmp_path):
    trained.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "served"))
    for rows in (1, 5):
        inputs = batches()[0][:rows]
        np.testing.assert_allclose(served.serve(inputs), trained(inputs), rtol=1e-5, atol=1e-6)


@saves
def test_a_saved_model_loads_by_itself_and_goes_on_training(trained, tmp_path):
    trained.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    (layer,) = (layer for layer in loaded.layers if isinstance(layer, LSTM))
    assert type(layer) is LSTM and layer.unroll_as == "static" and layer.traced_cell
    inputs, labels = batches()
    np.testing.assert_array_equal(loaded(inputs), trained(inputs))
    assert loaded.evaluate(inputs, labels, verbose=0) == pytest.approx(trained.evaluate(inputs, labels, verbose=0))
    loaded.fit(inputs, labels, verbose=0)


@pytest.mark.parametrize(("unroll", "traced_cell"), [("static", False), ("dynamic", True), (np.int64(4), True)])
def test_a_config_gives_back_the_same_layer(unroll, traced_cell):
    layer = LSTM(3, "relu", unroll=unroll, traced_cell=traced_cell, go_backwards=True, dropout=0.2, seed=1)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()
    assert (again.unroll_as, again.traced_cell, again.activation) == (unroll, traced_cell, keras.activations.relu)


@saves
@pytest.mark.parametrize("kinds", [(KERAS, KINDS["dynamic"]), (KINDS["dynamic"], KERAS)], ids=["from", "to"])
def test_weights_go_over_in_both_directions(kinds, tmp_path):
    """By set_weights, by `.weights.h5`, and by a tf.train checkpoint."""
    inputs, _ = batches()
    old = digits_model(kinds[0], seed=4)
    want = old(inputs).numpy()
    old.save_weights(tmp_path / "old.weights.h5")
    path = tf.train.Checkpoint(old).write(str(tmp_path / "old"))
    ways = {
        "set_weights": lambda model: model.set_weights(old.get_weights()),
        "weights.h5": lambda model: model.load_weights(tmp_path / "old.weights.h5"),
        "checkpoint": lambda model: tf.train.Checkpoint(model).read(path).assert_existing_objects_matched(),
    }
    for name, go_over in ways.items():
        new = digits_model(kinds[1], seed=5)
        assert not np.allclose(new(inputs), want, rtol=1e-3)
        go_over(new)
        np.testing.assert_allclose(new(inputs), want, rtol=0, atol=TOLERANCES["float32"].values, err_msg=name)


@saves
def test_weights_of_another_layer_or_size_are_refused(tmp_path):
    model = digits_model(KINDS["dynamic"])
    before = model.get_weights()
    digits_model(functools.partial(keras.layers.GRU, 5)).save_weights(tmp_path / "gru.weights.h5")
    digits_model(functools.partial(keras.layers.LSTM, 7)).save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(ValueError, match="could not be loaded"):
        model.load_weights(tmp_path / "gru.weights.h5")
    with pytest.raises(ValueError, match=r"could not be loaded|must match"):
        model.load_weights(tmp_path / "other.weights.h5")
    for now, then in zip(model.get_weights()[:3], before[:3], strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("kind", ["static traced", "dynamic"])
def test_it_stands_in_a_bidirectional_model_behind_an_embedding(kind):
    """The mask comes from the embedding, as in most models for text."""

    def outputs(layer):
        keras.utils.set_random_seed(2)
        model = keras.Sequential(
            [
                keras.Input((6,)),
                keras.layers.Embedding(7, 4, mask_zero=True),
                keras.layers.Bidirectional(layer(return_sequences=True)),
                layer(),
            ]
        )
        words = np.random.default_rng(0).integers(0, 3, [5, 6])
        return model.predict(words, verbose=0)

    np.testing.assert_allclose(outputs(KINDS[kind]), outputs(KERAS), rtol=1e-5, atol=1e-6)

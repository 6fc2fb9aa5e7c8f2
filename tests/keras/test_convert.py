"""Models taken over from `keras.layers.LSTM`, and given back."""

import functools

import keras
import numpy as np
import pytest
from layers import batches, digits_model, saves

from unroll.keras import LSTM, from_keras, to_keras

KERAS = functools.partial(keras.layers.LSTM, 5, dropout=0.3)


def lstms(model):
    """Give every LSTM in a model, wherever it is."""
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.LSTM)]


def nested_model():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4, 3))
    inner = keras.Sequential([keras.Input((4, 3)), keras.layers.LSTM(3, return_sequences=True, unroll=True)])
    both = keras.layers.Bidirectional(keras.layers.LSTM(2, return_sequences=True))
    return keras.Model(inputs, keras.layers.LSTM(5)(both(inner(inputs))))


def test_every_lstm_of_a_model_goes_over_wherever_it_is_and_comes_back():
    inputs, _ = batches()
    model = nested_model()
    ours = from_keras(model)
    assert [(type(layer), layer.unroll_as) for layer in lstms(ours)] == [
        (LSTM, "static" if name == "static" else "dynamic") for name in unrolled(model)
    ]
    np.testing.assert_allclose(ours(inputs), model(inputs), rtol=1e-5, atol=1e-6)
    again = to_keras(ours)
    assert {type(layer) for layer in lstms(again)} == {keras.layers.LSTM}
    assert unrolled(again) == unrolled(model)
    np.testing.assert_array_equal(again(inputs), model(inputs))
    assert {type(layer) for layer in lstms(model)} == {keras.layers.LSTM}


def unrolled(model):
    return ["static" if layer.unroll else "dynamic" for layer in lstms(model)]


@saves
@pytest.mark.parametrize("unroll", ["static", 3])
def test_a_model_from_a_file_goes_on_training_as_it_would_have(unroll, tmp_path):
    """Optimizer and random streams go over, so that the history goes on, dropout included."""
    model = digits_model(KERAS)
    model.fit(*batches(), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    ours = from_keras(loaded, unroll=unroll, traced_cell=False)
    (layer,) = lstms(ours)
    assert (layer.unroll_as, layer.traced_cell) == (unroll, False)
    want, got = (m.fit(*batches(), epochs=2, shuffle=False, verbose=0).history["loss"] for m in (loaded, ours))
    np.testing.assert_allclose(got, want, rtol=1e-5)


def test_a_layer_goes_over_and_back():
    layer = keras.layers.LSTM(3, unroll=True, go_backwards=True, name="reader")
    layer.build((None, 6, 4))
    ours = from_keras(layer)
    assert (ours.unroll_as, ours.go_backwards, ours.name) == ("static", True, "reader")
    for got, want in zip(ours.get_weights(), layer.get_weights(), strict=True):
        np.testing.assert_array_equal(got, want)
    assert to_keras(ours).get_config() == layer.get_config()
    assert to_keras(from_keras(layer, unroll=4)).unroll is False


def test_a_layer_that_is_not_built_goes_over():
    assert not from_keras(keras.layers.LSTM(3)).built


def test_what_holds_no_lstm_of_the_other_kind_is_refused():
    for convert, wrong in ((from_keras, LSTM(2)), (to_keras, keras.layers.LSTM(2))):
        with pytest.raises(ValueError, match=f"got LSTM '{wrong.name}', whose configuration holds no"):
            convert(wrong)
    with pytest.raises(ValueError, match=r"got GRU 'reader', whose configuration holds no keras.layers.LSTM"):
        from_keras(keras.layers.GRU(2, name="reader"))
    with pytest.raises(ValueError, match=r"got 'model.keras'; want .* what keras.saving.load_model gives"):
        from_keras("model.keras")


def test_an_unroll_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="got unroll='fast'"):
        from_keras(keras.layers.LSTM(2), unroll="fast")
    with pytest.raises(ValueError, match="got unroll=0"):
        from_keras(keras.layers.LSTM(2), unroll=0)

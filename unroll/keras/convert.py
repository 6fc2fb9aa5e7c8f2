"""Models taken over from `keras.layers.LSTM`, and given back: every LSTM of the other kind, wherever it is."""

from collections.abc import Callable
from typing import Any

import keras

from unroll.keras.lstm import LSTM, Unroll, words_of

KERAS_LSTM = {"module": "keras.layers", "class_name": "LSTM", "registered_name": None}
OURS_ALONE = ("traced_cell", "recompute")  # options that keras.layers.LSTM does not have
OUR_LSTM = {"module": LSTM.__module__, "class_name": "LSTM", "registered_name": "unroll>LSTM"}


def from_keras(model: Any, unroll: Unroll | None = None, traced_cell: bool = True) -> Any:
    """Return a copy of a Keras model or layer, in which every `keras.layers.LSTM` has become `unroll.keras.LSTM`.

    Weights, random streams, and how it was compiled with the optimizer's state are copied; the model is left alone.
    Take over what is in a file by `from_keras(keras.saving.load_model("model.keras"))`.

    Args:
        model: a model or layer that Keras can save, and whose configuration names its layers, which that of a class of
            your own may not; the LSTMs may be nested or wrapped, as in `Bidirectional`.
        unroll, traced_cell: as `unroll.keras.LSTM` takes them, for all LSTMs. By default, Keras's unroll=True becomes
            "static" and unroll=False "dynamic".

    Raises:
        ValueError: there is no `keras.layers.LSTM` in it, or `unroll` is not one of those wanted.

    >>> layer = from_keras(keras.layers.LSTM(2, unroll=True))
    >>> type(layer).__module__, layer.unroll_as
    ('unroll.keras.lstm', 'static')
    """

    def change(config: dict) -> dict:
        return config | {"unroll": words_of(config["unroll"]) if unroll is None else unroll, "traced_cell": traced_cell}

    return _exchanged(model, KERAS_LSTM, OUR_LSTM, change)


def to_keras(model: Any) -> Any:
    """Return a copy of a Keras model or layer, in which every `unroll.keras.LSTM` has become `keras.layers.LSTM`.

    The way back from `from_keras`: "static" becomes unroll=True, everything else unroll=False.

    Raises:
        ValueError: there is no `unroll.keras.LSTM` in it.

    >>> to_keras(LSTM(2, unroll="static")).unroll
    True
    """

    def change(config: dict) -> dict:
        return {name: value for name, value in config.items() if name not in OURS_ALONE} | {
            "unroll": config["unroll"] == "static"
        }

    return _exchanged(model, OUR_LSTM, KERAS_LSTM, change)


def _exchanged(model, old: dict, new: dict, change: Callable[[dict], dict]):
    """Return a copy of the model with the LSTMs of one kind, as Keras serialises them, in place of those of another."""
    count = 0

    def exchange(serialised: Any) -> Any:
        nonlocal count
        if isinstance(serialised, list | tuple):
            return type(serialised)(exchange(item) for item in serialised)
        if not isinstance(serialised, dict):
            return serialised
        serialised = {key: exchange(value) for key, value in serialised.items()}
        if old.items() <= serialised.items():
            count += 1
            serialised |= new | {"config": change(serialised["config"])}
        return serialised

    if not isinstance(model, keras.layers.Layer):
        raise ValueError(f"got {model!r}; want a Keras model or layer: of a file, what keras.saving.load_model gives")
    serialised = exchange(keras.saving.serialize_keras_object(model))
    if not count:
        wanted = f"{old['module'].removesuffix('.lstm')}.LSTM"
        raise ValueError(
            f"got {type(model).__name__} {model.name!r}, whose configuration holds no {wanted}; want such a layer, or "
            "a model made of layers with one among them; what a class of yours makes itself, exchange there"
        )
    copy: Any = keras.saving.deserialize_keras_object(serialised)
    _copy_variables(model, copy)
    if (optimizer := getattr(model, "optimizer", None)) and optimizer.built:
        copy.optimizer.build(copy.trainable_variables)
        _copy_variables(optimizer, copy.optimizer)
    return copy


def _copy_variables(old, new) -> None:
    for before, after in zip(old.variables, new.variables, strict=True):
        after.assign(before)

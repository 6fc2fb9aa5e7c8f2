"""The pair in Keras: a drop-in for `keras.layers.LSTM`, and models taken over from it and given back."""

from unroll.keras.convert import from_keras, to_keras
from unroll.keras.lstm import LSTM

__all__ = ["LSTM", "from_keras", "to_keras"]

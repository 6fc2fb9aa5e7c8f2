"""Reading one digit row by row with both unrolls: the state and the prediction after every row."""

from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from unroll.models.history import Reading
from unroll.models.network import UNROLLS, Network

DECIMALS = 3


def read_digit(network: Network, image: np.ndarray, label: int) -> list[Reading]:
    """Run a trained network on an image [T, I] with each of the pair, from the same weights.

    Returns:
        one reading for each unroll, static first. Its states are rounded; `differs` is computed before that.
    """
    batch = tf.constant(image[np.newaxis], network.kernel.dtype)  # [1, T, I]
    states, probabilities = {}, {}
    for name, unroll in UNROLLS.items():
        states_of: Any = tf.function(replace(network.encoder, unroll=unroll).states, autograph=False)
        hidden, cell = (leaf[:, 0] for leaf in states_of(batch))  # [T, H]
        states[name] = np.stack([hidden, cell])  # [2, T, H]
        probabilities[name] = tf.nn.softmax(network.logits(hidden)).numpy()  # [T, 10]
    differs = float(np.abs(states["static"] - states["dynamic"]).max())
    return [
        Reading(
            unroll=name,
            label=int(label),
            image=_rounded(image),
            hidden=_rounded(states[name][0]),
            cell=_rounded(states[name][1]),
            probabilities=_rounded(probabilities[name]),
            differs=differs,
        )
        for name in UNROLLS
    ]


def _rounded(values: np.ndarray) -> list:
    return np.round(values.astype(np.float64), DECIMALS).tolist()

"""What the tests of the layer share: layers of one weight set, run and differentiated alike, and how they compare."""

import functools
import itertools
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from proof import MODES, Results, as_arrays, check_gradients, check_values

import unroll.keras

OURS = {
    "static": {"unroll": "static", "traced_cell": False},
    "static traced": {"unroll": "static"},
    "dynamic": {"unroll": "dynamic"},
    "dynamic 3": {"unroll": 3},
}


@dataclass(frozen=True)
class Problem:
    """What a layer is called with, and what its results count in the loss that is differentiated."""

    inputs: np.ndarray  # [B, T, I]
    units: int
    mask: np.ndarray | None = None  # [B, T]
    state: list[np.ndarray] | None = None

    @property
    def dtype(self) -> str:
        return self.inputs.dtype.name


def make_problem(seed, *, T=None, masked=False, with_state=True, dtype="float64"):
    """Draw sizes and values at random; the mask has holes, and rows that are empty, begin late or end early.

    T is drawn, too, if it is not given.
    """
    random = np.random.default_rng(seed)
    B, (drawn, I, H) = 4, random.integers(1, 5, 3)
    T = T or drawn

    def floats(*shape):
        return random.normal(0, 0.5, shape).astype(dtype)

    mask = random.uniform(size=[B, T]) < 0.6
    mask[0], mask[1, 0], mask[2], mask[2, -1] = False, False, True, False
    return Problem(
        floats(B, T, I), int(H), mask if masked else None, [floats(B, H), floats(B, H)] if with_state else None
    )


def make_layer(kind, problem, seed=0, **options):
    """Make a built layer of Keras (unroll True or False) or ours (a key of OURS); the seed draws the same weights."""
    given = {"dtype": problem.dtype, "seed": seed, "name": "lstm"} | options
    if isinstance(kind, bool):
        layer = keras.layers.LSTM(problem.units, unroll=kind, use_cudnn=False, **given)
    else:
        layer = unroll.keras.LSTM(problem.units, **OURS[kind], **given)
    layer.build(problem.inputs.shape)
    random = np.random.default_rng(seed)
    layer.set_weights([random.normal(0, 0.5, weight.shape) for weight in layer.get_weights()])
    return layer


def differentiated(layer, problem, *, calls=1, training=False):
    """Give a function () -> Results: the layer called so often, and its gradients; what it gives is the last call's."""

    def run():
        inputs = tf.constant(problem.inputs)
        mask = None if problem.mask is None else tf.constant(problem.mask)
        state = None if problem.state is None else [tf.constant(part) for part in problem.state]
        sources = [[weight.value for weight in layer.trainable_weights], inputs, state or []]
        with tf.GradientTape() as tape:
            tape.watch(tf.nest.flatten(sources[1:]))
            for _ in range(calls):
                values = tf.nest.flatten(layer(inputs, initial_state=state, mask=mask, training=training))
            loss = sum(tf.reduce_sum(_factor(value, n) * value) for n, value in enumerate(values))
        gradients = tape.gradient(loss, sources, unconnected_gradients="zero")
        kept = [variable.value for variable in layer.states or []]
        return Results(values, [tf.identity(variable) for variable in kept], *gradients)

    return run


def _factor(value, seed):
    """Give a constant of the value's shape, as irregular as random numbers."""
    numbers = tf.range(tf.size(value)) + 7 * seed
    return tf.reshape(tf.sin(tf.cast(numbers * numbers, value.dtype)), tf.shape(value))


def results_of(layers, problem, mode="graph", **options):
    """Run each layer, all in one graph: gives a list of Results."""
    runs = [differentiated(layer, problem, **options) for layer in layers]
    return as_arrays(MODES[mode](lambda: [run() for run in runs])())


def check_same(got, want, dtype):
    check_values(got, want, dtype)
    check_gradients(got, want, dtype)


def combinations(*names):
    """Give every combination of options that are True or False."""
    values = [dict(zip(names, chosen, strict=True)) for chosen in itertools.product([False, True], repeat=len(names))]
    return {",".join(name for name, on in options.items() if on) or "none": options for options in values}


OPTIONS = combinations("return_sequences", "return_state", "go_backwards", "stateful")

# Keras's own code asks for it whenever it saves weights.
saves = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def digits_model(layer, *, T=4, I=3, seed=3, **compiled):
    """Give a small compiled model around a layer, the same for the same seed."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((T, I)), layer(), keras.layers.Dense(3)])
    model.compile(
        **{
            "optimizer": keras.optimizers.Adam(0.01),
            "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            **compiled,
        }
    )
    return model


@functools.cache
def batches(T=4, I=3, rows=24) -> tuple[Any, Any]:
    """Give inputs [rows, T, I] and labels [rows]."""
    random = np.random.default_rng(1)
    return random.normal(size=[rows, T, I]).astype("float32"), random.integers(0, 3, rows)

"""Gradients of gradients: whether a variant has them, and whether they are those of cells side by side."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from unroll.measure.batch import Batch, Data
from unroll.measure.config import Case
from unroll.measure.device import CPU, Device
from unroll.measure.export import new_record
from unroll.measure.journal import Record
from unroll.measure.process import NotAvailable
from unroll.measure.workloads import ENCODERS, assert_available
from unroll.rnn import init_weights


def compare_second_order(case: Case, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Take the second derivative through a variant in double precision, beside that through `static_unroll`.

    Yields:
        the largest difference, as a share of the largest number.

    Raises:
        NotAvailable: the variant is not one of ours, or it has no second derivative; the reason is its own.
    """
    assert_available(case, device)
    if case.variant not in ENCODERS:
        raise NotAvailable("is no variant of ours")
    images = tf.constant(Batch.of(data, case.sizes).images, tf.float64)
    expected = _second_order("static", case, images, data.seed)
    try:
        actual = _second_order(case.variant, case, images, data.seed)
    except (LookupError, ValueError, NotImplementedError) as error:
        raise NotAvailable(f"has no second derivative: {str(error).splitlines()[0]}") from None
    largest = max(np.abs(array).max() for array in expected)
    differences = [np.abs(a - b).max() for a, b in zip(actual, expected, strict=True)]
    yield new_record("second_order", case, "share", float(max(differences) / largest))


def _second_order(variant: str, case: Case, images: tf.Tensor, seed: int) -> list[np.ndarray]:
    """Return how the squared slope of the images changes with each weight."""
    weights = init_weights(case.sizes.input, case.sizes.hidden, seed=seed, dtype=tf.float64)
    encoder = ENCODERS[variant](weights)

    @tf.function(autograph=False)
    def second() -> Any:
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(images)
                total = tf.reduce_sum(encoder(images) ** 2)
            slope: Any = inner.gradient(total, images)
            squared = tf.reduce_sum(slope**2)
        return outer.gradient(squared, encoder.variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    return [np.asarray(array) for array in second()]

"""Nothing counts before it is equal: a variant's steps against the same network in NumPy, in double precision."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from unroll.measure.batch import Batch, Workload
from unroll.measure.config import WEIGHTS


class Tolerance(NamedTuple):
    """How far results may be from double precision: see docs/design.md for what was measured."""

    outputs: float  # logits and loss, relative to the largest
    gradients: float  # read off a weight update, relative to their norm


TOLERANCES = {  # by what products are computed in
    "float32": Tolerance(1e-4, 5e-3),
    "tf32": Tolerance(1e-2, 5e-2),
    "float16": Tolerance(1e-2, 5e-2),
    "bfloat16": Tolerance(5e-2, 2e-1),
}
COMPLEX_STEP = 1e-30


class Unequal(Exception):
    """A variant that is not the same network as the others; the message says by how much."""


@dataclass(frozen=True)
class Expected:
    """What any variant must give on a batch's check: logits, loss, and its slope along one direction a weight."""

    logits: np.ndarray  # [B, 10]
    loss: float
    directions: list[np.ndarray]  # one a weight, of its shape
    slopes: list[float]


def expect(weights: list[np.ndarray], batch: Batch, seed: int, valid: int | None = None) -> Expected:
    """Compute what the network with these weights must give on the batch's check; slopes by a complex step."""
    few = batch.different
    images = few.images[:, :valid].astype(np.float64)
    weights = [weight.astype(np.float64) for weight in weights]
    random = np.random.default_rng(seed)
    directions = [random.choice([-1.0, 1.0], weight.shape) for weight in weights]
    slopes, logits = [], np.empty(0, np.complex128)
    for k, direction in enumerate(directions):
        shifted = [weight + 1j * COMPLEX_STEP * direction if j == k else weight for j, weight in enumerate(weights)]
        logits = _logits(shifted, images)  # its real part is that of the weights as they are
        slopes.append(_loss(logits, few.labels).imag / COMPLEX_STEP)
    copies = len(batch.images) // len(few.images)
    real: np.ndarray = np.real(logits)
    return Expected(np.tile(real, (copies, 1)), _loss(real, few.labels), directions, slopes)


def assert_equal(workload: Workload, phase: str, step: Callable, expected: Expected) -> None:
    """Assert that a phase's step gives the expected logits, or loss and weight update; leaves the starting weights.

    Raises:
        Unequal: it does not.
    """
    tolerance = TOLERANCES[workload.precision]
    workload.reset()
    if phase == "forward":
        logits = step(check=True)
        _assert_close(
            "logits", np.abs(logits - expected.logits).max(), np.abs(expected.logits).max(), tolerance.outputs
        )
        return
    before = [value.astype(np.float64) for value in workload.values()]
    loss = step(check=True)
    _assert_close("loss", abs(loss - expected.loss), abs(expected.loss), tolerance.outputs)
    for name, old, new, direction, slope in zip(
        WEIGHTS, before, workload.values(), expected.directions, expected.slopes, strict=True
    ):
        gradient = (old - new) / workload.learning_rate
        error = abs((gradient * direction).sum() - slope)
        _assert_close(f"gradient of {name}", error, np.linalg.norm(gradient), tolerance.gradients)
    workload.reset()


def _assert_close(what, error, scale, tolerance):
    if not error <= tolerance * scale:
        raise Unequal(
            f"not the same network, so not measured: {what} off by {error:.3g} where {tolerance * scale:.3g} is allowed"
        )


def _logits(weights, images) -> np.ndarray:
    """Run the network in NumPy: images [B, T, I] -> logits [B, 10]."""
    # Imports TensorFlow, which a process that only compares has not.
    from unroll.rnn import LSTMState, LSTMWeights, ReferenceLSTMCell, reference_unroll

    *lstm, kernel, bias = weights
    cell = ReferenceLSTMCell(LSTMWeights(*lstm))
    zeros = np.zeros([len(images), kernel.shape[0]])
    outputs, _ = reference_unroll(cell, images.transpose(1, 0, 2), LSTMState(zeros, zeros))
    return outputs[-1] @ kernel + bias


def _loss(logits, labels):
    """Return the mean cross-entropy of logits [B, 10], real or complex."""
    shift = logits.real.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(logits - shift).sum(axis=1)) + shift[:, 0]
    return (log_total - logits[np.arange(len(labels)), labels]).mean()

"""Nothing is timed before it is equal: a variant's graphs against the network in NumPy."""

from dataclasses import dataclass

import numpy as np

from unroll.measure.workloads import Batch, call
from unroll.models.network import Network
from unroll.rnn import LSTMState, LSTMWeights, ReferenceLSTMCell, reference_unroll

OUTPUT_TOLERANCE = 1e-4  # float32 logits and loss, relative to the largest
GRADIENT_TOLERANCE = 5e-3  # float32 gradients, read off a weight update, relative to their norm
COMPLEX_STEP = 1e-30


@dataclass(frozen=True)
class Expected:
    """What any variant must give on a batch: logits, loss, and the loss's slope along one direction a variable."""

    logits: np.ndarray  # [B, 10]
    loss: float
    directions: list[np.ndarray]  # one a variable, of its shape
    slopes: list[float]


def expect(network: Network, batch: Batch, seed: int) -> Expected:
    """Compute what the network must give, in NumPy, in double precision; slopes by a complex step."""
    images, labels = batch.images.numpy().astype(np.float64), batch.labels.numpy()
    weights = [variable.numpy().astype(np.float64) for variable in network.variables]
    random = np.random.default_rng(seed)
    directions = [random.choice([-1.0, 1.0], weight.shape) for weight in weights]
    slopes = []
    for k, direction in enumerate(directions):
        shifted = [weight + 1j * COMPLEX_STEP * direction if j == k else weight for j, weight in enumerate(weights)]
        slopes.append(_loss(_logits(shifted, images), labels).imag / COMPLEX_STEP)
    logits = _logits(weights, images)
    return Expected(logits, _loss(logits, labels), directions, slopes)


def assert_equal(network: Network, forward, train, batch: Batch, expected: Expected) -> None:
    """Assert that a fresh network's two graphs give the expected logits, loss and weight update.

    Takes one training step: the network's weights change.
    """
    logits = call(forward, "forward", batch)
    _assert_close("logits", np.abs(logits - expected.logits).max(), np.abs(expected.logits).max(), OUTPUT_TOLERANCE)
    before = [variable.numpy().astype(np.float64) for variable in network.variables]
    loss = call(train, "train", batch)
    _assert_close("loss", abs(loss - expected.loss), abs(expected.loss), OUTPUT_TOLERANCE)
    for k, variable in enumerate(network.variables):
        gradient = (before[k] - variable.numpy()) / network.learning_rate
        error = abs((gradient * expected.directions[k]).sum() - expected.slopes[k])
        _assert_close(f"gradient of {variable.name}", error, np.linalg.norm(gradient), GRADIENT_TOLERANCE)


def _assert_close(what, error, scale, tolerance):
    assert error <= tolerance * scale, (
        f"{what}: off by {error:.3g} where {tolerance * scale:.3g} is allowed; not the same network, so not measured"
    )


def _logits(weights, images) -> np.ndarray:
    """Run the network in NumPy: images [B, T, I] -> logits [B, 10]."""
    *lstm, kernel, bias = weights
    cell = ReferenceLSTMCell(LSTMWeights(*lstm))
    zeros = np.zeros([len(images), kernel.shape[0]])
    outputs, _ = reference_unroll(cell, images.transpose(1, 0, 2), LSTMState(zeros, zeros))
    return outputs[-1] @ kernel + bias


def _loss(logits, labels):
    """Give the mean cross-entropy of logits [B, 10], real or complex."""
    shift = logits.real.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(logits - shift).sum(axis=1)) + shift[:, 0]
    return (log_total - logits[np.arange(len(labels)), labels]).mean()

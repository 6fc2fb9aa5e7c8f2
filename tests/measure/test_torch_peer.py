"""What is PyTorch's own: a second bias, which must stay zero."""

import numpy as np
import pytest

from unroll.measure.check import expect
from unroll.measure.workloads import Batch
from unroll.models.network import Network

pytest.importorskip("torch", reason="PyTorch is an extra: pip install -e '.[peers]'")

from unroll.measure.torch_peer import TorchNetwork

SEED = 3


def network_of(weights, batch):
    return TorchNetwork(weights, batch, Network.learning_rate)


def test_a_second_bias_that_learns_would_be_found(weights, batch):
    network = network_of(weights, batch)
    network._lstm.bias_hh_l0.requires_grad_(True)
    network._parameters.append(network._lstm.bias_hh_l0)
    step, few = network.build("train"), batch.check
    for _ in range(2):
        step(check=True)
    moved = network.values()[:-1]
    twice = expect(moved, Batch(few.images, few.labels), SEED)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(network.build("forward")(check=True), twice.logits, rtol=1e-4)


def test_a_frozen_second_bias_stays_zero(weights, batch):
    network = network_of(weights, batch)
    step, few = network.build("train"), batch.check
    for _ in range(2):
        step(check=True)
    moved = expect(network.values(), Batch(few.images, few.labels), SEED)
    np.testing.assert_allclose(network.build("forward")(check=True), moved.logits, rtol=1e-4)

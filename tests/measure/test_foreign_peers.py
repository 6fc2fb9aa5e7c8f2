"""What PyTorch's network and JAX's must both do: be equal to the reference, and show where they are not."""

import importlib

import numpy as np
import pytest

from unroll.measure.check import Unequal, assert_equal, expect
from unroll.measure.config import PHASES, WEIGHTS
from unroll.models.network import Network

SEED = 3
NETWORKS = {
    "torch": ("torch", "TorchNetwork", {}),
    "jax, a loop": ("jax", "JaxNetwork", {"unroll": 1}),
    "jax, unrolled": ("jax", "JaxNetwork", {"unroll": 4}),
}


@pytest.fixture(params=NETWORKS)
def network_of(request, batch):
    """Make the network of given weights."""
    package, name, more = NETWORKS[request.param]
    pytest.importorskip(package, reason=f"{package} is an extra: pip install -e '.[peers]'")
    make = getattr(importlib.import_module(f"unroll.measure.{package}_peer"), name)
    return lambda weights: make(weights, batch, Network.learning_rate, **more)


def swap(weights, one, other):
    """Swap two gates' columns in the LSTM's weights."""
    order = list(range(4))
    order[one], order[other] = other, one
    lstm = [np.concatenate([np.split(weight, 4, axis=-1)[gate] for gate in order], axis=-1) for weight in weights[:3]]
    return lstm + weights[3:]


@pytest.mark.parametrize("phase", PHASES)
def test_it_is_equal_to_the_reference(phase, network_of, weights, batch):
    network = network_of(weights)
    assert_equal(network, phase, network.build(phase), expect(weights, batch, SEED))


@pytest.mark.parametrize("gates", [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)])
def test_swapped_gates_are_found(gates, network_of, weights, batch):
    network = network_of(swap(weights, *gates))
    with pytest.raises(Unequal, match="logits off by"):
        assert_equal(network, "forward", network.build("forward"), expect(weights, batch, SEED))


def test_an_update_of_another_size_is_found(network_of, weights, batch):
    network = network_of(weights)
    train = network.build("train")

    def twice(check):
        loss = train(check)
        train(check)
        return loss

    with pytest.raises(Unequal, match="gradient of kernel"):
        assert_equal(network, "train", twice, expect(weights, batch, SEED))


def test_values_are_copies_in_our_order_and_reset_goes_back(network_of, weights):
    network = network_of(weights)
    before = network.values()
    assert [value.shape for value in before] == [(28, 20), (5, 20), (20,), (5, 10), (10,)]
    assert len(WEIGHTS) == len(before)
    network.build("train")()
    assert all((old == start).all() for old, start in zip(before, weights, strict=True))
    assert all((new != start).any() for new, start in zip(network.values(), weights, strict=True))
    network.reset()
    assert all((new == start).all() for new, start in zip(network.values(), weights, strict=True))


def test_the_batch_and_the_check_are_told_apart(network_of, weights):
    step = network_of(weights).build("forward")
    assert (step()[0] == step(check=True)[0]).all()
    assert (step()[-1] != step(check=True)[-1]).any()

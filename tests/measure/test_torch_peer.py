import numpy as np
import pytest

from unroll.measure.check import Unequal, assert_equal, expect
from unroll.measure.config import PHASES, Sizes
from unroll.measure.workloads import Batch, new_network

pytest.importorskip("torch", reason="PyTorch is an extra: pip install -e '.[peers]'")

from unroll.measure.torch_peer import TorchNetwork

SEED = 3


@pytest.fixture(scope="module")
def batch():
    random = np.random.default_rng(0)
    return Batch(random.uniform(size=[12, 4, 28]).astype(np.float32), random.integers(0, 10, 12).astype(np.int32))


@pytest.fixture(scope="module")
def weights():
    return [variable.numpy() for variable in new_network("static", Sizes(hidden=5), SEED).variables]


def network_of(weights, batch):
    check = batch.check
    return TorchNetwork(weights, batch.images, batch.labels, check_images=check.images, check_labels=check.labels)


def swap(weights, one, other):
    """Swap two gates' columns in the LSTM's weights."""
    order = list(range(4))
    order[one], order[other] = other, one
    lstm = [np.concatenate([np.split(weight, 4, axis=-1)[gate] for gate in order], axis=-1) for weight in weights[:3]]
    return lstm + weights[3:]


@pytest.mark.parametrize("phase", PHASES)
def test_it_is_equal_to_the_reference(phase, weights, batch):
    network = network_of(weights, batch)
    assert_equal(network, phase, network.build(phase), expect(weights, batch, SEED))


@pytest.mark.parametrize("gates", [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)])
def test_swapped_gates_are_found(gates, weights, batch):
    network = network_of(swap(weights, *gates), batch)
    with pytest.raises(Unequal, match="logits off by"):
        assert_equal(network, "forward", network.build("forward"), expect(weights, batch, SEED))


def test_an_update_of_another_size_is_found(weights, batch):
    network = network_of(weights, batch)
    train = network.build("train")

    def twice(check):
        loss = train(check)
        train(check)
        return loss

    with pytest.raises(Unequal, match="gradient of kernel"):
        assert_equal(network, "train", twice, expect(weights, batch, SEED))


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


def test_values_are_copies_in_our_order_and_reset_goes_back(weights, batch):
    network = network_of(weights, batch)
    before = network.values()
    assert [value.shape for value in before] == [(28, 20), (5, 20), (20,), (5, 10), (10,)]
    assert len(network.names) == len(before)
    network.build("train")()
    assert all((old == start).all() for old, start in zip(before, weights, strict=True))
    assert all((new != start).any() for new, start in zip(network.values(), weights, strict=True))
    network.reset()
    assert all((new == start).all() for new, start in zip(network.values(), weights, strict=True))


def test_the_batch_and_the_check_are_told_apart(weights, batch):
    step = network_of(weights, batch).build("forward")
    assert (step()[0] == step(check=True)[0]).all()
    assert (step()[-1] != step(check=True)[-1]).any()

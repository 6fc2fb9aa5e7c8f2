"""What is timed must be the same network: the check finds faults seeded into each part of it."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from unroll.measure.check import assert_equal, expect
from unroll.measure.config import PHASES, Sizes
from unroll.measure.workloads import READERS, Batch, build, new_network

SIZES = Sizes(steps=4, batch=6, hidden=5)
SEED = 3


@pytest.fixture(scope="module")
def batch():
    random = np.random.default_rng(0)
    images = random.uniform(size=[6, 4, 28]).astype(np.float32)
    return Batch(tf.constant(images), tf.constant(random.integers(0, 10, 6), tf.int32))


def check(network, batch):
    graphs = {phase: build(network, phase, batch) for phase in PHASES}
    expected = expect(new_network("static", SIZES, SEED), batch, SEED)
    assert_equal(network, graphs["forward"], graphs["train"], batch, expected)


@pytest.mark.parametrize("variant", READERS)
def test_every_variant_is_equal_to_the_reference(variant, batch):
    check(new_network(variant, SIZES, SEED), batch)


def test_other_weights_are_found(batch):
    with pytest.raises(AssertionError, match="logits: off by"):
        check(new_network("static", SIZES, SEED + 1), batch)


def test_a_detached_gradient_is_found(batch):
    network = new_network("dynamic", SIZES, SEED)
    reader = network.reader

    def detached(images):
        weights = reader.weights._replace(recurrent_kernel=tf.stop_gradient(reader.weights.recurrent_kernel))
        hidden = dataclasses.replace(reader, weights=weights)(images)
        return hidden + 0 * tf.reduce_sum(reader.weights.recurrent_kernel)  # so that it has a gradient: zero

    detached.variables = reader.variables
    with pytest.raises(AssertionError, match="gradient of recurrent_kernel"):
        check(dataclasses.replace(network, reader=detached), batch)


def test_an_update_of_another_size_is_found(batch):
    network = new_network("static", SIZES, SEED)
    graphs = {phase: build(network, phase, batch) for phase in PHASES}
    expected = expect(network, batch, SEED)
    halved = dataclasses.replace(network, learning_rate=2 * network.learning_rate)
    with pytest.raises(AssertionError, match="gradient of"):
        assert_equal(halved, graphs["forward"], graphs["train"], batch, expected)

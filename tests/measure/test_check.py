"""What counts must be the same network: the check finds faults seeded into each part of it."""

import dataclasses

import pytest
import tensorflow as tf

from unroll.measure.batch import Data
from unroll.measure.check import Unequal, assert_equal, expect
from unroll.measure.config import PHASES, Case, Sizes
from unroll.measure.variants import variant_of
from unroll.measure.workloads import ENCODERS, Batch, TensorFlowWorkload, new_network, new_workload
from unroll.models import data

SIZES = Sizes(steps=4, batch=6, hidden=5)
SEED = 3
BATCH = Batch.of(Data(*data.load("digits").train, seed=0), SIZES)
EXPECTED = expect(new_workload(Case("static", "graph", SIZES), BATCH, SEED).values(), BATCH, SEED)


def check(workload, phases=PHASES):
    for phase in phases:
        assert_equal(workload, phase, workload.build(phase), EXPECTED)


def workload_of(network):
    return TensorFlowWorkload(network, "graph", BATCH)


@pytest.mark.parametrize("mode", ["graph", "eager"])
@pytest.mark.parametrize("variant", [*(name for name in ENCODERS if not variant_of(name).gpu_only), "dynamic-3"])
def test_every_variant_is_equal_to_the_reference(variant, mode):
    check(new_workload(Case(variant, mode, SIZES), BATCH, SEED))


@pytest.mark.parametrize(("phase", "what"), [("forward", "logits"), ("train", "loss")])
def test_other_weights_are_found(phase, what):
    with pytest.raises(Unequal, match=f"measured: {what} off by"):
        check(new_workload(Case("static", "graph", SIZES), BATCH, SEED + 1), [phase])


def test_a_detached_gradient_is_found():
    network = new_network("dynamic", SIZES, SEED)
    encoder = network.encoder

    def detached(images):
        weights = encoder.weights._replace(recurrent_kernel=tf.stop_gradient(encoder.weights.recurrent_kernel))
        hidden = dataclasses.replace(encoder, weights=weights)(images)
        return hidden + 0 * tf.reduce_sum(encoder.weights.recurrent_kernel)  # so that it has a gradient: zero

    detached.variables = encoder.variables
    with pytest.raises(Unequal, match="gradient of recurrent_kernel"):
        check(workload_of(dataclasses.replace(network, encoder=detached)))


def test_an_update_of_another_size_is_found():
    workload = workload_of(new_network("static", SIZES, SEED))
    workload.learning_rate *= 2
    with pytest.raises(Unequal, match="gradient of"):
        check(workload)


def test_a_nan_is_found():
    workload = workload_of(new_network("static", SIZES, SEED))
    with pytest.raises(Unequal, match="logits off by nan"):
        assert_equal(workload, "forward", lambda check: EXPECTED.logits * float("nan"), EXPECTED)


def test_the_check_leaves_the_starting_weights():
    workload = workload_of(new_network("static", SIZES, SEED))
    start = workload.values()
    workload.build("train")()
    check(workload)
    assert all((old == new).all() for old, new in zip(start, workload.values(), strict=True))

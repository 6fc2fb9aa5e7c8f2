"""Mode mixed: 16-bit floats inside, float32 outside, the same network within a tolerance of its own."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from fakes import FakeGpu

from unroll.measure.batch import Data
from unroll.measure.check import TOLERANCES, Unequal, assert_equal, expect
from unroll.measure.config import PHASES, Case, Sizes
from unroll.measure.device import CPU
from unroll.measure.process import NotAvailable
from unroll.measure.workloads import LOSS_SCALES, Batch, TensorFlowWorkload, new_network, new_workload, starting_weights
from unroll.models import data
from unroll.models import network as module
from unroll.models.network import LSTMEncoder, MixedEncoder, cross_entropy
from unroll.rnn import dynamic_unroll, init_weights

SIZES = Sizes(steps=7, batch=8, hidden=16)
BATCH = Batch.of(Data(*data.load("digits").train, seed=0), SIZES)
EXPECTED = expect(starting_weights(SIZES, 0), BATCH, 0)
DEVICES = {"bfloat16": CPU, "float16": FakeGpu()}


def check(workload, phases=PHASES):
    for phase in phases:
        assert_equal(workload, phase, workload.build(phase), EXPECTED)


def mixed(variant, half):
    return new_workload(Case(variant, "mixed", SIZES), BATCH, 0, DEVICES[half])


@pytest.mark.parametrize("half", DEVICES)
@pytest.mark.parametrize("variant", ["static", "static-traced", "dynamic", "dynamic-3", "keras-unrolled", "keras-loop"])
def test_every_variant_is_the_same_network_within_the_tolerance_of_its_precision(variant, half):
    workload = mixed(variant, half)
    assert workload.precision == half
    check(workload)
    assert {value.dtype for value in workload.values()} == {np.dtype("float32")}


@pytest.mark.parametrize("half", DEVICES)
def test_products_are_of_16_bits_and_variables_of_32(half):
    workload = mixed("dynamic", half)
    workload.build("train")
    graph = workload.functions["train"].graph.as_graph_def()
    nodes = [node for inner in graph.library.function for node in inner.node_def]
    products = {tf.as_dtype(node.attr["T"].type).name for node in nodes if node.op == "MatMul"}
    assert products == {half}


def test_an_update_of_another_size_is_found():
    workload = mixed("dynamic", "float16")
    workload.learning_rate *= 1.5
    with pytest.raises(Unequal, match="gradient of"):
        check(workload, ["train"])


def test_16_bits_do_not_pass_for_float32():
    workload = mixed("dynamic", "bfloat16")
    workload.precision = "float32"
    with pytest.raises(Unequal, match="logits off by"):
        check(workload, ["forward"])
    assert TOLERANCES["float16"].outputs < TOLERANCES["bfloat16"].outputs


def test_a_loss_scale_keeps_what_float16_would_round_to_zero(monkeypatch):
    """Over many rows the loss's gradient is small, and what is below 3e-8 float16 rounds to zero."""
    small = 2.0**-24  # stands in for a mean over so many times as many rows
    monkeypatch.setattr(module, "cross_entropy", lambda logits, labels: small * cross_entropy(logits, labels))

    def gradients_that_are_left(scale):
        network = replace(new_network("static", SIZES, 0, "float16"), loss_scale=scale, learning_rate=1 / small)
        before = network.encoder.variables[0].numpy()
        network.train(tf.constant(BATCH.images), tf.constant(BATCH.labels))
        return np.count_nonzero(before != network.encoder.variables[0].numpy())

    assert gradients_that_are_left(1.0) == 0
    assert gradients_that_are_left(LOSS_SCALES["float16"]) > 500


def test_weights_may_be_tensors_of_any_reader():
    weights = init_weights(28, 4, seed=0)
    encoder = MixedEncoder(weights, partial(LSTMEncoder, unroll=dynamic_unroll), "bfloat16")
    images = tf.constant(BATCH.images)
    exact = LSTMEncoder(weights, dynamic_unroll)(images)
    assert encoder(images).dtype == tf.float32
    assert [variable.dtype for variable in encoder.variables] == [tf.float32] * 3
    np.testing.assert_allclose(encoder(images), exact, atol=0.02)
    assert np.any(encoder(images) != exact)


def test_what_takes_no_such_floats_says_so():
    with pytest.raises(NotAvailable, match="BlockLSTMV2 takes no bfloat16"):
        mixed("block", "bfloat16")


def test_without_a_loss_scale_the_training_graph_is_as_it_was():
    network = new_network("dynamic", SIZES, 0)
    assert network.loss_scale == 1
    workload = TensorFlowWorkload(network, "graph", BATCH)
    workload.build("train")
    (seeds,) = [node for node in workload.functions["train"].graph.get_operations() if node.name.startswith("ones")]
    assert seeds.outputs[0].shape == []

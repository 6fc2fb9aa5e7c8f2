"""The machine's own rates: of a product and a sum that are right."""

import time

import pytest
import tensorflow as tf
from fakes import FakeGpu

from unroll.measure import machine
from unroll.measure.check import Unequal
from unroll.measure.config import MACHINE, Case, Sizes
from unroll.measure.device import CPU

SMALL = {"width": 64, "array_bytes": 1 << 12}


def rates(mode="graph", device=CPU):
    found = machine.measure_rates(Case(MACHINE, mode, Sizes()), **SMALL, device=device)
    return {record.quantity: record for record in found}


@pytest.mark.parametrize(
    ("device", "mode", "precision"),
    [
        (CPU, "graph", "float32"),
        (CPU, "mixed", "bfloat16"),
        (FakeGpu(), "mixed", "float16"),
        (FakeGpu(tf32=True), "graph", "tf32"),
    ],
    ids=["float32", "bfloat16", "float16", "tf32"],
)
def test_rates_are_of_a_product_in_the_modes_precision_and_of_a_sum(device, mode, precision):
    found = rates(mode, device)
    assert found["matrix_rate"].note == f"64 x 64 x 64, {precision}"
    assert (found["matrix_rate"].unit, found["bandwidth"].unit) == ("flop/s", "bytes/s")
    for record in found.values():
        assert machine.LEAST_SAMPLES <= len(record.samples) <= machine.MOST_SAMPLES
        assert record.variant == MACHINE


def test_rates_are_operations_and_bytes_by_the_seconds_they_took(monkeypatch):
    monkeypatch.setattr(machine, "_multiply", lambda width, precision, device: [0.5, 2.0])
    monkeypatch.setattr(machine, "_add", lambda count, device: [0.25])
    found = rates()
    assert found["matrix_rate"].samples == [2 * 64**3 / 0.5, 2 * 64**3 / 2.0]
    assert found["bandwidth"].samples == [3 * 4096 / 0.25]


def test_the_device_is_waited_for_before_and_after():
    device = FakeGpu()
    start = time.perf_counter()
    seconds = machine._times(lambda: device.heard.append("work"), device)
    assert sum(seconds) < time.perf_counter() - start
    assert device.heard == ["work", *["wait", "work", "wait"] * len(seconds)]


def test_a_wrong_product_has_no_rate(monkeypatch):
    right = tf.matmul
    monkeypatch.setattr(tf, "matmul", lambda left, right_: 1.01 * right(left, right_))
    with pytest.raises(Unequal, match="a product of 64 x 64 matrices in float32 is wrong"):
        rates()


def test_a_sum_that_was_not_added_has_no_rate(monkeypatch):
    monkeypatch.setattr(machine, "_times", lambda work, device: [1.0])
    with pytest.raises(Unequal, match="adding one array to another is wrong"):
        machine._add(8, CPU)

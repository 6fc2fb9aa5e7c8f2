import os
import subprocess
import sys

import numpy as np
import pytest

from unroll.measure import memory
from unroll.measure.config import Sizes
from unroll.measure.memory import NotAvailable, measure_memory

SIZES = Sizes(steps=3, batch=4, hidden=256)


def measure(variant="static", sizes=SIZES):
    images, labels = np.zeros([sizes.batch, sizes.steps, sizes.input], np.float32), np.zeros(sizes.batch, np.int32)
    return measure_memory(variant, "train", sizes, images, labels, seed=0)


def test_both_scopes_are_measured_in_fresh_processes():
    found = measure()
    gradients = 4 * (28 + 256 + 1) * 4 * 256  # a training step holds at least the gradient of its weights
    assert gradients < found["tensors"] < 20 * gradients
    assert found["process"] > gradients


def allocator_count(kibibytes: int, count: int, switch: str) -> int:
    """Count tensors of known size in a process of its own: the switch works before TensorFlow is imported only."""
    code = f"""
import tensorflow as tf
from unroll.measure.memory import allocated, calibrate
before = allocated()["current"]
tensors = [tf.random.uniform([{kibibytes} << 8]) for _ in range({count})]
print(allocated()["current"] - before)
del tensors
assert allocated()["current"] == before
calibrate()
"""
    environment = os.environ | {"TF_CPU_ALLOCATOR_USE_BFC": switch}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert ("NotAvailable" in done.stderr) == (switch == "0"), done.stderr
    return int(done.stdout)


@pytest.mark.parametrize(("kibibytes", "count"), [(8192, 1), (64, 128)])
def test_the_allocators_count_agrees_with_tensors_of_known_size(kibibytes, count):
    known = kibibytes * count << 10
    assert known <= allocator_count(kibibytes, count, switch="1") <= 1.05 * known


def test_without_its_switch_the_allocator_misses_small_tensors_and_calibration_says_so():
    assert allocator_count(64, 128, switch="0") < 1 << 20


@pytest.mark.parametrize("scope", memory.SCOPES)
def test_a_case_that_fails_is_not_available_and_says_why(scope):
    case = {"variant": "no-such-variant", "scope": scope, "sizes": {}, "seed": 0, "phase": "train", "batch": ""}
    result = memory._in_fresh_process(case)
    assert isinstance(result, NotAvailable)
    assert "no-such-variant" in str(result)


def test_a_case_that_hangs_is_not_available(monkeypatch):
    monkeypatch.setattr(memory, "TIME_LIMIT_S", 0.1)
    assert "took more than" in str(measure()["tensors"])

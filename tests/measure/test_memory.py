import os
import subprocess
import sys

import pytest

from unroll.measure.batch import Data
from unroll.measure.config import Case, Sizes
from unroll.measure.memory import hold, peak
from unroll.measure.process import Limits, work_apart
from unroll.models import data

IMAGES, LABELS = data.load("digits").train
DATA = Data(IMAGES, LABELS, 0)
CASE = Case("static", "graph", Sizes(steps=3, batch=4, hidden=256))


def apart(work, **variables):
    found = work_apart(work, CASE, "train", DATA, limits=Limits(60), variables=variables)
    return {record.quantity: record for record in found}


def test_a_training_step_holds_at_least_the_gradient_of_its_weights():
    gradients = 4 * (28 + 256 + 1) * 4 * 256
    process = apart(hold)["process"].samples[0]
    tensors = apart(peak, TF_CPU_ALLOCATOR_USE_BFC="1")["tensors"].samples[0]
    assert gradients < tensors < 20 * gradients
    assert process > gradients


def test_a_scope_that_cannot_be_read_is_not_available_and_says_why():
    tensors = apart(peak, TF_CPU_ALLOCATOR_USE_BFC="0")["tensors"]
    assert tensors.samples == []
    assert tensors.note.startswith(("the allocator counted", "TensorFlow keeps no statistics of CPU:0's allocator"))


def allocator_count(kibibytes: int, count: int, switch: str) -> int | None:
    """Count tensors of known size in a process of its own: the switch works before TensorFlow is imported only."""
    code = f"""
import tensorflow as tf
from unroll.measure.device import CPU
from unroll.measure.memory import calibrate
before = CPU.allocated()["current"]
tensors = [tf.random.uniform([{kibibytes} << 8]) for _ in range({count})]
print(CPU.allocated()["current"] - before)
del tensors
assert CPU.allocated()["current"] == before
calibrate()
"""
    environment = os.environ | {"TF_CPU_ALLOCATOR_USE_BFC": switch}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert ("NotAvailable" in done.stderr) == (switch == "0"), done.stderr
    return int(done.stdout) if done.stdout else None


@pytest.mark.parametrize(("kibibytes", "count"), [(8192, 1), (64, 128)])
def test_the_allocators_count_agrees_with_tensors_of_known_size(kibibytes, count):
    known = kibibytes * count << 10
    assert known <= allocator_count(kibibytes, count, switch="1") <= 1.05 * known


def test_without_its_switch_the_allocator_misses_small_tensors_and_calibration_says_so():
    count = allocator_count(64, 128, switch="0")  # None where oneDNN is off: then there is no count at all
    assert count is None or count < 1 << 20


def test_where_onednn_is_off_there_is_no_count_and_that_is_said(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert allocator_count(64, 128, switch="0") is None

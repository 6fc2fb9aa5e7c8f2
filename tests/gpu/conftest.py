"""Tests on a GPU. They work in processes of their own: the tests' own process is kept off it, see tests/conftest.py."""

import os
import sys
from functools import cache
from pathlib import Path

import pytest

from unroll.measure.device import NO_GPU, Device, work_on
from unroll.measure.gpus import describe_gpus, may_have_gpu
from unroll.measure.process import Limits, work_apart

sys.path.append(str(Path(__file__).parent))  # for on_device.py, which those processes import
VISIBLE = {
    "CUDA_VISIBLE_DEVICES": os.environ.get("UNROLL_TESTED_GPU", ""),
    "XLA_FLAGS": "",  # programs as they are measured, not those of tests/conftest.py
}
LIMITS = Limits(seconds=300)


@cache
def sees_gpu() -> bool:
    if not may_have_gpu():
        return False
    (found,) = work_apart(describe_gpus, limits=LIMITS, variables=VISIBLE)
    return bool(found)


@pytest.fixture(scope="session")
def gpu():
    """Give the GPU, or skip the test where TensorFlow sees none."""
    if not sees_gpu():
        pytest.skip(NO_GPU)
    return Device("gpu")


@pytest.fixture(scope="session")
def on():
    """Give a function that lets a process of its own work on a device, and gives a list of what comes."""

    def on(device, work, *arguments, **more):
        variables = VISIBLE if device.is_gpu else {}
        return list(work_apart(work_on, device, work, *arguments, limits=LIMITS, variables=variables, **more))

    return on

"""GPUs as TensorFlow and the driver's tool tell of them: here, a tool of our own."""

import os
from importlib import metadata
from types import SimpleNamespace

import pytest
import tensorflow as tf

from unroll.measure import gpus
from unroll.measure.gpus import Load, cuda_versions, describe_gpus, find_gpus, find_load, gpu_text, may_have_gpu
from unroll.measure.process import WorkerDied

TOOL = """#!/bin/sh
case "$1" in
  --query-gpu=name,memory.total,driver_version) echo "NVIDIA H100 80GB HBM3, 81559, 580.159.04" ;;
  --query-gpu=utilization.gpu) echo "{load}"; echo 99 ;;
  --query-compute-apps=pid) echo {own}; echo 2147483647; echo "[Not Found]" ;;
esac
"""


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Put a tool of our own in nvidia-smi's place, which tells of a load."""

    def install(load):
        path = tmp_path / "nvidia-smi"
        path.write_text(TOOL.format(load=load, own=os.getpid()))
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    return install


@pytest.fixture
def no_tool(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def two_cards(monkeypatch):
    """Let TensorFlow see two GPUs, of which the driver knows the first."""
    details = {
        "first": {"device_name": "NVIDIA H100 80GB HBM3", "compute_capability": (9, 0)},
        "second": {},
    }
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(details))
    monkeypatch.setattr(tf.config.experimental, "get_device_details", details.get)


def test_a_gpu_is_described_by_tensorflow_and_the_driver(two_cards, tool):
    tool(0)
    first, second = describe_gpus()
    assert first == {
        "name": "NVIDIA H100 80GB HBM3",
        "compute_capability": "9.0",
        "memory_bytes": 81559 << 20,
        "driver": "580.159.04",
    }
    assert gpu_text(first) == "NVIDIA H100 80GB HBM3, 79.6 GiB, compute capability 9.0, driver 580.159.04"
    assert second == {"name": "unknown GPU", "compute_capability": None, "memory_bytes": None, "driver": None}
    assert gpu_text(second) == "unknown GPU"


def test_without_the_drivers_tool_a_gpu_is_described_by_tensorflow_alone(two_cards, no_tool):
    first, _ = describe_gpus()
    assert (first["name"], first["memory_bytes"]) == ("NVIDIA H100 80GB HBM3", None)
    assert find_load() is None


def test_others_on_the_gpu_are_counted_without_ourselves(tool):
    tool(37)
    assert find_load() == Load(0.37, 1)


def test_a_load_that_the_driver_does_not_tell_is_unknown(tool):
    tool("[N/A]")
    assert find_load() is None


def test_cuda_is_named_as_tensorflow_was_built(monkeypatch):
    monkeypatch.setattr(tf.sysconfig, "get_build_info", lambda: {"cuda_version": "12.5.1", "cudnn_version": "9"})
    assert cuda_versions() == {"cuda": "12.5.1", "cudnn": "9"}
    monkeypatch.setattr(tf.sysconfig, "get_build_info", lambda: {"is_cuda_build": False})
    assert cuda_versions() == {}


@pytest.mark.parametrize(("name", "found"), [("nvidiactl", True), ("nvme0", False), ("dxg", True), ("tty", False)])
def test_where_no_driver_has_left_a_file_there_is_no_gpu(tmp_path, monkeypatch, name, found):
    monkeypatch.setattr(gpus, "sys", SimpleNamespace(platform="linux"))
    (tmp_path / name).touch()
    assert may_have_gpu(tmp_path) == found


def test_on_other_systems_tensorflow_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "sys", SimpleNamespace(platform="darwin"))
    assert may_have_gpu(tmp_path)


@pytest.fixture
def asked(monkeypatch):
    """Let there be a driver's file; collect what processes are started for."""
    works = []
    monkeypatch.setattr(gpus, "may_have_gpu", lambda: True)
    monkeypatch.setattr(gpus, "work_apart", lambda work, limits: works.append(work) or iter([[{"name": "one"}]]))
    find_gpus.cache_clear()
    yield works
    find_gpus.cache_clear()


def test_tensorflow_is_asked_once_in_a_process_of_its_own(asked):
    assert find_gpus() == find_gpus() == ({"name": "one"},)
    assert asked == [gpus.describe_gpus]


def test_nobody_is_asked_where_there_can_be_no_gpu(asked, monkeypatch):
    monkeypatch.setattr(gpus, "may_have_gpu", lambda: False)
    assert find_gpus() == ()
    assert asked == []


def test_a_tensorflow_that_does_not_start_is_an_error_that_says_so(asked, monkeypatch):
    def die(work, limits):
        raise WorkerDied("its process was ended by SIGILL", "")
        yield

    monkeypatch.setattr(gpus, "work_apart", die)
    with pytest.raises(ValueError, match="cannot look for a GPU, TensorFlow does not start: its process was ended"):
        find_gpus()


def test_the_extra_for_a_gpu_brings_tensorflow_with_cuda():
    found = [needed for needed in metadata.requires("unroll-lstm") if "and-cuda" in needed]
    assert len(found) == 1
    assert found[0].startswith("tensorflow[and-cuda]") and 'extra == "gpu"' in found[0].replace("'", '"')

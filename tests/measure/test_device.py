"""What is done for a GPU, as far as a CPU can tell."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from fakes import Accountant, FakeGpu, has_looked_for_devices

from unroll.measure import memory, rounds
from unroll.measure.batch import Data
from unroll.measure.check import TOLERANCES
from unroll.measure.config import MODES, Case, Sizes
from unroll.measure.device import CPU, Device, choose_device, work_on
from unroll.measure.process import CaseFailed, Limits, NotAvailable, work_apart
from unroll.measure.steps import StepRounds
from unroll.measure.workloads import Batch, expected_of, new_workload
from unroll.models import data

IMAGES, LABELS = data.load("digits").train
DATA = Data(IMAGES, LABELS, 0)
SIZES = Sizes(steps=2, batch=4, hidden=3)
BATCH = Batch.of(DATA, SIZES)
GPU = Device("gpu")


def never():
    raise AssertionError("nobody asked for a GPU")


def test_each_device_has_its_name_its_allocators_switch_and_its_halves():
    assert (CPU.name, GPU.name) == ("CPU:0", "GPU:0")
    assert CPU.counting == {"TF_CPU_ALLOCATOR_USE_BFC": "1"}
    assert GPU.counting == {}
    assert (CPU.half, GPU.half) == ("bfloat16", "float16")


@pytest.mark.parametrize("device", [CPU, GPU, Device("gpu", tf32=True)])
def test_every_precision_has_a_tolerance(device):
    assert {device.precision(mode) for mode in MODES} <= set(TOLERANCES)


def test_precision_is_that_of_the_mode_and_of_tf32():
    assert [GPU.precision("graph"), GPU.precision("mixed"), CPU.precision("mixed")] == [
        "float32",
        "float16",
        "bfloat16",
    ]
    assert Device("gpu", tf32=True).precision("xla") == "tf32"


@pytest.mark.parametrize(
    ("asked", "tf32", "gpus", "chosen"),
    [
        (None, "off", [], CPU),
        (None, "off", ["one"], GPU),
        ("cpu", "off", never, CPU),
        ("gpu", "on", ["one"], Device("gpu", tf32=True)),
        (None, "on", ["one"], Device("gpu", tf32=True)),
    ],
)
def test_the_gpu_is_taken_if_there_is_one_and_not_looked_for_if_the_cpu_is_asked_for(asked, tf32, gpus, chosen):
    assert choose_device(asked, tf32, gpus if callable(gpus) else lambda: gpus) == chosen


@pytest.mark.parametrize(
    ("asked", "tf32", "message"),
    [
        ("tpu", "off", "got --device tpu; want cpu or gpu"),
        ("cpu", "yes", "got --tf32 yes; want off or on"),
        ("gpu", "off", "got --device gpu, but TensorFlow sees no GPU; want --device cpu, or a driver and pip install"),
        ("cpu", "on", "got --tf32 on, and the CPU to measure on; only a GPU has TF32"),
        (None, "on", "got --tf32 on, and the CPU to measure on"),
    ],
)
def test_a_device_that_is_not_there_is_refused(asked, tf32, message):
    with pytest.raises(ValueError, match=message):
        choose_device(asked, tf32, lambda: [])


def test_settings_from_before_there_was_a_choice_name_the_cpu():
    assert Device.of({}) == CPU
    assert Device.of({"device": "gpu", "tf32": True}) == Device("gpu", tf32=True)


@pytest.fixture
def started(monkeypatch):
    """Collect what a device sets in TensorFlow, where there are two GPUs."""
    calls = {}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["first", "second"])
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda gpus, kind: calls.update(visible=(gpus, kind)))
    experimental = tf.config.experimental
    monkeypatch.setattr(experimental, "set_memory_growth", lambda gpu, grows: calls.update(growth=(gpu, grows)))
    monkeypatch.setattr(experimental, "enable_tensor_float_32_execution", lambda on: calls.update(tf32=on))
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "true")
    return calls


def test_a_process_on_the_cpu_sees_no_gpu(started):
    CPU.start()
    assert started == {"visible": ([], "GPU")}


@pytest.mark.parametrize("tf32", [False, True])
def test_a_process_on_the_gpu_sees_the_first_lets_its_memory_grow_and_sets_tf32(started, tf32):
    work_on(Device("gpu", tf32), dict)
    assert started == {"visible": (["first"], "GPU"), "growth": ("first", True), "tf32": tf32}


def test_a_process_on_a_gpu_that_is_not_there_says_so(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    with pytest.raises(NotAvailable, match="TensorFlow sees no GPU"):
        GPU.start()


def test_only_a_gpu_is_waited_for(monkeypatch):
    waits = []
    monkeypatch.setattr(tf.test.experimental, "sync_devices", lambda: waits.append("wait"))
    CPU.wait()
    assert waits == []
    GPU.wait()
    assert waits == ["wait"]


def test_the_allocator_that_is_read_is_the_devices(monkeypatch):
    named = []
    monkeypatch.setattr(tf.config.experimental, "get_memory_info", named.append)
    monkeypatch.setattr(tf.config.experimental, "reset_memory_stats", named.append)
    for device in (CPU, GPU):
        device.allocated()
        device.reset_peak()
    assert named == ["CPU:0", "CPU:0", "GPU:0", "GPU:0"]


def test_labels_are_of_a_dtype_that_a_gpu_keeps_in_its_own_memory():
    labels = np.arange(3, dtype=np.int32)
    assert CPU.put(labels).dtype == tf.int32
    assert FakeGpu().put(labels).dtype == tf.int64
    assert FakeGpu().put(np.ones(3, np.float32)).dtype == tf.float32


class Clock(SimpleNamespace):
    """A clock that says when it is read; only every second reading is later."""

    def perf_counter(self):
        self.heard.append("clock")
        return 0.01 * (self.heard.count("clock") // 2)


@pytest.mark.parametrize("phase", ["forward", "train"])
def test_before_every_reading_of_the_clock_the_gpu_is_waited_for(phase, monkeypatch):
    device = FakeGpu()
    monkeypatch.setattr(rounds, "time", Clock(heard=device.heard, monotonic=lambda: 0.0))
    taking = StepRounds([Case("dynamic", "graph", SIZES)], phase, BATCH, expected_of(SIZES, BATCH, 0), 0, 2, device)
    events = list(taking.round(1))
    assert not [event for event in events if isinstance(event, CaseFailed)]
    readings = [number for number, heard in enumerate(device.heard) if heard == "clock"]
    build_end = readings[1]  # a build gives a GPU nothing to do
    assert len(readings) >= 2 * (1 + 1 + rounds.SETTLED_STEPS + 2)
    for number in readings:
        assert number == build_end or device.heard[number - 1] == "wait"


def test_on_a_cpu_a_step_gives_an_array_and_on_a_gpu_only_the_check_does():
    for device in (CPU, FakeGpu()):
        step = new_workload(Case("dynamic", "graph", SIZES), BATCH, 0, device).build("forward")
        assert isinstance(step(check=True), np.ndarray)
        assert isinstance(step(), np.ndarray) != device.is_gpu


def warm_up(monkeypatch, seconds):
    expected = expected_of(SIZES, BATCH, 0)
    taking, taken = StepRounds([Case("dynamic", "graph", SIZES)], "train", BATCH, expected, 0, 1, FakeGpu()), []

    def timed(step):
        taken.append(next(seconds))
        return taken[-1], None

    monkeypatch.setattr(taking, "_timed", timed)
    taking._warm_up_until_steady(lambda: None)
    return taken


def test_a_gpu_is_warm_once_its_steps_take_alike(monkeypatch):
    assert len(warm_up(monkeypatch, iter([0.09, 0.05, 0.02, *[0.01] * 99]))) == 3 + rounds.SETTLED_STEPS


def test_warming_up_ends_though_steps_never_settle(monkeypatch):
    restless = [0.001 * (1 + number % 2) for number in range(999)]
    assert len(warm_up(monkeypatch, iter(restless))) == rounds.MOST_WARM_UPS
    assert len(warm_up(monkeypatch, iter([rounds.LONGEST_WARM_UP_S + 1] * 99))) == 1


def test_a_network_on_another_device_is_not_measured():
    with pytest.raises(NotAvailable, match="its weights lie on CPU:0, and GPU:0 is measured"):
        new_workload(Case("dynamic", "graph", SIZES), BATCH, 0, GPU)


@pytest.mark.parametrize(
    ("device", "mode", "message"),
    [
        (CPU, "graph", "Keras, cuDNN needs a GPU, and CPU:0 is measured"),
        (FakeGpu(), "xla", "XLA does not compile cuDNN's kernels"),
    ],
)
def test_cudnn_is_refused_by_name_where_it_cannot_be(device, mode, message):
    with pytest.raises(NotAvailable, match=message):
        new_workload(Case("keras-cudnn", mode, SIZES), BATCH, 0, device)


def test_cudnn_is_never_replaced_by_something_else():
    """Where Keras finds no GPU, a layer that is kept to cuDNN raises, rather than to run its loop."""
    workload = new_workload(Case("keras-cudnn", "graph", SIZES), BATCH, 0, FakeGpu())
    with pytest.raises(ValueError, match="cuDNN is not supported"):
        workload.build("forward")


@pytest.mark.parametrize(
    ("variant", "package", "message"),
    [("torch", "torch", "this PyTorch sees no GPU"), ("jax-loop", "jax", "this JAX sees no GPU")],
)
def test_another_package_without_a_gpu_does_not_fall_back_to_the_cpu(variant, package, message):
    pytest.importorskip(package, reason=f"{package} is an extra: pip install -e '.[peers]'")
    with pytest.raises(NotAvailable, match=message):
        new_workload(Case(variant, {"torch": "eager"}.get(package, "xla"), SIZES), BATCH, 0, FakeGpu())


def test_the_peak_is_the_devices_above_what_it_held_and_is_read_when_it_is_done(monkeypatch):
    monkeypatch.setattr(memory, "calibrate", lambda device: None)
    device = Accountant()
    (record,) = memory.peak(Case("dynamic", "graph", SIZES), "train", DATA, device=device)
    assert (record.quantity, record.samples, record.note) == ("tensors", [250], "")
    start = device.heard.index("reset")
    assert device.heard[start - 1] == "wait"
    assert device.heard[start : start + 4] == ["reset", "read", "wait", "read"]


def test_an_allocator_that_counts_wrong_is_not_believed():
    with pytest.raises(NotAvailable, match="the allocator counted 0 bytes where tensors held"):
        memory.calibrate(Accountant())


@pytest.mark.parametrize(("device", "note"), [(CPU, ""), (FakeGpu(), memory.HOST)])
def test_the_process_is_the_hosts_and_named_so_beside_a_gpu(device, note):
    records = memory.hold(Case("dynamic", "graph", SIZES), "forward", DATA, device=device)
    assert next(record for record in records if record.quantity == "process").note == note


def test_what_processes_are_forked_from_has_not_looked_for_devices():
    """Who has started CUDA cannot be forked: its children would find no GPU."""
    assert list(work_apart(has_looked_for_devices, False, limits=Limits(60))) == [False]
    assert list(work_apart(has_looked_for_devices, True, limits=Limits(60))) == [True]

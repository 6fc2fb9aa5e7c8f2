"""What a step asks of a GPU: how many kernels it launches, what it copies, and how long the GPU is busy with both."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from unroll.measure.batch import Batch, Data
from unroll.measure.check import assert_equal
from unroll.measure.config import Case
from unroll.measure.device import CPU, Device
from unroll.measure.journal import Record
from unroll.measure.process import NotAvailable
from unroll.measure.workloads import expected_of, new_workload

WARM_UPS, PROFILED_STEPS = 5, 5
GPU_PLANE, STREAM = "/device:GPU:0", "Stream #"
COPIES = ("MemcpyD2H", "MemcpyH2D")  # between the GPU's memory and the host's
OTHER_THAN_KERNELS = ("Memcpy", "Memset")
PICOSECOND = 1e-12


class Activity(NamedTuple):
    """What a GPU did between two readings: its kernels, its copies from and to the host, and its busy seconds."""

    kernels: int
    copies: int
    busy: float


def count_kernels(case: Case, phase: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Count the kernels and copies of a step, and add up the time in which the GPU works at any.

    Two kernels that run at once count their time once. TensorFlow's profiler slows the host down, so how long a step
    takes is not read from it.

    Raises:
        NotAvailable: the device is no GPU, or the profiler saw nothing on it.
    """
    if not device.is_gpu:
        raise NotAvailable("kernels are counted on a GPU only")
    batch = Batch.of(data, case.sizes)
    workload = new_workload(case, batch, data.seed, device)
    step = workload.build(phase)
    for _ in range(WARM_UPS):
        step()
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(PROFILED_STEPS):
            step()
        tf.profiler.experimental.stop()
        did = activity(_planes(Path(folder)))
    assert_equal(workload, phase, step, expected_of(case.sizes, batch, data.seed))
    if not did.kernels:
        raise NotAvailable("TensorFlow's profiler saw no kernel: CUPTI may be missing")
    note = f"over {PROFILED_STEPS} steps"
    for quantity, unit, value in (
        ("kernels", "launches", did.kernels),
        ("copies", "copies", did.copies),
        ("busy", "s", did.busy),
    ):
        yield Record.of(case, quantity, phase, unit, [value / PROFILED_STEPS], note=note)


def activity(planes: Iterable[Any]) -> Activity:
    """Sum up the streams of the first GPU, of the planes of a profile that TensorFlow wrote."""
    names, times = [], []
    for plane in planes:
        if plane.name != GPU_PLANE:
            continue
        for line in plane.lines:
            if not line.name.startswith(STREAM):  # a summary of the streams, and not one of them
                continue
            start = line.timestamp_ns * 1000
            for event in line.events:
                names.append(plane.event_metadata[event.metadata_id].name)
                times.append((start + event.offset_ps, start + event.offset_ps + event.duration_ps))
    kernels = sum(not name.startswith(OTHER_THAN_KERNELS) for name in names)
    return Activity(kernels, sum(name.startswith(COPIES) for name in names), _covered(times) * PICOSECOND)


def _covered(intervals: list[tuple[int, int]]) -> int:
    """Add up the length of what any of the intervals covers."""
    total, end = 0, 0
    for start, stop in sorted(intervals):
        total += max(0, stop - max(start, end))
        end = max(end, stop)
    return total


def _planes(folder: Path) -> list[Any]:
    """Read the planes of the profile in a folder."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    messages: Any = xplane_pb2  # generated: what is in it is not known before it is imported
    space = messages.XSpace()
    for path in folder.rglob("*.xplane.pb"):
        space.MergeFromString(path.read_bytes())
    return list(space.planes)

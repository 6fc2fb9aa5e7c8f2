"""What a variant holds, each case in a process of its own: memory once taken is seldom given back.

Three scopes, never mixed:

- graph: nodes and bytes of the GraphDef with its function library, where a loop keeps its body.
- process: how much the resident memory grows by building the graph and taking the first steps. It is the host's, on a
  GPU too.
- tensors: the device's allocator's peak during one later step, above what was held before it. The allocator counts
  blocks, and a block may be up to twice as large as the tensor in it: the peak is an upper bound.
"""

from collections.abc import Callable, Iterator

import psutil
import tensorflow as tf

from unroll.measure.batch import Batch, Data, Workload
from unroll.measure.check import assert_equal, expect
from unroll.measure.config import Case
from unroll.measure.device import CPU, Device
from unroll.measure.foreign import FIRST_STEPS, HOST, NO_GRAPH, NOT_COUNTED
from unroll.measure.graph import count_bytes, count_nodes, outline
from unroll.measure.journal import Record
from unroll.measure.process import NotAvailable
from unroll.measure.workloads import TensorFlowWorkload, new_workload

KNOWN_TENSORS, KNOWN_BYTES = 128, 64 << 10


def hold(
    case: Case,
    phase: str,
    data: Data,
    *,
    with_outline: bool = False,
    device: Device = CPU,
) -> Iterator[Record | dict]:
    """Measure by how many bytes this process grows, and how large the graph is; may yield the graph's outline, too."""
    batch = Batch.of(data, case.sizes)
    workload = _prepare(case, batch, data.seed, device)
    process = psutil.Process()
    before = process.memory_info().rss
    step = _first_steps(workload, phase)
    grown = process.memory_info().rss - before
    _assert_equal(case, workload, phase, step, batch, data.seed)
    yield Record.of(case, "process", phase, "bytes", [grown], note=HOST if device.is_gpu else "")
    if not isinstance(workload, TensorFlowWorkload) or not workload.builds:
        for quantity, unit in (("nodes", "nodes"), ("graph_bytes", "bytes")):
            yield Record.of(case, quantity, phase, unit, [], note=NO_GRAPH)
        return
    function = workload.functions[phase]
    yield Record.of(case, "nodes", phase, "nodes", [count_nodes(function)])
    yield Record.of(case, "graph_bytes", phase, "bytes", [count_bytes(function)])
    if with_outline:
        yield outline(function)


def peak(case: Case, phase: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Measure the device's allocator's peak in bytes during a step, above what was held before it.

    The process must have been started with the variables in `device.counting`. Where the allocator cannot be read, the
    record says so.
    """
    batch = Batch.of(data, case.sizes)
    workload = _prepare(case, batch, data.seed, device)
    try:
        if not isinstance(workload, TensorFlowWorkload):
            raise NotAvailable(NOT_COUNTED)
        calibrate(device)
    except NotAvailable as reason:
        yield Record.of(case, "tensors", phase, "bytes", [], note=str(reason))
        return
    step = _first_steps(workload, phase)
    device.reset_peak()
    before = device.allocated()["current"]
    step()
    held = device.allocated()["peak"] - before
    _assert_equal(case, workload, phase, step, batch, data.seed)
    yield Record.of(case, "tensors", phase, "bytes", [held])


def calibrate(device: Device = CPU) -> None:
    """Believe the allocator only if it sees tensors of known size come: small ones, as a step's states are.

    Raises:
        NotAvailable: the count does not agree, to a twentieth, with what was allocated.
    """
    before = device.allocated()["current"]
    with tf.device(device.name):
        tensors = [tf.random.uniform([KNOWN_BYTES // 4]) for _ in range(KNOWN_TENSORS)]
    seen, held = device.allocated()["current"] - before, len(tensors) * KNOWN_BYTES
    if not held <= seen <= 1.05 * held:
        raise NotAvailable(f"the allocator counted {seen} bytes where tensors held {held}")


def _prepare(case: Case, batch: Batch, seed: int, device: Device) -> Workload:
    """Make the network on its batch, and let TensorFlow start its threads, before anything is counted."""
    workload = new_workload(case, batch, seed, device)
    tf.function(lambda x: tf.matmul(x, x))(tf.ones([64, 64]))
    return workload


def _first_steps(workload: Workload, phase: str):
    step = workload.build(phase)
    for _ in range(FIRST_STEPS):
        step()
    return step


def _assert_equal(case: Case, workload: Workload, phase: str, step: Callable, batch: Batch, seed: int) -> None:
    workload.reset()
    assert_equal(workload, phase, step, expect(workload.values(), batch, seed, case.sizes.valid))

"""PyTorch's and JAX's networks: made beside TensorFlow's, or measured in a process that has no TensorFlow.

On a GPU they are always apart, because TensorFlow loads a cuDNN of its own there and a process holds only one. The
process may be another Python interpreter's. Imports no TensorFlow.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import psutil

from unroll.measure.batch import Batch, Workload
from unroll.measure.check import Expected, assert_equal
from unroll.measure.config import Case
from unroll.measure.device import CPU, Device
from unroll.measure.journal import Record
from unroll.measure.process import CaseFailed, NotAvailable
from unroll.measure.rounds import Rounds, Share, small_sizes

FIRST_STEPS = 3
HOST = "the host's memory; what the GPU holds is in the tensors"
NO_GRAPH = "keeps no TensorFlow graph"
NOT_COUNTED = "TensorFlow's allocator does not see other packages' tensors"
SINCE_THE_START = "the most during the first steps, compiling included"


class Start(NamedTuple):
    """What all variants start from, and what is expected of them then."""

    weights: list[np.ndarray]  # in the order of unroll.measure.config.WEIGHTS
    learning_rate: float
    expected: Expected


def run_foreign_rounds(
    cases: Sequence[Case],
    phase: str,
    batch: Batch,
    start: Start,
    seed: int,
    *,
    steps: int,
    share: Share,
    device: Device = CPU,
) -> Iterator[Record | CaseFailed | str]:
    """Run a share of the rounds of other packages' cases, as `unroll.measure.steps.run_rounds` does of TensorFlow's."""
    rounds = ForeignRounds(cases, phase, batch, start.expected, seed, steps, device)
    rounds.beginning = start
    yield from rounds.run(share)


class ForeignRounds(Rounds):
    """Rounds of other packages' networks, with starting weights that came ready made."""

    beginning: Start

    def new_workload(self, case: Case, batch: Batch) -> Workload:
        weights, rate = self.beginning.weights, self.beginning.learning_rate
        if case.sizes == small_sizes(case.sizes):  # to warm up, any weights do
            H, I = case.sizes.hidden, case.sizes.input  # noqa: E741
            shapes = [I, 4 * H], [H, 4 * H], [4 * H], [H, len(weights[-1])], weights[-1].shape
            weights = [np.zeros(shape, np.float32) for shape in shapes]
        return new_foreign_workload(case, batch, weights, rate, self.device)

    def wait(self) -> None:
        """There is nothing to wait for: each step of these networks has waited for the device."""


def measure_foreign_memory(
    case: Case, phase: str, batch: Batch, start: Start, *, device: Device = CPU
) -> Iterator[Record]:
    """Measure by how many bytes this process grows, and on a GPU the most that the package's own allocator held."""
    workload = new_foreign_workload(case, batch, start.weights, start.learning_rate, device)
    process = psutil.Process()
    resident, held = process.memory_info().rss, workload.allocated()["current"] if device.is_gpu else 0
    step = workload.build(phase)
    for _ in range(FIRST_STEPS):
        step()
    grown = process.memory_info().rss - resident
    most = [workload.allocated()["peak"] - held] if device.is_gpu else []
    assert_equal(workload, phase, step, start.expected)
    yield Record.of(case, "process", phase, "bytes", [grown], note=HOST if device.is_gpu else "")
    yield Record.of(case, "tensors", phase, "bytes", most, note=SINCE_THE_START if most else NOT_COUNTED)
    for quantity, unit in (("nodes", "nodes"), ("graph_bytes", "bytes")):
        yield Record.of(case, quantity, phase, unit, [], note=NO_GRAPH)


def new_foreign_workload(
    case: Case, batch: Batch, weights: list[np.ndarray], learning_rate: float, device: Device
) -> Any:
    """Make another package's network on a batch.

    Raises:
        NotAvailable: it takes no sequence_length, and the sizes ask for one; or the package sees no GPU.
    """
    if case.sizes.valid is not None:
        raise NotAvailable("takes no sequence_length")
    options = {"on_gpu": device.is_gpu, "tf32": device.tf32}
    if case.variant == "torch":
        from unroll.measure.torch_peer import TorchNetwork

        return TorchNetwork(weights, batch, learning_rate, **options)
    from unroll.measure.jax_peer import JaxNetwork

    unroll = {"jax-loop": 1, "jax-unrolled": case.sizes.steps, "jax-python": None}[case.variant]
    return JaxNetwork(weights, batch, learning_rate, unroll=unroll, **options)

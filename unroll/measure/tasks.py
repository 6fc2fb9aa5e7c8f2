"""The tasks of a plan: one row a kind, with the function that measures it in a process of its own.

Imports no TensorFlow, because the process that plans must stay without it: each function imports what it needs where it
runs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from unroll.measure.batch import Batch, Data
from unroll.measure.config import Case, Sizes
from unroll.measure.device import CPU, Device
from unroll.measure.foreign import Start
from unroll.measure.journal import Record
from unroll.measure.process import CaseFailed
from unroll.measure.rounds import Share

Events = Iterator[Record | CaseFailed | str]


@dataclass(frozen=True)
class Kind:
    """A kind of task: what one process measures.

    Attributes:
        name: how the plan calls it.
        work: the function that measures. It takes a case, a phase and the data, and by name the device; in rounds, it
            takes several cases, and by name also the steps and the share.
        in_rounds: whether several cases take turns at it, round by round.
        apart: whether each case has a process of its own in every round.
    """

    name: str
    work: Callable
    in_rounds: bool = False
    apart: bool = False


def time_steps(
    cases: Sequence[Case], phase: str, data: Data, *, steps: int, share: Share | None = None, device: Device = CPU
) -> Events:
    """Build, first call and step a phase of cases of the same sizes, which take turns in random order.

    Every round builds each case anew: two graphs of one variant can differ in step time more than two variants do, and
    no number of steps on one graph would show that. A case takes part in as many rounds as it says. One that fails, or
    whose result is not the expected one, takes part no more.

    Args:
        data: at least B images.
        steps: how many later steps each case takes in a round, fewer where they are slow; 0 for none.
        share: the rounds that this process goes through, if not all.
        device: what all of this process runs on.

    Yields:
        a record of each case, quantity and round as soon as there is one; each case that failed; and ROUND_OVER after
        each round. A build is noted as not checked: it is right if its first call's record follows.
    """
    from unroll.measure.steps import StepRounds, run_rounds

    yield from run_rounds(StepRounds, cases, phase, data, steps=steps, share=share, device=device)


def time_cold_start(
    cases: Sequence[Case], phase: str, data: Data, *, steps: int, share: Share | None = None, device: Device = CPU
) -> Events:
    """Build and call a case for the first time as `time_steps` does, but in a process that did no such thing before."""
    from unroll.measure.steps import ColdRounds, run_rounds

    yield from run_rounds(ColdRounds, cases, phase, data, steps=steps, share=share, device=device)


def time_fit(
    cases: Sequence[Case], phase: str, data: Data, *, steps: int, share: Share | None = None, device: Device = CPU
) -> Events:
    """Compile and fit Keras models in turn, as `time_steps` builds and steps: a step is a later epoch."""
    from unroll.measure.fit import EPOCHS, FitRounds
    from unroll.measure.steps import run_rounds

    yield from run_rounds(FitRounds, cases, phase, data, steps=min(steps, EPOCHS), share=share, device=device)


def time_replicas(
    cases: Sequence[Case], phase: str, data: Data, *, steps: int, share: Share | None = None, device: Device = CPU
) -> Events:
    """Time training steps of cases on one device and on several, in turn, as `time_steps` does.

    There are no more devices than cores; a record says so where more are asked for.

    Raises:
        NotAvailable: the device is a GPU, which is one and cannot be split.
    """
    from unroll.measure.replicas import ReplicaRounds, prepare_devices
    from unroll.measure.steps import run_rounds

    yield from prepare_devices(cases, phase, device)
    yield from run_rounds(ReplicaRounds, cases, phase, data, steps=steps, share=share, device=device)


def measure_process(
    case: Case, phase: str, data: Data, *, with_outline: bool = False, device: Device = CPU
) -> Iterator:
    """Measure by how many bytes a process grows, and how large the graph is: see `unroll.measure.memory.hold`."""
    from unroll.measure.memory import hold

    yield from hold(case, phase, data, with_outline=with_outline, device=device)


def measure_tensors(case: Case, phase: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Measure the allocator's peak during a step: see `unroll.measure.memory.peak`."""
    from unroll.measure.memory import peak

    yield from peak(case, phase, data, device=device)


def measure_fit_process(case: Case, phase: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Measure by how many bytes a process grows in `fit`: see `unroll.measure.fit.hold`."""
    from unroll.measure.fit import hold

    yield from hold(case, phase, data, device=device)


def count_kernels(case: Case, phase: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Count what a step asks of a GPU: see `unroll.measure.kernels.count_kernels`."""
    from unroll.measure.kernels import count_kernels

    yield from count_kernels(case, phase, data, device=device)


def export(case: Case, phase: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Save, load and serve a variant's logits: see `unroll.measure.export.export`."""
    from unroll.measure.export import export

    yield from export(case, data, device=device)


def to_tflite(case: Case, phase: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Convert a variant's logits to TFLite: see `unroll.measure.convert.convert_network`."""
    from unroll.measure.convert import convert_network

    yield from convert_network(case, "tflite", data, device=device)


def to_onnx(case: Case, phase: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Convert a variant's logits to ONNX: see `unroll.measure.convert.convert_network`."""
    from unroll.measure.convert import convert_network

    yield from convert_network(case, "onnx", data, device=device)


def to_layer_tflite(case: Case, phase: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Convert a Keras model around a variant's layer to TFLite: see `unroll.measure.convert.convert_layer`."""
    from unroll.measure.convert import convert_layer

    yield from convert_layer(case, "layer_tflite", data, device=device)


def to_layer_onnx(case: Case, phase: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Convert a Keras model around a variant's layer to ONNX: see `unroll.measure.convert.convert_layer`."""
    from unroll.measure.convert import convert_layer

    yield from convert_layer(case, "layer_onnx", data, device=device)


def save_keras_file(case: Case, phase: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Save a Keras model around a variant's layer: see `unroll.measure.convert.save_layer`."""
    from unroll.measure.convert import save_layer

    yield from save_layer(case, data, device=device)


def count_retraces(case: Case, phase: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Count the traces that different lengths cost: see `unroll.measure.export.count_retraces`."""
    from unroll.measure.export import count_retraces

    yield from count_retraces(case, data, device=device)


def take_second_order(case: Case, phase: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Take the second derivative: see `unroll.measure.second_order.compare_second_order`."""
    from unroll.measure.second_order import compare_second_order

    yield from compare_second_order(case, data, device=device)


def measure_rates(case: Case, phase: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Measure the matrix rate and the bandwidth: see `unroll.measure.machine.measure_rates`."""
    from unroll.measure.machine import measure_rates

    yield from measure_rates(case, device=device)


def describe_environment(seed: int, *, device: Device = CPU) -> dict:
    """Describe what a run is measured in: see `unroll.measure.environment.environment`."""
    from unroll.measure.environment import environment

    return environment(seed, device=device)


def starting_point(sizes: Sizes, data: Data, *, device: Device = CPU) -> tuple[Batch, Start]:
    """Return what a process without TensorFlow starts from: see `unroll.measure.workloads.starting_point`."""
    from unroll.measure.workloads import starting_point

    return starting_point(sizes, data, device=device)


KINDS: dict[str, Kind] = {
    row.name: row
    for row in (
        Kind("turns", time_steps, in_rounds=True),
        Kind("cold", time_cold_start, in_rounds=True, apart=True),
        Kind("fit", time_fit, in_rounds=True),
        Kind("replicas", time_replicas, in_rounds=True),
        Kind("memory", measure_process),  # and beside it measure_tensors, in a process with another allocator
        Kind("fit_memory", measure_fit_process),
        Kind("kernels", count_kernels),
        Kind("export", export),
        Kind("tflite", to_tflite),
        Kind("onnx", to_onnx),
        Kind("layer_tflite", to_layer_tflite),
        Kind("layer_onnx", to_layer_onnx),
        Kind("keras_file", save_keras_file),
        Kind("retraces", count_retraces),
        Kind("second_order", take_second_order),
        Kind("machine", measure_rates),
    )
}

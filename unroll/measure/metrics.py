"""What is measured: one row a quantity, and one row a kind of task, which measures several. Imports no TensorFlow."""

from dataclasses import dataclass

from unroll.measure.config import REPLICAS, quantity_on


@dataclass(frozen=True)
class Kind:
    """A kind of task: what one process measures.

    Attributes:
        name: how the plan calls it.
        work: the function that measures, as module:function; "" where the session knows several.
        in_rounds: whether several cases take turns at it, round by round.
        takes_phase, takes_data: whether the function is given the phase, and the images, labels and seed.
    """

    name: str
    work: str = ""
    in_rounds: bool = False
    takes_phase: bool = True
    takes_data: bool = True


@dataclass(frozen=True)
class Metric:
    """A quantity that is measured.

    Attributes:
        name: how the journal names it.
        unit: of its samples.
        kind: the task that measures it.
        repeated: whether it is measured many times in a round.
    """

    name: str
    unit: str
    kind: str
    repeated: bool = False


KINDS: dict[str, Kind] = {
    row.name: row
    for row in (
        Kind("turns", "unroll.measure.steps:take_turns", in_rounds=True),
        Kind("fit", "unroll.measure.fit:take_turns", in_rounds=True),
        Kind("replicas", "unroll.measure.replicas:take_turns", in_rounds=True),
        Kind("memory"),
        Kind("fit_memory", "unroll.measure.fit:hold"),
        Kind("kernels", "unroll.measure.kernels:count_kernels"),
        Kind("export", "unroll.measure.export:export", takes_phase=False),
        Kind("retraces", "unroll.measure.export:count_retraces", takes_phase=False),
        Kind("machine", "unroll.measure.machine:measure_rates", takes_phase=False, takes_data=False),
    )
}
METRICS: dict[str, Metric] = {
    row.name: row
    for row in (
        Metric("build", "s", "turns"),
        Metric("first_call", "s", "turns"),
        Metric("step", "s", "turns", repeated=True),
        Metric("process", "bytes", "memory"),
        Metric("nodes", "nodes", "memory"),
        Metric("graph_bytes", "bytes", "memory"),
        Metric("tensors", "bytes", "memory"),
        Metric("export", "bytes", "export"),
        Metric("save", "s", "export"),
        Metric("load", "s", "export"),
        Metric("served", "s", "export"),
        Metric("retraces", "traces", "retraces"),
        Metric("retraces_signature", "traces", "retraces"),
        Metric("matrix_rate", "flop/s", "machine"),
        Metric("bandwidth", "bytes/s", "machine"),
        Metric("kernels", "launches", "kernels"),
        Metric("copies", "copies", "kernels"),
        Metric("busy", "s", "kernels"),
        Metric("fit_start", "s", "fit"),
        Metric("fit_first", "s", "fit"),
        Metric("fit_epoch", "s", "fit", repeated=True),
        Metric("fit_process", "bytes", "fit_memory"),
        *(Metric(quantity_on(count), "s", "replicas", repeated=True) for count in REPLICAS),
    )
}


def metrics_of(kind: str) -> tuple[str, ...]:
    """Return the names of what a kind of task measures."""
    return tuple(row.name for row in METRICS.values() if row.kind == kind)

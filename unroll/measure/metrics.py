"""What is measured: one row a quantity. Imports no TensorFlow."""

from dataclasses import dataclass

from unroll.measure.config import REPLICAS, quantity_on


@dataclass(frozen=True)
class Metric:
    """A quantity that is measured.

    Attributes:
        name: how the journal names it.
        unit: of its samples.
        kind: the task that measures it, a key of `unroll.measure.tasks.KINDS`.
        repeated: whether it is measured many times in a round.
        exact: whether it is the same whenever it is counted, so that it has no interval.
    """

    name: str
    unit: str
    kind: str
    repeated: bool = False
    exact: bool = False


METRICS: dict[str, Metric] = {
    row.name: row
    for row in (
        Metric("build", "s", "turns"),
        Metric("first_call", "s", "turns"),
        Metric("step", "s", "turns", repeated=True),
        Metric("cold_build", "s", "cold"),
        Metric("cold_first_call", "s", "cold"),
        Metric("process", "bytes", "memory"),
        Metric("nodes", "nodes", "memory", exact=True),
        Metric("graph_bytes", "bytes", "memory", exact=True),
        Metric("tensors", "bytes", "memory"),
        Metric("export", "bytes", "export", exact=True),
        Metric("save", "s", "export"),
        Metric("load", "s", "export"),
        Metric("served", "s", "export"),
        *(
            Metric(name, unit, kind, exact=unit != "s")
            for kind in ("tflite", "onnx", "layer_tflite", "layer_onnx")
            for name, unit in ((kind, "bytes"), (f"{kind}_operations", "operations"), (f"{kind}_convert", "s"))
        ),
        Metric("keras_file", "bytes", "keras_file", exact=True),
        Metric("retraces", "traces", "retraces", exact=True),
        Metric("retraces_signature", "traces", "retraces", exact=True),
        Metric("second_order", "share", "second_order", exact=True),
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

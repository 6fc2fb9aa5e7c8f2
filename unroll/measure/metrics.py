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
    """

    name: str
    unit: str
    kind: str
    repeated: bool = False


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
        *(
            Metric(name, unit, kind)
            for kind in ("tflite", "onnx", "layer_tflite", "layer_onnx")
            for name, unit in ((kind, "bytes"), (f"{kind}_operations", "operations"), (f"{kind}_convert", "s"))
        ),
        Metric("keras_file", "bytes", "keras_file"),
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

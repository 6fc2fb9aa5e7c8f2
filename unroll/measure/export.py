"""What a variant is as a SavedModel: its size, how soon it serves, and which lengths it serves."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from unroll.measure.batch import Batch, Data
from unroll.measure.config import Case, Sizes
from unroll.measure.device import CPU, Device
from unroll.measure.journal import Record
from unroll.measure.workloads import assert_available, new_network
from unroll.models.export import save_served
from unroll.models.network import Network

ANY_LENGTH = "any T"
LENGTHS = (4, 3, 2, 1)  # quarters of T that a caller of varying lengths comes with


def export(case: Case, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Save, load and call a variant's logits once, for any T where the variant can be traced so, else for its own.

    Yields:
        its bytes on disk with a note on the lengths it serves, and the seconds to save, to load, and to serve first.
    """
    assert_available(case, device)
    batch = Batch.of(data, case.sizes)
    network = new_network(case.variant, case.sizes, data.seed)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        lengths = save_model(network, case.sizes, Path(folder))
        saved = time.perf_counter()
        serve: Any = tf.saved_model.load(folder)
        loaded = time.perf_counter()
        logits = serve.serve(tf.constant(batch.images)).numpy()
        served = time.perf_counter()
        np.testing.assert_allclose(logits, network.forward(tf.constant(batch.images)).numpy(), atol=1e-4)
        yield new_record("export", case, "bytes", folder_bytes(Path(folder)), lengths)
    yield new_record("save", case, "s", saved - start)
    yield new_record("load", case, "s", loaded - saved)
    yield new_record("served", case, "s", served - loaded)


def count_retraces(case: Case, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Call a variant with four different lengths and count its traces, without an input signature and with one."""
    assert_available(case, device)
    batch = Batch.of(data, case.sizes)
    lengths = sorted({max(1, case.sizes.steps * quarter // 4) for quarter in LENGTHS}, reverse=True)
    for quantity, signature in (("retraces", None), ("retraces_signature", [_images_spec(None, case.sizes)])):
        network = new_network(case.variant, case.sizes, data.seed)
        forward: Any = tf.function(network.forward, input_signature=signature, autograph=False)
        try:
            for length in lengths:
                forward(tf.constant(batch.images[:, :length]))
        except ValueError as error:  # an unrolled network cannot be laid out for a T that is not known
            yield Record.of(case, quantity, "forward", "traces", [], note=str(error).splitlines()[0])
            continue
        note = f"for {len(lengths)} lengths"
        yield new_record(quantity, case, "traces", forward.experimental_get_tracing_count(), note)


def save_model(network: Network, sizes: Sizes, folder: Path) -> str:
    """Write a SavedModel that serves the logits of any number of images; says which lengths it serves."""
    try:
        save_served(network, network.forward, _images_spec(None, sizes), folder)
        return ANY_LENGTH
    except ValueError:
        save_served(network, network.forward, _images_spec(sizes.steps, sizes), folder)
        return f"T={sizes.steps} only"


def _images_spec(steps: int | None, sizes: Sizes) -> tf.TensorSpec:
    return tf.TensorSpec([None, steps, sizes.input], tf.float32, name="images")


def folder_bytes(folder: Path) -> int:
    """Add up the sizes of all files below a folder."""
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def new_record(quantity: str, case: Case, unit: str, sample: float, note: str = "") -> Record:
    """Make the record of one sample of what is exported, which is the forward phase."""
    return Record.of(case, quantity, "forward", unit, [sample], note=note)

"""What a variant is as a TFLite or ONNX model, and a Keras model as a file: its size, what it serves, equal outputs.

A model counts as converted when its own runtime gives the network's outputs, for every batch and length that the model
says it takes.
"""

import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from unroll.errors import how_to_install
from unroll.measure.batch import Batch, Data
from unroll.measure.config import Case
from unroll.measure.device import CPU, Device
from unroll.measure.export import folder_bytes, new_record
from unroll.measure.fit import layer_of
from unroll.measure.journal import Record
from unroll.measure.process import NotAvailable
from unroll.measure.workloads import assert_available, new_network, starting_weights
from unroll.models.network import CLASSES

TOLERANCE = 1e-4
NO_ONNX = f"ONNX needs tf2onnx and onnxruntime; want them installed: {how_to_install('onnx')}"
Run = Callable[[np.ndarray], np.ndarray]  # a model in its own runtime: images [B, T, I] -> logits [B, 10]


class Model(NamedTuple):
    """A converted model.

    Attributes:
        size: its bytes.
        operations: how many it has, those of its loops' bodies included.
        run: calls it in its own runtime.
    """

    size: int
    operations: int
    run: Run


def convert_network(case: Case, quantity: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Convert a variant's logits to a format, `quantity`, for any B and T where the converter and its runtime can.

    Yields:
        its bytes, with a note on what it serves; its operations; and the seconds to trace and convert it.

    Raises:
        NotAvailable: the format's packages are not installed, or it converts for no signature.
    """
    assert_available(case, device)
    network = new_network(case.variant, case.sizes, data.seed)
    yield from _convert(case, quantity, network.forward, network.variables, data)


def convert_layer(case: Case, quantity: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Convert a Keras model around the variant's layer, as `convert_network` does a network."""
    model = new_model(case, data.seed)
    yield from _convert(
        case,
        quantity,
        lambda images: model(images, training=False),
        [variable.value for variable in model.variables],
        data,
    )


def save_layer(case: Case, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Save a Keras model around the variant's layer as a `.keras` file, and load it: its bytes."""
    model = new_model(case, data.seed)
    images = tf.constant(Batch.of(data, case.sizes).images)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        loaded: Any = keras.saving.load_model(path)
        np.testing.assert_allclose(loaded(images), model(images), atol=TOLERANCE)
        yield new_record("keras_file", case, "bytes", folder_bytes(Path(folder)))


def new_model(case: Case, seed: int) -> Any:
    """Make a Keras model [B, T, I] -> [B, 10] around a variant's layer, with the weights that every variant has."""
    sizes = case.sizes
    if sizes.valid is not None:
        raise NotAvailable("takes no sequence_length")
    model = keras.Sequential([layer_of(case.variant)(sizes.hidden), keras.layers.Dense(CLASSES)])
    model.build((None, sizes.steps, sizes.input))
    model.set_weights(starting_weights(sizes, seed))
    return model


def _convert(case: Case, quantity: str, forward: Callable, variables: list, data: Data) -> Iterator[Record]:
    make = FORMATS[quantity.removeprefix("layer_")]
    images = Batch.of(data, case.sizes).images
    refused = ""
    for batch, steps in product((None, 1), (None, case.sizes.steps)):  # from any B and T to one of each
        spec = tf.TensorSpec([batch, steps, case.sizes.input], tf.float32, name="images")
        start = time.perf_counter()
        try:
            model = make(tf.function(forward, input_signature=[spec], autograph=False), spec, variables)
            seconds = time.perf_counter() - start
            _assert_equal(model.run, forward, images, batch, steps)
        except (NotAvailable, AssertionError):
            raise
        except Exception as error:  # every converter and runtime has its own; the next signature asks for less
            refused = refused or next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))
            continue
        yield new_record(quantity, case, "bytes", model.size, served(batch, steps))
        yield new_record(f"{quantity}_operations", case, "operations", model.operations)
        yield new_record(f"{quantity}_convert", case, "s", seconds)
        return
    raise NotAvailable(f"does not convert: {refused}")


def served(batch: int | None, steps: int | None) -> str:
    """Name what a signature takes.

    >>> served(None, None), served(1, 28)
    ('any B, any T', 'B=1, T=28 only')
    """
    fixed = [f"{letter}={size}" if size else f"any {letter}" for letter, size in (("B", batch), ("T", steps))]
    return ", ".join(fixed) + (" only" if steps else "")


def _assert_equal(run: Run, forward: Callable, images: np.ndarray, batch: int | None, steps: int | None) -> None:
    """Compare the runtime's outputs with the network's own, at two batches and lengths where any is served."""
    rows = (batch,) if batch else (len(images), 1)
    lengths = (steps,) if steps else (images.shape[1], max(1, images.shape[1] // 2))
    for count, length in product(rows, lengths):
        part = np.ascontiguousarray(images[:count, :length])
        np.testing.assert_allclose(run(part), forward(tf.constant(part)).numpy(), atol=TOLERANCE)


def _to_tflite(function: Any, spec: tf.TensorSpec, variables: list) -> Model:
    from tensorflow.lite.tools import flatbuffer_utils

    module: Any = tf.Module()
    module.network_variables, module.serve = variables, function
    lite: Any = tf.lite
    content = lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], module).convert()
    graphs = flatbuffer_utils.convert_bytearray_to_object(bytearray(content)).subgraphs or []
    return Model(len(content), sum(len(graph.operators or []) for graph in graphs), _tflite_runtime(content))


def _tflite_runtime(content: bytes) -> Run:
    with warnings.catch_warnings(action="ignore"):  # that the interpreter will move to another package
        interpreter: Any = tf.lite.Interpreter(model_content=content)  # pyright: ignore[reportAttributeAccessIssue]
    (tensor,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(images: np.ndarray) -> np.ndarray:
        interpreter.resize_tensor_input(tensor["index"], images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(tensor["index"], images)
        interpreter.invoke()
        return interpreter.get_tensor(result["index"])

    return run


def _to_onnx(function: Any, spec: tf.TensorSpec, variables: list) -> Model:
    try:
        import onnxruntime  # pyright: ignore[reportMissingImports] - an extra
        import tf2onnx  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise NotAvailable(f"{NO_ONNX} ({error})") from None
    proto, _ = tf2onnx.convert.from_function(function, input_signature=[spec])
    content = proto.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (tensor,) = session.get_inputs()
    return Model(
        len(content), _onnx_nodes(proto.graph), lambda images: np.asarray(session.run(None, {tensor.name: images})[0])
    )


def _onnx_nodes(graph: Any) -> int:
    """Count an ONNX graph's nodes, and those of the graphs that its loops run."""
    inner = (attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g"))
    return len(graph.node) + sum(map(_onnx_nodes, inner))


FORMATS: dict[str, Callable[[Any, tf.TensorSpec, list], Model]] = {"tflite": _to_tflite, "onnx": _to_onnx}

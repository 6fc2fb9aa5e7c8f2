"""A trained network as a SavedModel: from the static unroll for one number of rows, from the dynamic one for any."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from unroll.files import temporary_folder
from unroll.models.data import Split, read_rows
from unroll.models.history import Served
from unroll.models.network import UNROLLS, Network
from unroll.rnn import dynamic_unroll


def export_network(network: Network, steps: int, folder: Path) -> Path:
    """Write a SavedModel whose `serve` gives the logits [B, 10] of images [B, T, I].

    From the static unroll it takes T = `steps` only, the number of cells in its graph, and refuses any other in a
    message that says why; from the dynamic one it takes any T.

    Returns:
        the folder.
    """
    input_size, dtype = (network.encoder.input_layer or network.encoder.weights)[0].shape[0], network.kernel.dtype
    signature = tf.TensorSpec([None, None, input_size], dtype, name="images")
    is_dynamic = network.encoder.unroll is dynamic_unroll
    serve = network.forward if is_dynamic else lambda images: network.forward(_of_steps(images, steps))
    return save_served(network, serve, signature, folder)


def serve_rows(network: Network, steps: int, test: Split, rows: Sequence[int]) -> list[Served]:
    """Export the same weights from each of the pair, and let each serve the test images read for so many rows.

    Args:
        steps: how many rows the network was trained on.
        test: whole images.

    Returns:
        for each unroll, static first, and each number of rows: its test accuracy, or why it was refused.
    """
    answers = []
    for name, unroll in UNROLLS.items():
        encoder = replace(network.encoder, unroll=unroll)
        with temporary_folder() as folder:
            model: Any = tf.saved_model.load(str(export_network(replace(network, encoder=encoder), steps, folder)))
            answers += [_serve(model.serve, name, test, count, network.kernel.dtype) for count in rows]
    return answers


def _serve(serve: Callable, unroll: str, test: Split, rows: int, dtype) -> Served:
    try:
        logits = serve(tf.constant(read_rows(test.images, rows), dtype)).numpy()
    except tf.errors.InvalidArgumentError as error:
        return Served(unroll, rows, None, refusal(error))
    return Served(unroll, rows, float(np.mean(logits.argmax(axis=1) == test.labels)))


def refusal(error: tf.errors.InvalidArgumentError) -> str:
    """Take out of TensorFlow's error what the exported model itself says."""
    _, _, reason = error.message.partition("assertion failed: [")
    return reason.partition("]")[0] or error.message


def save_served(network: Network, serve: Callable, signature: tf.TensorSpec, folder: Path) -> Path:
    """Write a SavedModel with a network's weights and one function of images."""
    module: Any = tf.Module()
    module.network_variables = network.variables
    module.serve = tf.function(serve, input_signature=[signature], autograph=False)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
    return Path(folder)


def _of_steps(images, steps: int) -> tf.Tensor:
    """Check, as the graph runs, that images [B, T, I] have as many rows as there are cells."""
    message = (
        f"this model was exported from the static unroll, which has {steps} cells, and serves images of {steps} rows "
        "only; export the same weights from the dynamic unroll to serve any number"
    )
    check = tf.debugging.assert_equal(tf.shape(images)[1], steps, message=message)
    with tf.control_dependencies([check]):
        return tf.ensure_shape(tf.identity(images), [None, steps, images.shape[2]])

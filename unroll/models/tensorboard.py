"""A training in TensorBoard: its scalars, and the training graphs of both unrolls side by side."""

import importlib.util
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import tensorflow as tf

from unroll.errors import UnrollError, how_to_install
from unroll.models.history import Evaluation, Point
from unroll.models.network import UNROLLS
from unroll.models.settings import Settings
from unroll.models.train import Images, Trainer


class TensorBoardError(UnrollError):
    """TensorBoard's files cannot be written; the message says why."""


def check_tensorboard() -> None:
    """Check that TensorBoard's package is there, which TensorFlow's scalars are written with.

    Raises:
        TensorBoardError: it is not installed.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise TensorBoardError(f"got --tensorboard, but tensorboard is not installed; {how_to_install('tensorboard')}")


class TensorBoard:
    """Writes below `folder`, one run for each unroll: `folder`/static and `folder`/dynamic."""

    def __init__(self, folder: Path, settings: Settings, images: Images):
        self._writers: dict[str, Any] = {
            name: tf.summary.create_file_writer(str(Path(folder) / name)) for name in UNROLLS
        }
        self._scalars = self._writers[settings.unroll]
        for name, writer in self._writers.items():
            with writer.as_default(step=0):
                tf.summary.graph(training_graph(replace(settings, unroll=name), images))
            writer.flush()

    def write(self, points: Iterable[Point | Evaluation]) -> None:
        """Write all that was found after an update under its own name: loss, accuracy, test_loss and so on."""
        with self._scalars.as_default():
            for point in points:
                values = {name: value for name, value in point._asdict().items() if name not in ("update", "seconds")}
                for name, value in values.items():
                    tf.summary.scalar(name, value, step=point.update)

    def close(self) -> None:
        """See everything in the files."""
        for writer in self._writers.values():
            writer.close()


def training_graph(settings: Settings, images: Images) -> Any:
    """Build the graph of one update, forward, gradients and Adam, as TensorBoard draws it."""
    sizes = [settings.batch, settings.steps, settings.input]
    signature = [tf.TensorSpec(sizes, settings.dtype, "images"), tf.TensorSpec(sizes[:1], tf.int32, "labels")]
    update: Any = tf.function(Trainer(settings, images).update, signature, autograph=False)
    return update.get_concrete_function().graph

"""The variants that are measured, and the graphs that are built of each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from unroll.measure import peers
from unroll.measure.config import Sizes
from unroll.models.network import LSTMReader, Network, init_network
from unroll.rnn import dynamic_unroll, static_unroll

if TYPE_CHECKING:  # each process that measures memory would pay a second for scikit-learn
    from unroll.models.data import Dataset

_traced = partial(tf.function, autograph=False)

READERS: dict[str, Callable] = {
    "static": partial(LSTMReader, unroll=static_unroll),
    "static-traced": partial(LSTMReader, unroll=static_unroll, wrap_cell=_traced),
    "dynamic": partial(LSTMReader, unroll=dynamic_unroll),
    "dynamic-4": partial(LSTMReader, unroll=partial(dynamic_unroll, unroll=4)),
    "dynamic-7": partial(LSTMReader, unroll=partial(dynamic_unroll, unroll=7)),
    "dynamic-14": partial(LSTMReader, unroll=partial(dynamic_unroll, unroll=14)),
    "keras-unrolled": partial(peers.KerasReader, unroll=True),
    "keras-loop": partial(peers.KerasReader, unroll=False),
    "tf1-static": partial(peers.TensorFlow1Reader, static=True),
    "tf1-dynamic": partial(peers.TensorFlow1Reader, static=False),
}


@dataclass(frozen=True)
class Batch:
    """The images and labels that every variant is measured on, resident on the device."""

    images: tf.Tensor  # [B, T, I]
    labels: tf.Tensor  # [B]

    @classmethod
    def of(cls, dataset: "Dataset", sizes: Sizes) -> "Batch":
        """Take the first B training images, each read for T rows: cut after row T, or read again from its top.

        Raises:
            ValueError: the data hold fewer than B training images.
        """
        images, labels = dataset.train
        if sizes.batch > len(images):
            raise ValueError(f"got --batch {sizes.batch}; {dataset.name} has {len(images)} training images: want fewer")
        rows = np.arange(sizes.steps) % images.shape[1]
        return cls(tf.constant(images[: sizes.batch, rows]), tf.constant(labels[: sizes.batch]))

    def specs(self, phase: str) -> list[tf.TensorSpec]:
        """Give the signature of a phase's graph: images, and labels where it trains."""
        return [tf.TensorSpec.from_tensor(tensor) for tensor in self.arguments(phase)]

    def arguments(self, phase: str) -> list[tf.Tensor]:
        return [self.images] if phase == "forward" else [self.images, self.labels]


def new_network(variant: str, sizes: Sizes, seed: int) -> Network:
    """Make a variant's network; all variants start from the same weights."""
    return init_network(READERS[variant], sizes.input, sizes.hidden, seed=seed)


def build(network: Network, phase: str, batch: Batch):
    """Trace a phase of the network, `forward` or `train`, to a ConcreteFunction."""
    return _traced(getattr(network, phase)).get_concrete_function(*batch.specs(phase))


def call(function, phase: str, batch: Batch) -> np.ndarray:
    """Call a ConcreteFunction on the batch and wait for its result."""
    return function(*batch.arguments(phase)).numpy()

"""What every measured network is given, and what it can be asked, whatever package it is of. Imports no TensorFlow."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from unroll.errors import UnrollError
from unroll.measure.config import Sizes

CHECK_ROWS = 8


class Data(NamedTuple):
    """The images [N, 28, I] and labels [N] that batches are taken from, and the seed of weights and orders."""

    images: np.ndarray
    labels: np.ndarray
    seed: int


@dataclass(frozen=True)
class Batch:
    """Images [B, T, I] and labels [B], and a second batch, made of a few of them again and again, to check with.

    The check's logits, loss and gradient are those of its few different rows: NumPy need compute no more than these.
    """

    images: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, data: Data, sizes: Sizes) -> "Batch":
        """Take the first B images, each read for T rows as `read_rows` does.

        Raises:
            UnrollError: there are fewer than B images.
        """
        from unroll.models.data import read_rows  # not needed where a batch comes ready made

        count = len(data.images)
        if sizes.batch > count:
            raise UnrollError(f"got --batch {sizes.batch}; the data have {count} training images: want fewer")
        return cls(read_rows(data.images[: sizes.batch], sizes.steps), data.labels[: sizes.batch])

    @property
    def different(self) -> "Batch":
        """Return the few rows that the check is made of: as many as divide B, up to 8."""
        count = max(rows for rows in range(1, CHECK_ROWS + 1) if len(self.images) % rows == 0)
        return Batch(self.images[:count], self.labels[:count])

    @property
    def check(self) -> "Batch":
        """Repeat the few rows to a whole batch."""
        few = self.different
        copies = len(self.images) // len(few.images)
        return Batch(np.tile(few.images, (copies, 1, 1)), np.tile(few.labels, copies))


class Workload(Protocol):
    """A variant's network on its batch, whatever package it is of."""

    learning_rate: float
    builds: bool  # whether there is a graph to build
    precision: str  # what its products are computed in: one of unroll.measure.check.TOLERANCES

    def build(self, phase: str) -> Callable[..., Any]:
        """Build a phase; gives step(check=False), which runs it on the batch and waits until the device has done it.

        step(check=True) runs it on the check's batch, and gives its result as an array.
        """
        ...

    def values(self) -> list[np.ndarray]:
        """Return the weights, in the order of WEIGHTS."""
        ...

    def reset(self) -> None:
        """Go back to the weights that every variant starts from."""
        ...

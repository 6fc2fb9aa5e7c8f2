"""The input pipeline: batches of shuffled images whose order depends on the seed and the position alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from unroll.models.data import Split

TEST_BATCH = 1000


def batches(
    split: Split,
    batch: int,
    *,
    seed: int,
    start: int = 0,
    dtype: str = "float32",
    first_row: int = 0,
    shares: Sequence[int] = (),
) -> tf.data.Dataset:
    """Return batches (images [B, T, I], labels [B]) for ever, from the one that update `start` takes.

    Each epoch has an order of its own. A batch that does not fit into an epoch any more takes the rest of it and the
    beginning of the next, so that every image is seen once an epoch and no batch is smaller.

    Args:
        start: how many batches were taken before: the order goes on where it would have been.
        first_row, shares: in place of each whole batch, give parts of it, from this row on and of so many rows.

    Source: TensorFlow 1's `DataSet.next_batch`.
    """
    count = len(split.labels)
    images, labels = tf.constant(split.images), tf.constant(split.labels)
    epoch, taken = divmod(start * batch, count)

    def order(number) -> tf.Tensor:
        left = shuffled(count, seed, number)
        return tf.cond(number == epoch, lambda: left[taken:], lambda: left)

    def gather(numbers) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.cast(tf.gather(images, numbers), dtype), tf.gather(labels, numbers)  # [B, T, I], [B]

    orders: Any = tf.data.Dataset.range(epoch, np.iinfo(np.int64).max).map(order)  # [N] an epoch
    numbers = orders.rebatch(batch, drop_remainder=True)  # [B]
    if shares:
        numbers = numbers.map(lambda all_rows: all_rows[first_row : first_row + sum(shares)]).rebatch(list(shares))
    return numbers.map(gather).prefetch(tf.data.AUTOTUNE)


def shuffled(count: int, seed: int, epoch) -> tf.Tensor:
    """Return the numbers below `count` in the order of an epoch, [N]."""
    key = tf.stack([tf.constant(seed, tf.int64), tf.cast(epoch, tf.int64)])
    every: Any = None  # no bounds: all of the integers
    drawn = tf.random.stateless_uniform([count], key, minval=every, maxval=every, dtype=tf.int32)
    return tf.argsort(drawn, stable=True)


def in_order(split: Split, *, dtype: str = "float32") -> tf.data.Dataset:
    """Return all images in their order, in batches (images [B, T, I], labels [B]) as large as is quick."""
    images = split.images.astype(dtype, copy=False)
    return tf.data.Dataset.from_tensor_slices((images, split.labels)).batch(TEST_BATCH)

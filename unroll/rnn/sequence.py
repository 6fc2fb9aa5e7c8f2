"""How a batch of images [B, T, I] becomes T steps [B, I]: the trick of the old tutorials, and the mistake in it.

For readers of those tutorials: the unrolls take [T, B, I] whole, and use none of this.
"""

from typing import Any

import tensorflow as tf


def split_steps(x: Any, T: int) -> list[tf.Tensor]:
    """Cut a batch-major sequence into its steps as the tutorials do it: transpose, reshape, split.

    `tf.unstack(x, axis=1)` gives the same list. Shapes: [B, T, I] -> [T, B, I] -> [T*B, I] -> T times [B, I].

    Raises:
        ValueError: `x` is not [B, T, I].

    >>> steps = split_steps(tf.reshape(tf.range(24), [2, 4, 3]), 4)
    >>> len(steps), steps[1].numpy().tolist()
    (4, [[3, 4, 5], [15, 16, 17]])
    """
    x = _check(x, T)
    x = tf.transpose(x, [1, 0, 2])  # [T, B, I]
    x = tf.reshape(x, [-1, x.shape[2]])  # [T*B, I]
    return tf.split(x, T, axis=0)  # T times [B, I]


def mix_images(x: Any, T: int) -> list[tf.Tensor]:
    """Make the learners' mistake: reshape and split without the transpose.

    The shapes are those of `split_steps`, T times [B, I], but each step holds rows of one image where it should hold
    one row of each image. With a batch of 1 the two agree, which hides the mistake.

    >>> steps = mix_images(tf.reshape(tf.range(24), [2, 4, 3]), 4)
    >>> len(steps), steps[1].numpy().tolist()
    (4, [[6, 7, 8], [9, 10, 11]])
    """
    x = _check(x, T)
    x = tf.reshape(x, [-1, x.shape[2]])  # [B*T, I]
    return tf.split(x, T, axis=0)  # T times [B, I]


def join_steps(steps: Any) -> tf.Tensor:
    """Join the steps again: T times [B, I] -> [B, T, I].

    >>> x = tf.reshape(tf.range(24), [2, 4, 3])
    >>> bool(tf.reduce_all(join_steps(split_steps(x, 4)) == x))
    True
    """
    return tf.stack(steps, axis=1)


def _check(x, T):
    x = tf.convert_to_tensor(x)
    if x.shape.rank != 3 or x.shape[2] is None or not x.shape[1:2].is_compatible_with([T]):
        raise ValueError(f"got x of shape {x.shape}; want [B, {T}, I], batch-major, with I known")
    return x

import numpy as np
import pytest
import tensorflow as tf

from unroll.models import data
from unroll.rnn import join_steps, mix_images, split_steps

ARANGE = np.arange(24).reshape(2, 4, 3)


def test_the_tutorials_own_numbers():
    found = [step.numpy().tolist() for step in split_steps(ARANGE, 4)]
    assert found == [
        [[0, 1, 2], [12, 13, 14]],
        [[3, 4, 5], [15, 16, 17]],
        [[6, 7, 8], [18, 19, 20]],
        [[9, 10, 11], [21, 22, 23]],
    ]


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_it_is_unstack(batch_size):
    images = data.load("digits").train.images[:batch_size]
    for ours, theirs in zip(split_steps(images, 28), tf.unstack(images, axis=1), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_without_the_transpose_the_shapes_are_the_same_and_the_images_are_mixed():
    images = data.load("digits").train.images[:5]
    split, mixed = split_steps(images, 28), mix_images(images, 28)
    assert [step.shape for step in split] == [step.shape for step in mixed]
    assert any(np.any(right != wrong) for right, wrong in zip(split, mixed, strict=True))
    np.testing.assert_array_equal(mixed[0], images[0, :5])  # five rows of one image


def test_a_batch_of_one_hides_the_mistake():
    images = data.load("digits").train.images[:1]
    for right, wrong in zip(split_steps(images, 28), mix_images(images, 28), strict=True):
        np.testing.assert_array_equal(right, wrong)


def test_joining_undoes_splitting():
    np.testing.assert_array_equal(join_steps(split_steps(ARANGE, 4)), ARANGE)


@pytest.mark.parametrize("cut", [split_steps, mix_images])
@pytest.mark.parametrize("shape", [[8, 3], [2, 5, 3], [2, 4, 3, 1]])
def test_what_is_no_batch_of_T_steps_is_refused(cut, shape):
    with pytest.raises(ValueError, match=r"got x of shape .*; want \[B, 4, I\], batch-major"):
        cut(np.zeros(shape), 4)

"""How images become steps: three ways that agree, and the mistake."""

import numpy as np
import pytest
import tensorflow as tf

from unroll.rnn import join_steps, mix_images, split_steps


def images(B, T=28, I=28):
    return np.arange(B * T * I).reshape(B, T, I)


@pytest.mark.parametrize("B", [1, 2, 7])
def test_split_steps_is_unstack(B):
    np.testing.assert_array_equal(split_steps(images(B), 28), tf.unstack(images(B), axis=1))


def test_a_step_holds_the_same_row_of_every_image():
    x = images(5, T=3, I=4)
    for t, step in enumerate(split_steps(x, 3)):
        np.testing.assert_array_equal(step, x[:, t])


def test_mixing_images_has_the_shapes_of_splitting_but_other_values():
    steps, mixed = split_steps(images(5), 28), mix_images(images(5), 28)
    assert [step.shape for step in mixed] == [step.shape for step in steps]
    assert not np.array_equal(mixed, steps)
    np.testing.assert_array_equal(mixed[0], images(5)[0, :5])  # rows of one image, not one row of each


def test_with_one_image_there_is_nothing_to_mix():
    np.testing.assert_array_equal(mix_images(images(1), 28), split_steps(images(1), 28))


def test_join_steps_undoes_split_steps():
    np.testing.assert_array_equal(join_steps(split_steps(images(3), 28)), images(3))


def test_the_batch_size_may_be_unknown():
    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, 4, 3], tf.int64)])
    def run(x):
        return split_steps(x, 4)

    x = images(2, T=4, I=3)
    np.testing.assert_array_equal(run(x), split_steps(x, 4))


@pytest.mark.parametrize("cut", [split_steps, mix_images])
@pytest.mark.parametrize("shape", [[4, 3], [2, 4], [2, 5, 3], [2, 4, 3, 1]])
def test_anything_but_t_steps_is_refused(cut, shape):
    with pytest.raises(ValueError, match=r"got x of shape \(.*\); want \[B, 4, I\], batch-major"):
        cut(tf.ones(shape), 4)


@pytest.mark.parametrize("cut", [split_steps, mix_images])
def test_an_unknown_input_size_is_refused(cut):
    run = tf.function(lambda x: cut(x, 4), autograph=False)
    with pytest.raises(ValueError, match=r"got x of shape \(2, 4, None\).*with I known"):
        run.get_concrete_function(tf.TensorSpec([2, 4, None]))

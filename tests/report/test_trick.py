"""The figure of the trick shows what TensorFlow does: its stages are those of `unroll.rnn.sequence`, cell by cell."""

from functools import cache

import numpy as np
import pytest
import tensorflow as tf
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from unroll.report.figures import trick
from unroll.report.figures.trick import NUMBERS, stages
from unroll.rnn import join_steps, mix_images, split_steps


@cache
def drawn():
    return trick.draw_trick()


@pytest.mark.parametrize("shape", [(2, 4, 3), (1, 4, 3), (3, 2, 5), (2, 28, 28)])
def test_the_stages_are_those_of_tensorflow(shape):
    batch = np.arange(np.prod(shape)).reshape(shape)
    found, mixed = stages(batch), stages(batch, transpose=False)
    np.testing.assert_array_equal(found.transpose, tf.transpose(batch, [1, 0, 2]))
    np.testing.assert_array_equal(found.split, split_steps(batch, shape[1]))
    np.testing.assert_array_equal(mixed.split, mix_images(batch, shape[1]))
    for one in (found, mixed):
        np.testing.assert_array_equal(one.back, join_steps(tf.unstack(one.split)))
        np.testing.assert_array_equal(one.reshape[0], tf.concat(tf.unstack(one.split), axis=0))
    np.testing.assert_array_equal(found.back, batch)
    assert np.array_equal(mixed.back, batch) == (shape[0] == 1)


def cells():
    """Return the numbers that are drawn, from the top band to the bottom one, with the colours under them."""
    (axes,) = drawn().axes
    faces = {
        tuple(np.round(patch.get_center(), 6)): to_hex(patch.get_facecolor())
        for patch in axes.patches
        if isinstance(patch, Rectangle)
    }
    numbers = [text for text in axes.texts if text.get_text().isdigit()]
    return [
        (*text.get_position(), int(text.get_text()), faces[tuple(np.round(text.get_position(), 6))]) for text in numbers
    ]


def test_each_number_stands_at_every_stage_in_the_colour_of_its_image():
    found = cells()
    assert len(found) == NUMBERS.size * (5 + 4)  # without the transpose there is a stage less
    for _, _, number, face in found:
        assert face == to_hex(trick.FACES[number // NUMBERS[0].size])


@pytest.mark.parametrize("transpose", [True, False])
@pytest.mark.parametrize("stage", trick.NUMBERS_AT)
def test_the_cells_of_a_stage_read_as_the_stage(stage, transpose):
    expected = getattr(stages(NUMBERS, transpose=transpose), stage)
    left = trick.NUMBERS_AT[stage]
    found = [cell for cell in cells() if left < cell[0] < left + trick.NUMBERS_WIDTH]
    middle = np.mean([y for _, y, _, _ in cells()])
    band = [cell for cell in found if (cell[1] > middle) == transpose]
    read = [number for _, _, number, _ in sorted(band, key=lambda cell: (-round(cell[1], 3), cell[0]))]
    assert read == ([] if expected is None else expected.ravel().tolist())


def test_it_says_that_the_images_come_back_only_with_the_transpose():
    words = [text.get_text() for text in drawn().axes[0].texts]
    assert words.count("the batch again") == words.count("not the batch:\nimages are mixed") == 2


def test_a_row_keeps_its_line_from_stage_to_stage():
    numbered = stages(np.arange(8).reshape(2, 4, 1)).split
    heights = trick._rows(numbered, 0)
    order = np.argsort(-heights)
    assert order.tolist() == numbered.ravel().tolist() == [0, 4, 1, 5, 2, 6, 3, 7]


def test_the_images_differ_in_grey():
    light = [np.dot([int(face[i : i + 2], 16) / 255 for i in (1, 3, 5)], [0.299, 0.587, 0.114]) for face in trick.FACES]
    assert abs(light[0] - light[1]) > 0.3

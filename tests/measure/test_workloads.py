import numpy as np
import pytest

from unroll.measure.alternate import TURNS, alternate
from unroll.measure.config import Sizes
from unroll.measure.workloads import Batch
from unroll.models import data

DIGITS = data.load("digits")


def test_a_batch_holds_real_digits():
    batch = Batch.of(DIGITS, Sizes(batch=5))
    np.testing.assert_array_equal(batch.images, DIGITS.train.images[:5])
    np.testing.assert_array_equal(batch.labels, DIGITS.train.labels[:5])


@pytest.mark.parametrize("steps", [3, 28, 70])
def test_longer_sequences_read_the_image_again_from_its_top(steps):
    images = Batch.of(DIGITS, Sizes(batch=2, steps=steps)).images.numpy()
    assert images.shape == (2, steps, 28)
    for t in range(steps):
        np.testing.assert_array_equal(images[:, t], DIGITS.train.images[:2, t % 28])


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(ValueError, match=r"got --batch 5000; .*digits.* has 1437 training images: want fewer"):
        Batch.of(DIGITS, Sizes(batch=5000))


def test_every_variant_takes_its_turn_in_every_round():
    sizes = Sizes(steps=2, batch=2, hidden=3)
    samples = alternate(["static", "dynamic"], sizes, Batch.of(DIGITS, sizes), 0, rounds=2, steps=3)
    assert list(samples) == ["static", "dynamic"]
    for turns in samples.values():
        assert {turn: len(seconds) for turn, seconds in turns.items()} == dict(zip(TURNS, (2, 2, 6), strict=True))
        assert all(second > 0 for seconds in turns.values() for second in seconds)

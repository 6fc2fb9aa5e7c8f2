import faults
import numpy as np
import pytest

from unroll.measure.batch import Data
from unroll.measure.config import Case, Sizes
from unroll.measure.variants import variant_of
from unroll.measure.workloads import ENCODERS, Batch, encoder_of, new_workload
from unroll.models import data

IMAGES, LABELS = data.load("digits").train
DATA = Data(IMAGES, LABELS, 0)


def test_a_batch_holds_real_digits():
    batch = Batch.of(DATA, Sizes(batch=5))
    np.testing.assert_array_equal(batch.images, IMAGES[:5])
    np.testing.assert_array_equal(batch.labels, LABELS[:5])


@pytest.mark.parametrize(("steps", "above"), [(1, 13), (3, 12), (28, 0), (70, 0)])
def test_shorter_sequences_read_the_middle_of_an_image_and_longer_ones_again_from_its_top(steps, above):
    images = Batch.of(DATA, Sizes(batch=2, steps=steps)).images
    assert images.shape == (2, steps, 28)
    assert images.any()
    for t in range(steps):
        np.testing.assert_array_equal(images[:, t], IMAGES[:2, (above + t) % 28])


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(ValueError, match="got --batch 5000; the data have 1437 training images: want fewer"):
        Batch.of(DATA, Sizes(batch=5000))


@pytest.mark.parametrize(("size", "different"), [(1, 1), (7, 7), (10, 5), (11, 1), (128, 8)])
def test_the_check_repeats_a_few_rows_to_a_whole_batch(size, different):
    batch = Batch.of(DATA, Sizes(batch=size))
    assert len(batch.different.images) == different
    assert batch.check.images.shape == batch.images.shape
    for row in range(size):
        np.testing.assert_array_equal(batch.check.images[row], IMAGES[row % different])
        assert batch.check.labels[row] == LABELS[row % different]


def test_any_number_of_cells_an_iteration_is_a_variant():
    assert encoder_of("dynamic-9").keywords["unroll"].keywords == {"unroll": 9}


def test_an_encoder_of_ones_own_is_a_variant():
    assert encoder_of("faults:good") is faults.good


@pytest.mark.parametrize("variant", ["dynamic", "keras-loop"])
def test_a_reset_goes_back_to_the_start(variant):
    sizes = Sizes(steps=2, batch=4, hidden=3)
    workload = new_workload(Case(variant, "graph", sizes), Batch.of(DATA, sizes), 0)
    start = workload.values()
    workload.build("train")()
    assert all(np.any(old != new) for old, new in zip(start, workload.values(), strict=True))
    workload.reset()
    for old, new in zip(start, workload.values(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_every_variant_starts_from_the_same_weights():
    sizes = Sizes(steps=2, batch=4, hidden=3)
    batch = Batch.of(DATA, sizes)
    starts = [
        new_workload(Case(variant, "graph", sizes), batch, 0).values()
        for variant in ENCODERS
        if not variant_of(variant).gpu_only
    ]
    for start in starts:
        for value, first in zip(start, starts[0], strict=True):
            np.testing.assert_array_equal(value, first)

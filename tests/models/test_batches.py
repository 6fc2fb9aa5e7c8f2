from itertools import islice

import numpy as np
import pytest

from unroll.models.batches import batches, in_order, shuffled
from unroll.models.data import Split

COUNT, BATCH = 10, 4
SPLIT = Split(np.arange(COUNT, dtype=np.float32).reshape(COUNT, 1, 1) / 16, np.arange(COUNT, dtype=np.int32))


def taken(count, batch=BATCH, split=SPLIT, **more):
    """Give the images' numbers in the first batches."""
    found = list(islice(batches(split, batch, **({"seed": 0} | more)), count))
    for images, labels in found:
        np.testing.assert_array_equal(images[:, 0, 0] * 16, labels)
    return [labels.numpy().tolist() for _, labels in found]


def test_every_image_comes_once_an_epoch_and_batches_run_over_its_end():
    order = np.concatenate(taken(5))
    assert len(order) == 2 * COUNT
    first, second = order[:COUNT], order[COUNT:]
    assert sorted(first) == sorted(second) == list(range(COUNT))
    assert first.tolist() != second.tolist()
    np.testing.assert_array_equal(np.concatenate([shuffled(COUNT, 0, epoch) for epoch in (0, 1)]), order)


@pytest.mark.parametrize("start", range(12))
def test_the_order_goes_on_where_it_would_have_been(start):
    assert taken(3, start=start) == taken(start + 3)[start:]


def test_the_order_goes_on_after_very_many_updates():
    assert taken(2, start=10**12) == taken(3, start=10**12 - 1)[1:]


def test_a_batch_may_be_larger_than_what_is_left_of_several_epochs():
    assert [len(batch) for batch in taken(3, batch=COUNT)] == [COUNT] * 3
    for batch in taken(3, batch=COUNT):
        assert sorted(batch) == list(range(COUNT))


def test_the_order_is_that_of_the_seed():
    assert taken(5) == taken(5) != taken(5, seed=1)


def test_seeds_and_epochs_do_not_repeat_one_another():
    orders = {tuple(shuffled(100, seed, epoch).numpy()) for seed in range(5) for epoch in range(5)}
    assert len(orders) == 25


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batches_have_the_dtype_and_shapes_that_the_graph_is_built_for(dtype):
    images, labels = batches(SPLIT, BATCH, seed=0, dtype=dtype).element_spec
    assert (images.shape, images.dtype.name, labels.shape, labels.dtype.name) == (
        (BATCH, 1, 1),
        dtype,
        (BATCH,),
        "int32",
    )


def test_a_test_goes_through_all_images_once():
    many = Split(np.zeros([2001, 1, 1], np.float32), np.arange(2001, dtype=np.int32))
    found = list(in_order(many, dtype="float64"))
    assert [len(labels) for _, labels in found] == [1000, 1000, 1]
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in found]), many.labels)
    assert found[0][0].dtype == "float64"

import json
import os
import resource
from dataclasses import replace

import numpy as np
import pytest

from unroll.models.checkpoint import (
    HEAD,
    Checkpoint,
    CheckpointError,
    data_sum,
    read_checkpoint,
    save_checkpoint,
)
from unroll.models.data import Split
from unroll.models.settings import choose_settings

SETTINGS = choose_settings(data="digits", examples=100, hidden=2, batch=4)
WEIGHTS = {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.array([np.pi])}
OPTIMISER = [np.int64(7), np.float32(0.001), *(np.full([2], n, np.float32) for n in range(12))]
CHECKPOINT = Checkpoint(SETTINGS, "2026-1", 123, 40, 1.5, WEIGHTS, OPTIMISER)


@pytest.fixture
def saved(tmp_path):
    return save_checkpoint(tmp_path / "saved", CHECKPOINT)


def test_what_is_saved_is_read_again_bit_for_bit(saved):
    found = read_checkpoint(saved)
    assert found.settings == SETTINGS
    assert (found.training, found.data_sum, found.update, found.seconds) == ("2026-1", 123, 40, 1.5)
    for one, other in zip(found.weights.items(), WEIGHTS.items(), strict=True):
        assert one[0] == other[0]
        np.testing.assert_array_equal(one[1], other[1], strict=True)
    for one, other in zip(found.optimiser, OPTIMISER, strict=True):
        np.testing.assert_array_equal(one, np.asarray(other), strict=True)


def test_the_file_has_the_name_that_was_given_and_there_is_no_other(saved):
    assert os.listdir(saved.parent) == ["saved"]


def test_there_is_no_pickle_in_it(saved):
    with np.load(saved, allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive.files)


def test_a_full_disk_leaves_the_last_checkpoint_and_nothing_else(saved):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    large = replace(CHECKPOINT, update=41, weights={"kernel": np.ones(100_000)})
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))  # the system refuses in the midst of a write
    try:
        with pytest.raises(CheckpointError, match=r"cannot write the checkpoint .*File too large; what stood there"):
            save_checkpoint(saved, large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert read_checkpoint(saved).update == 40
    assert os.listdir(saved.parent) == ["saved"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"cannot write the checkpoint .*nowhere.*No such file"):
        save_checkpoint(tmp_path / "nowhere" / "saved", CHECKPOINT)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"there is no checkpoint .*saved; .*leave --resume out"):
        read_checkpoint(tmp_path / "saved")


def test_a_folder_is_no_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match="cannot read the checkpoint"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.999])
def test_a_torn_checkpoint_is_refused(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match="is no training checkpoint of unroll, or a damaged one"):
        read_checkpoint(saved)


def save_other(path, **arrays):
    with open(path, "wb") as file:
        np.savez(file, **arrays)
    return path


def head(**changes):
    return np.array(json.dumps({"kind": "training checkpoint of unroll", "version": 1} | changes))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.ones(3)}, "is no training checkpoint of unroll; want a file that"),
        ({HEAD: np.array("{")}, "is no training checkpoint of unroll; want"),
        ({HEAD: head(kind="another")}, "is no training checkpoint of unroll; want"),
        ({HEAD: head(version=2)}, "has version 2 of the format, this version of unroll reads 1"),
        ({HEAD: head()}, "is damaged: 'settings'"),
        ({HEAD: head(settings={"sizes": {}})}, "is damaged: got settings that are none"),
    ],
)
def test_something_else_is_refused(tmp_path, arrays, message):
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(save_other(tmp_path / "other", **arrays))


def test_one_array_and_a_pickle_are_refused(tmp_path):
    np.save(tmp_path / "one.npy", np.ones(3))
    with pytest.raises(CheckpointError, match=r"or a damaged one .*not a zip file"):
        read_checkpoint(tmp_path / "one.npy")
    with pytest.raises(CheckpointError, match="allow_pickle"):
        read_checkpoint(save_other(tmp_path / "pickle", **{HEAD: np.array([{}], dtype=object)}))


def test_a_training_goes_on_with_what_it_was_alone():
    CHECKPOINT.check(replace(SETTINGS, unroll="static", updates=50, steps_per_call=9), 123)
    CHECKPOINT.check(replace(SETTINGS, updates=40), 123)
    for settings, number, message in [
        (replace(SETTINGS, hidden=3), 123, "cannot go on with a training that has hidden 2, not 3; ask for the same"),
        (replace(SETTINGS, learning_rate=1.0, seed=9), 123, "seed 0, not 9, learning rate 0.002, not 1.0"),
        (SETTINGS, 124, "has other training images"),
        (replace(SETTINGS, updates=39), 123, "got --updates 39; 40 are done already: want more"),
    ]:
        with pytest.raises(CheckpointError, match=message):
            CHECKPOINT.check(settings, number)


def test_the_sum_of_the_data_tells_images_and_labels_apart():
    images, labels = np.zeros([2, 3, 3], np.float32), np.zeros([2], np.int32)
    others = [images + 1, images], [labels, labels + 1]
    sums = {data_sum(Split(images, labels)), *(data_sum(Split(*pair)) for pair in zip(*others, strict=True))}
    assert len(sums) == 3
    assert data_sum(Split(np.zeros([4, 3, 3], np.float32)[::2], labels)) in sums  # whatever the strides

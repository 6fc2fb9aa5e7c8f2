"""The images: what each source gives, and that every bad source is refused with a clear message."""

import doctest
import gzip
import io
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import center_of_mass
from sklearn.datasets import load_digits

from unroll.models import data
from unroll.models.data import DataError, load

IMAGES, LABELS = 0x00000803, 0x00000801
FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
MNIST = Path(os.environ.get("UNROLL_MNIST", Path(__file__).parents[2] / "../shared/mnist"))


def make_arrays():
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, [6, 28, 28], np.uint8),
        "y_train": np.array([5, 0, 4, 1, 9, 2], np.uint8),
        "x_test": rng.integers(0, 256, [3, 28, 28], np.uint8),
        "y_test": np.array([7, 2, 1], np.uint8),
    }


def idx_bytes(array, magic=None):
    magic = magic or (IMAGES if array.ndim == 3 else LABELS)
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def write_idx(folder, rename=lambda name: name, pack=lambda content: content):
    for key, name in FILES.items():
        (folder / rename(name)).write_bytes(pack(idx_bytes(make_arrays()[key])))
    return folder


def write_npz(folder, save=np.savez, **changes):
    arrays = {key: array for key, array in (make_arrays() | changes).items() if array is not None}
    save(folder / "digits.npz", **arrays)
    return folder / "digits.npz"


def assert_refused(source, *parts):
    with pytest.raises(DataError) as caught:
        load(source)
    message = str(caught.value)
    for part in ("got ", "want ", ": ", *parts):
        assert part in message, message


def assert_idx_refused(folder, name, content, *parts):
    """Replace one good file by this content: it is refused in a message with the file's path."""
    write_idx(folder)
    (folder / name).write_bytes(content)
    assert_refused(folder, str(folder / name), *parts)


# The digits


@pytest.fixture(scope="module")
def digits():
    return load()


def all_images(dataset):
    return np.concatenate([dataset.train.images, dataset.test.images]).astype(np.float64)


def test_digits_are_the_default_and_have_a_name(digits):
    assert digits.name == load("digits").name == "scikit-learn's digits, 8x8 scaled into 28x28"


def test_digits_have_the_promised_shapes_types_and_range(digits):
    for split, count in zip(digits[1:], (1437, 360), strict=True):
        assert split.images.shape == (count, 28, 28) and split.images.dtype == np.float32
        assert split.labels.shape == (count,) and split.labels.dtype == np.int32
        assert split.images.min() == 0 and split.images.max() == 1


def test_digits_are_split_evenly_over_the_classes(digits):
    train, test = (np.bincount(split.labels, minlength=10) for split in digits[1:])
    assert (train + test).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    np.testing.assert_allclose(test, (train + test) * 360 / 1797, atol=1)


def test_digits_are_shuffled(digits):
    assert (digits.test.labels != load_digits().target[-360:]).any()
    assert (np.diff(digits.test.labels) < 0).any()


def test_digits_are_the_same_at_every_load(digits):
    np.testing.assert_equal(load("digits"), digits)


def test_digits_share_no_image_between_the_splits(digits):
    images = all_images(digits).reshape(-1, 28 * 28)
    assert len(np.unique(images, axis=0)) == len(images) == 1797


def test_digits_keep_their_labels(digits):
    """Each 8x8 digit is found again among the framed ones, by its ink, under its own label."""
    ink = all_images(digits).sum(axis=(1, 2))
    labels = np.concatenate([digits.train.labels, digits.test.labels])
    original = load_digits()
    found = set(zip(np.round(ink * 16 / 6.25), labels, strict=True))
    assert found == set(zip(original.images.sum(axis=(1, 2)), original.target, strict=True))


def test_digits_lose_no_ink(digits):
    ink = np.sort(all_images(digits).sum(axis=(1, 2)))
    original = np.sort(load_digits().images.sum(axis=(1, 2))) / 16
    np.testing.assert_allclose(ink, original * (20 / 8) ** 2, rtol=1e-6)


def test_digits_fit_a_box_of_20x20(digits):
    for image in all_images(digits):
        for axis in (0, 1):
            inked = np.flatnonzero(image.any(axis=axis))
            assert inked[-1] - inked[0] < 20


def test_digits_are_centred_as_mnist_centres_its_own(digits):
    centres = np.array([center_of_mass(image) for image in all_images(digits)])
    np.testing.assert_allclose(centres, 14, atol=0.501)


@pytest.mark.parametrize("corner", [(0, 0), (0, 7), (7, 0), (7, 7)])
def test_framing_cuts_no_ink_off_in_a_corner(monkeypatch, corner):
    """No digit of the set is so far off centre, but a centre of mass alone would push this one out of the image."""
    bunch = load_digits()
    bunch.images[:] = 0
    bunch.images[:, *corner] = 16
    monkeypatch.setattr("sklearn.datasets.load_digits", lambda: bunch)
    image = load("digits").train.images[0].astype(np.float64)
    assert image.sum() == pytest.approx(6.25)
    nearest = [9 if index == 0 else 18 for index in corner]  # with the 20x20 box at the edge of the image
    np.testing.assert_allclose(center_of_mass(image), nearest, atol=0.5)


@pytest.mark.parametrize("number", [4, 5, 7])
def test_digits_keep_their_form(monkeypatch, number):
    """Against the same scaling written in another way: each pixel five times, then the mean over 2x2."""
    bunch = load_digits()
    bunch.images[:] = bunch.images[number]
    monkeypatch.setattr("sklearn.datasets.load_digits", lambda: bunch)
    box = np.kron(bunch.images[0], np.ones([5, 5])).reshape(20, 2, 20, 2).mean(axis=(1, 3))
    top, left = np.round(14 - np.array(center_of_mass(box))).astype(int)
    framed = load("digits").train.images[0, top : top + 20, left : left + 20]
    assert np.corrcoef(framed.ravel(), box.ravel())[0, 1] > 0.95


# Good files


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("mark", ["-idx", ".idx"])
def test_idx_files_give_their_arrays(tmp_path, pack, suffix, mark):
    write_idx(tmp_path, lambda name: name.replace("-idx", mark) + suffix, pack)
    assert_holds_the_arrays(load(tmp_path))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_gives_its_arrays(tmp_path, save):
    assert_holds_the_arrays(load(write_npz(tmp_path, save, y_train=make_arrays()["y_train"].astype(">i8"))))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_npz_may_hold_floats(tmp_path, dtype):
    floats = {key: (make_arrays()[key] / 255).astype(dtype) for key in ("x_train", "x_test")}
    assert_holds_the_arrays(load(write_npz(tmp_path, **floats)), atol=1e-3 if dtype == np.float16 else 1e-7)


def test_npz_may_hold_more_arrays(tmp_path):
    assert_holds_the_arrays(load(write_npz(tmp_path, notes=np.array([{}]))))


def assert_holds_the_arrays(dataset, atol=1e-7):
    arrays = make_arrays()
    for split, part in zip(dataset[1:], ("train", "test"), strict=True):
        assert split.images.dtype == np.float32 and split.labels.dtype == np.int32
        np.testing.assert_allclose(split.images, arrays[f"x_{part}"] / 255, rtol=0, atol=atol)
        np.testing.assert_array_equal(split.labels, arrays[f"y_{part}"])


@pytest.mark.parametrize("inner", ["MNIST/raw", "raw"])
def test_idx_files_are_found_where_torchvision_puts_them(tmp_path, inner):
    (tmp_path / inner).mkdir(parents=True)
    write_idx(tmp_path / inner)
    assert_holds_the_arrays(load(tmp_path))


def test_idx_files_are_found_where_kaggle_puts_them(tmp_path):
    for key, name in FILES.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_bytes(idx_bytes(make_arrays()[key]))
    assert_holds_the_arrays(load(tmp_path))


def test_mnist_npz_is_found_in_its_folder(tmp_path):
    write_npz(tmp_path).rename(tmp_path / "mnist.npz")
    assert_holds_the_arrays(load(tmp_path))


def test_a_path_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").mkdir()
    write_idx(tmp_path / "mine")
    assert_holds_the_arrays(load("~/mine"))
    assert_refused("~nobody-of-this-name/mine", "does not exist")


def test_path_may_be_text_and_gives_the_name(tmp_path, monkeypatch):
    folder = tmp_path / "fashion"
    folder.mkdir()
    write_idx(folder)
    assert load(str(folder)).name == load(folder).name == "fashion"
    monkeypatch.chdir(folder)
    assert load(".").name == "fashion"
    assert load(write_npz(tmp_path)).name == "digits.npz"


def test_folder_called_digits_is_reached_by_its_path(tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()
    write_idx(tmp_path / "digits")
    monkeypatch.chdir(tmp_path)
    assert_holds_the_arrays(load("./digits"))


@pytest.mark.skipif(not MNIST.is_dir(), reason=f"MNIST's files are not in {MNIST}; UNROLL_MNIST names their folder")
def test_real_mnist_is_read():
    mnist = load(MNIST)
    assert [split.images.shape for split in mnist[1:]] == [(60000, 28, 28), (10000, 28, 28)]
    assert np.bincount(mnist.train.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert mnist.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.train.images.min() == 0 and mnist.train.images.max() == 1
    # the fact that the framing of scikit-learn's digits rests on
    centres = np.array([center_of_mass(image.astype(np.float64)) for image in mnist.train.images[:1000]])
    np.testing.assert_allclose(centres, 14, atol=0.501)


# Bad paths


def test_path_that_does_not_exist(tmp_path):
    path = tmp_path / "no"
    assert_refused(path, str(path), "does not exist", '"digits", "mnist"', ".npz", "check the path")


def test_file_that_is_no_npz(tmp_path):
    (tmp_path / "mnist.txt").write_bytes(b"5, 0, 4")
    assert_refused(tmp_path / "mnist.txt", str(tmp_path / "mnist.txt"), "no .npz", "folder")


def test_path_that_cannot_be_looked_up(tmp_path):
    assert_refused(tmp_path / ("x" * 300), "cannot be read", "File name too long")


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "digits.npz"])
def test_file_without_permission(tmp_path, monkeypatch, name):
    """By a stand-in for `Path.open`, as root may read every file."""
    path = tmp_path / name if name.endswith(".npz") else tmp_path
    write_idx(tmp_path)
    write_npz(tmp_path)

    def refuse(path, mode):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    assert_refused(path, str(tmp_path / name), "cannot be read", "Permission denied", "permissions")


# Bad IDX files


@pytest.mark.parametrize("name", FILES.values())
def test_idx_file_missing(tmp_path, name):
    write_idx(tmp_path)
    (tmp_path / name).unlink()
    spellings = (name, f"{name}.gz", name.replace("-idx", ".idx"), name.replace("-idx", ".idx") + ".gz")
    assert_refused(tmp_path, str(tmp_path), f"without {name[: name.index('-idx')]};", *spellings)


@pytest.mark.parametrize("length", [0, 3, 15])
def test_idx_header_truncated(tmp_path, length):
    content = idx_bytes(make_arrays()["x_train"])[:length]
    parts = (f"got {length} bytes", "truncated header", "want 16", "download it again")
    assert_idx_refused(tmp_path, FILES["x_train"], content, *parts)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(("key", "wanted"), [("x_train", 4704), ("y_test", 3)])
def test_idx_data_truncated(tmp_path, key, wanted, pack):
    content = pack(idx_bytes(make_arrays()[key])[:-1])
    parts = (f"got only {wanted - 1} bytes", "truncated", f"want the {wanted} bytes", f"{len(make_arrays()[key])} ex")
    assert_idx_refused(tmp_path, FILES[key], content, *parts)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_idx_too_long(tmp_path, pack):
    content = pack(idx_bytes(make_arrays()["x_train"]) + b"\0")
    assert_idx_refused(tmp_path, FILES["x_train"], content, "bytes after the data", "want the 4704 bytes")


@pytest.mark.parametrize(("key", "wanted"), [("x_train", "0x00000803"), ("y_train", "0x00000801")])
def test_idx_magic_number_wrong(tmp_path, key, wanted):
    content = idx_bytes(make_arrays()[key], magic=0x00000D03)
    parts = ("magic number 0x00000d03", f"want {wanted}", "download")
    assert_idx_refused(tmp_path, FILES[key], content, *parts)


def test_idx_images_and_labels_swapped(tmp_path):
    content = idx_bytes(np.zeros(20, np.uint8))
    parts = ("magic number 0x00000801", "want 0x00000803", "images and labels are swapped")
    assert_idx_refused(tmp_path, FILES["x_train"], content, *parts)
    content = idx_bytes(make_arrays()["x_train"])
    parts = ("magic number 0x00000803", "want 0x00000801", "images and labels are swapped")
    assert_idx_refused(tmp_path, FILES["y_train"], content, *parts)


@pytest.mark.parametrize("size", [(28, 27), (32, 28), (8, 8)])
def test_idx_images_of_another_size(tmp_path, size):
    content = idx_bytes(np.zeros([6, *size], np.uint8))
    assert_idx_refused(tmp_path, FILES["x_train"], content, f"images of {size[0]}x{size[1]}", "want 28x28")


def test_idx_counts_differ(tmp_path):
    content = idx_bytes(np.zeros([5, 28, 28], np.uint8))
    parts = ("got 5 images", "6 labels", str(tmp_path / FILES["y_train"]), "want one label an image")
    assert_idx_refused(tmp_path, FILES["x_train"], content, *parts)


def test_idx_without_an_example(tmp_path):
    assert_idx_refused(tmp_path, FILES["x_test"], idx_bytes(np.zeros([0, 28, 28], np.uint8)), "no example at all")


def test_idx_labels_outside_0_to_9(tmp_path):
    content = idx_bytes(np.array([7, 10, 1], np.uint8))
    assert_idx_refused(tmp_path, FILES["y_test"], content, "labels from 1 to 10", "want them from 0 to 9")


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda packed: packed[:-20], "Compressed file ended"),  # EOFError
        (lambda packed: packed[:-8] + bytes(8), "CRC check failed"),  # gzip.BadGzipFile
        (lambda packed: packed[:10] + b"\xff" * 40, "invalid block type"),  # zlib.error
        (lambda packed: packed + b"trailing", "Not a gzipped file"),  # gzip.BadGzipFile
    ],
    ids=["truncated", "checksum", "deflate", "trailing"],
)
def test_gzip_damaged(tmp_path, damage, error):
    content = damage(gzip.compress(idx_bytes(make_arrays()["x_train"])))
    assert_idx_refused(tmp_path, FILES["x_train"], content, "damaged gzip data", error, "download it again")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_idx_header_that_promises_terabytes_takes_no_memory(tmp_path, pack):
    content = pack(struct.pack(">4I", IMAGES, 2**32 - 1, 28, 28) + bytes(100))
    with PeakMemory() as peak:
        assert_idx_refused(tmp_path, FILES["x_train"], content, "promises 4294967295 examples", "at most 1000000")
    assert peak.bytes < 5e6


def test_labels_that_unpack_to_gigabytes_are_not_unpacked(tmp_path):
    content = gzip.compress(struct.pack(">2I", LABELS, 20_000_000) + bytes(20_000_000))
    with PeakMemory() as peak:
        assert_idx_refused(tmp_path, FILES["y_train"], content, "promises 20000000 examples", "at most 1000000")
    assert peak.bytes < 5e6


def test_gzip_bomb_is_not_unpacked(tmp_path):
    bomb = gzip.compress(idx_bytes(np.zeros([1, 28, 28], np.uint8)) + bytes(20_000_000))
    with PeakMemory() as peak:
        assert_idx_refused(tmp_path, FILES["x_train"], bomb, "bytes after the data", "want the 784 bytes")
    assert peak.bytes < 5e6


class PeakMemory:
    def __enter__(self):
        tracemalloc.start()
        return self

    def __exit__(self, *_):
        self.bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


def test_emnist_is_refused_because_its_images_lie_on_their_side(tmp_path):
    (tmp_path / "emnist-digits-train-images-idx3-ubyte.gz").touch()
    assert_refused(tmp_path, str(tmp_path), "EMNIST", "on their side")


@pytest.mark.parametrize(
    ("content", "what", "advice"),
    [
        (b"<!DOCTYPE html><html>", "a web page", "browser"),
        (b"\n<html>", "a web page", "browser"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a pointer of git-lfs", "git lfs pull"),
    ],
)
def test_what_was_saved_in_the_place_of_data_is_named(tmp_path, content, what, advice):
    assert_idx_refused(tmp_path, FILES["y_train"], content, what, advice)
    (tmp_path / "mine.npz").write_bytes(content)
    assert_npz_refused(tmp_path / "mine.npz", what, advice)


# Bad npz files


def assert_npz_refused(path, *parts):
    assert_refused(path, str(path), *parts)


@pytest.mark.parametrize("content", [b"", b"not a zip archive"])
def test_npz_that_is_no_zip(tmp_path, content):
    (tmp_path / "mnist.npz").write_bytes(content)
    assert_npz_refused(tmp_path / "mnist.npz", "does not read as .npz", "not a zip file", "download")


def test_npz_truncated(tmp_path):
    path = write_npz(tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    assert_npz_refused(path, "does not read as .npz", "not a zip file", "download")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_damaged_within(tmp_path, save):
    path = write_npz(tmp_path, save)
    content = bytearray(path.read_bytes())
    content[1000:1004] = bytes(byte ^ 0xFF for byte in content[1000:1004])
    path.write_bytes(content)
    assert_npz_refused(path, "does not read as .npz", "undamaged", "download")


@pytest.mark.parametrize("key", FILES)
def test_npz_lacks_an_array(tmp_path, key):
    held = [other for other in FILES if other != key]
    assert_npz_refused(write_npz(tmp_path, **{key: None}), f"got the arrays {held}", f"without ['{key}']", "save")


@pytest.mark.parametrize("key", FILES)
def test_npz_with_pickled_objects(tmp_path, key):
    path = write_npz(tmp_path, **{key: np.array([{}, {}])})
    assert_npz_refused(path, "allow_pickle=False", "pickled objects are refused", "can run code")


def test_npz_with_a_header_that_promises_terabytes(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (2**32, 28, 28)})
    path = write_npz(tmp_path, x_train=None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x_train.npy", header.getvalue() + bytes(100))
    assert_npz_refused(path, "does not read as .npz")


def test_npz_with_a_member_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "MOST_NPY_BYTES", 10_000_000)
    path = write_npz(tmp_path, np.savez_compressed, y_train=np.zeros(20_000_000, np.uint8))
    with PeakMemory() as peak:
        assert_npz_refused(path, "does not read as .npz", "y_train is 20000128 bytes when unpacked")
    assert peak.bytes < 5e6


def test_npz_with_a_member_that_is_no_array(tmp_path):
    path = write_npz(tmp_path, x_train=None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x_train.npy", b"5, 0, 4")
    assert_npz_refused(path, "x_train: got |S7 of shape ()")


@pytest.mark.parametrize(
    "images",
    [
        np.zeros([6, 28, 28], np.int64),
        np.zeros([6, 28, 28], np.uint16),
        np.zeros([6, 28, 28], bool),
        np.zeros([6, 28, 28], complex),
        np.zeros([6, 784], np.uint8),
        np.zeros([6, 28, 28, 1], np.uint8),
        np.zeros([6, 8, 8], np.float32),
    ],
    ids=lambda images: f"{images.dtype}{list(images.shape)}",
)
def test_npz_images_of_a_wrong_type_or_shape(tmp_path, images):
    parts = (f"x_train: got {images.dtype} of shape {images.shape}", "want images of uint8", "(N, 28, 28)", "convert")
    assert_npz_refused(write_npz(tmp_path, x_train=images), *parts)


@pytest.mark.parametrize("value", [255, 1.01, -0.01, np.nan, np.inf])
def test_npz_floats_outside_0_to_1(tmp_path, value):
    images = np.zeros([3, 28, 28], np.float32)
    images[1, 2, 3] = value
    assert_npz_refused(write_npz(tmp_path, x_test=images), "x_test: got floats from", "want them from 0 to 1", "scale")


@pytest.mark.parametrize(
    "labels",
    [np.zeros(6), np.zeros(6, bool), np.zeros([6, 10], int), np.int64(3), np.array(["5"] * 6)],
    ids=lambda labels: f"{labels.dtype}{list(labels.shape)}",
)
def test_npz_labels_of_a_wrong_type_or_shape(tmp_path, labels):
    parts = (f"y_train: got {labels.dtype} of shape {labels.shape}", "want labels of integers of shape (N,)", "convert")
    assert_npz_refused(write_npz(tmp_path, y_train=labels), *parts)


@pytest.mark.parametrize("label", [-1, 10, 2**32])
def test_npz_labels_outside_0_to_9(tmp_path, label):
    labels = np.array([7, label, 1])
    assert_npz_refused(write_npz(tmp_path, y_test=labels), "y_test: got labels from", str(label), "want them from 0")


@pytest.mark.parametrize("count", [0, 2, 4])
def test_npz_counts_differ(tmp_path, count):
    path = write_npz(tmp_path, y_test=np.ones(count, int))
    assert_npz_refused(path, "x_test: got 3 images", f"y_test has {count} labels", "want one label an image")


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_npz_without_an_example(tmp_path, dtype):
    path = write_npz(tmp_path, x_train=np.zeros([0, 28, 28], dtype), y_train=np.zeros(0, int))
    assert_npz_refused(path, "x_train: got no example at all")


# MNIST through Keras


def test_mnist_comes_from_keras(monkeypatch):
    import keras

    arrays = make_arrays()
    pairs = (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: pairs)
    mnist = load("mnist")
    assert mnist.name == "MNIST"
    assert_holds_the_arrays(mnist)


def test_mnist_without_a_network_says_what_to_do(monkeypatch):
    import keras

    def fail():
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    parts = ("URL fetch failure", "~/.keras/datasets", "mnist.npz", "`--data PATH`", "`--data digits`", "no network")
    assert_refused("mnist", *parts)


# The documentation


def test_examples_in_the_documentation():
    result = doctest.testmod(data)
    assert result.attempted >= 3 and result.failed == 0

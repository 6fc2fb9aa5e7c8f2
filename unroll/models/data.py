"""Images of handwritten digits with their labels: scikit-learn's digits, MNIST through Keras, or MNIST's files."""

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from scipy.ndimage import center_of_mass, zoom

from unroll.errors import UnrollError, how_to_install
from unroll.files import user_path

SIZE = 28
BOX_SIZE = 20  # MNIST scales a digit into a box of this side, then places the box in the image
CENTER = 14  # the row and column, counted from 0, on which MNIST's own images have their centre of mass
NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")
MOST_EXAMPLES = 1_000_000  # a damaged or hostile file may promise more than memory holds
MOST_NPY_BYTES = MOST_EXAMPLES * SIZE * SIZE * 8 + 4096
NESTED = (".", "MNIST/raw", "raw")  # where torchvision puts the IDX files, below the folder that it is given
WEB_PAGE = "a web page", "open it in a browser to see why, and download the file itself"
NO_DATA = {  # what a download that went wrong begins with, what that is, and what to do about it
    b"<!doctype": WEB_PAGE,
    b"<html": WEB_PAGE,
    b"version https://git-lfs": ("a pointer of git-lfs", "run `git lfs pull` in the repository that it is from"),
}


class Split(NamedTuple):
    """Images [N, 28, 28] as float32 from 0 (background) to 1 (ink), and their labels [N] as int32 from 0 to 9."""

    images: np.ndarray
    labels: np.ndarray


class Dataset(NamedTuple):
    """The images to train on and the images to test on; `name` is what figures and tables call them."""

    name: str
    train: Split
    test: Split


class DataError(UnrollError):
    """The images cannot be had from this source; the message says what is wrong with it and what to do."""


def load(source: str | os.PathLike = "digits") -> Dataset:
    """Load the images of a source and check them.

    `source` is one of:

    - "digits": scikit-learn's 1797 digits, which need no network: 1437 to train on, 360 to test on. Each is scaled
      from 8x8 to 20x20 and placed in 28x28 as MNIST places its own. The same writers are in both splits.
    - "mnist": MNIST as Keras downloads and caches it.
    - a folder: MNIST's four IDX files, compressed by gzip or not, each of which may lie in a folder of its own name
      as Kaggle packs them; or a folder that holds them in MNIST/raw, as torchvision does; or one with mnist.npz.
    - a .npz file: `x_train`, `y_train`, `x_test` and `y_test`, as in Keras's mnist.npz; the images are uint8, or
      floats from 0 to 1.

    A path may begin with ~ for the home folder. A folder that is itself called "digits" or "mnist" is reached as
    "./digits" or "./mnist". No source may hold more than a million images a split.

    Raises:
        DataError: the source does not exist, cannot be read or downloaded, is damaged or incomplete, or does not hold
            images [N, 28, 28] with N labels from 0 to 9, N at least 1.

    Source of the digits: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits" (UCI Machine Learning
    Repository, 1998), its test set. Source of the framing: LeCun, Cortes and Burges, "The MNIST Database".

    >>> digits = load("digits")
    >>> digits.name
    "scikit-learn's digits, 8x8 scaled into 28x28"
    >>> digits.train.images.shape, digits.test.images.shape
    ((1437, 28, 28), (360, 28, 28))
    """
    if source == "digits":
        return _load_digits()
    if source == "mnist":
        return _load_mnist()
    try:
        return _load_path(user_path(source))
    except OSError as error:
        raise DataError(
            f"{source}: got a path that cannot be read ({error}); want files that this user may read: "
            "check the permissions of the path and of the folders above it"
        ) from error


def read_rows(images: np.ndarray, steps: int) -> np.ndarray:
    """Return T rows of each image [N, 28, I]: those in its middle, or all of them and again from its top.

    The margin of a digit is blank: its first rows alone would show little of it.
    """
    height = images.shape[1]
    above = max(0, height - steps) // 2
    return images[:, (above + np.arange(steps)) % height]  # [N, T, I]


def _load_digits() -> Dataset:
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError:
        raise DataError(
            "got the data digits, which are scikit-learn's, and it is not installed; "
            f"want {how_to_install('bench')}, or the data mnist"
        ) from None
    digits: Any = load_digits()
    labels = digits.target.astype(np.int32)
    parts: Any = train_test_split(_frame(digits.images / 16), labels, test_size=360, stratify=labels, random_state=0)
    train_images, test_images, train_labels, test_labels = parts
    name = "scikit-learn's digits, 8x8 scaled into 28x28"
    return Dataset(name, Split(train_images, train_labels), Split(test_images, test_labels))


def _frame(images: np.ndarray) -> np.ndarray:
    """Scale images [N, 8, 8] to 20x20 and place them in [N, 28, 28], their centres of mass in the centre."""
    scale = BOX_SIZE / images.shape[1]
    boxes: Any = zoom(images, (1, scale, scale), order=1, mode="nearest", grid_mode=True)  # [N, 20, 20]
    framed = np.zeros([len(boxes), SIZE, SIZE], np.float32)
    for image, box in zip(framed, boxes, strict=True):
        corner = np.round(CENTER - np.array(center_of_mass(box)))
        top, left = np.clip(corner, 0, SIZE - BOX_SIZE).astype(int)
        image[top : top + BOX_SIZE, left : left + BOX_SIZE] = box
    return framed


def _load_mnist() -> Dataset:
    import keras  # here, because it takes seconds and the other sources do without it

    try:
        train, test = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception when it cannot download
        raise DataError(
            f"mnist: got no MNIST from Keras ({error}); want a network, or mnist.npz in Keras's cache "
            "(~/.keras/datasets, or $KERAS_HOME/datasets): give the files with `--data PATH`, or take the digits, "
            "which need no network, with `--data digits`"
        ) from error
    where = "Keras's MNIST"
    return Dataset("MNIST", _split(*train, where, where), _split(*test, where, where))


def _load_path(path: Path) -> Dataset:
    if path.is_dir() and not _holds_idx(path) and (path / "mnist.npz").is_file():
        path = path / "mnist.npz"
    if path.is_dir():
        folder = next((path / inner for inner in NESTED if _holds_idx(path / inner)), path)
        train, test = _load_idx(folder, "train"), _load_idx(folder, "t10k")
    elif path.suffix == ".npz" and path.is_file():
        train, test = _load_npz(path)
    else:
        kind = "a file that is no .npz" if path.exists() else "a path that does not exist"
        raise DataError(
            f'{path}: got {kind}; want "digits", "mnist", a folder of MNIST\'s four IDX files or a .npz file: '
            "check the path"
        )
    return Dataset(os.path.basename(os.path.abspath(path)), train, test)


def _load_idx(folder: Path, prefix: str) -> Split:
    images_path, labels_path = _find_idx(folder, f"{prefix}-images", 3), _find_idx(folder, f"{prefix}-labels", 1)
    return _split(_read_idx(images_path, 3), _read_idx(labels_path, 1), images_path, labels_path)


def _holds_idx(folder: Path) -> bool:
    return any(folder.glob("train-images*")) or any(folder.glob("t10k-images*"))


def _find_idx(folder: Path, stem: str, rank: int) -> Path:
    names = [f"{stem}{mark}idx{rank}-ubyte{suffix}" for mark in "-." for suffix in ("", ".gz")]
    for path in [folder / inner / name for name in names for inner in (".", name)]:
        if path.is_file():
            return path
    if any(folder.glob("emnist-*")):
        raise DataError(
            f"{folder}: got EMNIST's files, whose images lie on their side; want MNIST's own four IDX files: "
            "transpose EMNIST's images and save them as .npz, or take MNIST"
        )
    raise DataError(
        f"{folder}: got a folder without {stem}; want one of the files {', '.join(names)}: "
        "put MNIST's four IDX files in the folder"
    )


def _read_idx(path: Path, rank: int) -> np.ndarray:
    """Read an IDX file of unsigned bytes, compressed by gzip or not: images [N, 28, 28] or labels [N]."""
    with path.open("rb") as file:
        _refuse_what_is_no_data(file, path)
        is_gzip = file.peek(2)[:2] == b"\x1f\x8b"  # by content: browsers unpack a .gz and keep its name
        try:
            stream: Any = gzip.GzipFile(fileobj=file) if is_gzip else file
            return _parse_idx(stream, path, rank)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(
                f"{path}: got damaged gzip data ({error}); want a whole gzip file: download it again"
            ) from error


def _parse_idx(stream: IO[bytes], path: Path, rank: int) -> np.ndarray:
    header_bytes = 4 * (1 + rank)
    header = stream.read(header_bytes)
    if len(header) < header_bytes:
        raise DataError(
            f"{path}: got {len(header)} bytes, which is a truncated header; want {header_bytes}: download it again"
        )
    magic, *shape = struct.unpack(f">{1 + rank}I", header)
    _check_idx_header(magic, shape, path, rank)
    wanted = math.prod(shape)
    data = _read_at_most(stream, wanted + 1)
    if len(data) != wanted:
        got = f"only {len(data)} bytes, which is truncated data" if len(data) < wanted else "bytes after the data"
        raise DataError(
            f"{path}: got {got}; want the {wanted} bytes that its header promises for {shape[0]} examples: "
            "download it again"
        )
    return np.frombuffer(data, np.uint8).reshape(shape)


def _check_idx_header(magic: int, shape: list[int], path: Path, rank: int):
    wanted = 0x00000800 + rank  # 0x08 stands for unsigned bytes, the last byte for the number of dimensions
    if magic != wanted:
        advice = "images and labels are swapped, rename the files" if magic in (0x801, 0x803) else "download it again"
        raise DataError(f"{path}: got the magic number 0x{magic:08x}; want 0x{wanted:08x}: {advice}")
    if shape[0] > MOST_EXAMPLES:
        raise DataError(
            f"{path}: got a header that promises {shape[0]} examples; want at most {MOST_EXAMPLES}: download it again"
        )
    if shape[1:] not in ([], [SIZE, SIZE]):
        raise DataError(f"{path}: got images of {shape[1]}x{shape[2]}; want {SIZE}x{SIZE}: give files in MNIST's size")


def _refuse_what_is_no_data(file: Any, path: Path):
    """Refuse a web page or a pointer that was saved in the file's place; the file's position stays."""
    beginning = file.peek(64)[:64].lstrip().lower()
    for mark, (what, advice) in NO_DATA.items():
        if beginning.startswith(mark):
            raise DataError(f"{path}: got {what}; want the data themselves: {advice}")


def _read_at_most(stream: IO[bytes], limit: int) -> bytearray:
    """Read in chunks, for one read of `limit` bytes would allocate whatever a damaged header promises."""
    data = bytearray()
    while chunk := stream.read(min(limit - len(data), 1 << 20)):
        data += chunk
    return data


def _load_npz(path: Path) -> tuple[Split, Split]:
    held, arrays = _read_npz(path)
    missing = [key for key in NPZ_KEYS if key not in arrays]
    if missing:
        raise DataError(
            f"{path}: got the arrays {held}, without {missing}; want {list(NPZ_KEYS)}: save them under these names"
        )
    x_train, y_train, x_test, y_test = (arrays[key] for key in NPZ_KEYS)
    return (
        _split(x_train, y_train, f"{path}, x_train", f"{path}, y_train"),
        _split(x_test, y_test, f"{path}, x_test", f"{path}, y_test"),
    )


def _read_npz(path: Path) -> tuple[list[str], dict[str, np.ndarray]]:
    """Return the names of all arrays in the file, and those arrays that are wanted from it."""
    with path.open("rb") as file:
        _refuse_what_is_no_data(file, path)
        try:
            with np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
                # a member that is no array comes as bytes: as an array it has a type and shape to refuse
                return archive.files, {key: _member(archive, key) for key in NPZ_KEYS if key in archive}
        except Exception as error:  # for a damaged file, zipfile, zlib and NumPy raise almost any type
            raise DataError(
                f"{path}: got a file that NumPy does not read as .npz ({error}); want an undamaged .npz of plain "
                "arrays; pickled objects are refused, because loading them can run code: download or save it again"
            ) from error


def _member(archive: Any, key: str) -> np.ndarray:
    size = max(archive.zip.getinfo(name).file_size for name in archive.zip.namelist() if name in (key, f"{key}.npy"))
    if size > MOST_NPY_BYTES:
        raise ValueError(f"{key} is {size} bytes when unpacked; at most {MOST_NPY_BYTES} are read")
    return np.asarray(archive[key])


def _split(images: np.ndarray, labels: np.ndarray, images_from: object, labels_from: object) -> Split:
    """Check images [N, 28, 28] and labels [N] and give them their types; the last two say where they are from."""
    _check_images(images, images_from)
    _check_labels(labels, labels_from)
    if len(images) != len(labels):
        raise DataError(
            f"{images_from}: got {len(images)} images, but {labels_from} has {len(labels)} labels; "
            "want one label an image: take both from one download"
        )
    largest = 255 if images.dtype == np.uint8 else 1
    return Split(np.divide(images, largest, dtype=np.float32), labels.astype(np.int32))


def _check_images(images: np.ndarray, where: object):
    is_float = np.issubdtype(images.dtype, np.floating)
    if not (is_float or images.dtype == np.uint8) or images.shape[1:] != (SIZE, SIZE):
        raise DataError(
            f"{where}: got {images.dtype} of shape {images.shape}; want images of uint8, or of floats from 0 to 1, "
            f"of shape (N, {SIZE}, {SIZE}): convert them"
        )
    if not len(images):
        raise DataError(f"{where}: got no example at all; want at least one image: download or save them again")
    if is_float and not (images.min() >= 0 and images.max() <= 1):  # so written, it refuses NaN too
        raise DataError(
            f"{where}: got floats from {images.min()} to {images.max()}; want them from 0 to 1: "
            "scale them, or give uint8"
        )


def _check_labels(labels: np.ndarray, where: object):
    if not np.issubdtype(labels.dtype, np.integer) or labels.ndim != 1:
        raise DataError(
            f"{where}: got {labels.dtype} of shape {labels.shape}; want labels of integers of shape (N,): convert them"
        )
    if len(labels) and (labels.min() < 0 or labels.max() > 9):
        raise DataError(
            f"{where}: got labels from {labels.min()} to {labels.max()}; want them from 0 to 9: "
            "give digits, or download them again"
        )

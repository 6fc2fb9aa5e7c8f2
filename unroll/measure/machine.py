"""What a step is held against: how fast this device multiplies large matrices, and how fast it moves memory."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from unroll.measure.check import TOLERANCES, Unequal
from unroll.measure.config import Case
from unroll.measure.device import CPU, Device
from unroll.measure.journal import Record

# Large enough that starting an operation costs nothing beside it, and that no cache holds what is moved.
MATRIX_WIDTH = {"cpu": 2048, "gpu": 8192}
ARRAY_BYTES = {"cpu": 256 << 20, "gpu": 1 << 30}
LEAST_SAMPLES, MOST_SAMPLES, ENOUGH_S = 5, 20, 1.0
ARRAYS_MOVED = 3  # two are read, and one of them is written


def measure_rates(
    case: Case, *, width: int | None = None, array_bytes: int | None = None, device: Device = CPU
) -> Iterator[Record]:
    """Measure the matrix rate, in operations a second, and the bandwidth, in bytes a second.

    The matrix rate is that of a square product in the precision of the case's mode; the bandwidth that of adding one
    large float32 array to another in its place, which reads two and writes one.

    Args:
        width, array_bytes: how large both are, if not as large as suits the device.

    Raises:
        Unequal: a result is wrong.
    """
    width, size = width or MATRIX_WIDTH[device.kind], array_bytes or ARRAY_BYTES[device.kind]
    precision = device.precision(case.mode)
    seconds = _multiply(width, precision, device)
    note = f"{width} x {width} x {width}, {precision}"
    yield Record.of(case, "matrix_rate", "forward", "flop/s", [2 * width**3 / second for second in seconds], note=note)
    seconds = _add(size // 4, device)
    samples = [ARRAYS_MOVED * size / second for second in seconds]
    yield Record.of(case, "bandwidth", "forward", "bytes/s", samples, note=f"two arrays of {size} bytes")


def _multiply(width: int, precision: str, device: Device) -> list[float]:
    """Take the times of a product of square matrices, and check its first row against NumPy's in double precision."""
    random = np.random.default_rng(0)
    left, right = (random.uniform(-1, 1, [width, width]).astype(np.float32) for _ in range(2))
    dtype = tf.float32 if precision in ("float32", "tf32") else tf.as_dtype(precision)
    matrices = [tf.cast(device.put(matrix), dtype) for matrix in (left, right)]
    product = tf.cast(tf.matmul(*matrices)[0], tf.float32).numpy()
    expected = left[0].astype(np.float64) @ right
    if not np.abs(product - expected).max() <= TOLERANCES[precision].outputs * np.abs(expected).max():
        raise Unequal(f"a product of {width} x {width} matrices in {precision} is wrong")
    return _times(lambda: tf.matmul(*matrices), device)


def _add(count: int, device: Device) -> list[float]:
    """Take the times of adding an array of ones to another in its place, and check that each was added once."""
    with tf.device(device.name):
        ones, total = tf.ones([count]), tf.Variable(tf.zeros([count]))
    seconds = _times(lambda: total.assign_add(ones, read_value=False), device)
    if float(total[-1]) != len(seconds) + 1:
        raise Unequal("adding one array to another is wrong")
    return seconds


def _times(work: Callable, device: Device) -> list[float]:
    """Do the work once to warm up, then again and again, and give the seconds of each."""
    work()
    seconds: list[float] = []
    while len(seconds) < LEAST_SAMPLES or (len(seconds) < MOST_SAMPLES and sum(seconds) < ENOUGH_S):
        device.wait()
        start = time.perf_counter()
        work()
        device.wait()
        seconds.append(time.perf_counter() - start)
    return seconds

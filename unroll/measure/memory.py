"""What a variant holds in memory, each case in a fresh process: memory once taken is seldom given back.

Two of the three scopes are read here; the third, the graph's own size, is in graph.py.

- process: how much the resident memory grows by building the graph and taking the first steps.
- tensors: the allocator's peak during one later step, above what was held before it. The allocator counts blocks, and
  a block may be up to twice as large as the tensor in it: the peak is an upper bound.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np

from unroll.measure.config import Sizes

SCOPES = ("process", "tensors")
FIRST_STEPS = 3
KNOWN_TENSORS, KNOWN_BYTES = 128, 64 << 10
TIME_LIMIT_S = 300


class NotAvailable(Exception):
    """A scope that cannot be read on this machine; the message says why."""


def measure_memory(variant: str, phase: str, sizes: Sizes, images, labels, seed: int) -> dict[str, int | NotAvailable]:
    """Measure both scopes of one variant, in bytes, each in a fresh process of its own, the two side by side.

    Memory, unlike time, does not suffer from a neighbour on the other core.
    """
    with tempfile.TemporaryDirectory() as folder:
        batch = Path(folder) / "batch.npz"
        np.savez(batch, images=images, labels=labels)
        case = {"variant": variant, "phase": phase, "sizes": asdict(sizes), "batch": str(batch), "seed": seed}
        with ThreadPoolExecutor() as pool:
            results = list(pool.map(_in_fresh_process, [case | {"scope": scope} for scope in SCOPES]))
    return dict(zip(SCOPES, results, strict=True))


def _in_fresh_process(case: dict) -> int | NotAvailable:
    # The CPU's allocator keeps count only if it is told to before TensorFlow is imported.
    counting = {"TF_CPU_ALLOCATOR_USE_BFC": "1"} if case["scope"] == "tensors" else {}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "unroll.measure.memory", json.dumps(case)],
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | counting,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return NotAvailable(f"its process took more than {TIME_LIMIT_S} s")
    if done.returncode:
        last_line = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return NotAvailable(f"its process ended with status {done.returncode}: {last_line}")
    result = json.loads(done.stdout.splitlines()[-1])
    return result["bytes"] if "bytes" in result else NotAvailable(result["not available"])


def process_growth(case: dict) -> int:
    """Give how many bytes this process grows by building a variant's graph and taking its first steps."""
    import psutil

    network, batch = _prepare(case)
    process = psutil.Process()
    before = process.memory_info().rss
    _build_and_warm_up(network, batch, case["phase"])
    return process.memory_info().rss - before


def tensors_peak(case: dict) -> int:
    """Give the allocator's peak in bytes during a step, above what was held before it.

    Raises:
        NotAvailable: the allocator's count misses tensors of known size.
    """
    import tensorflow as tf

    from unroll.measure.workloads import call

    network, batch = _prepare(case)
    calibrate()
    function = _build_and_warm_up(network, batch, case["phase"])
    tf.config.experimental.reset_memory_stats("CPU:0")
    before = allocated()["current"]
    call(function, case["phase"], batch)
    return allocated()["peak"] - before


def allocated() -> dict[str, int]:
    """Give what TensorFlow's CPU allocator holds, and the most it has held since its count was reset, in bytes."""
    import tensorflow as tf

    return tf.config.experimental.get_memory_info("CPU:0")


def calibrate() -> None:
    """Believe the allocator only if it sees tensors of known size come: small ones, as a step's states are.

    Without its switch the CPU's allocator counts large tensors rightly and those below 256 KiB not at all.

    Raises:
        NotAvailable: the count does not agree, to a twentieth, with what was allocated.
    """
    import tensorflow as tf

    before = allocated()["current"]
    tensors = [tf.random.uniform([KNOWN_BYTES // 4]) for _ in range(KNOWN_TENSORS)]
    seen, known = allocated()["current"] - before, len(tensors) * KNOWN_BYTES
    if not known <= seen <= 1.05 * known:
        raise NotAvailable(f"the allocator counted {seen} bytes where tensors held {known}")


def _prepare(case: dict):
    """Make the network and the batch, and let TensorFlow start its threads, before anything is counted."""
    import tensorflow as tf

    from unroll.measure.workloads import Batch, new_network

    network = new_network(case["variant"], Sizes(**case["sizes"]), case["seed"])
    with np.load(case["batch"]) as arrays:
        batch = Batch(tf.constant(arrays["images"]), tf.constant(arrays["labels"]))
    tf.function(lambda x: tf.matmul(x, x))(tf.ones([64, 64]))
    return network, batch


def _build_and_warm_up(network, batch, phase: str):
    from unroll.measure.workloads import build, call

    function = build(network, phase, batch)
    for _ in range(FIRST_STEPS):
        call(function, phase, batch)
    return function


def main(argument: str) -> None:
    """Measure one case in this process and print the result as a line of JSON."""
    case = json.loads(argument)
    try:
        result = {"bytes": {"process": process_growth, "tensors": tensors_peak}[case["scope"]](case)}
    except NotAvailable as reason:
        result = {"not available": str(reason)}
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1])

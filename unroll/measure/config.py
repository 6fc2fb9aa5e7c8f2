"""The sizes of a measurement, and the environment it was taken in."""

import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import psutil

ROW_WIDTH = 28
PHASES = ("forward", "train")
VARIANT_LABELS = {
    "static": "static",
    "static-traced": "static, traced cell",
    "dynamic": "dynamic",
    "dynamic-4": "dynamic, unroll=4",
    "dynamic-7": "dynamic, unroll=7",
    "dynamic-14": "dynamic, unroll=14",
    "keras-unrolled": "Keras, unroll=True",
    "keras-loop": "Keras, unroll=False",
    "tf1-static": "compat.v1 static_rnn",
    "tf1-dynamic": "compat.v1 dynamic_rnn",
}
PACKAGES = ("tensorflow", "keras", "numpy", "unroll-lstm")
FLAG_PREFIXES = (
    *("TF_CPP_", "TF_CPU_", "TF_DETERMINISTIC_", "TF_ENABLE_", "TF_FORCE_", "TF_GPU_", "TF_NUM_", "TF_XLA_"),
    *("XLA_", "OMP_", "MKL_", "ONEDNN_", "CUDA_VISIBLE_"),
)


@dataclass(frozen=True)
class Sizes:
    """How large the measured network is: T steps, B images a batch, I values a row, H hidden units."""

    steps: int = 28
    batch: int = 128
    hidden: int = 128
    input: int = ROW_WIDTH

    def __post_init__(self):
        for name, value in asdict(self).items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"got --{name} {value!r}; want a whole number from 1 up")

    def __str__(self):
        return f"T={self.steps}, B={self.batch}, I={self.input}, H={self.hidden}"


def environment(seed: int) -> dict:
    """Describe where and how a run is measured: machine, cores, threads, versions, flags, seed, commit.

    Importing this module does not import TensorFlow; calling this does.
    """
    import tensorflow as tf

    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "devices": [device.device_type for device in tf.config.list_physical_devices()],
        "threads": {
            "inter_op": tf.config.threading.get_inter_op_parallelism_threads(),
            "intra_op": tf.config.threading.get_intra_op_parallelism_threads(),
        },
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {package: metadata.version(package) for package in PACKAGES},
        "flags": {name: value for name, value in sorted(os.environ.items()) if name.startswith(FLAG_PREFIXES)},
        "seed": seed,
        "commit": _commit(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    """Name the processor as the kernel does, or as Python does where there is no /proc."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """Give the commit that the code stands at, with a + if files have changed since; "unknown" outside of git."""

    def git(*arguments):
        return subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", ":/unroll", ":/benchmarks")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"

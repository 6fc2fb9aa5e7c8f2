"""The GPUs of this machine: what TensorFlow sees, and what NVIDIA's driver says of them. Imports no TensorFlow."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

from unroll.errors import UnrollError
from unroll.measure.process import Limits, WorkerDied, work_apart

ENOUGH = Limits(seconds=120)
DEVICE_FILES = ("nvidia*", "nvhost*", "nvgpu*", "nvmap", "dxg", "kfd")  # NVIDIA's, its boards', Windows' and AMD's
DEV = Path("/dev")
MIB = 1 << 20


class Load(NamedTuple):
    """How busy the first GPU is: its share of the time, and how many processes hold it."""

    share: float
    processes: int


@cache
def find_gpus() -> tuple[dict, ...]:
    """Describe the GPUs that TensorFlow sees, as a process of its own finds them: see `describe_gpus`.

    To look is to start CUDA, and what has started it can no longer be forked.

    Raises:
        UnrollError: TensorFlow does not start.
    """
    if not may_have_gpu():
        return ()
    try:
        (gpus,) = work_apart(describe_gpus, limits=ENOUGH)
    except WorkerDied as death:
        raise UnrollError(f"cannot look for a GPU, TensorFlow does not start: {death}") from None
    return tuple(gpus)


def may_have_gpu(dev: Path = DEV) -> bool:
    """Return whether to ask TensorFlow at all, which takes seconds: on Linux, not where no driver has left a file."""
    return sys.platform != "linux" or any(next(dev.glob(name), None) for name in DEVICE_FILES)


def describe_gpus() -> list[dict]:
    """Describe each GPU that TensorFlow sees in this process: name, compute_capability, memory_bytes and driver.

    The last two are the driver's to tell; None where its tool, nvidia-smi, is missing.
    """
    import tensorflow as tf

    gpus, described = tf.config.list_physical_devices("GPU"), []
    told = _ask("gpu", "name,memory.total,driver_version") if gpus else []
    named = {name: (memory, driver) for name, memory, driver in told}
    for gpu in gpus:
        details = tf.config.experimental.get_device_details(gpu)
        name = details.get("device_name", "unknown GPU")
        capability = details.get("compute_capability")
        memory, driver = named.get(name, (None, None))
        described.append(
            {
                "name": name,
                "compute_capability": ".".join(map(str, capability)) if capability else None,
                "memory_bytes": int(memory) * MIB if memory and memory.isdecimal() else None,
                "driver": driver,
            }
        )
    return described


def gpu_text(gpu: dict) -> str:
    """Name a GPU as `describe_gpus` describes it, on one line."""
    memory = gpu.get("memory_bytes")
    more = {
        "{:.1f} GiB": memory and memory / (1 << 30),
        "compute capability {}": gpu.get("compute_capability"),
        "driver {}": gpu.get("driver"),
    }
    return ", ".join(
        [str(gpu.get("name", "unknown GPU")), *(text.format(value) for text, value in more.items() if value)]
    )


def cuda_versions() -> dict[str, str]:
    """Return the versions of CUDA and cuDNN that this TensorFlow was built for; none if it was built without."""
    import tensorflow as tf

    built = tf.sysconfig.get_build_info()
    versions = {name: built.get(f"{name}_version") for name in ("cuda", "cudnn")}
    return {name: str(version) for name, version in versions.items() if version}


def find_load() -> Load | None:
    """Ask the driver how busy others keep the first GPU, while this process does nothing there; None if it is mute."""
    loads = _ask("gpu", "utilization.gpu")
    if not loads or not loads[0][0].isdecimal():
        return None
    other_pids = [pid for (pid,) in _ask("compute-apps", "pid") if pid.isdecimal() and int(pid) != os.getpid()]
    return Load(int(loads[0][0]) / 100, len(other_pids))


def _ask(what: str, fields: str) -> list[list[str]]:
    """Ask NVIDIA's driver through its own tool; no rows where there is none."""
    command = ["nvidia-smi", f"--query-{what}={fields}", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[cell.strip() for cell in line.split(",")] for line in told.splitlines() if line.strip()]
    return [row for row in rows if len(row) == len(fields.split(","))]

"""What differs between a CPU and a GPU, in one place: names, clocks, memory, precision. All else is told its device."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unroll.errors import UnrollError, how_to_install
from unroll.measure.process import NotAvailable

DEVICES = ("cpu", "gpu")
SWITCH = ("off", "on")
NO_GPU = "TensorFlow sees no GPU"
JAX_VARIABLES = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # else JAX takes most of a GPU's memory at its start


@dataclass(frozen=True)
class Device:
    """What a run is measured on: the CPU, or the first GPU that TensorFlow sees.

    `tf32` lets a GPU round what float32 products read to 10 bits of mantissa. It is off unless asked for, so that
    float32 means float32.
    """

    kind: str = "cpu"
    tf32: bool = False

    @classmethod
    def of(cls, settings: dict) -> "Device":
        """Return the device that a run's settings name; settings from before there was a choice name none."""
        return cls(settings.get("device", "cpu"), settings.get("tf32", False))

    @property
    def is_gpu(self) -> bool:
        return self.kind == "gpu"

    @property
    def name(self) -> str:
        """What TensorFlow calls it."""
        return f"{self.kind.upper()}:0"

    @property
    def counting(self) -> dict[str, str]:
        """The environment variables without which its allocator misses tensors: the CPU's, those below 256 KiB."""
        return {} if self.is_gpu else {"TF_CPU_ALLOCATOR_USE_BFC": "1"}

    @property
    def half(self) -> str:
        """The 16-bit floats that it is quick at, or can do at all."""
        return "float16" if self.is_gpu else "bfloat16"

    def precision(self, mode: str) -> str:
        """Return the precision of a mode's products: one of `unroll.measure.check.TOLERANCES`."""
        if mode == "mixed":
            return self.half
        return "tf32" if self.tf32 else "float32"

    def start(self) -> None:
        """Make TensorFlow use this device in this process, before anything of it starts.

        Raises:
            NotAvailable: TensorFlow sees no GPU.
        """
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if not self.is_gpu:
            if gpus:
                tf.config.set_visible_devices([], "GPU")
            return
        if not gpus:
            raise NotAvailable(NO_GPU)
        tf.config.set_visible_devices(gpus[:1], "GPU")
        tf.config.experimental.set_memory_growth(gpus[0], True)  # else TensorFlow takes all, and leaves its peers none
        tf.config.experimental.enable_tensor_float_32_execution(self.tf32)

    def wait(self) -> None:
        """Wait until a GPU has done what TensorFlow gave it to do. A CPU has done it when the call returns."""
        if self.is_gpu:
            import tensorflow as tf

            tf.test.experimental.sync_devices()

    def put(self, array: np.ndarray) -> Any:
        """Return an array as a tensor that the device reads without a copy.

        On a GPU, TensorFlow keeps int32 in the host's memory, and would copy it in every step: it becomes int64.
        """
        import tensorflow as tf

        with tf.device(self.name):
            return tf.constant(array, tf.int64 if self.is_gpu and array.dtype == np.int32 else None)

    def allocated(self) -> dict[str, int]:
        """Return the bytes that its allocator holds for TensorFlow, and the most that it held since the last reset.

        Raises:
            NotAvailable: the allocator keeps no statistics, as a CPU's does where oneDNN is off.
        """
        import tensorflow as tf

        try:
            return tf.config.experimental.get_memory_info(self.name)
        except ValueError:
            raise NotAvailable(f"TensorFlow keeps no statistics of {self.name}'s allocator here") from None

    def reset_peak(self) -> None:
        """Reset the allocator's peak to what is held now."""
        import tensorflow as tf

        tf.config.experimental.reset_memory_stats(self.name)


CPU = Device()


def switch_text(on: bool | None) -> str:
    """Return "on", "off", or "unknown" for None."""
    return "unknown" if on is None else SWITCH[on]


def choose_device(wanted: str | None, tf32: str, find_gpus: Callable[[], Sequence]) -> Device:
    """Return the device that was asked for; by default the GPU if there is one, else the CPU.

    Args:
        find_gpus: gives the GPUs that TensorFlow sees; not called where the CPU is asked for.

    Raises:
        UnrollError: there is no such device, no GPU here, or TF32 is asked of a CPU.
    """
    if wanted not in (None, *DEVICES):
        raise UnrollError(f"got --device {wanted}; want {' or '.join(DEVICES)}")
    if tf32 not in SWITCH:
        raise UnrollError(f"got --tf32 {tf32}; want {' or '.join(SWITCH)}")
    kind = wanted or ("gpu" if find_gpus() else "cpu")
    if wanted == "gpu" and not find_gpus():
        raise UnrollError(f"got --device gpu, but {NO_GPU}; want --device cpu, or a driver and {how_to_install('gpu')}")
    if kind == "cpu" and tf32 == "on":
        raise UnrollError("got --tf32 on, and the CPU to measure on; only a GPU has TF32: leave it out")
    return Device(kind, tf32 == "on")


def work_on(device: Device, work: Callable, *arguments, **more) -> Any:
    """Start a device in this process, and return what a function makes there."""
    device.start()
    return work(*arguments, device=device, **more)

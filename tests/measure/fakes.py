"""Devices that are not there: what is done for a GPU can be heard of where there is only a CPU."""

from dataclasses import dataclass, field

import tensorflow as tf
from tensorflow.python.eager import context

from unroll.measure.device import Device


@dataclass(frozen=True)
class FakeGpu(Device):
    """The CPU under the name of a GPU, which says when it is waited for."""

    kind: str = "gpu"
    heard: list = field(default_factory=list, compare=False)

    @property
    def name(self):
        return "CPU:0"

    def wait(self):
        self.heard.append("wait")


@dataclass(frozen=True)
class Accountant(FakeGpu):
    """A device whose allocator holds 100 bytes, and held 350 at the most."""

    def allocated(self):
        self.heard.append("read")
        return {"current": 100, "peak": 350}

    def reset_peak(self):
        self.heard.append("reset")


def has_looked_for_devices(look):
    """Say, in a process just forked, whether TensorFlow has looked for devices, which starts CUDA."""
    if look:
        tf.config.list_physical_devices()
    return context._context is not None and context._context._physical_devices is not None

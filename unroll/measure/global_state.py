"""TensorFlow's and Keras's global state: what one variant sets there, its neighbours in a process are measured with."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from tensorflow.python.eager import context

from unroll.measure.process import FAILED


class Setting(NamedTuple):
    """One setting of the whole process: its name, and what reads and writes it."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]


def _threads_are_fixed(count: int) -> None:
    """Do nothing: TensorFlow itself refuses another number of threads once it has started."""


_config, _experimental = tf.config, tf.config.experimental
SETTINGS = [
    Setting("run_functions_eagerly", _config.functions_run_eagerly, _config.run_functions_eagerly),
    Setting("the JIT option", _config.optimizer.get_jit, _config.optimizer.set_jit),
    Setting("Keras's float type", keras.config.floatx, keras.config.set_floatx),
    Setting("Keras's dtype policy", keras.config.dtype_policy, keras.config.set_dtype_policy),
    Setting("synchronous execution", _experimental.get_synchronous_execution, _experimental.set_synchronous_execution),
    Setting("soft device placement", _config.get_soft_device_placement, _config.set_soft_device_placement),
    Setting(
        "TensorFloat-32",
        _experimental.tensor_float_32_execution_enabled,
        _experimental.enable_tensor_float_32_execution,
    ),
    Setting("the global seed", context.global_seed, context.set_global_seed),
    Setting("the intra-op threads", _config.threading.get_intra_op_parallelism_threads, _threads_are_fixed),
    Setting("the inter-op threads", _config.threading.get_inter_op_parallelism_threads, _threads_are_fixed),
]


class GlobalState:
    """The settings as they are when this is made."""

    def __init__(self):
        self._values = [setting.read() for setting in SETTINGS]

    def undo_changes(self) -> str:
        """Set what was changed back, and return one sentence that names it; "" where nothing was."""
        changes = []
        for setting, value in zip(SETTINGS, self._values, strict=True):
            now = setting.read()
            if now != value:
                setting.write(value)
                changes.append(f"{setting.name} from {value!r} to {now!r}")
        if not changes:
            return ""
        return f"{FAILED}: it changed {', '.join(changes)} for the whole process, and so for the variants beside it"

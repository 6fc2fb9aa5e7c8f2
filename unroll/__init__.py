"""unroll: one LSTM, unrolled statically and dynamically, proven equal and measured.

The names of `unroll.rnn`, and the module `unroll.keras`, are imported when they are first used, after SPEC 1:
`import unroll` alone imports no TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what `__getattr__` gives, for type checkers
    from unroll import keras, rnn
    from unroll.rnn import (
        LSTMCell,
        LSTMState,
        LSTMWeights,
        ReferenceLSTMCell,
        StepsWithGradient,
        add_slopes,
        dynamic_unroll,
        init_weights,
        join_steps,
        mix_images,
        reference_unroll,
        split_steps,
        static_unroll,
    )

__version__: str

__all__ = [
    "LSTMCell",
    "LSTMState",
    "LSTMWeights",
    "ReferenceLSTMCell",
    "StepsWithGradient",
    "__version__",
    "add_slopes",
    "dynamic_unroll",
    "init_weights",
    "join_steps",
    "keras",
    "mix_images",
    "reference_unroll",
    "rnn",
    "split_steps",
    "static_unroll",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":
        from importlib.metadata import version

        return version("unroll-lstm")
    if name in ("keras", "rnn"):
        return importlib.import_module(f"unroll.{name}")
    return getattr(importlib.import_module("unroll.rnn"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

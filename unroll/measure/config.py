"""The words of a measurement: sizes, phases, modes, variants, and the case that puts them together."""

import importlib.util
import re
from collections.abc import Collection
from dataclasses import dataclass

from unroll.errors import UnrollError

ROW_WIDTH = 28
PHASES = ("forward", "train")
MODES = ("graph", "xla", "eager", "mixed")  # mixed: a graph that computes in 16-bit floats, from float32 variables
VARIANT_LABELS = {
    "static": "static",
    "static-traced": "static, traced cell",
    "dynamic": "dynamic",
    **{f"dynamic-{cells}": f"dynamic, unroll={cells}" for cells in (4, 7, 14)},
    "keras-unrolled": "Keras, unroll=True",
    "keras-loop": "Keras, unroll=False",
    "keras-cudnn": "Keras, cuDNN",
    "tf1-static": "compat.v1 static_rnn",
    "tf1-dynamic": "compat.v1 dynamic_rnn",
    "block": "BlockLSTMV2",
    "torch": "PyTorch nn.LSTM",
    "jax-loop": "JAX scan, unroll=1",
    "jax-unrolled": "JAX scan, unroll=T",
}
OURS = ("static", "static-traced", "dynamic", "dynamic-4", "dynamic-7", "dynamic-14")
WEIGHTS = ["kernel", "recurrent_kernel", "bias", "dense_kernel", "dense_bias"]
OTHER_PACKAGES = {"torch": "torch", "jax-loop": "jax", "jax-unrolled": "jax"}
ONLY_MODES = {"torch": "eager", "jax-loop": "xla", "jax-unrolled": "xla"}  # how these packages run, and no other way
GPU_ONLY = ("keras-cudnn",)
SIDE_BY_SIDE = ("static", "static-traced", "keras-unrolled", "tf1-static", "jax-unrolled")  # a cell a step in the graph
REPLICAS = (1, 2, 4, 8)  # on how many devices at once a training step is measured
MACHINE = "machine"  # in a variant's place where the machine itself is measured
_LOOPED = re.compile(r"dynamic-([1-9]\d*)")


@dataclass(frozen=True)
class Sizes:
    """How large the measured network is: T steps, B images a batch, I values a row, H hidden units.

    `valid`, if given, is the `sequence_length` of every row: only its first `valid` steps count.
    """

    steps: int = 28
    batch: int = 128
    hidden: int = 128
    input: int = ROW_WIDTH
    valid: int | None = None

    def __post_init__(self):
        for name, value in vars(self).items():
            if name == "valid" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UnrollError(f"got --{name} {value!r}; want a whole number from 1 up")
        if self.valid is not None and self.valid > self.steps:
            raise UnrollError(f"got {self.valid} valid steps of {self.steps}; want at most all of them")

    def __str__(self):
        valid = "" if self.valid is None else f", sequence_length={self.valid}"
        return f"T={self.steps}, B={self.batch}, I={self.input}, H={self.hidden}{valid}"


@dataclass(frozen=True)
class Case:
    """One thing to measure: a variant, in a mode, at sizes; alone, or taking turns with others of its sizes.

    Each of its `rounds` builds it anew.
    """

    variant: str
    mode: str
    sizes: Sizes
    rounds: int = 1
    alone: bool = False

    def __str__(self):
        return self.variant if self.mode == own_mode(self.variant) else f"{self.variant}-{self.mode}"


def label(variant: str) -> str:
    """Name a variant for people; one of the user's own, given as module:name, is named as it was given."""
    cells = cells_an_iteration(variant)
    return f"dynamic, unroll={cells}" if cells else VARIANT_LABELS.get(variant, variant)


def cells_an_iteration(variant: str) -> int:
    """Give the K of dynamic-K; 0 for what is none."""
    looped = _LOOPED.fullmatch(variant)
    return int(looped[1]) if looped else 0


def own_mode(variant: str) -> str:
    """Give the mode in which a variant stands beside the others: TensorFlow's graph, or its package's own way."""
    return ONLY_MODES.get(variant, "graph")


def quantity_on(replicas: int) -> str:
    """Name the quantity of a training step on so many devices."""
    return f"replicas_{replicas}"


def missing_package(variant: str, installed: Collection[str] | None = None) -> str | None:
    """Name the package that a variant needs and this environment lacks; None if nothing is missing.

    Args:
        installed: the packages of another interpreter, if that is to have them.
    """
    package = OTHER_PACKAGES.get(variant)
    if package is None:
        return None
    found = importlib.util.find_spec(package) is not None if installed is None else package in installed
    return None if found else package


def known_variant(name: str) -> str:
    """Give back the name of a variant, or refuse it.

    Raises:
        UnrollError: the name is neither one of ours or our peers' nor module:name.
    """
    if name in VARIANT_LABELS or ":" in name or cells_an_iteration(name):
        return name
    raise UnrollError(
        f"got the variant {name!r}; want {', '.join(VARIANT_LABELS)}, dynamic-K for another unroll=K, "
        "or module:reader for your own"
    )

"""The words of a measurement: sizes, phases, modes, the case that puts them together, and the key of a quantity."""

from dataclasses import dataclass
from typing import NamedTuple

from unroll.errors import UnrollError
from unroll.measure.variants import own_mode

ROW_WIDTH = 28
PHASES = ("forward", "train")
MODES = ("graph", "xla", "eager", "mixed")  # mixed: a graph that computes in 16-bit floats, from float32 variables
WEIGHTS = ["kernel", "recurrent_kernel", "bias", "dense_kernel", "dense_bias"]
REPLICAS = (1, 2, 4, 8)  # on how many devices at once a training step is measured
MACHINE = "machine"  # in a variant's place where the machine itself is measured


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


class Key(NamedTuple):
    """What a request asks for, a record answers, and a report looks up: a quantity of a phase of a case."""

    quantity: str
    phase: str
    variant: str
    mode: str
    sizes: Sizes


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

    def key(self, quantity: str, phase: str) -> Key:
        """Return the key of one of its quantities."""
        return Key(quantity, phase, self.variant, self.mode, self.sizes)

    def __str__(self):
        return self.variant if self.mode == own_mode(self.variant) else f"{self.variant}-{self.mode}"


def case_of(variant: str, sizes: Sizes, mode: str | None = None) -> Case:
    """Return a variant's case, by default in its own mode."""
    return Case(variant, mode or own_mode(variant), sizes)


def quantity_on(replicas: int) -> str:
    """Name the quantity of a training step on so many devices."""
    return f"replicas_{replicas}"

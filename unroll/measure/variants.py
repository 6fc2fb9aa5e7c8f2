"""The variants: every way to unroll the measured network, one row each. Imports no TensorFlow."""

import importlib.util
import re
from collections.abc import Collection
from dataclasses import dataclass

from unroll.errors import UnrollError

NEUTRAL = "#a08f78"  # the colour of what has no row


@dataclass(frozen=True)
class Variant:
    """One way to unroll the network, as a row of `VARIANTS`.

    Attributes:
        name: how it is asked for, and how the journal names it.
        label: how it is named to people.
        colour: how it is drawn, as RGB in hexadecimal digits: kin have one hue.
        ours: whether it is one of the pair, in one of its forms.
        is_static: whether it lays a cell for each step side by side in the graph.
        package: the package besides TensorFlow that it needs, if any.
        mode: the mode in which it stands beside the others: TensorFlow's graph, or its package's own way.
        gpu_only: whether it needs a GPU.
    """

    name: str
    label: str
    colour: str = NEUTRAL
    ours: bool = False
    is_static: bool = False
    package: str | None = None
    mode: str = "graph"
    gpu_only: bool = False


VARIANTS: dict[str, Variant] = {
    row.name: row
    for row in (
        Variant("static", "static", "#0072b2", ours=True, is_static=True),
        Variant("static-traced", "static, traced cell", "#56b4e9", ours=True, is_static=True),
        Variant("dynamic", "dynamic", "#e69f00", ours=True),
        Variant("dynamic-4", "dynamic, unroll=4", "#ecb740", ours=True),
        Variant("dynamic-7", "dynamic, unroll=7", "#f1ca73", ours=True),
        Variant("dynamic-14", "dynamic, unroll=14", "#f6dda6", ours=True),
        Variant("dynamic-serial", "dynamic, one iteration at a time", "#b07a1e", ours=True),
        Variant("dynamic-own", "dynamic, own gradient", "#c26a00", ours=True),
        Variant("dynamic-recompute", "dynamic, recompute", "#7d4500", ours=True),
        Variant("keras-unrolled", "Keras, unroll=True", "#009e73", is_static=True),
        Variant("keras-loop", "Keras, unroll=False", "#80ceb9"),
        Variant("keras-cudnn", "Keras, cuDNN", "#00553e", gpu_only=True),
        Variant("tf1-static", "compat.v1 static_rnn", "#707070", is_static=True),
        Variant("tf1-dynamic", "compat.v1 dynamic_rnn", "#b8b8b8"),
        Variant("block", "BlockLSTMV2", "#222222"),
        Variant("torch", "PyTorch nn.LSTM", "#d55e00", package="torch", mode="eager"),
        Variant("jax-loop", "JAX scan, unroll=1", "#e6bcd3", package="jax", mode="xla"),
        Variant("jax-unrolled", "JAX scan, unroll=T", "#cc79a7", is_static=True, package="jax", mode="xla"),
        Variant("jax-python", "JAX, Python loop", "#8f3f6d", is_static=True, package="jax", mode="xla"),
    )
}
DRAWN = ("static", "dynamic")  # the pair, whose graphs are drawn
OURS = tuple(name for name, row in VARIANTS.items() if row.ours)
PEER_PACKAGES = tuple(dict.fromkeys(row.package for row in VARIANTS.values() if row.package))
_LOOPED = re.compile(r"dynamic-([1-9]\d*)")


def variant_of(name: str) -> Variant:
    """Return the row of a variant; for another dynamic-K, and for one of the user's own, a row made for it."""
    cells = cells_an_iteration(name)
    made = Variant(name, f"dynamic, unroll={cells}", ours=True) if cells else Variant(name, name)
    return VARIANTS.get(name, made)


def label(name: str) -> str:
    """Return how a variant is named to people; one of the user's own is named as it was given, module:name."""
    return variant_of(name).label


def own_mode(name: str) -> str:
    """Return the mode in which a variant stands beside the others."""
    return variant_of(name).mode


def cells_an_iteration(name: str) -> int:
    """Return the K of dynamic-K; 0 for what is none."""
    looped = _LOOPED.fullmatch(name)
    return int(looped[1]) if looped else 0


def missing_package(name: str, installed: Collection[str] | None = None) -> str | None:
    """Return the package that a variant needs and this environment lacks; None if nothing is missing.

    Args:
        installed: the packages of another interpreter, if that is to have them.
    """
    package = variant_of(name).package
    if package is None:
        return None
    is_there = importlib.util.find_spec(package) is not None if installed is None else package in installed
    return None if is_there else package


def known_variant(name: str) -> str:
    """Return the name of a variant that exists.

    Raises:
        UnrollError: the name is neither one of ours or our peers' nor module:name.
    """
    if name in VARIANTS or ":" in name or cells_an_iteration(name):
        return name
    raise UnrollError(
        f"got the variant {name!r}; want {', '.join(VARIANTS)}, dynamic-K for another unroll=K, "
        "or module:encoder for your own"
    )

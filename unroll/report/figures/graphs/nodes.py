"""How the nodes of a TensorFlow graph are drawn: a marker for each kind of operation, and lines between them."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from unroll.report.figures.frame import BLUE, GREEN, INK, MARGIN, PURPLE, SKY, SMALL, VERMILION, text_width
from unroll.report.figures.layout import BEND, Lines, Node, Positions


class Kind(NamedTuple):
    """A kind of operation: how it is named and marked, in colour and in grey, and how its operations' names begin."""

    name: str
    colour: str
    marker: str
    scale: float  # so that all markers look equally large
    prefixes: tuple[str, ...]


SPLITTING = ("Split", "Unpack", "Pack", "Transpose", "StridedSlice", "Concat", "Reshape")
LOOPING = ("TensorList", "While", "StatelessWhile", "Less", "LogicalAnd")
KINDS = [
    Kind("matrix multiplication", VERMILION, "s", 0.9, ("MatMul", "BatchMatMul")),
    Kind("addition", BLUE, "P", 1.35, ("Add", "BiasAdd")),
    Kind("multiplication", GREEN, "X", 1.25, ("Mul",)),
    Kind("activation", PURPLE, "o", 1, ("Sigmoid", "Tanh", "Relu", "Softmax")),
    Kind("splitting, stacking", SKY, "D", 0.85, SPLITTING),
    Kind("list, loop", INK, "o", 1, LOOPING),
    Kind("input, weights, other", "#ABABAB", "o", 1, ("",)),
]
CARRIED = "what a step is given"  # arguments of the loop's body: no nodes
LINE_COLOUR = "#909090"


def read_outline(parts: dict[str, Sequence]) -> dict[str, list[Node]]:
    """Read an outline as a journal holds it: a list of nodes for the graph and for each function in its library."""
    return {part: [_node(*node) for node in nodes] for part, nodes in parts.items()}


def _node(name: str, operation: str, sources: list[str]) -> Node:
    # A NoOp only waits for others to be done: no data flow along its lines, which would cross the whole graph.
    return Node(name, operation, [] if operation == "NoOp" else sources)


def without_constants(nodes: list[Node]) -> list[Node]:
    """Leave out constants, which are many and say little."""
    return [node for node in nodes if node.operation != "Const"]


def draw_dots(axes: Axes, nodes: list[Node], positions: Positions, diameter: float) -> None:
    """Draw nodes as dots, `diameter` in points, one collection for each kind."""
    for kind in KINDS:
        points = [positions[node.name] for node in nodes if node.operation != BEND and _kind(node) is kind]
        if points:
            x, y = zip(*points, strict=True)
            style = {"marker": kind.marker, "linewidths": 0, "zorder": 2}
            axes.scatter(x, y, (diameter * kind.scale) ** 2, kind.colour, label=kind.name, **style)


def _kind(node: Node) -> Kind:
    return next(kind for kind in KINDS if node.operation.startswith(kind.prefixes))


def draw_ring(axes: Axes, place: tuple[float, float], diameter: float) -> None:
    """Draw what is no node, but what the nodes of a loop's body are given."""
    style = {"markersize": diameter, "markerfacecolor": "white", "markeredgecolor": INK}
    axes.plot(*place, "o", zorder=2, markeredgewidth=min(0.9, diameter / 5), **style)


def lines_between(nodes: list[Node], positions: Positions) -> Lines:
    """Return a line from each node to each that reads it."""
    return [
        [positions[source], positions[node.name]] for node in nodes for source in node.sources if source in positions
    ]


def draw_lines(axes: Axes, lines: Lines, width: float) -> None:
    """Draw lines, `width` in points."""
    if lines:
        path = Path.make_compound_path(*map(Path, lines))
        axes.add_patch(PathPatch(path, edgecolor=LINE_COLOUR, facecolor="none", linewidth=width, zorder=1.5))


def draw_legend(axes: Axes, y: float, *, with_ring: bool) -> None:
    """Name the kinds of nodes, in one line; and the ring where one is drawn."""
    x = MARGIN + 0.1
    for kind in KINDS:
        axes.plot(x, y, kind.marker, markersize=6 * kind.scale, color=kind.colour, markeredgewidth=0)
        axes.text(x + 0.09, y, kind.name, fontsize=SMALL, va="center_baseline")
        x += text_width(kind.name, SMALL) + 0.33
    if with_ring:
        draw_ring(axes, (x, y), 6)
        axes.text(x + 0.09, y, CARRIED, fontsize=SMALL, va="center_baseline")


def fit(step: float, count: float, room: float) -> float:
    """Return a step that, taken `count` times, stays within the room."""
    return min(step, room / count) if count else step

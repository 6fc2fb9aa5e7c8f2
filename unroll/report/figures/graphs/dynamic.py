"""The drawing of a dynamic graph, node by node: what is around the loop, and the loop's body with its one cell."""

from itertools import chain
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.patheffects import Normal, Stroke

from unroll.report.figures.frame import LARGE, MARGIN, NORMAL, ORANGE, QUIET, SMALL, WIDTH, lighter, text_width
from unroll.report.figures.graphs.nodes import draw_dots, draw_lines, draw_ring, fit, lines_between, without_constants
from unroll.report.figures.layout import (
    Lines,
    Node,
    Positions,
    breadth,
    components,
    layout,
    layout_with_bends,
    length,
    moved,
)

WHILE = ("StatelessWhile", "While")
NODE, OUTPUT_ROW = 0.17, 0.3  # from a node of a block to the next, and between rows where a line passes
ARC, BOX, BOX_BOTTOM = 0.62, 2.75, 0.15  # inches, from the top down
HEIGHT = ARC + BOX + BOX_BOTTOM
BEFORE_GAP, AFTER_GAP = 0.75, 0.75  # between the box and what is around it
INDENT, OUTDENT = 0.8, 0.82  # within the box, for the names of what comes in and goes out
COLUMN, ROW = 0.6, 0.4  # at most, from a node of the body to the next, along the flow and across it
BOX_HEAD, BOX_FOOT = 0.75, 0.85  # of the box, above and below the cell
COUNTERS_UP = 0.22  # from the box's bottom to the nodes that count the steps
DOT, BODY_DOT = 4, 6.5  # points
RING_AWAY, WORD_AWAY = 0.27, 0.14  # from a node to what it is given, and to its name
COUNTER = 0.28  # from a node that counts the steps to the next
COUNTING = "counting the steps:"
BOX_COLOUR = lighter(ORANGE, 0.1)
HALO = [Stroke(linewidth=2, foreground=BOX_COLOUR), Normal()]
SIGMA = "\N{GREEK SMALL LETTER SIGMA}"
WORDS = {  # for what an operation's marker does not say
    "Sigmoid": SIGMA,
    "Tanh": "tanh",
    "Split": "split",
    "TensorListGetItem": "read row",
    "TensorListSetItem": "write",
}
ROLES = {  # what an argument of the loop's body is, by the operation that reads it, and as which of its inputs
    ("TensorListGetItem", 0): "rows",
    ("TensorListGetItem", 1): "t",
    ("TensorListSetItem", 0): "outputs",
    ("MatMul", 0): "h",
    ("MatMul", 1): "kernel",
    ("AddV2", 1): "bias",
    ("Mul", 0): "c",
    ("Mul", 1): "c",
}
OTHER_ROLES = {("AddV2", 0): "count", ("Identity", 0): "limit"}


class Loop(NamedTuple):
    """A dynamic graph in its parts, and from where to where its box reaches."""

    before: list[Node]
    loop: list[Node]  # the one node that is the loop; none if it is missing
    after: list[Node]
    body: list[Node]  # constants included
    condition: list[Node]
    left: float
    right: float


def find_parts(outline: dict[str, list[Node]]) -> tuple[str, str]:
    """Name the functions of the loop's body and of its condition; "" for what is missing."""
    body, condition = (next((part for part in outline if f"_{role}" in part), "") for role in ("body", "cond"))
    return body, condition


def lay_loop(outline: dict[str, list[Node]]) -> Loop:
    """Lay out a dynamic graph over the width of the page."""
    before, loop, after = _split(without_constants(outline["main"]))
    body, condition = (outline.get(part, []) for part in find_parts(outline))
    left = MARGIN + 0.1 + NODE * length(layout(before, flush=True)) + BEFORE_GAP
    right = WIDTH - MARGIN - 0.1 - NODE * length(layout(after)) - AFTER_GAP
    return Loop(before, loop, after, body, without_constants(condition), left, right)


def _split(nodes: list[Node]) -> tuple[list[Node], list[Node], list[Node]]:
    """Part a dynamic graph into what comes before its loop, the loop's one node, and the rest."""
    at = next((number for number, node in enumerate(nodes) if node.operation in WHILE), len(nodes))
    return nodes[:at], nodes[at : at + 1], nodes[at + 1 :]


def draw_loop(axes: Axes, laid: Loop, top: float, *, scale: float = 1, words: bool = True) -> None:
    """Draw every node and line of a dynamic graph, read from the left; `scale` is by how much the axes shrink it."""
    before, loop, after, _, condition, left, right = laid
    roof = top - ARC
    middle = roof - BOX / 2
    _draw_box(axes, left, roof - BOX, right - left, BOX, scale)
    _draw_arc(axes, left, right, roof, scale)
    _draw_body(axes, laid, roof, scale, words)
    if condition:
        _draw_condition(axes, condition, (left + right) / 2, roof + 0.28, scale, words)
    before_positions, after_positions = layout(before, flush=True), layout(after)
    positions = moved(before_positions, MARGIN + 0.1, middle + NODE * breadth(before_positions) / 2, NODE, -NODE)
    positions |= moved(after_positions, right + AFTER_GAP, middle + OUTPUT_ROW / 2, NODE, -OUTPUT_ROW)
    entry = {node.name: (left, middle) for node in loop}
    results = [positions[node.name] for node in after if entry.keys() & set(node.sources)]
    exits = [[(right, middle), (x, middle), (x, y)] for x, y in results]
    lines = [*lines_between([*before, *loop], positions | entry), *exits, *lines_between(after, positions)]
    draw_lines(axes, lines, 0.6 * scale)
    draw_dots(axes, [*before, *after], positions, DOT * scale)
    draw_dots(axes, loop, entry, 2 * DOT * scale)


def name_loop(axes: Axes, laid: Loop, top: float, steps: int | None) -> None:
    """Name the loop's parts and what is around it, and write how often it runs."""
    roof = top - ARC
    middle = roof - BOX / 2
    times = f"T = {steps} time{'s' * (steps != 1)}" if steps else "T times"
    style: dict = {"va": "center", "bbox": {"color": "white"}}
    axes.text(laid.left + 0.2, roof + 0.28, times, fontsize=LARGE, fontweight="bold", **style)
    axes.text(laid.left + 0.12, roof - 0.22, "the loop's body", fontweight="bold")
    style = {"fontsize": SMALL, "color": QUIET}
    for node in laid.loop:
        axes.text(
            laid.left + 0.12 + text_width("the loop's body", NORMAL, "bold") + 0.12,
            roof - 0.22,
            node.operation,
            **style,
        )
    depth = NODE * breadth(layout(laid.before, flush=True)) / 2 + 0.3
    axes.text(MARGIN + 0.05, middle - depth, "images, weights", va="bottom", **style)
    y = middle - OUTPUT_ROW * (breadth(layout(laid.after)) - 0.5) - 0.3
    axes.text(laid.right + AFTER_GAP, y, "logits", va="bottom", **style)


def _draw_body(axes: Axes, laid: Loop, roof: float, scale: float, words: bool) -> None:
    """Draw the cell, the flow to the right, and below it the nodes that count the steps."""
    nodes, body = without_constants(laid.body), Body.of(laid.body)
    if not nodes:
        return
    parts = components(nodes)
    cell = max(parts, key=len)
    bent, positions = layout_with_bends(cell)
    column = fit(COLUMN, length(positions), laid.right - laid.left - INDENT - OUTDENT)
    row = fit(ROW, 2 * breadth(positions), BOX - BOX_HEAD - BOX_FOOT)
    x, y = laid.left + INDENT, roof - BOX_HEAD - (BOX - BOX_HEAD - BOX_FOOT) / 2
    positions = moved(positions, x, y, column, -row)
    rings = _cell_rings(cell, body, positions, y, column)
    counters = [part for part in parts if part is not cell]
    foot = roof - BOX + COUNTERS_UP
    counter_positions, counter_rings = _place_counters(
        counters, body, laid.left + 0.24 + text_width(COUNTING, SMALL), foot
    )
    positions, rings = positions | counter_positions, [*rings, *counter_rings]
    joins: Lines = [[ring.place, positions[ring.reader]] for ring in rings]
    draw_lines(axes, [*joins, *lines_between([*bent, *chain(*counters)], positions)], 0.8 * scale)
    for ring in rings:
        draw_ring(axes, ring.place, BODY_DOT * scale)
    draw_dots(axes, nodes, positions, BODY_DOT * scale)
    if words:
        _name_rings(axes, rings)
        _name_nodes(axes, nodes, body, positions, y)
        if counters:
            axes.text(laid.left + 0.12, foot, COUNTING, fontsize=SMALL, color=QUIET, va="center_baseline")


class Body(NamedTuple):
    """What the nodes of a loop's body are to one another, read off how they are joined."""

    nodes: dict[str, Node]  # all its nodes by name; whatever else they read are the body's arguments
    roles: dict[str, str]  # of its arguments
    read: set[str]  # by some node

    @classmethod
    def of(cls, nodes: list[Node]) -> "Body":
        by_name = {node.name: node for node in nodes}
        roles: dict[str, str] = {}
        for table in (ROLES, OTHER_ROLES):
            for node in nodes:
                for number, source in enumerate(node.sources):
                    role = table.get((node.operation, number), "") if source not in by_name else ""
                    if role == "kernel" and node.sources[0] not in by_name:
                        role = "recurrent kernel"
                    if role:
                        roles.setdefault(source, role)
        return cls(by_name, roles, {source for node in nodes for source in node.sources})

    def arguments(self, node: Node) -> list[str]:
        """Name the arguments that a node reads."""
        return [source for source in node.sources if source not in self.nodes]

    def word(self, node: Node) -> str:
        """Name a node by its operation, and the gates of an LSTM by their letters, too."""
        gate = self._gate(node)
        word = WORDS.get(node.operation, "")
        return f"{gate}: {word}" if gate else word

    def _gate(self, node: Node) -> str:
        """Tell the gates apart by what each is multiplied with; "" for what is no gate."""
        if not self._is_split(node):
            return ""
        if node.operation == "Tanh":
            return "g"
        partners = [
            source
            for reader in self.nodes.values()
            if reader.operation == "Mul" and node.name in reader.sources
            for source in reader.sources
            if source != node.name
        ]
        if any(self.roles.get(partner) == "c" for partner in partners):
            return "f"
        with_tanh = [self.nodes[partner] for partner in partners if partner in self.nodes]
        return "i" if any(self._is_split(partner) for partner in with_tanh) else "o" if with_tanh else ""

    def _is_split(self, node: Node) -> bool:
        sources = [self.nodes[source].operation for source in node.sources if source in self.nodes]
        return node.operation in ("Sigmoid", "Tanh") and sources == ["Split"]

    def result(self, node: Node) -> str:
        """Return what a node that nothing reads gives on to the next step; "" for any other node."""
        if node.operation != "Identity" or node.name in self.read or len(node.sources) != 1:
            return ""
        (source,) = node.sources
        if source not in self.nodes:
            return self.roles.get(source, "")
        source_node = self.nodes[source]
        arguments = [self.roles.get(argument, "") for argument in self.arguments(source_node)]
        if source_node.operation == "AddV2":
            return f"{arguments[0]} + 1" if any(arguments) else "c"
        return {"TensorListSetItem": "outputs", "Mul": "h"}.get(source_node.operation, "")


class Ring(NamedTuple):
    """An argument of the body beside a node that reads it: its place, the reader, its own name and on which side."""

    place: tuple[float, float]
    reader: str
    text: str
    side: str


def _side(y: float, middle: float) -> int:
    """Return whether what a node is given stands above it, 1, or below it, -1: on the outer side."""
    return 1 if y > middle - 1e-6 else -1


def _cell_rings(nodes: list[Node], body: Body, positions: Positions, middle: float, column: float) -> list[Ring]:
    """Place what the cell's nodes are given: left of where the flow begins, or on the outer side of the node."""
    first = min(positions[node.name][0] for node in nodes)
    rings = []
    for node in nodes:
        x, y = positions[node.name]
        away = _side(y, middle) * RING_AWAY
        spots = [(x - 0.45 * column, y + away, "left"), (x + 0.12 * column, y + away, "right")]
        if x == first:
            spots.insert(0, (x - 0.55 * column, y, "left"))
        for argument, (ring_x, ring_y, side) in zip(body.arguments(node), spots, strict=False):
            rings.append(Ring((ring_x, ring_y), node.name, body.roles.get(argument, ""), side))
    return rings


def _place_counters(parts: list[list[Node]], body: Body, x: float, y: float) -> tuple[Positions, list[Ring]]:
    """Place the nodes that count the steps in one line, each part behind what it is given."""
    positions: Positions = {}
    rings = []
    for part in parts:
        arguments = [(node.name, argument) for node in part for argument in body.arguments(node)][:1]
        for reader, argument in arguments:
            text = body.roles.get(argument, "")
            x += text_width(text, SMALL) + 0.1
            rings.append(Ring((x, y), reader, text, "left"))
            x += COUNTER
        layers = layout(part)
        positions |= moved(layers, x, y, COUNTER, -COUNTER / 2)
        x += COUNTER * length(layers) + max(text_width(f"{body.result(node)} →", SMALL) for node in part) + 0.3
    return positions, rings


def _name_rings(axes: Axes, rings: list[Ring]) -> None:
    for ring in rings:
        x, y = ring.place
        sign, align = (-1, "right") if ring.side == "left" else (1, "left")
        axes.text(x + sign * 0.075, y, ring.text, fontsize=SMALL, ha=align, va="center_baseline", path_effects=HALO)


def _name_nodes(axes: Axes, nodes: list[Node], body: Body, positions: Positions, middle: float) -> None:
    """Write a node's operation on the side where it is given nothing, and what the step gives on at the ends."""
    for node in nodes:
        x, y = positions[node.name]
        role, word = body.result(node), body.word(node)
        if role:
            axes.text(x + 0.1, y, f"{role} →", fontsize=SMALL, va="center_baseline", path_effects=HALO)
        elif word:
            inner = bool(body.arguments(node)) or abs(y - middle) < 1e-6
            up = _side(y, middle) * (-1 if inner else 1)
            style = {"ha": "center", "va": "center_baseline", "path_effects": HALO, "zorder": 3}
            axes.text(x, y + up * WORD_AWAY, word, fontsize=SMALL, **style)


def _draw_box(axes: Axes, left: float, bottom: float, width: float, height: float, scale: float) -> None:
    box = FancyBboxPatch((left, bottom), width, height, "round,pad=0,rounding_size=0.1", zorder=1.2)
    box.set(facecolor=BOX_COLOUR, edgecolor=ORANGE, linewidth=max(0.8, 1.5 * scale))
    axes.add_patch(box)


def _draw_arc(axes: Axes, left: float, right: float, roof: float, scale: float) -> None:
    """Draw the way back from the end of the loop's body to its start."""
    out, up, down = 0.3, 0.28, 0.4
    path = [(right, roof - down), (right + out, roof - down), (right + out, roof + up)]
    path += [(left - out, roof + up), (left - out, roof - down), (left, roof - down)]
    arrow = FancyArrowPatch(path=_rounded(path, 0.15), arrowstyle="-|>", mutation_scale=max(7, 14 * scale))
    arrow.set(color=ORANGE, linewidth=max(1, 2 * scale))
    axes.add_patch(arrow)


def _draw_condition(axes: Axes, nodes: list[Node], middle: float, y: float, scale: float, words: bool) -> None:
    """Draw the loop's condition in a small box on the way back."""
    positions = layout(nodes)
    question = "another step?"
    words_width, dots_width = text_width(question, SMALL) if words else 0, NODE * length(positions)
    width, height = words_width + dots_width + 0.4, max(0.3, 0.13 * breadth(positions) + 0.18)
    left = middle - width / 2
    _draw_box(axes, left, y - height / 2, width, height, scale)
    if words:
        axes.text(left + 0.1, y, question, fontsize=SMALL, va="center_baseline")
    positions = moved(positions, left + words_width + 0.25, y + 0.065 * breadth(positions), NODE, -0.13)
    draw_lines(axes, lines_between(nodes, positions), 0.8 * scale)
    draw_dots(axes, nodes, positions, 1.2 * DOT * scale)


def _rounded(corners: list[tuple[float, float]], radius: float) -> Path:
    """Join corners by lines, and round every bend."""
    points, codes = [corners[0]], [Path.MOVETO]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        points += [_towards(corner, before, radius), corner, _towards(corner, after, radius)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path([*points, corners[-1]], [*codes, Path.LINETO])


def _towards(start: tuple[float, float], end: tuple[float, float], distance: float) -> tuple[float, float]:
    (x, y), (to_x, to_y) = start, end
    share = distance / np.hypot(to_x - x, to_y - y)
    return x + share * (to_x - x), y + share * (to_y - y)

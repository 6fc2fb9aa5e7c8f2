"""The figure of the two graphs themselves, drawn from the real GraphDefs."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path as MplPath
from matplotlib.patheffects import Normal, Stroke

from unroll.measure.journal import Run
from unroll.report.style import (
    BLUE,
    COLOURS,
    DPI,
    GREEN,
    INK,
    LARGE,
    MARGIN,
    ORANGE,
    PURPLE,
    QUIET,
    SKY,
    SMALL,
    VERMILION,
    WIDTH,
    add_axes,
    lighter,
    print_height,
    small_print,
    styled,
    text_width,
    write_small_print,
    write_title,
)


class Node(NamedTuple):
    """A node of an outline: its name, its operation, the names of the nodes it reads."""

    name: str
    operation: str
    sources: list[str]


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
WHILE = ("StatelessWhile", "While")
WORDS = {  # for what an operation's marker and name do not say
    "AddV2": "",
    "Mul": "",
    "Identity": "",
    "Sigmoid": "\N{GREEK SMALL LETTER SIGMA}",
    "Tanh": "tanh",
    "Split": "split",
    "TensorListGetItem": "read row",
    "TensorListSetItem": "write",
}
Places = dict[str, tuple[float, float]]  # by name of node: x and y
Lines = list[list[tuple[float, float]]]

GRAPH_TITLE, HALF_TITLE, LEGEND = 0.5, 0.55, 0.34
NODE, OUTPUT_ROW = 0.17, 0.3  # from a node of a block to the next, and between rows where a line passes
RAIL = 0.115  # from a line that all cells share to the next
STRIP_TOP, STRIP_CELLS, STRIP_RAILS = 0.2, 1.6, 0.95
WIDEST_CELL = 0.8
ARC, BOX, BOX_BOTTOM = 0.62, 2.5, 0.15
WIDEST_COLUMN = 0.8
BLOCK_GAP = 0.6
DOT, SMALLEST_DOT, SMALLEST_LINE = 4, 1.2, 0.15  # points
BOX_COLOUR = lighter(ORANGE, 0.1)


@styled
def draw_graphs(run: Run) -> Figure:
    """Draw the two graphs themselves, node by node: the static one with its T cells, the dynamic one with its loop."""
    halves = [
        ("static", _draw_static, STRIP_TOP + STRIP_CELLS + STRIP_RAILS),
        ("dynamic", _draw_dynamic, ARC + BOX + BOX_BOTTOM),
    ]
    outlines = {variant: run.outlines.get(variant) or {} for variant, _, _ in halves}
    drawn = sum(height for variant, _, height in halves if outlines[variant].get("main"))
    print_lines = small_print(run)
    height = GRAPH_TITLE + len(halves) * HALF_TITLE + drawn + LEGEND + print_height(print_lines)
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    write_title(
        figure,
        "One LSTM, two graphs",
        "as TensorFlow holds them: every dot is a node of the forward graph, read from below",
    )
    axes = add_axes(figure, 0, 0, WIDTH, height)
    axes.set(xlim=(0, WIDTH), ylim=(0, height))
    steps = run.sizes.steps
    top = height - GRAPH_TITLE
    for variant, draw, half in halves:
        outline = {part: [_node(*node) for node in nodes] for part, nodes in outlines[variant].items()}
        if outline.get("main"):
            draw(axes, outline, steps, top)
            top -= HALF_TITLE + half
        else:
            _half_title(axes, top, variant, "not measured", "The outline of this graph is not among the results.")
            top -= HALF_TITLE
    _draw_legend(axes, top - LEGEND / 2)
    write_small_print(figure, print_lines)
    return figure


def _node(name: str, operation: str, sources: list[str]) -> Node:
    # A NoOp only waits for others to be done: no data flow along its lines, which would cross the whole graph.
    return Node(name, operation, [] if operation == "NoOp" else sources)


def _draw_static(axes: Axes, outline: dict[str, list[Node]], steps: int | None, top: float) -> None:
    before, cells, after = _split_static(_without_constants(outline["main"]), steps)
    count = len(cells) or steps or "T"
    title = "1 cell in the graph" if count == 1 else f"{count} cells side by side in the graph"
    _half_title(axes, top, "static", title, _count(outline, {"main": "in the graph"}))
    roof = top - HALF_TITLE - STRIP_TOP
    floor = roof - STRIP_CELLS
    before_layout, after_layout = _layout(before, flush=True), _layout(after)
    along = _fit(NODE, _length(before_layout), 0.8 * WIDTH)
    left = MARGIN + 0.3 + along * _length(before_layout)
    right = WIDTH - MARGIN - 0.1 - NODE * _length(after_layout) - BLOCK_GAP
    pitch = _fit(WIDEST_CELL, len(cells), right - left)
    right = left + pitch * len(cells)
    places = _moved(before_layout, MARGIN + 0.1, floor - 0.14, along, -_fit(RAIL, _breadth(before_layout), 0.65))
    places |= _moved(after_layout, right + BLOCK_GAP, roof, NODE, -OUTPUT_ROW)
    places |= _cell_places(cells, left, floor + 0.08, pitch)
    _draw_columns(axes, len(cells), left, floor, pitch)
    _draw_lines(axes, _strip_lines(before, cells, after, places), max(SMALLEST_LINE, min(0.6, 3 * pitch)))
    _draw_dots(axes, [*before, *after], places, DOT)
    _draw_dots(axes, [node for cell in cells for node in cell], places, max(SMALLEST_DOT, min(DOT, 72 * pitch / 5)))
    _block_label(axes, MARGIN + 0.05, floor + 0.02, "images,\nweights")
    if after:
        _block_label(axes, right + BLOCK_GAP, roof - OUTPUT_ROW * _breadth(after_layout) - 0.3, "logits")


def _cell_places(cells: list[list[Node]], left: float, floor: float, pitch: float) -> Places:
    """Place every cell's nodes in its own column, the flow upwards."""
    layouts = [_layout(cell) for cell in cells]
    layer = (STRIP_CELLS - 0.25) / max([1.0, *map(_length, layouts)])
    step = pitch / (max([0.0, *map(_breadth, layouts)]) + 2)
    return {
        name: (left + pitch * (number + 0.5) + step * (across - _breadth(layout) / 2), floor + layer * flow)
        for number, layout in enumerate(layouts)
        for name, (flow, across) in layout.items()
    }


def _split_static(nodes: list[Node], steps: int | None) -> tuple[list[Node], list[list[Node]], list[Node]]:
    """Part a static graph into what comes before its cells, the cells, and what comes after.

    Nodes stand in the order they were made: the sequence is unpacked, cell after cell reads its row, the outputs are
    packed.
    """
    unpack = next((node.name for node in nodes if node.operation == "Unpack"), None)
    readers = [number for number, node in enumerate(nodes) if unpack in node.sources]
    if not readers:
        return nodes, [], []
    each = len(readers) // steps if steps and len(readers) % steps == 0 else 1  # how often a cell reads its row
    starts = readers[::each]
    end = next((i for i, node in enumerate(nodes) if i > starts[-1] and node.operation == "Pack"), len(nodes))
    return nodes[: starts[0]], [nodes[i:j] for i, j in pairwise([*starts, end])], nodes[end:]


def _strip_lines(before: list[Node], cells: list[list[Node]], after: list[Node], places: Places) -> Lines:
    """Join nodes by lines; what all cells share becomes one long line, below them, or above where it is packed."""
    inside = [node for cell in cells for node in cell]
    block = {node.name: number for number, nodes in enumerate((before, inside, after)) for node in nodes}
    lines: Lines = []
    reach: dict[str, list[float]] = {}  # by the node that a long line starts or ends at: where others join it
    for node in [*before, *inside, *after]:
        for source in filter(places.__contains__, node.sources):
            start, end = places[source], places[node.name]
            if block[source] == 0 < block[node.name]:
                start = (end[0], start[1])
                reach.setdefault(source, []).append(end[0])
            elif block[source] == 1 and block[node.name] == 2 and node.operation == "Pack":
                end = (start[0], end[1])
                reach.setdefault(node.name, []).append(start[0])
            elif block[source] == 1 and block[node.name] == 2:
                lines.append([start, (end[0], start[1])])
                start = (end[0], start[1])
            lines.append([start, end])
    return lines + [
        [places[name], (x, places[name][1])] for name, joins in reach.items() for x in (min(joins), max(joins))
    ]


def _draw_columns(axes: Axes, count: int, left: float, floor: float, pitch: float) -> None:
    """Shade every second cell, and number as many as there is room for."""
    stride = int(np.ceil(text_width(str(count), SMALL) * 1.4 / pitch))
    for number in range(count):
        x, y = left + pitch * number, floor
        if number % 2 == 0:
            axes.add_patch(Rectangle((x, y), pitch, STRIP_CELLS - 0.1, color=lighter(BLUE, 0.07), linewidth=0))
        if number % stride == 0:
            style = {"fontsize": SMALL, "color": QUIET, "ha": "center"}
            axes.text(x + pitch / 2, y + STRIP_CELLS + 0.07, str(number + 1), **style)


def _draw_dynamic(axes: Axes, outline: dict[str, list[Node]], steps: int | None, top: float) -> None:
    roles = {"main": "in the graph"}
    body_part, condition_part = (
        next((part for part in outline if f"_{role}" in part), "") for role in ("body", "cond")
    )
    roles |= {body_part: "in the loop's body", condition_part: "in its condition"}
    _half_title(axes, top, "dynamic", "one cell in the graph, and a loop", _count(outline, roles))
    before, loop, after = _split_dynamic(_without_constants(outline["main"]))
    before_layout, after_layout = _layout(before, flush=True), _layout(after)
    left = MARGIN + 0.1 + NODE * _length(before_layout) + 1.1
    right = WIDTH - MARGIN - 0.1 - NODE * _length(after_layout) - 0.9
    roof = top - HALF_TITLE - ARC
    middle = roof - BOX / 2
    body = _without_constants(outline.get(body_part, []))
    right = _draw_body(axes, body, left, right, roof)
    _draw_arc(axes, left, right, roof)
    _draw_condition(axes, _without_constants(outline.get(condition_part, [])), (left + right) / 2, roof + 0.28)
    text = f"T = {steps} time{'s' * (steps != 1)}" if steps else "T times"
    axes.text(left + 0.2, roof + 0.28, text, fontsize=LARGE, fontweight="bold", va="center", bbox={"color": "white"})
    places = _moved(before_layout, MARGIN + 0.1, middle + NODE * _breadth(before_layout) / 2, NODE, -NODE)
    places |= _moved(after_layout, right + 0.9, middle + OUTPUT_ROW / 2, NODE, -OUTPUT_ROW)
    entry = {node.name: (left, middle) for node in loop}
    results = [places[node.name] for node in after if entry.keys() & set(node.sources)]
    exits = [[(right, middle), (x, middle), (x, y)] for x, y in results]
    _draw_lines(axes, [*_lines([*before, *loop], places | entry), *exits, *_lines(after, places)], 0.6)
    _draw_dots(axes, [*before, *after], places, DOT)
    _draw_dots(axes, loop, entry, 2 * DOT)
    for node in loop:
        axes.text(left + 0.12, middle, node.operation, fontsize=SMALL, va="center_baseline")
    depth = NODE * _breadth(before_layout) / 2 + 0.3
    _block_label(axes, MARGIN + 0.05, middle - depth, "images, weights")
    _block_label(axes, right + 0.9, middle - OUTPUT_ROW * (_breadth(after_layout) - 0.5) - 0.3, "logits")


def _split_dynamic(nodes: list[Node]) -> tuple[list[Node], list[Node], list[Node]]:
    """Part a dynamic graph into what comes before its loop, the loop's one node (none if missing), and the rest."""
    at = next((number for number, node in enumerate(nodes) if node.operation in WHILE), len(nodes))
    return nodes[:at], nodes[at : at + 1], nodes[at + 1 :]


def _draw_body(axes: Axes, nodes: list[Node], left: float, right: float, roof: float) -> float:
    """Draw the loop's body in a box, the flow upwards, and name its operations; gives the box's right edge."""
    layout = _layout(nodes)
    indent = 1.2
    column = _fit(WIDEST_COLUMN, _breadth(layout) + 0.8, right - left - indent)
    right = left + indent + column * (_breadth(layout) + 0.8)
    layer = (BOX - 0.6) / max(_length(layout), 1)
    places = {
        name: (left + indent + column * across, roof - BOX + 0.2 + layer * flow)
        for name, (flow, across) in layout.items()
    }
    _draw_box(axes, left, roof - BOX, right - left, BOX)
    axes.text(left + 0.12, roof - 0.22, "the loop's body", fontweight="bold")
    _draw_lines(axes, _lines(nodes, places), 0.8)
    _draw_dots(axes, nodes, places, 1.6 * DOT)
    halo = [Stroke(linewidth=2, foreground=BOX_COLOUR), Normal()]
    for node in nodes:
        x, y = places[node.name]
        text = WORDS.get(node.operation, node.operation)
        axes.text(x + 0.08, y, text, fontsize=SMALL, va="center_baseline", path_effects=halo)
    counters = [places[node.name] for part in _components(nodes)[1:] for node in part]
    if counters:
        text = "counting the steps"
        x, y = min(x for x, _ in counters), max(y for _, y in counters)
        x = min(x - 0.05, right - 0.1 - text_width(text, SMALL))
        axes.text(x, y + 0.15, text, fontsize=SMALL, color=QUIET)
    return right


def _draw_box(axes: Axes, left: float, bottom: float, width: float, height: float) -> None:
    box = FancyBboxPatch((left, bottom), width, height, "round,pad=0,rounding_size=0.1", linewidth=1.5, zorder=1.2)
    box.set(facecolor=BOX_COLOUR, edgecolor=ORANGE)
    axes.add_patch(box)


def _draw_arc(axes: Axes, left: float, right: float, roof: float) -> None:
    """Draw the way back from the end of the loop's body to its start."""
    out, up, down = 0.3, 0.28, 0.4
    path = [(right, roof - down), (right + out, roof - down), (right + out, roof + up)]
    path += [(left - out, roof + up), (left - out, roof - down), (left, roof - down)]
    arrow = FancyArrowPatch(path=_rounded(path, 0.15), arrowstyle="-|>", mutation_scale=14, color=ORANGE, linewidth=2)
    axes.add_patch(arrow)


def _draw_condition(axes: Axes, nodes: list[Node], middle: float, y: float) -> None:
    """Draw the loop's condition in a small box on the way back."""
    if not nodes:
        return
    layout = _layout(nodes)
    question = "another step?"
    words_width, dots_width = text_width(question, SMALL), NODE * _length(layout)
    width, height = words_width + dots_width + 0.4, max(0.3, 0.13 * _breadth(layout) + 0.18)
    left = middle - width / 2
    _draw_box(axes, left, y - height / 2, width, height)
    axes.text(left + 0.1, y, question, fontsize=SMALL, va="center_baseline")
    places = _moved(layout, left + words_width + 0.25, y + 0.065 * _breadth(layout), NODE, -0.13)
    _draw_lines(axes, _lines(nodes, places), 0.8)
    _draw_dots(axes, nodes, places, 1.2 * DOT)


def _rounded(corners: list[tuple[float, float]], radius: float) -> MplPath:
    """Join corners by lines, and round every bend."""
    points, codes = [corners[0]], [MplPath.MOVETO]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        points += [_towards(corner, before, radius), corner, _towards(corner, after, radius)]
        codes += [MplPath.LINETO, MplPath.CURVE3, MplPath.CURVE3]
    return MplPath([*points, corners[-1]], [*codes, MplPath.LINETO])


def _towards(start: tuple[float, float], end: tuple[float, float], distance: float) -> tuple[float, float]:
    (x, y), (to_x, to_y) = start, end
    share = distance / np.hypot(to_x - x, to_y - y)
    return x + share * (to_x - x), y + share * (to_y - y)


def _without_constants(nodes: list[Node]) -> list[Node]:
    return [node for node in nodes if node.operation != "Const"]


def _count(outline: dict[str, list[Node]], roles: dict[str, str]) -> str:
    """Say how many nodes a graph has and where, and how many of them are not drawn."""
    total = sum(map(len, outline.values()))
    constants = sum(node.operation == "Const" for nodes in outline.values() for node in nodes)
    where = [f"{len(outline[part])} {role}" for part, role in roles.items() if part in outline]
    others = sum(len(nodes) for part, nodes in outline.items() if part not in roles)
    where += [f"{others} in other functions, not drawn"] if others else []
    split = f": {', '.join(where)}" if len(where) > 1 else ""
    return f"{total} nodes{split}; {constants} of them are constants, not drawn"


def _half_title(axes: Axes, top: float, variant: str, title: str, caption: str) -> None:
    axes.add_patch(Rectangle((MARGIN, top - 0.43), 0.06, 0.36, color=COLOURS[variant], linewidth=0))
    axes.text(MARGIN + 0.14, top - 0.21, f"{variant}: {title}", fontsize=LARGE, fontweight="bold")
    axes.text(MARGIN + 0.14, top - 0.41, caption, fontsize=SMALL, color=QUIET)


def _block_label(axes: Axes, x: float, y: float, text: str) -> None:
    axes.text(x, y, text, fontsize=SMALL, color=QUIET, va="bottom")


def _draw_legend(axes: Axes, y: float) -> None:
    x = MARGIN + 0.1
    for kind in KINDS:
        axes.plot(x, y, kind.marker, markersize=6 * kind.scale, color=kind.colour, markeredgewidth=0)
        axes.text(x + 0.09, y, kind.name, fontsize=SMALL, va="center_baseline")
        x += text_width(kind.name, SMALL) + 0.36


def _draw_lines(axes: Axes, lines: Lines, width: float) -> None:
    if lines:
        path = MplPath.make_compound_path(*map(MplPath, lines))
        axes.add_patch(PathPatch(path, edgecolor="#909090", facecolor="none", linewidth=width, zorder=1.5))


def _draw_dots(axes: Axes, nodes: list[Node], places: Places, diameter: float) -> None:
    """Draw nodes as dots, `diameter` in points, one collection for each kind."""
    for kind in KINDS:
        points = [places[node.name] for node in nodes if _kind(node) is kind]
        if points:
            x, y = zip(*points, strict=True)
            style = {"marker": kind.marker, "linewidths": 0, "zorder": 2}
            axes.scatter(x, y, (diameter * kind.scale) ** 2, kind.colour, label=kind.name, **style)


def _kind(node: Node) -> Kind:
    return next(kind for kind in KINDS if node.operation.startswith(kind.prefixes))


def _lines(nodes: list[Node], places: Places) -> Lines:
    return [[places[source], places[node.name]] for node in nodes for source in node.sources if source in places]


def _fit(step: float, count: float, room: float) -> float:
    """Give a step that, taken `count` times, stays within the room."""
    return min(step, room / count) if count else step


# Layout of a block of nodes: first along the flow, then across it


def _layout(nodes: list[Node], *, flush: bool = False) -> Places:
    """Place nodes along the flow by their longest path from the block's inputs, and across it side by side.

    Parts that are not joined stand beside each other, aligned at their start, or at their end if `flush`.
    """
    places: Places = {}
    start = 0.0
    for part in _components(nodes):
        layers = _layers(part)
        across = _across(part, layers)
        end = max(layers.values()) if flush else 0
        lowest = min(across.values())
        places |= {name: (layers[name] - end, start + across[name] - lowest) for name in layers}
        start += max(across.values()) - lowest + 1
    longest = min((flow for flow, _ in places.values()), default=0)
    return {name: (flow - longest, across) for name, (flow, across) in places.items()}


def _components(nodes: list[Node]) -> list[list[Node]]:
    """Part nodes into sets that no edge joins."""
    names = {node.name for node in nodes}
    parts: list[set[str]] = []
    for node in nodes:
        joined = {node.name, *node.sources} & names
        touched = [part for part in parts if part & joined]
        parts = [part for part in parts if part not in touched] + [joined.union(*touched)]
    components = [[node for node in nodes if node.name in part] for part in parts]
    return sorted(components, key=lambda component: nodes.index(component[0]))


def _layers(nodes: list[Node]) -> dict[str, int]:
    """Give each node the length of the longest path to it; an input stands just before the first that reads it."""
    layers = {node.name: 0 for node in nodes}
    for _ in nodes:  # no path is longer than that; a cycle would otherwise never end
        before = dict(layers)
        for node in nodes:
            layers[node.name] = max((layers[source] + 1 for source in node.sources if source in layers), default=0)
        if layers == before:
            break
    inputs = {node.name for node in nodes if not layers.keys() & set(node.sources)}
    readers: dict[str, list[int]] = {}
    for node in nodes:
        for source in inputs.intersection(node.sources):
            readers.setdefault(source, []).append(layers[node.name])
    return layers | {name: min(found) - 1 for name, found in readers.items()}


def _across(nodes: list[Node], layers: dict[str, int]) -> dict[str, float]:
    """Place each node at the mean of those it reads, and nodes of one layer at least 1 apart."""
    across: dict[str, float] = {}
    for layer in sorted(set(layers.values())):
        row = [node for node in nodes if layers[node.name] == layer]
        wishes = {node.name: _mean([across[source] for source in node.sources if source in across]) for node in row}
        row.sort(key=lambda node: wishes[node.name])
        taken: list[float] = []
        for node in row:
            taken.append(max(wishes[node.name], taken[-1] + 1) if taken else wishes[node.name])
        shift = _mean([wishes[node.name] - place for node, place in zip(row, taken, strict=True)])
        across |= {node.name: place + shift for node, place in zip(row, taken, strict=True)}
    return across


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _length(layout: Places) -> float:
    return max((flow for flow, _ in layout.values()), default=0.0)


def _breadth(layout: Places) -> float:
    return max((across for _, across in layout.values()), default=0.0)


def _moved(layout: Places, x: float, y: float, along: float, across: float) -> Places:
    """Place a layout on the page, its flow to the right."""
    return {name: (x + along * flow, y + across * place) for name, (flow, place) in layout.items()}

"""The drawing of a static graph, node by node: its cells side by side, and what they share below and above them."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from unroll.report.figures.frame import BLUE, MARGIN, QUIET, SMALL, WIDTH, lighter, text_width
from unroll.report.figures.graphs.nodes import draw_dots, draw_lines, fit, without_constants
from unroll.report.figures.layout import Lines, Node, Positions, breadth, layout, length, moved

NODE, OUTPUT_ROW = 0.17, 0.3  # from a node of a block to the next, and between rows where a line passes
RAIL = 0.115  # from a line that all cells share to the next
TOP, CELLS, RAILS = 0.2, 1.6, 0.95  # inches, from the top down
HEIGHT = TOP + CELLS + RAILS
WIDEST_CELL = 0.8
BLOCK_GAP = 0.6
DOT, SMALLEST_DOT, SMALLEST_LINE = 4, 1.2, 0.15  # points


class Strip(NamedTuple):
    """A static graph in its parts, where its cells begin, and how wide each of them is."""

    before: list[Node]
    cells: list[list[Node]]
    after: list[Node]
    left: float
    pitch: float

    @property
    def right(self) -> float:
        return self.left + self.pitch * len(self.cells)

    @property
    def end(self) -> float:
        """Where the graph ends, with what comes after its cells."""
        return self.right + BLOCK_GAP + NODE * length(layout(self.after))


def lay_strip(nodes: list[Node], steps: int | None, pitch: float | None = None) -> Strip:
    """Lay out a static graph of so many steps; without a pitch, its cells take the room that the page has."""
    before, cells, after = _split(without_constants(nodes), steps)
    before_length = length(layout(before, flush=True))
    left = MARGIN + 0.3 + fit(NODE, before_length, 0.8 * WIDTH) * before_length
    right = WIDTH - MARGIN - 0.1 - NODE * length(layout(after)) - BLOCK_GAP
    return Strip(before, cells, after, left, pitch or fit(WIDEST_CELL, len(cells), right - left))


def draw_strip(axes: Axes, strip: Strip, top: float, scale: float = 1) -> None:
    """Draw every node and line of a static graph, read from below; `scale` is by how much the axes shrink it."""
    before, cells, after, left, pitch = strip
    floor = top - TOP - CELLS
    before_positions, after_positions = layout(before, flush=True), layout(after)
    along = fit(NODE, length(before_positions), 0.8 * WIDTH)
    rail = fit(RAIL, breadth(before_positions), 0.65)
    positions = moved(before_positions, MARGIN + 0.1, floor - 0.14, along, -rail)
    positions |= moved(after_positions, strip.right + BLOCK_GAP, top - TOP, NODE, -OUTPUT_ROW)
    positions |= _cell_positions(cells, left, floor + 0.08, pitch)
    for number in range(0, len(cells), 2):
        corner = (left + pitch * number, floor)
        axes.add_patch(Rectangle(corner, pitch, CELLS - 0.1, color=lighter(BLUE, 0.07), linewidth=0))
    draw_lines(axes, _strip_lines(before, cells, after, positions), max(SMALLEST_LINE, min(0.6, 3 * pitch) * scale))
    draw_dots(axes, [*before, *after], positions, max(SMALLEST_DOT, DOT * scale))
    dot = max(SMALLEST_DOT, min(DOT * scale, 72 * pitch * scale / 5))
    draw_dots(axes, [node for cell in cells for node in cell], positions, dot)


def name_strip(axes: Axes, strip: Strip, top: float) -> None:
    """Number the cells, as many as there is room for, and name what is before and after them."""
    count, floor = len(strip.cells), top - TOP - CELLS
    stride = int(np.ceil(text_width(str(count), SMALL) * 1.4 / strip.pitch))
    style = {"fontsize": SMALL, "color": QUIET}
    for number in range(0, count, stride):
        x = strip.left + strip.pitch * (number + 0.5)
        axes.text(x, floor + CELLS + 0.07, str(number + 1), ha="center", **style)
    axes.text(MARGIN + 0.05, floor + 0.02, "images,\nweights", va="bottom", **style)
    if count:
        axes.text(strip.left - 0.08, floor + CELLS + 0.07, "step", ha="right", **style)
    if strip.after:
        y = top - TOP - OUTPUT_ROW * breadth(layout(strip.after)) - 0.3
        axes.text(strip.right + BLOCK_GAP, y, "logits", va="bottom", **style)


def _cell_positions(cells: list[list[Node]], left: float, floor: float, pitch: float) -> Positions:
    """Place every cell's nodes in its own column, the flow upwards."""
    layouts = [layout(cell) for cell in cells]
    layer = (CELLS - 0.25) / max([1.0, *map(length, layouts)])
    step = pitch / (max([0.0, *map(breadth, layouts)]) + 2)
    return {
        name: (left + pitch * (number + 0.5) + step * (across - breadth(positions) / 2), floor + layer * flow)
        for number, positions in enumerate(layouts)
        for name, (flow, across) in positions.items()
    }


def _split(nodes: list[Node], steps: int | None) -> tuple[list[Node], list[list[Node]], list[Node]]:
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


def _strip_lines(before: list[Node], cells: list[list[Node]], after: list[Node], positions: Positions) -> Lines:
    """Join nodes by lines; what all cells share becomes one long line, below them, or above where it is packed."""
    inside = [node for cell in cells for node in cell]
    block = {node.name: number for number, nodes in enumerate((before, inside, after)) for node in nodes}
    lines: Lines = []
    reach: dict[str, list[float]] = {}  # by the node that a long line starts or ends at: where others join it
    for node in [*before, *inside, *after]:
        for source in filter(positions.__contains__, node.sources):
            start, end = positions[source], positions[node.name]
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
        [positions[name], (x, positions[name][1])] for name, joins in reach.items() for x in (min(joins), max(joins))
    ]

"""The figure of the two graphs as T grows: the static one widens, the loop's does not."""

from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from unroll.measure.journal import Run
from unroll.report.figures.frame import (
    BLUE,
    FAINT,
    LARGE,
    MARGIN,
    NORMAL,
    SMALL_QUIET,
    WIDTH,
    Drawing,
    colour,
    lighter,
    small_print,
    text_width,
)
from unroll.report.figures.graphs import dynamic as dynamic_graph
from unroll.report.figures.graphs import static as static_graph
from unroll.report.figures.graphs.nodes import read_outline
from unroll.report.figures.graphs.side_by_side import Outline
from unroll.report.page.answer import PAIR

ASKED = (1, 4)  # the T that are shown, if they were counted, besides the run's own and the largest
HEADING, COUNT, DRAWING, ROW_GAP = (
    0.56,
    0.24,
    1.05,
    0.12,
)  # inches; the two parts of a row are the words and the drawing
LEFTS, WIDTHS = {"static": 1.2, "dynamic": 6.75}, {"static": 5.3, "dynamic": 3.1}
HEIGHTS = {"static": static_graph.HEIGHT, "dynamic": dynamic_graph.HEIGHT}
USUAL_ENDS = 2.4  # of a page's width, what stands before and after the cells where that is not known
NOT_RECORDED = "only counted"

Counts = dict[str, dict[int, int]]  # nodes of each variant's forward graph, by T


GRAPHS_GROWING = Drawing(
    "graphs-growing",
    "The two graphs as T grows",
    lambda _: "As T grows, the static graph gains cell after cell; the dynamic one keeps its one cell and its loop.",
    "nodes of the forward graph, with its functions; both to one scale in each column",
    "Every dot is a node. Empty boxes stand for graphs that were only counted, not recorded node by node.",
)


@GRAPHS_GROWING.drawn_by
def draw_graphs_growing(run: Run) -> Figure | None:
    """Draw both graphs, node by node where they were recorded, at some T from small to large, with their nodes counted.

    What was counted but not recorded is drawn as empty boxes, and says so.
    """
    counts = {variant: _counts(run, variant) for variant in PAIR}
    outlines = {steps: {v: read_outline(run.outline(v, steps)) for v in PAIR} for steps in _recorded(run)}
    drawn = _drawn_steps(run, counts, list(outlines))
    if len(drawn) < 2:
        return None
    row = COUNT + DRAWING + ROW_GAP
    top = HEADING + row * len(drawn)
    figure, page = GRAPHS_GROWING.sheet(small_print(run), top)
    for variant in PAIR:
        _draw_heading(page, variant, counts[variant], top)
    pitch = _pitch(run, outlines)
    for number, steps in enumerate(drawn):
        _draw_row(page, steps, counts, outlines.get(steps, {}), pitch, top - HEADING - row * number)
    return figure


def _counts(run: Run, variant: str) -> dict[int, int]:
    sweep = run.sweep("steps", "nodes", "forward", variant)
    return {steps: int(count.median) for steps, count in sweep.items() if count.samples and count.median > 0}


def _recorded(run: Run) -> list[int]:
    """Return every T at which a graph was recorded, in order."""
    return [steps for steps in sorted({run.sizes.steps, *run.outlines_at}) if any(run.outline(v, steps) for v in PAIR)]


def _drawn_steps(run: Run, counts: Counts, recorded: Sequence[int]) -> list[int]:
    counted = {steps for nodes_at in counts.values() for steps in nodes_at}
    wanted = counted.intersection((*ASKED, run.sizes.steps))
    return sorted({*recorded, *wanted, *([max(counted)] if counted else [])})


def _pitch(run: Run, outlines: dict[int, dict[str, Outline]]) -> float:
    """Return the width of a cell, for which the run's own T fills the page."""
    steps = run.sizes.steps
    nodes = outlines.get(steps, {}).get("static", {}).get("main", [])
    return static_graph.lay_strip(nodes, steps).pitch if nodes else (WIDTH - USUAL_ENDS) / steps


def _draw_heading(page: Axes, variant: str, counts: dict[int, int], top: float) -> None:
    """Name a column, and write by how much its graph grows."""
    x = LEFTS[variant]
    page.add_patch(Rectangle((x, top - 0.38), 0.06, 0.36, color=colour(variant), linewidth=0))
    title = {"static": "static: T cells", "dynamic": "dynamic: one cell in a loop"}[variant]
    page.text(x + 0.14, top - 0.16, title, fontsize=LARGE - 1, fontweight="bold")
    page.text(x + 0.14, top - 0.36, _growth(counts), **SMALL_QUIET)


def _growth(counts: dict[int, int]) -> str:
    """Return the number of nodes by which a graph grows with each step.

    >>> _growth({1: 31, 4: 76, 28: 436}), _growth({1: 73, 28: 73}), _growth({1: 30, 4: 76, 28: 436}), _growth({})
    ('each step adds 15 nodes', 'the same 73 nodes at every T', '30 nodes at T = 1, 436 at T = 28', 'not measured')
    """
    if not counts:
        return "not measured"
    ordered = sorted(counts.items())
    slopes = {(after - before) / (more - few) for (few, before), (more, after) in pairwise(ordered)}
    (first, least), (last, most) = ordered[0], ordered[-1]
    if slopes == {0}:
        return f"the same {least} nodes at every T"
    if len(slopes) == 1:
        return f"each step adds {slopes.pop():g} nodes"
    return f"{least} nodes at T = {first}" + (f", {most} at T = {last}" if last > first else "")


def _draw_row(
    page: Axes,
    steps: int,
    counts: Counts,
    outlines: dict[str, Outline],
    pitch: float,
    top: float,
) -> None:
    page.plot([MARGIN, WIDTH - MARGIN], [top, top], color=FAINT, linewidth=0.6)
    page.text(MARGIN, top - 0.2, f"T = {steps}", fontsize=LARGE, fontweight="bold")
    for variant in PAIR:
        left, width, whole = LEFTS[variant], WIDTHS[variant], HEIGHTS[variant]
        axes = page.inset_axes((left, top - COUNT - DRAWING, width, DRAWING), transform=page.transData)
        axes.set_axis_off()
        axes.set(xlim=(0, WIDTH), ylim=(0, whole))
        nodes, outline, more = counts[variant].get(steps), outlines.get(variant, {}), ""
        if variant == "static" and (nodes or outline):
            more = _draw_static(axes, outline, steps, pitch, width / WIDTH)
        elif nodes or outline:
            more = _draw_dynamic(axes, outline, width / WIDTH)
        count = f"{nodes} nodes" if nodes else "not counted"
        page.text(left, top - 0.19, count, fontsize=NORMAL, fontweight="bold" if nodes else "normal")
        x = left + text_width(count, NORMAL, "bold") + 0.15
        page.text(x, top - 0.19, more, **SMALL_QUIET)


def _draw_static(axes: Axes, outline: Outline, steps: int, pitch: float, scale: float) -> str:
    """Draw a static graph, or empty cells for it as far as there is room; return what to say of that."""
    if outline.get("main"):
        strip = static_graph.lay_strip(outline["main"], steps, pitch)
        if strip.end <= WIDTH:
            static_graph.draw_strip(axes, strip, static_graph.HEIGHT, scale)
            return ""
    left = MARGIN + USUAL_ENDS / 2
    room = int((WIDTH - left) / pitch)
    floor = static_graph.HEIGHT - static_graph.TOP - static_graph.CELLS
    for number in range(min(steps, room)):
        share = 1 if steps <= room else 1 - number / room  # fades where it goes on beyond the page
        corner = (left + pitch * number, floor)
        box = Rectangle(corner, pitch, static_graph.CELLS, facecolor=lighter(BLUE, 0.1 * share * (number % 2 == 0)))
        box.set(edgecolor=lighter(BLUE, 0.6 * share), linewidth=0.6)
        axes.add_patch(box)
    wider = f"{steps} cells: {steps * pitch / WIDTH:.0f} times as wide as this column; " if steps > room else ""
    return f"{wider}{NOT_RECORDED if not outline.get('main') else 'too wide to draw'}"


def _draw_dynamic(axes: Axes, outline: Outline, scale: float) -> str:
    """Draw a dynamic graph, at any T as large, or an empty loop for it; return what to say of that."""
    if outline.get("main"):
        dynamic_graph.draw_loop(axes, dynamic_graph.lay_loop(outline), HEIGHTS["dynamic"], scale=scale, words=False)
        return ""
    nothing = dynamic_graph.Loop([], [], [], [], [], 1.5, WIDTH - 1.5)
    dynamic_graph.draw_loop(axes, nothing, HEIGHTS["dynamic"], scale=scale, words=False)
    return NOT_RECORDED

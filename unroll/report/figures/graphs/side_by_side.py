"""The figure of the two graphs themselves, drawn from the real GraphDefs."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from unroll.measure.journal import Run
from unroll.report.figures.frame import LARGE, MARGIN, SMALL_QUIET, Drawing, colour, small_print
from unroll.report.figures.graphs import dynamic as dynamic_graph
from unroll.report.figures.graphs import static as static_graph
from unroll.report.figures.graphs.nodes import draw_legend, read_outline
from unroll.report.figures.layout import Node
from unroll.report.figures.words import sentences
from unroll.report.page.answer import PAIR

Outline = dict[str, list[Node]]  # the graph's own nodes as "main", and those of each function in its library

HALF_TITLE, LEGEND = 0.55, 0.34


def _describe(run: Run) -> str:
    counts = {variant: sum(map(len, run.outlines.get(variant, {}).values())) for variant in PAIR}
    nodes = [
        f"{variant} has {count} nodes" if count else f"{variant} was not kept" for variant, count in counts.items()
    ]
    return f"The static graph has its cells side by side; the dynamic one has one cell, in a loop. {sentences(nodes)}"


GRAPHS = Drawing(
    "graphs",
    "One LSTM, two graphs",
    _describe,
    "as TensorFlow holds them: every dot is a node of the forward graph",
)


@GRAPHS.drawn_by
def draw_graphs(run: Run) -> Figure | None:
    """Draw the two graphs themselves, node by node: the static one with its T cells, the dynamic one with its loop."""
    halves = [("static", _draw_static, static_graph.HEIGHT), ("dynamic", _draw_dynamic, dynamic_graph.HEIGHT)]
    outlines = {variant: read_outline(run.outlines.get(variant) or {}) for variant, _, _ in halves}
    recorded = [height for variant, _, height in halves if outlines[variant].get("main")]
    if not recorded:
        return None
    top = len(halves) * HALF_TITLE + sum(recorded) + LEGEND
    figure, axes = GRAPHS.sheet(small_print(run), top)
    for variant, draw, half in halves:
        if outlines[variant].get("main"):
            draw(axes, outlines[variant], run.sizes.steps, top)
            top -= HALF_TITLE + half
        else:
            _half_title(axes, top, variant, "not measured", "The outline of this graph is not among the results.")
            top -= HALF_TITLE
    draw_legend(axes, top - LEGEND / 2, with_ring="main" in outlines["dynamic"])
    return figure


def _draw_static(axes: Axes, outline: Outline, steps: int, top: float) -> None:
    strip = static_graph.lay_strip(outline["main"], steps)
    count = len(strip.cells) or steps
    title = "1 cell in the graph" if count == 1 else f"{count} cells side by side in the graph"
    _half_title(axes, top, "static", title, f"{_count(outline, {'main': 'in the graph'})}; read it from below")
    static_graph.draw_strip(axes, strip, top - HALF_TITLE)
    static_graph.name_strip(axes, strip, top - HALF_TITLE)


def _draw_dynamic(axes: Axes, outline: Outline, steps: int, top: float) -> None:
    body, condition = dynamic_graph.find_parts(outline)
    roles = {"main": "in the graph", body: "in the loop's body", condition: "in its condition"}
    caption = f"{_count(outline, roles)}; read it from the left"
    _half_title(axes, top, "dynamic", "one cell in the graph, and a loop", caption)
    loop = dynamic_graph.lay_loop(outline)
    dynamic_graph.draw_loop(axes, loop, top - HALF_TITLE)
    dynamic_graph.name_loop(axes, loop, top - HALF_TITLE, steps)


def _count(outline: Outline, roles: dict[str, str]) -> str:
    """Return how many nodes a graph has and where, and how many of them are not drawn."""
    total = sum(map(len, outline.values()))
    constants = sum(node.operation == "Const" for nodes in outline.values() for node in nodes)
    where = [f"{len(outline[part])} {role}" for part, role in roles.items() if part in outline]
    elsewhere = sum(len(nodes) for part, nodes in outline.items() if part not in roles)
    where += [f"{elsewhere} in other functions, not drawn"] if elsewhere else []
    split = f": {', '.join(where)}" if len(where) > 1 else ""
    return f"{total} nodes{split}; {constants} of them are constants, not drawn"


def _half_title(axes: Axes, top: float, variant: str, title: str, caption: str) -> None:
    axes.add_patch(Rectangle((MARGIN, top - 0.43), 0.06, 0.36, color=colour(variant), linewidth=0))
    axes.text(MARGIN + 0.14, top - 0.21, f"{variant}: {title}", fontsize=LARGE, fontweight="bold")
    axes.text(MARGIN + 0.14, top - 0.41, caption, **SMALL_QUIET)

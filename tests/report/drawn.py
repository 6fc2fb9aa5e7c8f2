"""What the tests of the figures share: records to draw, and what a figure shows, in the units of its data."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text

from unroll.measure.config import Sizes
from unroll.measure.journal import Record
from unroll.measure.variants import own_mode

RESULTS = Path(__file__).parents[2] / "results"
REFERENCE = RESULTS / "reference"
HOSTILE = "<script>alert('$x^$')</script>\n\x1b[31m \u4e2d"  # no valid formula: as one, it would raise
SMALLEST = 7.5  # points: the names in the cells of the grid
ROUNDS = 6


EACH, AROUND = 3, 4  # nodes in each cell, and before and after them all


def static(steps: int) -> dict[str, list]:
    """Return a chain of cells of three nodes, with two nodes before it and two after."""
    nodes, state = [["x", "Placeholder", []], ["unstack", "Unpack", ["x"]]], "x"
    for t in range(steps):
        cell = [["a", "MatMul", ["unstack", state]], ["b", "AddV2", [f"{t}/a"]], ["c", "Tanh", [f"{t}/b"]]]
        nodes += [[f"{t}/{name}", operation, sources] for name, operation, sources in cell]
        state = f"{t}/c"
    return {"main": [*nodes, ["stack", "Pack", [f"{t}/c" for t in range(steps)]], ["out", "Identity", [state]]]}


DYNAMIC = {
    "main": [["x", "Placeholder", []], ["while", "StatelessWhile", ["x"]], ["out", "Identity", ["while"]]],
    "while_cond_1": [["less", "Less", ["t", "limit"]]],
    "while_body_2": [["read", "TensorListGetItem", ["rows", "t"]], ["tanh", "Tanh", ["read"]]],
}
DYNAMIC_NODES = 6


def record(quantity: str, variant: str, samples: Sequence[float], phase: str = "train", **more) -> Record:
    """Return a record in the variant's own mode; by default a time at the usual sizes."""
    more = {"mode": own_mode(variant), "sizes": Sizes(), "unit": "s"} | more
    return Record(quantity, phase, variant, samples=list(samples), **more)


def rounds(quantity: str, variant: str, times: Sequence[float], turns: str = "all", **more) -> list[Record]:
    """Return a record for each of some interleaved rounds, with one time each, and each in a process of its own.

    Without a name of `turns`, they were measured alone.
    """
    return [
        record(quantity, variant, [time], **more, turns=f"{turns} {number}" if turns else "", round=number)
        for number, time in enumerate(times, 1)
    ]


def texts(figure: Figure) -> list[Text]:
    """Return every text of a figure that is seen, those of ticks, axes and legends included."""
    found = list(figure.texts)
    for axes in figure.axes:
        found += [*axes.texts, axes._left_title]
        found += axes.get_legend().get_texts() if axes.get_legend() else []
        if axes.axison:
            found += [axes.xaxis.label, axes.yaxis.label]
            for axis in (axes.xaxis, axes.yaxis):  # matplotlib has ticks beyond the axis' ends, too, which it hides
                low, high = sorted(axis.get_view_interval())
                found += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
                found += [tick.label1 for tick in axis.get_minor_ticks() if low <= tick.get_loc() <= high]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in texts(figure)]


def headings(figure: Figure) -> list[str]:
    return [title for axes in figure.axes if (title := axes.get_title(loc="left"))]


def panel(figure: Figure, heading: str) -> Axes:
    """Return the one panel with some heading."""
    (found,) = [axes for axes in figure.axes if axes.get_title(loc="left") == heading]
    return found


def bars(axes: Axes) -> list[float]:
    """Return the lengths of a panel's bars, from the top."""
    return [bar.patches[0].get_width() for bar in axes.containers if isinstance(bar, BarContainer)]


def hollow_bars(axes: Axes) -> list[bool]:
    return [to_hex(bar.patches[0].get_facecolor()) == "#ffffff" for bar in axes.containers]


def dots(axes: Axes, marker: str = "o") -> dict[tuple[float, float], bool]:
    """Return the places of a panel's markers that stand alone, and whether each is filled."""
    lines = [line for line in axes.lines if line.get_marker() == marker and len(line.get_xdata()) == 1]
    return {tuple(line.get_xydata()[0]): to_hex(line.get_markerfacecolor()) != "#ffffff" for line in lines}


def assert_legible(figure: Figure) -> None:
    """Assert that no text hides another, leaves the figure or is too small to be read where a README shows it."""
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    boxes = [(text, text.get_window_extent(canvas.get_renderer())) for text in texts(figure)]
    for text, box in boxes:
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, text
        assert text.get_fontsize() >= SMALLEST, text
    for (one, box), (other, second) in combinations(boxes, 2):
        width = min(box.x1, second.x1) - max(box.x0, second.x0)
        height = min(box.y1, second.y1) - max(box.y0, second.y0)
        # Two pixels of a line's height are the space between lines.
        assert width <= 0 or height <= 2, (one, other)

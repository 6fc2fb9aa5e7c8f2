"""The card: the two graphs at a glance, what they cost beside one another in four numbers, and which one to take."""

import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from unroll.measure.journal import Run, device_name
from unroll.measure.statistics import Ratio
from unroll.report.figures.frame import DPI, FAINT, LARGE, NORMAL, QUIET, SMALL, WIDTH, Drawing, colour, lighter
from unroll.report.figures.words import sentences
from unroll.report.growth import TENSORS
from unroll.report.page.answer import BUILT, PAIR, STARTED, STEPPED, answer
from unroll.report.tables import TURNS, Column, factor, interval, missing, pair_ratio, plain, why_no_interval

HEIGHT = WIDTH * 9 / 16
EDGE = 0.4  # inches left and right of everything
SIDE, PITCH = 0.2, 0.33  # of a cell, and from one to the next
MOST_CELLS = 28  # that fit side by side
HUGE, TITLE = 26, 20
ADVICE_WIDTH = 100  # letters a line
TILES = [
    (BUILT, "to build\nthe training graph"),
    (STARTED, "until the first\ntraining step is done"),
    (STEPPED, "for each later\ntraining step"),
    (TENSORS, "in memory for tensors\nat the peak of training"),
]
SAME = "The cell is the same in both, with the same weights: outputs, states and gradients are equal."


def _describe(run: Run) -> str:
    costs = [f"{_number(run, cost)[0]} {' '.join(words.split())}" for cost, words in TILES]
    return (
        f"Static: {_count(run.sizes.steps, 'cell')} side by side. Dynamic: 1 cell in a loop. "
        f"Where dynamic takes 1, static takes this. {sentences(costs)} {answer(run)[0]}"
    )


CARD = Drawing("card", "One LSTM, unrolled two ways", _describe)


@CARD.drawn_by
def draw_card(run: Run) -> Figure | None:
    """Draw the pair's cells, four costs of static in units of dynamic's, and the advice at the run's sizes."""
    if not all(isinstance(pair_ratio(run, cost, *PAIR), Ratio) for cost in (BUILT, STARTED, STEPPED)):
        return None
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
    axes.set_axis_off()
    steps = run.sizes.steps
    axes.text(EDGE, HEIGHT - 0.52, CARD.title, fontsize=TITLE, fontweight="bold")
    words = f"the graph holds {_count(steps, 'cell')} side by side, one for each row of an image"
    _draw_heading(axes, HEIGHT - 0.98, "static", words)
    _draw_static(axes, HEIGHT - 1.55, steps)
    words = f"the graph holds 1 cell in a loop, which runs {_count(steps, 'time')}"
    _draw_heading(axes, HEIGHT - 2.2, "dynamic", words)
    _draw_dynamic(axes, HEIGHT - 2.75)
    axes.text(EDGE + 1.6, HEIGHT - 2.82, SAME, fontsize=LARGE - 1, color=QUIET, va="center")
    axes.text(EDGE, HEIGHT - 3.52, "What static takes, where dynamic takes 1", fontsize=LARGE, fontweight="bold")
    width = (WIDTH - 2 * EDGE) / len(TILES)
    for number, (cost, words) in enumerate(TILES):
        _draw_tile(axes, EDGE + number * width, HEIGHT - 4.08, *_number(run, cost), words)
    axes.text(EDGE, 0.62, textwrap.fill(answer(run)[0], ADVICE_WIDTH), fontsize=LARGE, va="center", linespacing=1.3)
    where = f"Measured on {plain(device_name(run))}, {run.sizes}, {plain(run.started)[:10]}."
    axes.text(EDGE, 0.18, where, fontsize=SMALL, color=QUIET)
    return figure


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _draw_heading(axes: Axes, y: float, variant: str, words: str) -> None:
    """Write a variant's name in its colour's bar, and beside it what its graph holds."""
    axes.add_patch(FancyBboxPatch((EDGE, y - 0.06), 0.05, 0.24, boxstyle="square,pad=0", color=colour(variant)))
    axes.text(EDGE + 0.15, y, variant, fontsize=LARGE + 1, fontweight="bold")
    axes.text(EDGE + 1.15, y, words, fontsize=LARGE - 1, color=QUIET)


def _draw_static(axes: Axes, y: float, steps: int) -> None:
    """Draw a cell for every step, each of which hands its state on to the next; of many, the first and the last."""
    cells = min(steps, MOST_CELLS)
    for number in range(cells):
        x = EDGE + 0.02 + number * PITCH
        last = number == cells - 1
        _draw_cell(axes, x, y, "static", f"{steps if last else number + 1}")
        if number:
            _draw_arrow(axes, (x - PITCH + SIDE, y), (x, y))
    if cells < steps:
        axes.text(EDGE + 0.02 + (cells - 1.5) * PITCH + SIDE / 2, y, "...", ha="center", va="center", color=QUIET)


def _draw_dynamic(axes: Axes, y: float) -> None:
    """Draw one cell, the state of which comes back to it."""
    x = EDGE + 0.42
    _draw_cell(axes, x, y, "dynamic", "each row")
    low, left, right = y - 0.28, x - 0.35, x + SIDE + 0.35
    ink = colour("dynamic")
    axes.plot([x + SIDE, right, right, left, left, x - 0.06], [y, y, low, low, y, y], color=ink, linewidth=1.6)
    axes.annotate("", (x, y), (x - 0.1, y), arrowprops={"arrowstyle": "-|>", "color": ink, "linewidth": 1.6})


def _draw_cell(axes: Axes, x: float, y: float, variant: str, step: str) -> None:
    """Draw the cell, the same for both: a row of the images enters above it, at the step that is named there."""
    face = lighter(colour(variant), 0.3)
    box = FancyBboxPatch((x, y - SIDE / 2), SIDE, SIDE, boxstyle="round,pad=0,rounding_size=0.04")
    box.set(facecolor=face, edgecolor=colour(variant), linewidth=1.4)
    axes.add_patch(box)
    _draw_arrow(axes, (x + SIDE / 2, y + SIDE / 2 + 0.13), (x + SIDE / 2, y + SIDE / 2))
    axes.text(x + SIDE / 2, y + SIDE / 2 + 0.15, step, fontsize=SMALL, color=QUIET, ha="center")


def _draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "-|>,head_width=0.12,head_length=0.2", "color": QUIET, "linewidth": 0.9}
    axes.annotate("", end, start, arrowprops=style | {"shrinkA": 0, "shrinkB": 0})


def _draw_tile(axes: Axes, x: float, y: float, number: str, more: str, words: str) -> None:
    """Write a number, what is known of it, and what it is of."""
    axes.plot([x, x], [y - 0.45, y + 0.3], color=FAINT, linewidth=1)
    axes.text(x + 0.12, y, number, fontsize=HUGE if number[0].isdigit() else LARGE, fontweight="bold")
    axes.text(x + 0.12, y - 0.16, more, fontsize=SMALL, color=QUIET, va="center")
    axes.text(x + 0.12, y - 0.28, words, fontsize=NORMAL, va="top", linespacing=1.25)


def _number(run: Run, cost: Column) -> tuple[str, str]:
    """Return how many times dynamic's cost static's is, and its interval or what else is known of it."""
    if cost in TURNS:
        ratio = pair_ratio(run, cost, *PAIR)
        if isinstance(ratio, Ratio):
            return factor(ratio.value), why_no_interval(ratio) or f"95% interval {interval(ratio, ' to ')}"
        return ratio, ""
    static, dynamic = (cost.find(run, variant) for variant in PAIR)
    if static is None or dynamic is None or missing(static) or missing(dynamic):
        return missing(static) or missing(dynamic), ""
    return factor(static.median / dynamic.median), "measured once"

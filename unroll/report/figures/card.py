"""The card: the two graphs at a glance, what each costs to train, and which one to take."""

import math
import textwrap
from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from unroll.measure.journal import Measurement, Run, device_name
from unroll.measure.statistics import Ratio
from unroll.report.advice import Nearest, median_total, ratio_of_totals
from unroll.report.figures.frame import DPI, LARGE, NORMAL, QUIET, SMALL, WIDTH, Drawing, colour, lighter
from unroll.report.figures.words import pair_text, sentences
from unroll.report.growth import TENSORS
from unroll.report.page.answer import BUILT, PAIR, STARTED, STEPPED, amount, answer, costs_of_pair, unit_text
from unroll.report.tables import TURNS, Column, counted, factor, interval, missing, pair_ratio, plain, why_no_interval

HEIGHT = WIDTH * 9 / 16
EDGE = 0.4  # inches left and right of everything
SIDE, PITCH = 0.2, 0.33  # of a cell, and from one to the next
MOST_CELLS = 28  # that fit side by side
TITLE = 20
BAR, BAR_HEIGHT = 1.05, 0.13  # inches of the longer of two bars, and of the height of each
ADVICE_WIDTH = 122  # letters a line
EPOCH = 60_000  # sequences: as many as MNIST has images to train with
TILES = [
    (BUILT, "to build the training graph"),
    (STARTED, "for the first training step, once built"),
    (STEPPED, "for each later training step"),
    (TENSORS, "of memory for tensors, at the peak of training"),
]
SAME = "The cell is the same in both, with the same weights:\noutputs, states and gradients are equal."
METHOD = "Times are medians; a ratio of times is taken round by round."


def _describe(run: Run) -> str:
    costs = [f"{words}: {_costs_text(run, cost)}" for cost, words in TILES]
    return (
        f"Static: {counted(run.sizes.steps, 'cell')} side by side. Dynamic: 1 cell in a loop. "
        f"{sentences(costs)} {' '.join(_advice(run))}"
    )


CARD = Drawing("card", "One LSTM, unrolled two ways", _describe)


@CARD.drawn_by
def draw_card(run: Run) -> Figure | None:
    """Draw the pair's cells, four costs of each, and the advice at the run's sizes."""
    if not _is_whole(run):
        return None
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
    axes.set_axis_off()
    steps = run.sizes.steps
    axes.text(EDGE, HEIGHT - 0.46, CARD.title, fontsize=TITLE, fontweight="bold")
    words = f"the graph holds {counted(steps, 'cell')} side by side{_in_keras(run, True)}"
    _draw_heading(axes, HEIGHT - 0.86, "static", words)
    _draw_static(axes, HEIGHT - 1.42, steps)
    words = f"the graph holds 1 cell in a loop, which runs {counted(steps, 'time')}{_in_keras(run, False)}"
    _draw_heading(axes, HEIGHT - 1.96, "dynamic", words)
    _draw_dynamic(axes, HEIGHT - 2.5, steps)
    axes.text(EDGE + 2.6, HEIGHT - 2.55, SAME, fontsize=LARGE - 1, color=QUIET, va="center", linespacing=1.3)
    axes.text(EDGE, HEIGHT - 3.14, "What training costs with each (less is better)", fontsize=LARGE, fontweight="bold")
    axes.text(WIDTH - EDGE, HEIGHT - 3.14, METHOD, fontsize=SMALL, color=QUIET, ha="right")
    width = (WIDTH - 2 * EDGE) / len(TILES)
    for number, (cost, words) in enumerate(TILES):
        _draw_tile(axes, EDGE + number * width, HEIGHT - 3.3, run, cost, words)
    lines = [textwrap.fill(sentence, ADVICE_WIDTH) for sentence in _advice(run)]
    axes.text(EDGE, 0.67, "\n".join(lines), fontsize=LARGE - 2, va="center", linespacing=1.35)
    axes.text(EDGE, 0.16, _where(run), fontsize=SMALL, color=QUIET)
    return figure


def _is_whole(run: Run) -> bool:
    """Return whether static and dynamic were built, called and stepped to train at the run's sizes, side by side."""
    return all(isinstance(pair_ratio(run, cost, *PAIR), Ratio) for cost in (BUILT, STARTED, STEPPED))


def _in_keras(run: Run, unroll: bool) -> str:
    """Name Keras's argument, on a CPU only: on a GPU, Keras's loop is cuDNN's, unless it is told otherwise."""
    return f", as with unroll={unroll} in Keras" if run.device == "cpu" else ""


def _advice(run: Run) -> list[str]:
    """Return what to take and why, and what an epoch as long as MNIST's takes with each."""
    advice = " ".join(answer(run)[:2])
    if not _is_whole(run):
        return [advice]
    steps = math.ceil(EPOCH / run.sizes.batch)  # the first of which is the first call
    here = Nearest(Path(), run, run.sizes)
    static, dynamic = (unit_text(median_total(here, variant, steps - 1), "s") for variant in PAIR)
    verdict = ratio_of_totals(here, PAIR[0], steps - 1, PAIR[1]).verdict
    both = f"{static} with static and {dynamic} with dynamic"
    epoch = f"An epoch as long as MNIST's ({counted(steps, 'training step')}) takes {both}: {verdict}."
    return [advice, epoch]


def _where(run: Run) -> str:
    sizes = run.sizes
    return (
        f"Measured on {plain(device_name(run))}, {plain(run.started)[:10]}: {counted(sizes.steps, 'step')} of "
        f"{counted(sizes.input, 'value')}, a batch of {sizes.batch}, {counted(sizes.hidden, 'hidden unit')}."
    )


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


def _draw_dynamic(axes: Axes, y: float, steps: int) -> None:
    """Draw one cell, the state of which comes back to it."""
    x = EDGE + 0.42
    _draw_cell(axes, x, y, "dynamic", "each row")
    low, left, right = y - 0.28, x - 0.35, x + SIDE + 0.35
    ink = colour("dynamic")
    axes.plot([x + SIDE, right, right, left, left, x - 0.06], [y, y, low, low, y, y], color=ink, linewidth=1.6)
    axes.annotate("", (x, y), (x - 0.1, y), arrowprops={"arrowstyle": "-|>", "color": ink, "linewidth": 1.6})
    axes.text(right + 0.1, y - 0.14, counted(steps, "time"), fontsize=LARGE + 1, fontweight="bold", va="center")


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


def _draw_tile(axes: Axes, x: float, y: float, run: Run, cost: Column, words: str) -> None:
    """Draw a cost of static and of dynamic as two bars, what it is of, and how the two compare."""
    axes.text(x, y, textwrap.fill(words, 30), fontsize=NORMAL, va="top", linespacing=1.25)
    both = costs_of_pair(run, cost)
    longer = max((measured.median for measured in both.values()), default=1)
    for number, (variant, measured) in enumerate(both.items()):
        base = y - 0.48 - number * (BAR_HEIGHT + 0.05)
        length = BAR * measured.median / longer
        axes.add_patch(Rectangle((x, base), length, BAR_HEIGHT, color=colour(variant)))
        text = f"{variant} {amount(measured, cost)}"
        axes.text(x + length + 0.06, base + BAR_HEIGHT / 2, text, fontsize=SMALL, va="center_baseline")
    verdict, *more = _compared(run, cost, both)
    axes.text(x, y - 0.88, verdict, fontsize=LARGE, fontweight="bold")
    axes.text(x, y - 0.95, "\n".join(more), fontsize=SMALL, color=QUIET, va="top", linespacing=1.3)


def _compared(run: Run, cost: Column, both: Mapping[str, Measurement]) -> tuple[str, ...]:
    """Return how static's cost compares with dynamic's, and in further lines what is known of that."""
    if not both:
        return (next(filter(None, (missing(cost.find(run, variant)) for variant in PAIR)), ""),)
    ratio = pair_ratio(run, cost, *PAIR) if cost in TURNS else None
    if not isinstance(ratio, Ratio):
        static, dynamic = (measured.median for measured in both.values())
        return f"static: {factor(static / dynamic)} times", "what dynamic takes", "measured once"
    times = f"{factor(ratio.value)} times"
    known = why_no_interval(ratio) or f"95% interval {interval(ratio, ' to ')}"
    if ratio.decided:
        return f"static: {times}", "what dynamic takes", known
    return ratio.verdict, f"static {times} what dynamic takes", known


def _costs_text(run: Run, cost: Column) -> str:
    both = costs_of_pair(run, cost)
    verdict, *more = _compared(run, cost, both)
    return "; ".join(filter(None, [pair_text(both, cost), f"{verdict} ({', '.join(more)})" if more else verdict]))

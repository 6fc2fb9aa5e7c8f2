"""The figure of the loop's unroll: what k cells in each iteration cost and gain, from k = 1 up to T."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from unroll.measure.journal import Measurement, Run
from unroll.measure.statistics import ENOUGH_ROUNDS
from unroll.measure.variants import cells_an_iteration
from unroll.report.figures.frame import (
    BLUE,
    HEADING,
    ORANGE,
    QUIET,
    SMALL,
    Drawing,
    cross_out,
    few_rounds,
    head,
    small_print,
    value_axis,
    with_samples,
)
from unroll.report.figures.words import from_to
from unroll.report.growth import BUILD, FIRST_CALL, PROCESS, STEP_FORWARD, STEP_TRAIN
from unroll.report.tables import Column

QUESTIONS = (BUILD, FIRST_CALL, STEP_FORWARD, STEP_TRAIN, PROCESS)
PLOT_HEIGHT, TICKS = 1.9, 0.5
LEAST_COLUMNS = 3  # for so many panels there is room, however few there are
STATIC_GAP = 1.6  # from the largest k to static, where one doubling of k is 1


def _unrolls(run: Run) -> dict[int, str]:
    """Return the variant of each k that was measured at the run's sizes; none if there is but k = 1."""
    by_cells = {1: "dynamic"} | {cells: variant for variant in run.variants if (cells := cells_an_iteration(variant))}
    variants = {record.variant for record in run.records if record.sizes == run.sizes}
    unrolls = {k: variant for k, variant in sorted(by_cells.items()) if variant in variants}
    return unrolls if any(k > 1 for k in unrolls) else {}


def _describe(run: Run) -> str:
    costs = []
    for cost in (BUILD, STEP_TRAIN):
        by_k = {k: measured for k, variant in _unrolls(run).items() if (measured := cost.find(run, variant))}
        costs.append(f"{cost.heading}: {from_to(by_k, cost, 'k')}.")
    return f"The dots on the line go from one cell an iteration to all of them; static is beside. {' '.join(costs)}"


UNROLL = Drawing(
    "unroll",
    "What unrolling the loop by k costs, and gains",
    _describe,
    "less is better",
    "Dot: the median (hollow: a time from fewer than "
    f"{ENOUGH_ROUNDS} rounds). Bar: the middle half of the samples. Blue: static. Cross: stopped or not measured.",
)


@UNROLL.drawn_by
def draw_unroll(run: Run) -> Figure | None:
    """Draw each cost against the unroll k of the loop, with static unrolling at the end of the scale."""
    unrolls = _unrolls(run)
    questions = with_samples(run, QUESTIONS, [variant for k, variant in unrolls.items() if k > 1])
    if not questions:
        return None
    figure = UNROLL.frame(small_print(run), HEADING + PLOT_HEIGHT + TICKS)
    panels = figure.subplots(1, max(LEAST_COLUMNS, len(questions)))
    for axes, question in zip(panels, questions, strict=False):
        _draw_panel(axes, run, question, unrolls)
    for axes in panels[len(questions) :]:
        axes.set_axis_off()
    return figure


def _draw_panel(axes: Axes, run: Run, question: Column, unrolls: dict[int, str]) -> None:
    head(axes, question.heading, question.unit)
    positions = {variant: float(np.log2(k)) for k, variant in unrolls.items()}
    end = max(positions.values()) + STATIC_GAP
    costs = {variant: question.find(run, variant) for variant in [*positions, "static"]}
    medians = {variant: cost.median / question.scale for variant, cost in costs.items() if cost}
    # The line breaks where a k was stopped: there, a median is no number.
    axes.plot(
        list(positions.values()), [medians.get(variant, np.nan) for variant in positions], color=ORANGE, linewidth=1.4
    )
    axes.axhline(medians.get("static", np.nan), color=BLUE, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    for variant, cost in costs.items():
        place, hue = positions.get(variant, end), BLUE if variant == "static" else ORANGE
        if cost and cost.samples:
            _draw_median(axes, place, cost, question.scale, hue)
        else:
            cross_out(axes, place, 0.04, hue)
    _label_unrolls(axes, unrolls, end)


def _draw_median(axes: Axes, place: float, cost: Measurement, scale: float, hue: str) -> None:
    """Draw a median as a dot, over the middle half of the samples."""
    low, high = (value / scale for value in cost.quartiles)
    axes.plot([place, place], [low, high], color=hue, linewidth=2.5, alpha=0.45, solid_capstyle="butt", zorder=2)
    face, edge = ("white", hue) if few_rounds(cost) else (hue, "white")
    style = {"markersize": 5, "markerfacecolor": face, "markeredgecolor": edge, "markeredgewidth": 0.9}
    axes.plot(place, cost.median / scale, "o", zorder=3, **style)


def _label_unrolls(axes: Axes, unrolls: dict[int, str], end: float) -> None:
    """Start the axis of costs at 0; label every k, and static at the end, and write k below."""
    axes.set_xlim(-0.5, end + 0.7)
    axes.set_ylim(0, max(axes.get_ylim()[1] * 1.05, 1e-9))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    value_axis(axes.yaxis)
    axes.set_xticks([*(float(np.log2(k)) for k in unrolls), end], [*map(str, unrolls), "static"])
    axes.get_xticklabels()[-1].set(color=BLUE)
    axes.set_xlabel("k", fontsize=SMALL, color=QUIET, style="italic", labelpad=1)

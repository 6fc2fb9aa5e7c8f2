"""What unrolling the loop by k costs and gains, from k = 1 up to T."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from unroll.measure.journal import Measurement, Run
from unroll.measure.variants import cells_an_iteration
from unroll.report.figures.frame import (
    BLUE,
    DPI,
    EXPLAINED_HEIGHT,
    FAINT,
    HEADING_HEIGHT,
    MARGIN,
    ORANGE,
    QUIET,
    SMALL,
    TICKS_WIDTH,
    WIDTH,
    add_axes,
    cross_out,
    empty_figure,
    explain,
    print_height,
    small_print,
    styled,
    write_heading,
    write_small_print,
    write_title,
)
from unroll.report.growth import BUILD, FIRST_CALL, PROCESS, STEP_FORWARD, STEP_TRAIN
from unroll.report.tables import NOTHING, Column

UNROLL_TITLE = "What unrolling the loop by k costs, and gains"
UNROLL_QUESTIONS = (BUILD, FIRST_CALL, STEP_FORWARD, STEP_TRAIN, PROCESS)
UNROLL_HEIGHT, UNROLL_TICKS, UNROLL_GAP = 1.9, 0.5, 0.2
STATIC_GAP = 1.6  # from the largest k to static, where one doubling of k is 1


def _unrolls(run: Run) -> dict[int, str]:
    """Return the variant of each k that was measured at the run's sizes; none if there is but k = 1."""
    found = {cells: variant for variant in run.variants if (cells := cells_an_iteration(variant))}
    named = {1: "dynamic"} | found
    measured = {record.variant for record in run.records if record.sizes == run.sizes}
    shown = {k: variant for k, variant in sorted(named.items()) if variant in measured}
    return shown if any(k > 1 for k in shown) else {}


@styled
def draw_unroll(run: Run) -> Figure:
    """Draw each cost against the unroll k of the loop, with static unrolling at the end of the scale."""
    unrolls = _unrolls(run)
    if not unrolls:
        return empty_figure(run, UNROLL_TITLE, NOTHING)
    print_lines = small_print(run)
    bottom = print_height(print_lines) + UNROLL_TICKS
    height = bottom + UNROLL_HEIGHT + HEADING_HEIGHT + EXPLAINED_HEIGHT
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    write_title(figure, UNROLL_TITLE, "less is better")
    explain(
        figure, "Median, and the middle half of the samples; static unrolling in blue. Cross: stopped or not measured."
    )
    slot = (WIDTH - 2 * MARGIN + UNROLL_GAP) / len(UNROLL_QUESTIONS)
    for number, question in enumerate(UNROLL_QUESTIONS):
        left = MARGIN + number * slot + TICKS_WIDTH
        axes = add_axes(figure, left, bottom, slot - UNROLL_GAP - TICKS_WIDTH, UNROLL_HEIGHT, ticks=True)
        _draw_unroll_panel(axes, run, question, unrolls)
    write_small_print(figure, print_lines)
    return figure


def _draw_unroll_panel(axes: Axes, run: Run, question: Column, unrolls: dict[int, str]) -> None:
    write_heading(axes, question.heading, question.unit)
    places = {variant: float(np.log2(k)) for k, variant in unrolls.items()}
    end = max(places.values()) + STATIC_GAP
    found = {variant: question.find(run, variant) for variant in [*places, "static"]}
    medians = {variant: measured.median / question.scale for variant, measured in found.items() if measured}
    # The line breaks where a k was stopped: there, a median is no number.
    axes.plot(list(places.values()), [medians.get(variant, np.nan) for variant in places], color=ORANGE, linewidth=1.4)
    axes.axhline(medians.get("static", np.nan), color=BLUE, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    for variant, measured in found.items():
        place, ink = places.get(variant, end), BLUE if variant == "static" else ORANGE
        if measured and measured.samples:
            _draw_median(axes, place, measured, question.scale, ink)
        else:
            cross_out(axes, place, 0.04, ink)
    _label_unrolls(axes, unrolls, end)


def _draw_median(axes: Axes, place: float, measured: Measurement, scale: float, colour: str) -> None:
    """Draw a median as a dot, over the middle half of the samples."""
    low, high = (value / scale for value in measured.quartiles)
    axes.plot([place, place], [low, high], color=colour, linewidth=2.5, alpha=0.45, solid_capstyle="butt", zorder=2)
    style = {"markersize": 5, "markeredgecolor": "white", "markeredgewidth": 0.6}
    axes.plot(place, measured.median / scale, "o", color=colour, zorder=3, **style)


def _label_unrolls(axes: Axes, unrolls: dict[int, str], end: float) -> None:
    """Start the axis of costs at 0; label every k, and static at the end, and write k in front."""
    axes.set_xlim(-0.5, end + 0.7)
    axes.set_ylim(0, max(axes.get_ylim()[1] * 1.05, 1e-9))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(axis="y", length=0, labelsize=SMALL, labelcolor=QUIET, pad=3)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xticks([*(float(np.log2(k)) for k in unrolls), end], [*map(str, unrolls), "static"])
    axes.tick_params(axis="x", length=2, width=0.6, pad=2)
    axes.get_xticklabels()[-1].set(color=BLUE)
    axes.set_xlabel("k", fontsize=SMALL, color=QUIET, style="italic", labelpad=1)

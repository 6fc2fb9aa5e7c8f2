"""The figure of growth: each cost against T on logarithmic axes, with the exponents of their laws."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unroll.measure.journal import Measurement, Run
from unroll.measure.variants import label
from unroll.report.figures.frame import (
    HEADING,
    QUIET,
    SMALL,
    Drawing,
    colour,
    cross_out,
    head,
    label_decades,
    note,
    small_print,
    stripe,
    text_width,
)
from unroll.report.figures.words import from_to
from unroll.report.growth import (
    BUILD,
    EXPORT,
    FITTED_FROM,
    GRAPH_BYTES,
    GROWTH_BANDS,
    GROWTH_VARIANTS,
    NET_START,
    PROCESS,
    STEP_TRAIN,
    TENSORS,
    Costs,
    fit_growth,
    growth_costs,
    growth_text,
    has_fits,
    variants_of,
)
from unroll.report.page.answer import PAIR
from unroll.report.tables import Column, broke_off

MARKERS: dict[str, str] = dict(zip(GROWTH_VARIANTS, "osDXh^vP", strict=True))
NAMES_WIDTH, PLOT_WIDTH = 1.75, 1.45  # about
PLOT_HEIGHT, X_TICKS, FIT_ROW, BAND_GAP = 1.4, 0.3, 0.18, 0.3
STOPPED_ROW = 0.11  # of the strip above a plot that marks the stopped cases, one row a variant
READING = "Marks: medians. On\nlogarithmic axes a straight\nline is a power of T."
FITS = f"Below: p of cost ~ T^p,\nfitted over T ≥ {FITTED_FROM}, with\nits 95% interval."
EXPLAINED = {  # what stands left of a band, of those of its costs that are drawn
    NET_START: "Start: build and first call,\nless one later step.",
    PROCESS: "Process: what memory\ngrows by, to build and\nstart training.",
    TENSORS: "Tensors: the allocator's\npeak in a training step.",
    GRAPH_BYTES: "Graph: with its functions.",
    EXPORT: "SavedModel: on disk.",
}


def _describe(run: Run) -> str:
    costs = [
        f"{cost.heading}: {', '.join(f'{variant} {_ends(run, cost, variant)}' for variant in PAIR)}."
        for cost in (BUILD, NET_START, STEP_TRAIN, PROCESS)
    ]
    return f"There is a line for each variant, on logarithmic axes. {' '.join(costs)}"


def _ends(run: Run, cost: Column, variant: str) -> str:
    return from_to(run.sweep("steps", cost.quantity, cost.phase, variant), cost, "T")


GROWTH = Drawing(
    "growth", "How costs grow with the number of steps", _describe, "less is better, and so is a smaller exponent"
)


@GROWTH.drawn_by
def draw_growth(run: Run) -> Figure | None:
    """Draw each cost against T on logarithmic axes, one panel a question, with the exponents below each."""
    costs = growth_costs(run)
    variants = variants_of(costs)
    bands = [[question for question in band if _is_a_line(costs, question, variants)] for band in GROWTH_BANDS]
    bands = [band for band in bands if band]
    if not bands:
        return None
    stopped = [variant for variant in variants if any(_lost(costs[key]) for key in costs if key[1] == variant)]
    columns, fitted = max(map(len, GROWTH_BANDS)), has_fits(costs)
    plot, fits = HEADING + STOPPED_ROW * len(stopped) + PLOT_HEIGHT + X_TICKS, FIT_ROW * len(variants)
    figure = GROWTH.frame(small_print(run), len(bands) * (plot + fits + BAND_GAP))
    heights, widths = [PLOT_HEIGHT, fits] * len(bands), [NAMES_WIDTH, *[PLOT_WIDTH] * columns]
    grid = figure.subplots(len(heights), len(widths), squeeze=False, height_ratios=heights, width_ratios=widths)
    for axes in grid[:, 0]:
        axes.set_axis_off()
    for number, (questions, plots, rows) in enumerate(zip(bands, grid[::2], grid[1::2], strict=True)):
        explained = [EXPLAINED[question] for question in questions if question in EXPLAINED]
        reading = "\n".join([*([] if number else [READING, *([FITS] if fitted else [])]), *explained])
        note(plots[0], reading, (0, 1), (0, -4), "axes fraction", color=QUIET, va="top", linespacing=1.45)
        if stopped:
            _draw_stopped_key(plots[0], len(stopped))
        _draw_names(rows[0], variants)
        for axes, fit_axes, question in zip(plots[1:], rows[1:], questions, strict=False):
            _draw_panel(axes, question, costs, variants, stopped)
            _draw_fits(fit_axes, [costs[question, variant] for variant in variants] if fitted else [], question.exact)
        for axes in (*plots[1 + len(questions) :], *rows[1 + len(questions) :]):
            axes.set_axis_off()
    return figure


def _medians(costs: Costs, question: Column, variant: str) -> dict[int, float]:
    """Return the medians that a logarithmic axis can show, by T, in the unit of the question."""
    sweep = costs[question, variant].items()
    return {T: cost.median / question.scale for T, cost in sweep if cost.samples and cost.median > 0}


def _is_a_line(costs: Costs, question: Column, variants: list[str]) -> bool:
    """Return whether a variant has a cost at two T or more."""
    return any(len(_medians(costs, question, variant)) > 1 for variant in variants)


def _lost(sweep: dict[int, Measurement]) -> list[int]:
    """Return the T at which a case was stopped or failed before it gave a sample."""
    return [steps for steps, cost in sweep.items() if not cost.samples and broke_off(cost)]


def _draw_names(axes: Axes, variants: list[str]) -> None:
    """Name the rows of exponents, each with its line and marker: the figure's legend."""
    axes.set(xlim=(0, 1), ylim=(len(variants), 0))
    for row, variant in enumerate(variants):
        if row % 2 == 0:
            stripe(axes, row, row + 1)
        note(axes, label(variant), (0, row + 0.5))
        axes.plot([0.86, 0.96, 1.06], [row + 0.5] * 3, markevery=[1], clip_on=False, **_line_style(variant))


def _draw_stopped_key(axes: Axes, rows: int) -> None:
    height = 1 + rows * STOPPED_ROW / PLOT_HEIGHT / 2
    axes.set(xlim=(0, 1), ylim=(0, 1))
    cross_out(axes, 0.96, height, QUIET)
    note(axes, "stopped or failed", (0.96, height), (-10, 0), color=QUIET, ha="right")


def _line_style(variant: str) -> dict:
    style = {"color": colour(variant), "linewidth": 1.4, "marker": MARKERS[variant], "markersize": 4.5}
    return style | {"markeredgecolor": "white", "markeredgewidth": 0.4}


def _draw_panel(axes: Axes, question: Column, costs: Costs, variants: list[str], stopped: list[str]) -> None:
    head(axes, question.heading, question.unit, STOPPED_ROW * len(stopped))
    medians = {variant: _medians(costs, question, variant) for variant in variants}
    steps = sorted({T for sweep in costs.values() for T in sweep})
    axes.set_xscale("log", base=2)
    axes.set_xlim(min(steps) / 1.3, max(steps) * 1.3)
    _label_steps(axes, sorted({T for variant in variants for T in costs[question, variant]}))
    label_decades(axes, [value for points in medians.values() for value in points.values()])
    for variant, points in medians.items():
        axes.plot(list(points), list(points.values()), **_line_style(variant))
    for row, variant in enumerate(stopped):
        for T in _lost(costs[question, variant]):
            cross_out(axes, T, 1 + (row + 0.5) * STOPPED_ROW / PLOT_HEIGHT, colour(variant))


def _label_steps(axes: Axes, steps: Sequence[int]) -> None:
    """Mark every measured T, and label as many as there is room for, from the largest down."""
    low, high = np.log(axes.get_xlim())
    labelled, free = [], np.inf
    for value in reversed(steps):
        place, half = (np.log(value) - low) / (high - low) * PLOT_WIDTH, text_width(str(value), SMALL) / 2
        if place + half + 0.05 < free:
            labelled.append(value)
            free = place - half
    axes.set_xticks(labelled, [str(value) for value in labelled])
    axes.set_xticks(steps, minor=True)
    axes.tick_params(axis="x", which="minor", labelbottom=False)
    note(axes, "T", (0, 0), (-9, -7), "axes fraction", color=QUIET, style="italic")


def _draw_fits(axes: Axes, sweeps: list[dict[int, Measurement]], exact: bool) -> None:
    axes.set_axis_off()
    axes.set_ylim(max(1, len(sweeps)), 0)
    for row, sweep in enumerate(sweeps):
        fit = fit_growth(sweep)
        style: dict[str, Any] = {"color": QUIET, "style": "italic"} if isinstance(fit, str) else {}
        note(axes, growth_text(fit, "T^", exact), (0, row + 0.5), **style)

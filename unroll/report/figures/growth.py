"""The figure of growth: each cost against T on logarithmic axes, with the exponents of their laws."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unroll.measure.journal import Measurement, Run
from unroll.measure.variants import label
from unroll.report.figures.frame import (
    DPI,
    HEADING_HEIGHT,
    MARGIN,
    QUIET,
    SMALL,
    TICKS_WIDTH,
    WIDTH,
    add_axes,
    colour,
    cross_out,
    empty_figure,
    label_decades,
    print_height,
    small_print,
    styled,
    text_width,
    write_heading,
    write_small_print,
    write_title,
)
from unroll.report.growth import (
    FITTED_FROM,
    GROWTH_BANDS,
    GROWTH_VARIANTS,
    Costs,
    fit_growth,
    growth_costs,
    growth_text,
    variants_of,
)
from unroll.report.tables import NOTHING, Column, broke_off

MARKERS: dict[str, str] = dict(zip(GROWTH_VARIANTS, "osD^vP", strict=True))
GROWTH_TITLE = "How costs grow with the number of steps"
TITLE_HEIGHT = 0.5
NAMES_WIDTH, PANEL_GAP = 1.78, 0.14
PLOT_HEIGHT, X_TICKS_HEIGHT, FIT_ROW, BAND_GAP = 1.4, 0.3, 0.18, 0.3
STOPPED_ROW = 0.11  # of the strip above a plot that marks the stopped cases, one row a variant
READINGS = [  # what stands left of each band
    f"Marks: medians. On\nlogarithmic axes a straight\nline is a power of T.\nBelow: p of cost ~ T^p,\n"
    f"fitted over T ≥ {FITTED_FROM}, with\nits 95% interval.",
    "Process: what memory\ngrows by, to build and\nstart training.\nTensors: the allocator's\n"
    "peak in a training step.\nGraph: with its functions.\nSavedModel: on disk.",
]


class GrowthPlan(NamedTuple):
    """Where a band of the figure of growth puts things: the variants, and those of them that were stopped."""

    variants: list[str]
    stopped: list[str]

    @property
    def strip(self) -> float:
        return STOPPED_ROW * len(self.stopped)

    @property
    def fits(self) -> float:
        return FIT_ROW * len(self.variants)

    @property
    def height(self) -> float:
        return HEADING_HEIGHT + self.strip + PLOT_HEIGHT + X_TICKS_HEIGHT + self.fits


@styled
def draw_growth(run: Run) -> Figure:
    """Draw each cost against T on logarithmic axes, one panel a question, with the exponents below each."""
    costs = growth_costs(run)
    if not costs:
        return empty_figure(run, GROWTH_TITLE, NOTHING)
    variants = variants_of(costs)
    plan = GrowthPlan(variants, [variant for variant in variants if _stopped_steps(costs, variant)])
    print_lines = small_print(run)
    height = TITLE_HEIGHT + len(GROWTH_BANDS) * (plan.height + BAND_GAP) - BAND_GAP + 0.1 + print_height(print_lines)
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    write_title(figure, GROWTH_TITLE, "less is better, and so is a smaller exponent")
    limits = _steps_limits(costs)
    top = height - TITLE_HEIGHT
    for band, reading in zip(GROWTH_BANDS, READINGS, strict=True):
        _draw_growth_band(figure, costs, band, plan, limits, top)
        y = (top - HEADING_HEIGHT - plan.strip - 0.06) / height
        style = {"fontsize": SMALL, "color": QUIET, "va": "top", "linespacing": 1.45}
        figure.text(MARGIN / WIDTH, y, reading, **style)
        top -= plan.height + BAND_GAP
    write_small_print(figure, print_lines)
    return figure


def _stopped_steps(costs: Costs, variant: str) -> set[int]:
    """Return the T at which something of a variant was stopped or failed before it gave a sample."""
    sweeps = [measured for (_, name), measured in costs.items() if name == variant]
    return {steps for measured in sweeps for steps in _lost(measured)}


def _lost(measured: dict[int, Measurement]) -> list[int]:
    return [steps for steps, found in measured.items() if not found.samples and broke_off(found)]


def _steps_limits(costs: Costs) -> tuple[float, float]:
    steps = {steps for measured in costs.values() for steps in measured}
    return min(steps) / 1.3, max(steps) * 1.3


def _draw_growth_band(
    figure: Figure,
    costs: Costs,
    band: list[Column],
    plan: GrowthPlan,
    limits: tuple[float, float],
    top: float,
) -> None:
    fits_bottom = top - plan.height
    plot_bottom = fits_bottom + plan.fits + X_TICKS_HEIGHT
    _draw_names(add_axes(figure, MARGIN, fits_bottom, WIDTH - 2 * MARGIN, plan.fits), plan.variants)
    if plan.stopped:
        _draw_stopped_key(add_axes(figure, MARGIN, plot_bottom + PLOT_HEIGHT, NAMES_WIDTH, plan.strip))
    slot = (WIDTH - 2 * MARGIN - NAMES_WIDTH + PANEL_GAP) / len(band)
    for number, question in enumerate(band):
        left = MARGIN + NAMES_WIDTH + number * slot + TICKS_WIDTH
        width = slot - PANEL_GAP - TICKS_WIDTH
        measured = {variant: costs[question, variant] for variant in plan.variants}
        axes = add_axes(figure, left, plot_bottom, width, PLOT_HEIGHT, ticks=True)
        _draw_growth_panel(axes, question, measured, plan, limits)
        _draw_fits(add_axes(figure, left, fits_bottom, width, plan.fits), measured)


def _draw_names(axes: Axes, variants: list[str]) -> None:
    """Name the rows of exponents, each with its line and marker: the figure's legend."""
    axes.set(xlim=(0, WIDTH - 2 * MARGIN), ylim=(len(variants), 0))
    for row, variant in enumerate(variants):
        if row % 2 == 0:
            axes.axhspan(row, row + 1, color="#F4F4F4", linewidth=0)
        axes.text(0.08, row + 0.5, label(variant), fontsize=SMALL, va="center_baseline")
        swatch = [NAMES_WIDTH - 0.3, NAMES_WIDTH - 0.14, NAMES_WIDTH + 0.02]
        axes.plot(swatch, [row + 0.5] * 3, markevery=[1], **_line_style(variant))


def _draw_stopped_key(axes: Axes) -> None:
    axes.set(xlim=(0, NAMES_WIDTH), ylim=(0, 1))
    axes.plot(NAMES_WIDTH - 0.14, 0.5, "x", color=QUIET, markersize=4.5, markeredgewidth=1.3)
    axes.text(
        NAMES_WIDTH - 0.28, 0.5, "stopped or failed", fontsize=SMALL, color=QUIET, ha="right", va="center_baseline"
    )


def _line_style(variant: str) -> dict:
    style = {"color": colour(variant), "linewidth": 1.4, "marker": MARKERS[variant], "markersize": 4.5}
    return style | {"markeredgecolor": "white", "markeredgewidth": 0.4}


def _draw_growth_panel(
    axes: Axes, question: Column, measured: dict[str, dict[int, Measurement]], plan: GrowthPlan, limits
) -> None:
    write_heading(axes, question.heading, question.unit, plan.strip)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlim(limits)
    shown = {variant: _positive_medians(found, question.scale) for variant, found in measured.items()}
    values = [value for points in shown.values() for value in points.values()]
    _label_steps(axes, sorted({steps for found in measured.values() for steps in found}))
    label_decades(axes, values)
    for variant, points in shown.items():
        axes.plot(list(points), list(points.values()), **_line_style(variant))
    for row, variant in enumerate(plan.stopped):
        for steps in _lost(measured[variant]):
            cross_out(axes, steps, 1 + (row + 0.5) * STOPPED_ROW / PLOT_HEIGHT, colour(variant))
    if not values:
        axes.text(
            0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", fontsize=SMALL, color=QUIET, style="italic"
        )


def _positive_medians(measured: dict[int, Measurement], scale: float) -> dict[int, float]:
    """Return the medians that a logarithmic axis can show, in the shown unit."""
    return {steps: found.median / scale for steps, found in measured.items() if found.samples and found.median > 0}


def _label_steps(axes: Axes, steps: list[int]) -> None:
    """Mark every measured T, and label as many as there is room for, from the largest down."""
    low, high = np.log(axes.get_xlim())
    width = axes.get_position().width * WIDTH
    labelled, free = [], np.inf
    for value in reversed(steps):
        place, half = (np.log(value) - low) / (high - low) * width, text_width(str(value), SMALL) / 2
        if place + half + 0.05 < free:
            labelled.append(value)
            free = place - half
    axes.set_xticks(labelled, [str(value) for value in labelled])
    axes.set_xticks(steps, minor=True)
    axes.tick_params(axis="x", which="both", length=2, width=0.6, color=QUIET, pad=2)
    axes.tick_params(axis="x", which="minor", labelbottom=False)
    axes.annotate("T", (0, 0), (-9, -11), "axes fraction", "offset points", fontsize=SMALL, color=QUIET, style="italic")


def _draw_fits(axes: Axes, measured: dict[str, dict[int, Measurement]]) -> None:
    axes.set(xlim=(0, 1), ylim=(len(measured), 0))
    for row, found in enumerate(measured.values()):
        fit = fit_growth(found)
        style: dict[str, Any] = {"color": QUIET, "style": "italic"} if isinstance(fit, str) else {}
        axes.text(0, row + 0.5, growth_text(fit, "T^"), fontsize=SMALL, va="center_baseline", **style)

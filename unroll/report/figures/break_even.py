"""The figure of break-even: what training costs in all, and after how many steps a slow start has paid for itself."""

import math
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unroll.measure.journal import Run
from unroll.measure.statistics import BreakEven
from unroll.measure.variants import label, own_mode
from unroll.report.figures.frame import (
    DPI,
    EXPLAINED_HEIGHT,
    FAINT,
    MARGIN,
    QUIET,
    SMALL,
    WIDTH,
    add_axes,
    colour,
    empty_figure,
    explain,
    label_decades,
    print_height,
    small_print,
    styled,
    write_small_print,
    write_title,
)
from unroll.report.figures.layout import apart
from unroll.report.tables import BREAK_EVEN_PAIRS, NOTHING, lack, measured_pairs, pair_break_even, steps_text

TITLE = "When has a slow start paid for itself?"
SHOWN = tuple(dict.fromkeys(variant for pair in reversed(BREAK_EVEN_PAIRS) for variant in pair))
LEAST_STEPS, MOST_STEPS = 1e4, 1e7  # that the axis reaches to: an epoch of MNIST is some 500
NAMES_WIDTH, TICKS_WIDTH, NUMBERS_WIDTH = 2.0, 0.62, 1.62
AXIS = WIDTH - 2 * MARGIN - NAMES_WIDTH - TICKS_WIDTH - NUMBERS_WIDTH
LINES_HEIGHT, LINES_HEAD, PAIRS_HEAD, PAIR_ROW, TICKS_HEIGHT = 2.6, 0.2, 0.55, 0.4, 0.5
NAME_LINE = 0.17  # from one name beside the lines to the next
PAIR_STYLE: dict = {"markersize": 6, "markeredgewidth": 1.4, "clip_on": False, "zorder": 4}


class Bill(NamedTuple):
    """What a variant takes to start and then for each step, in seconds, by the medians."""

    start: float
    step: float

    def after(self, steps):
        """Return what it has taken in all after so many steps."""
        return self.start + steps * self.step


Pairs = list[tuple[str, str, BreakEven | str]]  # who starts later, beside whom, and when it has paid or why not known


@styled
def draw_break_even(run: Run) -> Figure:
    """Draw the cumulative time against the number of training steps, and below it after how many a slow start pays."""
    bills = {variant: bill for variant in SHOWN if (bill := _bill(run, variant))}
    pairs = [pair_break_even(run, *pair) for pair in measured_pairs(run, BREAK_EVEN_PAIRS)]
    if not bills:
        return empty_figure(run, TITLE, NOTHING)
    print_lines = [*_missing(bills), *small_print(run)]
    pairs_height = PAIR_ROW * len(pairs)
    below = print_height(print_lines) + TICKS_HEIGHT
    height = below + pairs_height + PAIRS_HEAD + LINES_HEIGHT + LINES_HEAD + EXPLAINED_HEIGHT
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    write_title(figure, TITLE, "build + first call + n training steps; less is better")
    explain(
        figure,
        "Lines: medians, both axes logarithmic. Break-even: over rounds side by side, with its 95% interval; "
        "an arrow reaches on to never.",
    )
    limits = (1.0, _last_step(pairs))
    left, lines_bottom = MARGIN + NAMES_WIDTH, below + pairs_height + PAIRS_HEAD
    axes = add_axes(figure, left, lines_bottom, AXIS, LINES_HEIGHT, ticks=True)
    _draw_bills(axes, bills, pairs, limits)
    _draw_names(add_axes(figure, MARGIN, lines_bottom, NAMES_WIDTH, LINES_HEIGHT), axes, bills)
    if pairs:
        _draw_pairs(figure, pairs, limits, below, pairs_height)
    else:
        _label_steps(axes, limits)
    write_small_print(figure, print_lines)
    return figure


def _bill(run: Run, variant: str) -> Bill | None:
    """Return the medians of starting and of a step; None if not all was measured. PyTorch is not built."""
    quantities = ["first_call", "step"] if own_mode(variant) == "eager" else ["build", "first_call", "step"]
    found = [run.find(quantity, "train", variant) for quantity in quantities]
    if any(map(lack, found)):
        return None
    *starts, step = (measured.median for measured in found if measured)
    return Bill(sum(starts), step) if sum(starts) > 0 and step > 0 else None


def _missing(bills: dict[str, Bill]) -> list[str]:
    names = [label(variant) for variant in SHOWN if variant not in bills]
    return [f"Not measured in this run, or not in full: {', '.join(names)}"] if names else []


def _last_step(pairs: Pairs) -> float:
    """Return how far the axis of steps must reach: beyond all break-evens and intervals, to a whole power of ten."""
    ends = [end for _, _, found in pairs if not isinstance(found, str) for end in found if math.isfinite(end)]
    return float(10 ** math.ceil(math.log10(min(max([LEAST_STEPS, *(2 * end for end in ends)]), MOST_STEPS))))


def _draw_bills(axes: Axes, bills: dict[str, Bill], pairs: Pairs, limits: tuple[float, float]) -> None:
    """Draw a line a variant, and mark where the later to start has caught up."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(limits)
    steps = np.geomspace(*limits, 200)
    costs = [bill.after(n) for bill in bills.values() for n in limits]
    label_decades(axes, costs)
    low, high = min(costs) / 1.6, max(costs) * 1.6
    decades = [10.0**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    axes.set_yticks(decades, [f"{decade:,g}" for decade in decades])
    axes.set_ylim(low, high)
    axes.yaxis.tick_right()
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.set_xticks([10.0**power for power in range(round(math.log10(limits[1])) + 1)], [])
    axes.set_xticks([], minor=True)
    axes.tick_params(axis="x", length=0)
    axes.annotate("seconds in all", (1, 1), (4, 4), "axes fraction", "offset points", fontsize=SMALL, color=QUIET)
    for variant, bill in bills.items():
        axes.plot(steps, bill.after(steps), color=colour(variant), linewidth=1.6)
    for number, (late, _, found) in enumerate(pairs):
        if not isinstance(found, str) and late in bills and limits[0] < found.steps < limits[1]:
            cost = bills[late].after(found.steps)
            axes.plot([found.steps] * 2, [axes.get_ylim()[0], cost], color=colour(late), linewidth=0.8, zorder=1.5)
            smaller: dict = {"markersize": 9 - 1.5 * number, "markeredgecolor": "white", "markeredgewidth": 0.8}
            axes.plot(found.steps, cost, "o", color=colour(late), **PAIR_STYLE | smaller)


def _draw_names(axes: Axes, lines: Axes, bills: dict[str, Bill]) -> None:
    """Name each line at its start, with what it takes to start, the names apart from one another."""
    low, high = np.log10(lines.get_ylim())
    order = sorted(bills, key=lambda variant: bills[variant].after(1))
    starts = [(np.log10(bills[variant].after(1)) - low) / (high - low) * LINES_HEIGHT for variant in order]
    axes.set(xlim=(0, NAMES_WIDTH), ylim=(0, LINES_HEIGHT))
    for variant, start, y in zip(order, starts, apart(starts, NAME_LINE), strict=True):
        axes.plot([NAMES_WIDTH - 0.26, NAMES_WIDTH], [y, start], color=colour(variant), linewidth=1, clip_on=False)
        name = f"{label(variant)}, {bills[variant].start:.2f} s"
        axes.text(NAMES_WIDTH - 0.3, y, name, fontsize=SMALL, ha="right", va="center_baseline")


def _draw_pairs(figure: Figure, pairs: Pairs, limits: tuple[float, float], bottom: float, height: float) -> None:
    """Draw a row a pair: the break-even as a dot, its interval as a line, under the lines that it belongs to."""
    names = add_axes(figure, MARGIN, bottom, WIDTH - 2 * MARGIN, height)
    names.set(xlim=(0, WIDTH - 2 * MARGIN), ylim=(len(pairs), 0))
    axes = add_axes(figure, MARGIN + NAMES_WIDTH, bottom, AXIS, height, ticks=True)
    axes.set_xscale("log")
    axes.set(xlim=limits, ylim=(len(pairs), 0), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    _label_steps(axes, limits)
    numbers = NAMES_WIDTH + AXIS + 0.16
    style: dict = {"va": "bottom", "fontweight": "bold"}
    names.annotate("Starts later, beside", (0.08, 0), (0, 6), "data", "offset points", **style)
    names.annotate("Break-even, in steps", (numbers, 0), (0, 6), "data", "offset points", **style)
    for row, (late, early, found) in enumerate(pairs):
        if row % 2 == 0:
            names.axhspan(row, row + 1, color="#F4F4F4", linewidth=0)
        names.text(0.08, row + 0.3, label(late), fontweight="bold", va="center_baseline")
        names.text(0.08, row + 0.7, f"beside {label(early)}", va="center_baseline")
        if isinstance(found, str):
            names.text(numbers, row + 0.5, found, fontsize=SMALL, style="italic", color=QUIET, va="center_baseline")
            continue
        _draw_break_even(axes, row + 0.5, found, colour(late))
        value, more = _written(found)
        names.text(numbers, row + 0.3, value, fontweight="bold", va="center_baseline")
        names.text(numbers, row + 0.7, more, fontsize=SMALL, color=QUIET, va="center_baseline")


def _draw_break_even(axes: Axes, row: float, found: BreakEven, hue: str) -> None:
    """Draw one break-even within the axis; what lies beyond an end of it is drawn at that end, never as an arrow."""
    first, last = axes.get_xlim()
    ends = (found.steps if math.isnan(end) else end for end in (found.low, found.high))
    low, high = (min(max(end, first), last) for end in ends)
    axes.plot([low, high], [row, row], color=hue, linewidth=2.2, solid_capstyle="butt", clip_on=False)
    if found.high >= last:
        axes.plot(last, row, ">", color=hue, **PAIR_STYLE)
    if found.steps <= last:
        style: dict = {"markerfacecolor": hue, "markeredgecolor": hue} | PAIR_STYLE
        axes.plot(max(found.steps, first), row, "o", **style)


def _written(found: BreakEven) -> tuple[str, str]:
    """Write a break-even, and its interval where that says more."""
    low, high = ("" if math.isnan(end) else steps_text(end) for end in (found.low, found.high))
    if not low:
        return steps_text(found.steps), "one round"
    return steps_text(found.steps), f"from {low} up to {high}" if low != high else "in all of the interval"


def _label_steps(axes: Axes, limits: tuple[float, float]) -> None:
    powers = range(round(math.log10(limits[1])) + 1)
    axes.set_xticks([10.0**power for power in powers], [f"{10**power:,}" for power in powers])
    axes.set_xticks([], minor=True)
    axes.tick_params(axis="x", length=2, width=0.6, color=QUIET, pad=2)
    axes.set_xlabel("training steps n", fontsize=SMALL, color=QUIET, labelpad=2)

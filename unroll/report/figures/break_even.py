"""The figure of break-even: what training costs in all, and after how many steps a slow start has paid for itself."""

import math
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from unroll.measure.journal import Run
from unroll.measure.presets import CUDNN
from unroll.measure.statistics import ENOUGH_ROUNDS, BreakEven, Ratio
from unroll.measure.variants import label, own_mode
from unroll.report.figures.frame import (
    FAINT,
    NORMAL,
    QUIET,
    SMALL_QUIET,
    Drawing,
    colour,
    hide,
    note,
    small_print,
    stripe,
    value_axis,
)
from unroll.report.figures.layout import apart
from unroll.report.figures.words import sentences
from unroll.report.growth import STEP_TRAIN
from unroll.report.tables import (
    BREAK_EVEN_PAIRS,
    lack,
    measured_pairs,
    pair_break_even,
    pair_ratio,
    steps_interval,
    steps_text,
)

LINES = tuple(dict.fromkeys([*(variant for pair in reversed(BREAK_EVEN_PAIRS) for variant in pair), CUDNN]))
LEAST_STEPS, MOST_STEPS = 1e4, 1e7  # that the axis reaches to: an epoch of MNIST is some 500
NAMES_WIDTH, AXIS_WIDTH, NUMBERS_WIDTH = 2.0, 5.4, 1.62
LINES_HEIGHT, PAIRS_HEAD, PAIR_ROW, TICKS_HEIGHT = 2.7, 0.4, 0.4, 0.5
NAME_LINE = 0.17 / LINES_HEIGHT  # from one name beside the lines to the next
DOT: dict[str, Any] = {"markersize": 6, "markeredgewidth": 1.4, "clip_on": False, "zorder": 4}


class Bill(NamedTuple):
    """What a variant takes to start and then for each step, in seconds, by the medians."""

    start: float
    step: float

    def after(self, steps):
        """Return what it has taken in all after so many steps."""
        return self.start + steps * self.step


class Pair(NamedTuple):
    """Two variants, the later to start first; their break-even or why it is not known, from how many rounds."""

    late: str
    early: str
    paid: BreakEven | str
    rounds: int

    @property
    def face(self) -> str:
        """The colour within its dots: white if there were too few rounds."""
        return colour(self.late) if self.rounds >= ENOUGH_ROUNDS else "white"


def _describe(run: Run) -> str:
    pairs = [f"{label(late)} beside {label(early)}: {_paid_text(paid)}" for late, early, paid, _ in _pairs(run)]
    lines = "The lines show each variant's time after so many training steps, as a multiple of the loop's."
    lines += " Two lines cross where a later start has paid."
    return f"{lines} {sentences(pairs)}"


def _paid_text(paid: BreakEven | str) -> str:
    return paid if isinstance(paid, str) else f"{steps_text(paid.steps)} ({steps_interval(paid)})"


BREAK_EVEN = Drawing(
    "break-even",
    "When has a slow start paid for itself?",
    _describe,
    "build + first call + n training steps; less is better",
    "Lines: medians, divided by the loop's. Dots: the break-even over interleaved rounds (hollow: fewer than "
    f"{ENOUGH_ROUNDS}), with its 95% interval.\nThe arrow means: possibly never.",
)


@BREAK_EVEN.drawn_by
def draw_break_even(run: Run) -> Figure | None:
    """Draw the cumulative time against the number of training steps, and below it after how many a slow start pays."""
    bills = {variant: bill for variant in LINES if (bill := _bill(run, variant))}
    if len(bills) < 2:  # one line alone crosses none
        return None
    pairs = _pairs(run)
    heights = [LINES_HEIGHT, PAIR_ROW * len(pairs)] if pairs else [LINES_HEIGHT]
    lines = [*_unmeasured(bills), *small_print(run)]
    figure = BREAK_EVEN.frame(lines, sum(heights) + TICKS_HEIGHT + PAIRS_HEAD * len(heights))
    widths = [NAMES_WIDTH, AXIS_WIDTH, NUMBERS_WIDTH]
    grid = figure.subplots(len(heights), 3, squeeze=False, width_ratios=widths, height_ratios=heights)
    for axes in grid[:, ::2].flat:
        axes.set_axis_off()
    limits = (1.0, _last_step(pairs))
    _draw_bills(grid[0, 1], bills, pairs, limits)
    _draw_names(grid[0, 0], grid[0, 1], bills)
    if pairs:
        names, axes, numbers = grid[1]
        _draw_pairs(names, axes, numbers, pairs, limits)
    for axes in grid[:, 1]:
        _mark_steps(axes, limits, labelled=axes is grid[-1, 1])
    return figure


def _pairs(run: Run) -> list[Pair]:
    pairs = [pair_break_even(run, *pair) for pair in measured_pairs(run, BREAK_EVEN_PAIRS)]
    steps = [pair_ratio(run, STEP_TRAIN, late, early) for late, early, _ in pairs]
    rounds = [ratio.rounds if isinstance(ratio, Ratio) else 0 for ratio in steps]
    return [Pair(*pair, count) for pair, count in zip(pairs, rounds, strict=True)]


def _bill(run: Run, variant: str) -> Bill | None:
    """Return the medians of starting and of a step; None if not all was measured. PyTorch is not built."""
    quantities = ["first_call", "step"] if own_mode(variant) == "eager" else ["build", "first_call", "step"]
    costs = [run.find(quantity, "train", variant) for quantity in quantities]
    if any(map(lack, costs)):
        return None
    *starts, step = (cost.median for cost in costs if cost)
    return Bill(sum(starts), step) if sum(starts) > 0 and step > 0 else None


def _unmeasured(bills: dict[str, Bill]) -> list[str]:
    """Name the variants that have no line; one that needs a GPU is named on no run without one."""
    names = [label(variant) for variant in LINES if variant not in bills and variant != CUDNN]
    return [f"Not measured in this run, or not in full: {', '.join(names)}"] if names else []


def _last_step(pairs: list[Pair]) -> float:
    """Return how far the axis of steps must reach: beyond all break-evens and intervals, to a whole power of ten."""
    ends = [end for pair in pairs if not isinstance(pair.paid, str) for end in pair.paid if math.isfinite(end)]
    return float(10 ** math.ceil(math.log10(min(max([LEAST_STEPS, *(2 * end for end in ends)]), MOST_STEPS))))


def _yardstick(bills: dict[str, Bill]) -> str:
    """Return the variant whose time is 1 on the axis: the loop, or the first to start if there is no loop."""
    return "dynamic" if "dynamic" in bills else min(bills, key=lambda variant: bills[variant].after(1))


def _draw_bills(axes: Axes, bills: dict[str, Bill], pairs: list[Pair], limits: tuple[float, float]) -> None:
    """Draw a line a variant, as a multiple of the loop's, and mark where the later to start has caught up."""
    yardstick = _yardstick(bills)
    steps = np.geomspace(*limits, 200)
    lines = {variant: bill.after(steps) / bills[yardstick].after(steps) for variant, bill in bills.items()}
    axes.set_xscale("log")
    axes.set(xlim=limits, ylim=(0, 1.08 * max(line.max() for line in lines.values())))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.yaxis.tick_right()
    value_axis(axes.yaxis)
    note(axes, f"times {label(yardstick)}'s", (1, 1), (4, 8), "axes fraction", color=QUIET)
    for variant, line in lines.items():
        axes.plot(steps, line, color=colour(variant), linewidth=1.6)
    for number, pair in enumerate(pairs):
        paid, hue = pair.paid, colour(pair.late)
        if not isinstance(paid, str) and pair.late in bills and limits[0] < paid.steps < limits[1]:
            height = bills[pair.late].after(paid.steps) / bills[yardstick].after(paid.steps)
            axes.plot([paid.steps] * 2, [0, height], color=hue, linewidth=0.8, zorder=1.5)
            edge = "white" if pair.face == hue else hue
            smaller = {"markersize": 9 - 1.5 * number, "markeredgecolor": edge, "markeredgewidth": 0.9}
            axes.plot(paid.steps, height, "o", markerfacecolor=pair.face, **DOT | smaller)


def _draw_names(axes: Axes, lines: Axes, bills: dict[str, Bill]) -> None:
    """Name each line at its start, with what it takes to start, the names apart from one another."""
    low, high = lines.get_ylim()
    order = sorted(bills, key=lambda variant: bills[variant].after(1))
    unit = bills[_yardstick(bills)].after(1)
    starts = [(bills[variant].after(1) / unit - low) / (high - low) for variant in order]
    axes.set(xlim=(0, 1), ylim=(0, 1))
    for variant, start, y in zip(order, starts, apart(starts, NAME_LINE), strict=True):
        axes.plot([0.9, 1.06], [y, start], color=colour(variant), linewidth=1, clip_on=False, in_layout=False)
        note(axes, f"{label(variant)}, {bills[variant].start:.2f} s", (0.88, y), ha="right")


def _draw_pairs(names: Axes, axes: Axes, numbers: Axes, pairs: list[Pair], limits: tuple[float, float]) -> None:
    """Draw a row a pair: the break-even as a dot, its interval as a line, under the lines that it belongs to."""
    axes.set_xscale("log")
    axes.set_xlim(limits)
    hide(axes, x=False)
    bold: dict[str, Any] = {"fontsize": NORMAL, "fontweight": "bold"}
    for side, heading in ((names, "Starts later, beside"), (numbers, "Break-even, in steps")):
        note(side, heading, (0, 0), (0, 10), in_layout=True, **bold)
    for side in (names, axes, numbers):
        side.set_ylim(len(pairs), 0)
    for row, pair in enumerate(pairs):
        if row % 2 == 0:
            stripe(names, row, row + 1)
        note(names, label(pair.late), (0, row + 0.3), **bold)
        note(names, f"beside {label(pair.early)}", (0, row + 0.7), fontsize=NORMAL)
        if isinstance(pair.paid, str):
            note(numbers, pair.paid, (0, row + 0.5), style="italic", color=QUIET)
            continue
        _draw_break_even(axes, row + 0.5, pair.paid, colour(pair.late), pair.face)
        value, more = _written(pair.paid)
        note(numbers, value, (0, row + 0.3), **bold)
        note(numbers, more, (0, row + 0.7), color=QUIET)


def _draw_break_even(axes: Axes, row: float, paid: BreakEven, hue: str, face: str) -> None:
    """Draw one break-even within the axis; what lies beyond an end of it is drawn at that end, never as an arrow."""
    first, last = axes.get_xlim()
    ends = (paid.steps if math.isnan(end) else end for end in (paid.low, paid.high))
    low, high = (min(max(end, first), last) for end in ends)
    axes.plot([low, high], [row, row], color=hue, linewidth=2.2, solid_capstyle="butt", clip_on=False)
    if paid.high >= last:
        axes.plot(last, row, ">", markeredgecolor=hue, markerfacecolor=face, **DOT)
    if paid.steps <= last:
        axes.plot(max(paid.steps, first), row, "o", markerfacecolor=face, markeredgecolor=hue, **DOT)


def _written(paid: BreakEven) -> tuple[str, str]:
    """Return a break-even as text, and its interval if that says more."""
    low, high = ("" if math.isnan(end) else steps_text(end) for end in (paid.low, paid.high))
    if not low:
        return steps_text(paid.steps), "one round"
    return steps_text(paid.steps), f"from {low} up to {high}" if low != high else "in all of the interval"


def _mark_steps(axes: Axes, limits: tuple[float, float], *, labelled: bool) -> None:
    """Draw a faint line at each power of ten, and label it."""
    powers = range(round(math.log10(limits[1])) + 1)
    axes.set_xticks([10.0**power for power in powers], [f"{10**power:,}" if labelled else "" for power in powers])
    axes.set_xticks([], minor=True)
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    if labelled:
        axes.set_xlabel("training steps n", labelpad=2, **SMALL_QUIET)

"""The figures of costs and of ratios, drawn from a run's records alone."""

from collections.abc import Iterable
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from unroll.measure.config import VARIANT_LABELS
from unroll.measure.journal import Record, Run
from unroll.measure.statistics import Ratio
from unroll.report.style import (
    COLOURS,
    DPI,
    FAINT,
    INK,
    MARGIN,
    NORMAL,
    QUIET,
    SMALL,
    WIDTH,
    add_axes,
    print_height,
    small_print,
    styled,
    write_small_print,
    write_title,
)
from unroll.report.tables import KIB, MIB, PAIRS, TURNS, pair_ratio, significant


class Panel(NamedTuple):
    """One question of the figure of costs, and the records that answer it."""

    question: str
    unit: str
    quantity: str
    phase: str
    scale: float  # what one of the shown units is in the record's unit


BANDS = [
    [
        Panel("How long to build\nthe training graph?", "ms", "build", "train", 1e-3),
        Panel("How long is the\nfirst training call?", "ms", "first_call", "train", 1e-3),
        Panel("How long is one\nlater training step?", "ms", "step", "train", 1e-3),
        Panel("How many nodes are in\nthe training graph?", "with its functions", "nodes", "train", 1),
    ],
    [
        Panel("How much does the\nprocess grow?", "MiB, to build and start training", "process", "train", MIB),
        Panel("How much do tensors\nhold in a training step?", "MiB, at the peak", "tensors", "train", MIB),
        Panel("How large is\nthe SavedModel?", "KiB", "export", "forward", KIB),
    ],
]
HOW_TO_READ = (
    "How to read it",
    "Bar and number: the median.",
    "Thin line: the middle half of",
    "the samples, where several.",
    "Times: one variant after the",
    "other, while machines drift:",
    "to compare, use the ratios.",
    "Memory: in fresh processes.",
)
ROW, GROUP_GAP = 0.21, 0.45  # a row's height in inches; a gap between groups in rows
LABELS_WIDTH, PANEL_GAP = 1.62, 0.2
TITLE_HEIGHT, BAND_TITLE, BAND_GAP = 0.5, 0.58, 0.2
BAR_SHARE = 0.72  # of a panel's width; the rest is for the longest bar's number


@styled
def draw_costs(run: Run) -> Figure:
    """Draw what each variant costs to build, to start, to run, to hold and to export, as small multiples of bars."""
    rows, rows_height = _rows(VARIANT_LABELS)
    band_height = BAND_TITLE + rows_height * ROW
    print_lines = small_print(run)
    height = TITLE_HEIGHT + len(BANDS) * (band_height + BAND_GAP) + print_height(print_lines)
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    write_title(figure, "What each way of unrolling one LSTM costs", "less is better")
    top = height - TITLE_HEIGHT
    for band in BANDS:
        _draw_band(figure, run, band, rows, top)
        top -= band_height + BAND_GAP
    write_small_print(figure, print_lines)
    return figure


def _rows(variants: Iterable[str]) -> tuple[dict[str, float], float]:
    """Place the variants in rows, one group (static, dynamic, Keras, compat.v1) a little apart from the next.

    Returns:
        the middle of each variant's row, and the height of all, in rows from the top.
    """
    rows, top = {}, 0.0
    for _, group in groupby(variants, key=lambda variant: variant.partition("-")[0]):
        for variant in group:
            rows[variant] = top + 0.5
            top += 1
        top += GROUP_GAP
    return rows, top - GROUP_GAP


def _draw_band(figure: Figure, run: Run, panels: list[Panel], rows: dict[str, float], top: float) -> None:
    bottom_row = max(rows.values()) + 0.5
    height = bottom_row * ROW
    bottom = top - BAND_TITLE - height
    list_axes = add_axes(figure, MARGIN, bottom, WIDTH - 2 * MARGIN, height)
    list_axes.set(xlim=(0, WIDTH - 2 * MARGIN), ylim=(bottom_row, 0))
    for variant, row in rows.items():
        list_axes.text(LABELS_WIDTH - 0.1, row, VARIANT_LABELS[variant], ha="right", va="center_baseline")
    slot = (WIDTH - 2 * MARGIN - LABELS_WIDTH + PANEL_GAP) / max(map(len, BANDS))
    for above, below in pairwise(rows.values()):
        if below - above > 1:
            end = LABELS_WIDTH + slot * len(panels) - PANEL_GAP
            list_axes.plot([0, end], [(above + below) / 2] * 2, color=FAINT, linewidth=0.6)
    for number in range(max(map(len, BANDS))):
        left = MARGIN + LABELS_WIDTH + number * slot
        axes = add_axes(figure, left, bottom, slot - PANEL_GAP, height)
        axes.set(ylim=(bottom_row, 0))
        if number < len(panels):
            _draw_panel(axes, run, panels[number], rows)
        else:
            _draw_how_to_read(axes)


def _draw_panel(axes: Axes, run: Run, panel: Panel, rows: dict[str, float]) -> None:
    records = {variant: run.find(panel.quantity, panel.phase, variant) for variant in rows}
    shown = {variant: record for variant, record in records.items() if record and np.isfinite(record.median)}
    ends = [max(record.quartiles) / panel.scale for record in shown.values()]
    axes.set_xlim(0, max([*ends, 1e-9]) / BAR_SHARE)
    axes.axvline(0, color=QUIET, linewidth=0.6)
    _above(axes, 37, panel.question, fontweight="bold", va="top")
    _above(axes, 4, panel.unit, fontsize=SMALL, color=QUIET)
    for variant, row in rows.items():
        if variant in shown:
            _draw_bar(axes, row, shown[variant], panel.scale, COLOURS[variant])
        else:
            _beside(axes, 0, row, "not available" if records[variant] else "not measured", color=QUIET, style="italic")


def _draw_bar(axes: Axes, row: float, record: Record, scale: float, colour: str) -> None:
    median, (low, high) = record.median / scale, np.array(record.quartiles) / scale
    axes.barh(row, median, height=0.72, color=colour)
    if high > low:
        halo = [Stroke(linewidth=2.5, foreground="white"), Normal()]
        axes.plot([low, high], [row, row], color=INK, linewidth=1, solid_capstyle="butt", path_effects=halo)
    _beside(axes, max(median, high, 0), row, significant(median))


def _beside(axes: Axes, x: float, row: float, text: str, **style) -> None:
    style = {"fontsize": SMALL, "va": "center_baseline"} | style
    axes.annotate(text, (x, row), (3, 0), "data", "offset points", **style)


def _above(axes: Axes, points: float, text: str, **style) -> None:
    axes.annotate(text, (0, 1), (0, points), "axes fraction", "offset points", **style)


def _draw_how_to_read(axes: Axes) -> None:
    heading, *lines = HOW_TO_READ
    _above(axes, 37, heading, fontweight="bold", va="top", color=QUIET)
    _above(axes, 22, "\n".join(lines), fontsize=SMALL, va="top", color=QUIET, linespacing=1.5)


QUESTIONS = {"build": "to build the training graph", "first_call": "in the first call", "step": "in one training step"}
PAIR_ROW = 0.44
PAIRS_WIDTH, NUMBERS_WIDTH, RATIO_GAP = 1.75, 0.82, 0.12
SMALLEST_SPAN = 2.3  # the axis reaches at least from 1 / 2.3 to 2.3
MOST_TICKS = 3  # on either side of 1


@styled
def draw_ratios(run: Run) -> Figure:
    """Draw by what factor the variants of each pair differ, measured in alternation, with 95% intervals."""
    ratios = {(turn.quantity, pair): _ratio(run, turn.quantity, pair) for turn in TURNS for pair in PAIRS}
    height = len(PAIRS) * PAIR_ROW
    print_lines = small_print(run)
    bottom = print_height(print_lines) + 0.35
    figure = Figure(figsize=(WIDTH, bottom + height + 1.15), dpi=DPI)
    write_title(figure, "Is the first faster than the second?", "time of the first / time of the second")
    explained = (
        "Measured in alternation: median with its 95% interval. Filled: the interval excludes 1. Hollow: it does not."
    )
    y = 1 - 0.52 / figure.get_size_inches()[1]
    figure.text(MARGIN / WIDTH, y, explained, fontsize=SMALL, color=QUIET)
    _draw_pairs(add_axes(figure, MARGIN, bottom, WIDTH - 2 * MARGIN, height))
    slot = (WIDTH - 2 * MARGIN - PAIRS_WIDTH) / len(TURNS)
    limit = _span(ratio for ratio in ratios.values() if isinstance(ratio, Ratio))
    for number, turn in enumerate(TURNS):
        left = MARGIN + PAIRS_WIDTH + number * slot
        axes = add_axes(figure, left, bottom, slot - NUMBERS_WIDTH - RATIO_GAP, height, ticks=True)
        _ratio_axis(axes, limit, QUESTIONS.get(turn.quantity, turn.heading))
        for row, pair in enumerate(PAIRS):
            _draw_ratio(axes, row + 0.5, ratios[turn.quantity, pair], COLOURS[pair[0]])
    write_small_print(figure, print_lines)
    return figure


def _ratio(run: Run, quantity: str, pair: tuple[str, str]) -> Ratio | str:
    """Give the ratio of a pair, or say why there is none."""
    records = [run.find(quantity, "train", variant, alternated=True) for variant in pair]
    if not all(records):
        return "not measured"
    if not all(record.samples for record in records if record):
        return "not available"
    try:
        ratio = pair_ratio(run, quantity, *pair)
    except ValueError:
        return "not comparable"
    return ratio if ratio and np.isfinite(ratio.value) and ratio.value > 0 else "not available"


def _span(ratios: Iterable[Ratio]) -> float:
    """Give how far from 1 the axis must reach, to either side."""
    ends = [end for ratio in ratios for end in ratio if np.isfinite(end) and end > 0]
    return max([SMALLEST_SPAN, *(1.15 * max(end, 1 / end) for end in ends)])


def _draw_pairs(axes: Axes) -> None:
    axes.set(xlim=(0, WIDTH - 2 * MARGIN), ylim=(len(PAIRS), 0))
    for row, (over, under) in enumerate(PAIRS):
        if row % 2 == 0:
            axes.axhspan(row, row + 1, color="#F4F4F4", linewidth=0)
        first = VARIANT_LABELS[over]
        axes.text(0.08, row + 0.3, first, fontweight="bold", va="center_baseline")
        axes.text(0.08, row + 0.7, f"/ {VARIANT_LABELS[under]}", va="center_baseline")


def _ratio_axis(axes: Axes, limit: float, title: str) -> None:
    axes.set_xscale("log", base=2)
    axes.set(xlim=(1 / limit, limit), ylim=(len(PAIRS), 0))
    axes.spines["left"].set_visible(False)
    axes.axvline(1, color=INK, linewidth=0.8)
    stride = int(np.ceil(np.log2(limit) / MOST_TICKS))
    powers = np.arange(0, np.log2(limit), stride)
    ticks = [float(2**power) for power in sorted({*powers, *-powers})]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_yticks([])
    axes.set_title(title, loc="left", fontsize=NORMAL, fontweight="bold", pad=18)
    for at, align, side in ((0, "left", "← faster"), (1, "right", "slower →")):
        style = {"fontsize": SMALL, "color": QUIET, "ha": align}
        axes.annotate(side, (at, 1), (0, 5), "axes fraction", "offset points", **style)


def _draw_ratio(axes: Axes, row: float, ratio: Ratio | str, colour: str) -> None:
    if isinstance(ratio, str):
        _in_numbers(axes, row, ratio, style="italic", color=QUIET)
        return
    face = colour if ratio.decided else "white"
    axes.plot([ratio.low, ratio.high], [row, row], color=colour, linewidth=2, solid_capstyle="butt")
    axes.plot(ratio.value, row, "o", markersize=5, markerfacecolor=face, markeredgecolor=colour, markeredgewidth=1.5)
    _in_numbers(
        axes, row - 0.2, f"{ratio.value:.2f}", fontsize=NORMAL, fontweight="bold" if ratio.decided else "normal"
    )
    interval = "one round" if np.isnan(ratio.low) else f"{ratio.low:.2f} to {ratio.high:.2f}"
    _in_numbers(axes, row + 0.2, interval, color=QUIET)


def _in_numbers(axes: Axes, row: float, text: str, **style) -> None:
    style = {"fontsize": SMALL, "va": "center_baseline"} | style
    axes.annotate(text, (1, row), (6, 0), ("axes fraction", "data"), "offset points", annotation_clip=False, **style)

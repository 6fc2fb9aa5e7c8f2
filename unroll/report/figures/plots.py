"""The figures of costs and of ratios, drawn from a run's records alone."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import chain, groupby, pairwise
from typing import TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from unroll.measure.journal import Measurement, Run
from unroll.measure.statistics import ENOUGH_ROUNDS, Ratio
from unroll.measure.variants import OURS, VARIANTS, cells_an_iteration, label
from unroll.report.figures.frame import (
    DPI,
    FAINT,
    INK,
    MARGIN,
    NORMAL,
    QUIET,
    SMALL,
    WIDTH,
    add_axes,
    colour,
    empty_figure,
    explain,
    fitted,
    print_height,
    small_print,
    styled,
    write_small_print,
    write_title,
)
from unroll.report.tables import (
    FIT_EPOCH,
    FIT_PROCESS,
    FIT_START,
    NOTHING,
    PAIRS,
    TURNS,
    Column,
    factor,
    in_fit,
    interval,
    lack,
    measured_pairs,
    measured_variants,
    missing,
    pair_ratio,
    significant,
)

BANDS = [
    [
        Column("build", "train", "How long to build\nthe training graph?", "ms"),
        Column("first_call", "train", "How long is the\nfirst training call?", "ms"),
        Column("step", "train", "How long is one\nlater training step?", "ms"),
        Column("nodes", "train", "How many nodes are in\nthe training graph?", "nodes", more=", with its functions"),
    ],
    [
        Column("process", "train", "How much does the\nprocess grow?", "MiB", more=", to build and start training"),
        Column("tensors", "train", "How much do tensors\nhold in a training step?", "MiB", more=", at the peak"),
        Column("export", "forward", "How large is\nthe SavedModel?", "KiB"),
    ],
]
FIT_BANDS = [
    [
        replace(FIT_START, heading="How long from compile to\nthe end of the first step?"),
        replace(FIT_EPOCH, heading="How long is one\nlater epoch?"),
        replace(FIT_PROCESS, heading="How much does the\nprocess grow?", more=", to the end of the first epoch"),
    ],
]
SLOTS = 4  # for panels, side by side in a band; where one is free, it says how to read them
HOW_TO_READ = (
    "How to read it",
    "Bar and number: the median.",
    "Thin line: the middle half of",
    "the samples, where several.",
    "Times: the variants took turns,",
    "and every round builds anew;",
    "the ratios compare each round.",
    "Memory: in fresh processes.",
)
ROW, GROUP_GAP = 0.21, 0.45  # a row's height in inches; a gap between groups in rows
LABELS_WIDTH, PANEL_GAP = 1.62, 0.2
TITLE_HEIGHT, BAND_TITLE, BAND_GAP = 0.5, 0.58, 0.2
READING_HEIGHT = 0.95  # what "How to read it" takes beside the last band's rows
BAR_SHARE = 0.72  # of a panel's width; the rest is for the longest bar's number

Item = TypeVar("Item", bound=Hashable)
Rows = dict[Item, float]  # the middle of each item's row, in rows from the top


@styled
def draw_costs(run: Run) -> Figure:
    """Draw what each variant costs to build, to start, to run, to hold and to export, as small multiples of bars."""
    return _draw_bands(run, "What each way of unrolling one LSTM costs", BANDS)


@styled
def draw_fit(run: Run) -> Figure:
    """Draw what each Keras layer costs in `fit`: to start, in a later epoch and in memory, at sizes of its own."""
    return _draw_bands(in_fit(run), "What each Keras layer costs in fit", FIT_BANDS)


def _draw_bands(run: Run, title: str, bands: Sequence[list[Column]]) -> Figure:
    """Draw bands of panels, one below the other, each with a row a variant."""
    rows = place_rows(measured_variants(run, chain(*bands)), family, GROUP_GAP)
    if not rows:
        return empty_figure(run, title, NOTHING)
    band_height = BAND_TITLE + rows_height(rows) * ROW
    print_lines = small_print(run)
    few_rows = max(0, READING_HEIGHT - rows_height(rows) * ROW)
    height = TITLE_HEIGHT + len(bands) * (band_height + BAND_GAP) + few_rows + print_height(print_lines)
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    write_title(figure, title, "less is better")
    top = height - TITLE_HEIGHT
    for band in bands:
        _draw_band(figure, run, band, rows, top)
        top -= band_height + BAND_GAP
    write_small_print(figure, print_lines)
    return figure


def place_rows(items: Iterable[Item], group: Callable[[Item], object], gap: float) -> Rows[Item]:
    """Place items in rows, one group a little apart from the next."""
    rows, top = {}, 0.0
    for _, members in groupby(items, key=group):
        for item in members:
            rows[item] = top + 0.5
            top += 1
        top += gap
    return rows


def rows_height(rows: Rows) -> float:
    """Return how high all rows are together, in rows."""
    return max(rows.values()) + 0.5


def family(variant: str) -> str:
    """Tell static, dynamic, Keras, compat.v1 and so on apart; all of the user's own are one."""
    known = variant in VARIANTS or cells_an_iteration(variant)
    return variant.partition("-")[0] if known else "own"


def _draw_band(figure: Figure, run: Run, panels: list[Column], rows: Rows[str], top: float) -> None:
    bottom_row = rows_height(rows)
    height = bottom_row * ROW
    bottom = top - BAND_TITLE - height
    list_axes = add_axes(figure, MARGIN, bottom, WIDTH - 2 * MARGIN, height)
    list_axes.set(xlim=(0, WIDTH - 2 * MARGIN), ylim=(bottom_row, 0))
    for variant, row in rows.items():
        name = fitted(label(variant), NORMAL, LABELS_WIDTH - 0.1)
        list_axes.text(LABELS_WIDTH - 0.1, row, name, ha="right", va="center_baseline")
    slot = (WIDTH - 2 * MARGIN - LABELS_WIDTH + PANEL_GAP) / SLOTS
    for above, below in pairwise(rows.values()):
        if below - above > 1 + GROUP_GAP / 2:
            end = LABELS_WIDTH + slot * len(panels) - PANEL_GAP
            list_axes.plot([0, end], [(above + below) / 2] * 2, color=FAINT, linewidth=0.6)
    for number in range(SLOTS):
        left = MARGIN + LABELS_WIDTH + number * slot
        axes = add_axes(figure, left, bottom, slot - PANEL_GAP, height)
        axes.set(ylim=(bottom_row, 0))
        if number < len(panels):
            _draw_panel(axes, run, panels[number], rows)
        else:
            _draw_how_to_read(axes)


def _draw_panel(axes: Axes, run: Run, panel: Column, rows: Rows[str]) -> None:
    found = {variant: panel.find(run, variant) for variant in rows}
    shown = {variant: measured for variant, measured in found.items() if measured and not missing(measured)}
    ends = [max(measured.quartiles) / panel.scale for measured in shown.values()]
    axes.set_xlim(0, max([*ends, 1e-9]) / BAR_SHARE)
    axes.axvline(0, color=QUIET, linewidth=0.6)
    write_above(axes, 37, panel.heading, fontweight="bold", va="top")
    write_above(axes, 4, panel.unit + panel.more, fontsize=SMALL, color=QUIET)
    for variant, row in rows.items():
        if variant in shown:
            _draw_bar(axes, row, shown[variant], panel.scale, colour(variant))
        else:
            write_beside(axes, 0, row, lack(found[variant]), color=QUIET, style="italic")


def _draw_bar(axes: Axes, row: float, measured: Measurement, scale: float, colour: str) -> None:
    median = measured.median / scale
    axes.barh(row, median, height=0.72, color=colour)
    end = draw_spread(axes, row, measured, scale)
    write_beside(axes, max(median, end, 0), row, significant(median))


def draw_spread(axes: Axes, row: float, measured: Measurement, scale: float) -> float:
    """Draw the middle half of the samples as a thin line over a bar, where there are several; gives its upper end."""
    low, high = np.array(measured.quartiles) / scale
    if high > low:
        halo = [Stroke(linewidth=2.5, foreground="white"), Normal()]
        axes.plot([low, high], [row, row], color=INK, linewidth=1, solid_capstyle="butt", path_effects=halo)
    return high


def write_beside(axes: Axes, x: float, row: float, text: str, **style) -> None:
    """Write a few points right of a place in a row."""
    style = {"fontsize": SMALL, "va": "center_baseline"} | style
    axes.annotate(text, (x, row), (3, 0), "data", "offset points", **style)


def write_above(axes: Axes, points: float, text: str, **style) -> None:
    """Write some points above the left end of a panel."""
    axes.annotate(text, (0, 1), (0, points), "axes fraction", "offset points", **style)


def _draw_how_to_read(axes: Axes) -> None:
    heading, *lines = HOW_TO_READ
    write_above(axes, 37, heading, fontweight="bold", va="top", color=QUIET)
    write_above(axes, 22, "\n".join(lines), fontsize=SMALL, va="top", color=QUIET, linespacing=1.5)


QUESTIONS = {
    ("build", "train"): "to build for training",
    ("first_call", "train"): "in the first training call",
    ("step", "forward"): "in one forward step",
    ("step", "train"): "in one training step",
}
PAIR_ROW, PAIR_GAP = 0.4, 0.25  # a row's height in inches; a gap between groups in rows
PAIRS_WIDTH, NUMBERS_WIDTH, RATIO_GAP = 1.66, 0.8, 0.14
RATIO_SLOT = (WIDTH - 2 * MARGIN - PAIRS_WIDTH) / len(TURNS)
RATIO_AXIS = RATIO_SLOT - NUMBERS_WIDTH - RATIO_GAP
TICK_WIDTH = 0.32


@styled
def draw_ratios(run: Run) -> Figure:
    """Draw by what factor the variants of each pair differ, that took turns, with 95% intervals."""
    title = "Is the first faster than the second?"
    rows = place_rows(measured_pairs(run, PAIRS), _beside_whom, PAIR_GAP)
    if not rows:
        return empty_figure(run, title, NOTHING)
    height = rows_height(rows) * PAIR_ROW
    print_lines = small_print(run)
    bottom = print_height(print_lines) + 0.35
    figure = Figure(figsize=(WIDTH, bottom + height + 1.15), dpi=DPI)
    write_title(figure, title, "time of the first / time of the second")
    explained = (
        "The variants took turns: median over the rounds with its 95% interval. Filled: the interval excludes 1, "
        f"and there were {ENOUGH_ROUNDS} rounds or more. Each column has its own scale."
    )
    explain(figure, explained)
    _draw_pairs(add_axes(figure, MARGIN, bottom, WIDTH - 2 * MARGIN, height), rows)
    for number, turn in enumerate(TURNS):
        left = MARGIN + PAIRS_WIDTH + number * RATIO_SLOT
        axes = add_axes(figure, left, bottom, RATIO_AXIS, height, ticks=True)
        _draw_turn(axes, run, turn, rows)
    write_small_print(figure, print_lines)
    return figure


def _beside_whom(pair: tuple[str, str]) -> str:
    """Tell apart whom ours are compared to: one another, Keras, compat.v1 and so on."""
    return "ours" if pair[1] in OURS else family(pair[1])


def _draw_pairs(axes: Axes, rows: Rows[tuple[str, str]]) -> None:
    axes.set(xlim=(0, WIDTH - 2 * MARGIN), ylim=(rows_height(rows), 0))
    for number, ((over, under), row) in enumerate(rows.items()):
        if number % 2 == 0:
            axes.axhspan(row - 0.5, row + 0.5, color="#F4F4F4", linewidth=0)
        axes.text(0.08, row - 0.2, label(over), fontweight="bold", va="center_baseline")
        axes.text(0.08, row + 0.2, f"/ {label(under)}", va="center_baseline")


def _draw_turn(axes: Axes, run: Run, turn: Column, rows: Rows[tuple[str, str]]) -> None:
    ratios = {pair: pair_ratio(run, turn, *pair) for pair in rows}
    span = _span(ratio for ratio in ratios.values() if isinstance(ratio, Ratio))
    _ratio_axis(axes, span, QUESTIONS.get((turn.quantity, turn.phase), turn.heading))
    axes.set_ylim(rows_height(rows), 0)
    for pair, row in rows.items():
        _draw_ratio(axes, row, ratios[pair], colour(pair[0]))


def _span(ratios: Iterable[Ratio]) -> tuple[float, float]:
    """Return the powers of 2 between which an axis must reach: at least from a half to the double."""
    powers = [-1.0, 1.0, *(np.log2(end) for ratio in ratios for end in ratio[:3] if np.isfinite(end) and end > 0)]
    low, high = min(powers), max(powers)
    room = 0.06 * (high - low)
    return low - room, high + room


def _ratio_axis(axes: Axes, span: tuple[float, float], title: str) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xlim(*np.exp2(span))
    axes.spines["left"].set_visible(False)
    axes.axvline(1, color=INK, linewidth=0.8)
    axes.set_xticks(*_ratio_ticks(*span))
    axes.set_xticks([], minor=True)
    axes.set_yticks([])
    axes.set_title(title, loc="left", fontsize=NORMAL, fontweight="bold", pad=18)
    for at, align, side in ((0, "left", "← faster"), (1, "right", "slower →")):
        style = {"fontsize": SMALL, "color": QUIET, "ha": align}
        axes.annotate(side, (at, 1), (0, 5), "axes fraction", "offset points", **style)


def _ratio_ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Place ticks at 1 and, evenly, at other powers of 2 of a span; those below 1 are written as fractions."""
    stride = int(np.ceil((high - low) * TICK_WIDTH / RATIO_AXIS))
    ticks = [Fraction(2) ** (stride * number) for number in range(int(low / stride), int(high / stride) + 1)]
    return [float(tick) for tick in ticks], [str(tick) for tick in ticks]


def _draw_ratio(axes: Axes, row: float, ratio: Ratio | str, colour: str) -> None:
    if isinstance(ratio, str):
        _in_numbers(axes, row, ratio, style="italic", color=QUIET)
        return
    face = colour if ratio.decided else "white"
    axes.plot([ratio.low, ratio.high], [row, row], color=colour, linewidth=2, solid_capstyle="butt")
    axes.plot(ratio.value, row, "o", markersize=4.5, markerfacecolor=face, markeredgecolor=colour, markeredgewidth=1.4)
    weight = "bold" if ratio.decided else "normal"
    _in_numbers(axes, row - 0.2, factor(ratio.value), fontsize=NORMAL, fontweight=weight)
    _in_numbers(axes, row + 0.2, interval(ratio, " to "), color=QUIET)


def _in_numbers(axes: Axes, row: float, text: str, **style) -> None:
    style = {"fontsize": SMALL, "va": "center_baseline"} | style
    axes.annotate(text, (1, row), (6, 0), ("axes fraction", "data"), "offset points", annotation_clip=False, **style)

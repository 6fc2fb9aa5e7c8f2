"""The figure of ratios: by what factor the times of two variants differ."""

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unroll.measure.journal import Run
from unroll.measure.statistics import ENOUGH_ROUNDS, Ratio
from unroll.measure.variants import OURS, label
from unroll.report.figures.costs import Rows, family, place_rows, rows_height
from unroll.report.figures.frame import INK, NORMAL, QUIET, Drawing, colour, head, hide, note, small_print, stripe
from unroll.report.page.answer import ratio_text, ratios_of_pair
from unroll.report.tables import TURNS, Column, compared_pairs, factor, interval, pair_ratio, plain

QUESTIONS = {
    ("build", "train"): "to build for training",
    ("first_call", "train"): "in the first training call",
    ("step", "forward"): "in one forward step",
    ("step", "train"): "in one training step",
}
ROW, GROUP_GAP = 0.4, 0.25  # a row's height in inches; a gap between groups in rows
NAMES_WIDTH, PANEL_WIDTH, NUMBERS_WIDTH = 1.75, 1.15, 0.8  # shares of the page's width
MOST_TICKS = 4
LONGEST_NAME = 34  # letters of a name that somebody else gave


def _describe(run: Run) -> str:
    ratios = {turn: ratio for turn, ratio in ratios_of_pair(run).items() if isinstance(ratio, Ratio)}
    pair = ", ".join(f"{turn.heading} {ratio_text(ratio)}" for turn, ratio in ratios.items()) or "not measured"
    row = "Each row compares the times of two variants: a dot for the ratio, a line for its 95% interval."
    return f"{row} Static / dynamic: {pair}."


RATIOS = Drawing(
    "ratios",
    "Is the first faster than the second?",
    _describe,
    "time of the first / time of the second",
    "The median over interleaved rounds, with its 95% interval. Filled: the interval excludes 1, and there were "
    f"{ENOUGH_ROUNDS} rounds or more. Each column has its own scale.",
)


@RATIOS.drawn_by
def draw_ratios(run: Run) -> Figure | None:
    """Draw by what factor the times of each pair of variants differ in interleaved rounds, with 95% intervals."""
    pairs = compared_pairs(run)
    ratios = {turn: {pair: pair_ratio(run, turn, *pair) for pair in pairs} for turn in TURNS}
    columns = {
        turn: column for turn, column in ratios.items() if any(isinstance(ratio, Ratio) for ratio in column.values())
    }
    if not columns:
        return None
    rows = place_rows(pairs, _second_family, GROUP_GAP)
    figure = RATIOS.frame(small_print(run), rows_height(rows) * ROW + 0.75)
    widths = [NAMES_WIDTH, *[PANEL_WIDTH, NUMBERS_WIDTH] * len(columns)]
    names, *panels = figure.subplots(1, len(widths), sharey=True, width_ratios=widths)
    names.set_ylim(rows_height(rows), 0)
    _name_pairs(names, rows)
    for axes, numbers, (turn, column) in zip(panels[::2], panels[1::2], columns.items(), strict=True):
        numbers.set_axis_off()
        _ratio_axis(axes, [ratio for ratio in column.values() if isinstance(ratio, Ratio)], turn)
        for pair, row in rows.items():
            _draw_ratio(axes, numbers, row, column[pair], colour(pair[0]))
    return figure


def _second_family(pair: tuple[str, str]) -> str:
    """Return what the second variant of a pair is: one of ours, of Keras, of compat.v1 and so on."""
    return "ours" if pair[1] in OURS else family(pair[1])


def _name_pairs(axes: Axes, rows: Rows[tuple[str, str]]) -> None:
    axes.set_axis_off()
    for number, ((over, under), row) in enumerate(rows.items()):
        if number % 2 == 0:
            stripe(axes, row - 0.5, row + 0.5)
        note(axes, plain(label(over), LONGEST_NAME), (0, row - 0.2), fontsize=NORMAL, fontweight="bold")
        note(axes, f"/ {plain(label(under), LONGEST_NAME)}", (0, row + 0.2), fontsize=NORMAL)


def _ratio_axis(axes: Axes, ratios: Iterable[Ratio], turn: Column) -> None:
    low, high = _span(ratios)
    axes.set_xscale("log", base=2)
    axes.set_xlim(*np.exp2([low, high]))
    hide(axes, x=False)
    axes.axvline(1, color=INK, linewidth=0.8)
    axes.set_xticks(*_ratio_ticks(low, high))
    axes.set_xticks([], minor=True)
    head(axes, QUESTIONS.get((turn.quantity, turn.phase), turn.heading), "← faster")
    note(axes, "slower →", (1, 1), (0, 6), "axes fraction", color=QUIET, ha="right", va="baseline")


def _span(ratios: Iterable[Ratio]) -> tuple[float, float]:
    """Return the powers of 2 between which an axis must reach: at least from a half to the double."""
    powers = [-1.0, 1.0, *(np.log2(end) for ratio in ratios for end in ratio[:3] if np.isfinite(end) and end > 0)]
    room = 0.06 * (max(powers) - min(powers))
    return min(powers) - room, max(powers) + room


def _ratio_ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Return ticks at 1 and, evenly, at other powers of 2 of a span, and their labels: fractions below 1.

    >>> _ratio_ticks(-2.5, 3.5)
    ([0.25, 1.0, 4.0], ['1/4', '1', '4'])
    """
    stride = int(np.ceil((high - low) / MOST_TICKS))
    ticks = [Fraction(2) ** (stride * number) for number in range(int(low / stride), int(high / stride) + 1)]
    return [float(tick) for tick in ticks], [str(tick) for tick in ticks]


def _draw_ratio(axes: Axes, numbers: Axes, row: float, ratio: Ratio | str, hue: str) -> None:
    """Draw a ratio and its interval, with both as numbers beside it; or write why there is none."""
    if isinstance(ratio, str):
        note(numbers, ratio, (0, row), (-2, 0), color=QUIET, style="italic")
        return
    axes.plot([ratio.low, ratio.high], [row, row], color=hue, linewidth=2, solid_capstyle="butt")
    face, weight = (hue, "bold") if ratio.decided else ("white", "normal")
    axes.plot(ratio.value, row, "o", markersize=4.5, markerfacecolor=face, markeredgecolor=hue, markeredgewidth=1.4)
    note(numbers, factor(ratio.value), (0, row - 0.2), (-2, 0), fontsize=NORMAL, fontweight=weight)
    note(numbers, interval(ratio, " to "), (0, row + 0.2), (-2, 0), color=QUIET)

"""The figures of costs, as bars: of every variant, and of the Keras layers in `fit`."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from typing import TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from unroll.measure.journal import Measurement, Run
from unroll.measure.statistics import ENOUGH_ROUNDS
from unroll.measure.variants import VARIANTS, cells_an_iteration, label, variant_of
from unroll.report.figures.frame import (
    INK,
    NORMAL,
    QUIET,
    Drawing,
    colour,
    few_rounds,
    fitted,
    head,
    hide,
    note,
    rule,
    small_print,
    with_samples,
)
from unroll.report.figures.words import both_costs, sentences
from unroll.report.growth import BUILD, EXPORT, FIRST_CALL, PROCESS, STEP_TRAIN
from unroll.report.page.answer import amount
from unroll.report.tables import FIT_EPOCH, FIT_PROCESS, FIT_START, Column, in_fit, lack, measured_variants, significant

PANELS = [
    Column("build", "train", "How long to build\nthe training graph?", "ms"),
    Column("first_call", "train", "How long is the\nfirst training call?", "ms"),
    Column("step", "train", "How long is one\nlater training step?", "ms"),
    Column("nodes", "train", "How many nodes are in\nthe training graph?", "nodes", more=", with its functions"),
    Column("process", "train", "How much does the\nprocess grow?", "MiB", more=", to build and start training"),
    Column("tensors", "train", "How much do tensors\nhold in a training step?", "MiB", more=", at the peak"),
    Column("export", "forward", "How large is\nthe SavedModel?", "KiB"),
]
FIT_PANELS = [
    replace(FIT_START, heading="How long from compile to\nthe end of the first step?"),
    replace(FIT_EPOCH, heading="How long is one\nlater epoch?"),
    replace(FIT_PROCESS, heading="How much does the\nprocess grow?", more=", to the end of the first epoch"),
]
LEAST_COLUMNS, MOST_COLUMNS = 3, 4  # panels side by side, or room for them
ROW, GROUP_GAP = 0.21, 0.45  # a row's height in inches; a gap between groups in rows
HEADINGS = 0.66  # of two lines, with the unit
NAMES_WIDTH = 1.6
BAR_SHARE = 0.72  # of a panel's width; the rest is for the longest bar's number
FAR = 2  # times the longest bar of TensorFlow's variants: longer bars of other packages are cut there
EXPLANATION = (
    "Bar and number: the median. Thin line: the middle half of the samples. A bar with a gap is longer than drawn.\n"
    f"Times come from interleaved rounds that build everything anew (hollow: fewer than {ENOUGH_ROUNDS} rounds); "
    "memory comes from fresh processes."
)

Item = TypeVar("Item", bound=Hashable)
Rows = dict[Item, float]  # the middle of each item's row, in rows from the top


def _describe_costs(run: Run) -> str:
    medians = both_costs([BUILD, FIRST_CALL, STEP_TRAIN, PROCESS, EXPORT], run)
    return f"There is a bar for each variant; shorter is better. {medians}"


def _describe_fit(run: Run) -> str:
    fit, layers = in_fit(run), []
    for variant in measured_variants(fit, (FIT_START, FIT_EPOCH)):
        start, epoch = (cost.find(fit, variant) for cost in (FIT_START, FIT_EPOCH))
        if start and epoch and start.samples and epoch.samples:
            layers.append(f"{label(variant)}: {amount(start, FIT_START)} and {amount(epoch, FIT_EPOCH)}")
    medians = sentences(layers) or "Not measured."
    return f"There is a bar for each layer: one to the end of the first step, one for a later epoch. {medians}"


COSTS = Drawing("costs", "What each way of unrolling one LSTM costs", _describe_costs, "less is better", EXPLANATION)
FIT = Drawing("fit", "What each Keras layer costs in fit", _describe_fit, "less is better", EXPLANATION)


@COSTS.drawn_by
def draw_costs(run: Run) -> Figure | None:
    """Draw what each variant costs to build, to start, to run, to hold and to export, as small multiples of bars."""
    return _draw_panels(COSTS, run, PANELS)


@FIT.drawn_by
def draw_fit(run: Run) -> Figure | None:
    """Draw what each Keras layer costs in `fit`: to start, in a later epoch and in memory, at sizes of its own."""
    return _draw_panels(FIT, in_fit(run), FIT_PANELS)


def _draw_panels(drawing: Drawing, run: Run, questions: Sequence[Column]) -> Figure | None:
    """Draw a panel for each cost that was measured, with a row for each variant."""
    panels = with_samples(run, questions, measured_variants(run, questions))
    if not panels:
        return None
    rows = place_rows(measured_variants(run, panels), family, GROUP_GAP)
    count = min(MOST_COLUMNS, max(LEAST_COLUMNS, len(panels)))
    bands = -(-len(panels) // count)
    figure = drawing.frame(small_print(run), bands * (HEADINGS + rows_height(rows) * ROW + 0.15))
    grid = figure.subplots(bands, count, squeeze=False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, run, panel, rows)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        name_rows(axes, {row: label(variant) for variant, row in rows.items()})
        for above, below in pairwise(rows.values()):
            if below - above > 1 + GROUP_GAP / 2:
                rule(axes, (above + below) / 2)
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


def name_rows(axes: Axes, names: dict[float, str]) -> None:
    """Write names left of some axes, each at the height of its row."""
    axes.set_yticks(list(names), [fitted(name, NORMAL, NAMES_WIDTH) for name in names.values()])
    axes.tick_params(axis="y", length=0, pad=6, labelcolor=INK)


def family(variant: str) -> str:
    """Return the family that a variant belongs to: static, dynamic, Keras and so on; all of the user's own are one."""
    return variant.partition("-")[0] if variant in VARIANTS or cells_an_iteration(variant) else "own"


def _draw_panel(axes: Axes, run: Run, panel: Column, rows: Rows[str]) -> None:
    costs = {variant: panel.find(run, variant) for variant in rows}
    longest = _longest_bar(costs) / panel.scale
    axes.set(xlim=(0, longest / BAR_SHARE), ylim=(rows_height(rows), 0))
    hide(axes)
    axes.spines["left"].set_visible(True)
    head(axes, panel.heading, panel.unit + panel.more)
    for variant, row in rows.items():
        cost = costs[variant]
        if cost is None or lack(cost):
            note(axes, lack(cost), (0, row), (3, 0), color=QUIET, style="italic")
        else:
            _draw_bar(axes, row, cost, panel.scale, colour(variant), longest)


def _longest_bar(costs: dict[str, Measurement | None]) -> float:
    """Return how long the longest bar can be: as all need it, but for other packages not far beyond TensorFlow's."""
    ends = {variant: max(cost.quartiles) for variant, cost in costs.items() if cost and not lack(cost)}
    own = max((end for variant, end in ends.items() if not variant_of(variant).package), default=0)
    longest = max([*ends.values(), 1e-9])
    return own if 0 < FAR * own < longest else longest


def _draw_bar(axes: Axes, row: float, cost: Measurement, scale: float, hue: str, longest: float) -> None:
    median = cost.median / scale
    drawn, face = min(median, longest), "white" if few_rounds(cost) else hue
    axes.barh(row, drawn, height=0.72, linewidth=1, facecolor=face, edgecolor=hue)
    if median > longest:
        axes.plot([0.9 * longest] * 2, [row - 0.45, row + 0.45], color="white", linewidth=4)
    else:
        drawn = max(drawn, draw_spread(axes, row, cost, scale), 0)
    note(axes, significant(median), (min(drawn, longest), row), (3, 0))


def draw_spread(axes: Axes, row: float, cost: Measurement, scale: float) -> float:
    """Draw the middle half of the samples as a thin line over a bar, if there are several, and return its upper end."""
    low, high = np.array(cost.quartiles) / scale
    if high > low:
        halo = [Stroke(linewidth=2.5, foreground="white"), Normal()]
        axes.plot([low, high], [row, row], color=INK, linewidth=1, solid_capstyle="butt", path_effects=halo)
    return high

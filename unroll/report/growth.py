"""How costs grow with the number of steps, and how ratios change with batch, width and the loop's unroll."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from unroll.measure.config import Case, Sizes, cells_an_iteration, label, own_mode
from unroll.measure.journal import Measurement, Run
from unroll.measure.presets import CUDNN, KERAS, PAIR
from unroll.measure.process import FAILED, STOPPED
from unroll.measure.statistics import Growth, Ratio, growth
from unroll.report import tables
from unroll.report.style import (
    BLUE,
    DPI,
    FAINT,
    INK,
    MARGIN,
    NORMAL,
    ORANGE,
    QUIET,
    SMALL,
    WIDTH,
    add_axes,
    colour,
    empty_figure,
    lighter,
    print_height,
    small_print,
    styled,
    text_width,
    write_small_print,
    write_title,
)
from unroll.report.tables import NOTHING, Column, factor, interval

FITTED_FROM = 64  # below it the parts of a cost that do not grow with T hide the law of the part that does
GROWTH_VARIANTS = (*PAIR, *KERAS, CUDNN)
MARKERS: dict[str, str] = dict(zip(GROWTH_VARIANTS, "osD^vP", strict=True))
TITLE_HEIGHT = 0.7  # a title and a line of explanation


Costs = dict[tuple[Column, str], dict[int, Measurement]]  # at each T, of each question and variant
BUILD = Column("build", "train", "Build, training graph", "ms")
FIRST_CALL = Column("first_call", "train", "First call, training", "ms")
STEP_FORWARD = Column("step", "forward", "Forward step", "ms")
STEP_TRAIN = Column("step", "train", "Training step", "ms")
PROCESS = Column("process", "train", "Process, training", "MiB")
TENSORS = Column("tensors", "train", "Tensors at peak, training", "MiB")
GRAPH_BYTES = Column("graph_bytes", "train", "Training graph, serialized", "KiB")
EXPORT = Column("export", "forward", "SavedModel", "KiB")
GROWTH_BANDS = [[BUILD, FIRST_CALL, STEP_FORWARD, STEP_TRAIN], [PROCESS, TENSORS, GRAPH_BYTES, EXPORT]]
GROWTH_QUESTIONS = [question for band in GROWTH_BANDS for question in band]


def _growth(run: Run) -> Costs:
    """Give what each variant costs at each T, for the variants that were measured at two T or more."""
    found = {
        (question, variant): run.sweep("steps", question.quantity, question.phase, variant)
        for question in GROWTH_QUESTIONS
        for variant in GROWTH_VARIANTS
    }
    shown = {variant for (_, variant), measured in found.items() if len(measured) > 1}
    return {key: measured for key, measured in found.items() if key[1] in shown}


def _variants(costs: Costs) -> list[str]:
    return list(dict.fromkeys(variant for _, variant in costs))


def _fit(measured: dict[int, Measurement]) -> Growth | str:
    """Fit the law of growth over the larger T, one point a round; or say why there is none."""
    rounds = [(steps, values) for steps, found in measured.items() for values in found.rounds.values()]
    if not rounds:
        return next((_lack(found) for found in measured.values()), "not measured")
    points = [(steps, float(np.median(values))) for steps, values in rounds if steps >= FITTED_FROM]
    if len({steps for steps, _ in points}) < 3:
        return "too few"
    steps, costs = zip(*points, strict=True)
    return growth(steps, costs) if min(costs) > 0 else "not above 0"


def _fit_text(fit: Growth | str, prefix: str = "") -> str:
    """Write an exponent with its interval, 0 without a sign."""
    if isinstance(fit, str):
        return fit
    exponent, low, high = (f"{round(value, 2) + 0.0:.2f}" for value in fit)
    return f"{prefix}{exponent} [{low}, {high}]"


def growth_table(run: Run) -> str:
    """Set out the exponent p of each cost as T ** p, with its 95% interval, fitted over the larger T."""
    costs = _growth(run)
    rows = [
        [label(variant), *(_fit_text(_fit(costs[question, variant])) for question in GROWTH_QUESTIONS)]
        for variant in _variants(costs)
    ]
    headings = [question.heading for question in GROWTH_QUESTIONS]
    return tables.markdown([f"p in T^p, T >= {FITTED_FROM}", *headings], rows)


def stopped_table(run: Run) -> str:
    """Set out every case that was stopped or failed, and why; the quantities that one case lacks share a row."""
    lacking: dict[tuple, list[str]] = {}
    for quantity, phase, variant, mode, sizes in dict.fromkeys(record.question for record in run.records):
        found = run.find(quantity, phase, variant, mode, sizes)
        if found and _broke_off(found):
            kept = f" (rounds kept: {len(found.rounds)})" if found.rounds else ""
            lacking.setdefault((variant, mode, sizes, found.note + kept), []).append(f"{quantity} ({phase})")
    if not lacking:
        return "Nothing was stopped, nothing failed.\n"
    rows = [
        [label(variant), mode, str(sizes), ", ".join(quantities), reason]
        for (variant, mode, sizes, reason), quantities in lacking.items()
    ]
    return tables.markdown(["variant", "mode", "sizes", "quantities", "reason"], rows, align=["---"] * 5)


def _broke_off(measured: Measurement) -> bool:
    """Say whether a case was stopped or failed, be it after some rounds."""
    return measured.note.startswith((FAILED, STOPPED))


def _lack(measured: Measurement | None) -> str:
    """Say in a word why there are no samples; empty if there are some."""
    if measured and not measured.samples and _broke_off(measured):
        return measured.note.partition(":")[0]
    return tables.missing(measured)


def _explain(figure: Figure, text: str) -> None:
    """Write a quiet line below the title."""
    figure.text(MARGIN / WIDTH, 1 - 0.52 / figure.get_size_inches()[1], text, fontsize=SMALL, color=QUIET)


GROWTH_TITLE = "How costs grow with the number of steps"
NAMES_WIDTH, TICKS_WIDTH, PANEL_GAP = 1.72, 0.42, 0.14
PLOT_HEIGHT, HEADING_HEIGHT, X_TICKS_HEIGHT, FIT_ROW, BAND_GAP = 1.4, 0.42, 0.3, 0.18, 0.3
ROOM = 0.03  # of an axis, beyond its last decades: a marker there is seen whole
STOPPED_ROW = 0.11  # of the strip above a plot that marks the stopped cases, one row a variant


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
    costs = _growth(run)
    if not costs:
        return empty_figure(run, GROWTH_TITLE, NOTHING)
    variants = _variants(costs)
    plan = GrowthPlan(variants, [variant for variant in variants if _stopped_steps(costs, variant)])
    print_lines = small_print(run)
    height = TITLE_HEIGHT + len(GROWTH_BANDS) * (plan.height + BAND_GAP) - BAND_GAP + 0.1 + print_height(print_lines)
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    write_title(figure, GROWTH_TITLE, "less is better, and so is a smaller exponent")
    fitted = f"Under each: p of cost ~ T^p, fitted over T ≥ {FITTED_FROM}, with its 95% interval."
    _explain(figure, f"Medians against T, both axes logarithmic, other sizes as below. {fitted}")
    limits = _steps_limits(costs)
    for number, band in enumerate(GROWTH_BANDS):
        _draw_growth_band(figure, costs, band, plan, limits, height - TITLE_HEIGHT - number * (plan.height + BAND_GAP))
    write_small_print(figure, print_lines)
    return figure


def _stopped_steps(costs: Costs, variant: str) -> set[int]:
    """Give the T at which something of a variant was stopped or failed before it gave a sample."""
    sweeps = [measured for (_, name), measured in costs.items() if name == variant]
    return {steps for measured in sweeps for steps in _lost(measured)}


def _lost(measured: dict[int, Measurement]) -> list[int]:
    return [steps for steps, found in measured.items() if not found.samples and _broke_off(found)]


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
    _head(axes, question, plan.strip)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlim(limits)
    shown = {variant: _positive_medians(found, question.scale) for variant, found in measured.items()}
    values = [value for points in shown.values() for value in points.values()]
    _label_steps(axes, sorted({steps for found in measured.values() for steps in found}))
    _label_decades(axes, values)
    for variant, points in shown.items():
        axes.plot(list(points), list(points.values()), **_line_style(variant))
    for row, variant in enumerate(plan.stopped):
        for steps in _lost(measured[variant]):
            _cross(axes, steps, 1 + (row + 0.5) * STOPPED_ROW / PLOT_HEIGHT, colour(variant))
    if not values:
        axes.text(
            0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", fontsize=SMALL, color=QUIET, style="italic"
        )


def _cross(axes: Axes, x: float, y: float, ink: str) -> None:
    """Mark where a cost is not known, at a height in shares of the plot's: no height would be true."""
    place = axes.get_xaxis_transform()
    axes.plot(x, y, "x", transform=place, color=ink, markersize=4.5, markeredgewidth=1.3, clip_on=False)


def _positive_medians(measured: dict[int, Measurement], scale: float) -> dict[int, float]:
    """Give the medians that a logarithmic axis can show, in the shown unit."""
    return {steps: found.median / scale for steps, found in measured.items() if found.samples and found.median > 0}


def _head(axes: Axes, question: Column, above: float) -> None:
    """Write a panel's question and unit over it, `above` inches from its top."""
    place = ("axes fraction", "offset points")
    axes.annotate(question.heading, (0, 1), (0, 19 + 72 * above), *place, fontweight="bold")
    axes.annotate(question.unit, (0, 1), (0, 6 + 72 * above), *place, fontsize=SMALL, color=QUIET)


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


def _label_decades(axes: Axes, values: Sequence[float]) -> None:
    """Let the axis reach over whole decades, and label at most five of them."""
    low = int(np.floor(np.log10(min(values, default=1))))
    high = max(int(np.ceil(np.log10(max(values, default=10)))), low + 1)
    decades = range(low, high + 1, int(np.ceil((high - low) / 4)))
    axes.set_ylim(10.0 ** (low - ROOM * (high - low)), 10.0 ** (high + ROOM * (high - low)))
    axes.set_yticks([10.0**power for power in decades], [f"{10.0**power:,.10g}" for power in decades])
    axes.set_yticks([], minor=True)
    axes.tick_params(axis="y", length=0, labelsize=SMALL, labelcolor=QUIET, pad=3)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)


def _draw_fits(axes: Axes, measured: dict[str, dict[int, Measurement]]) -> None:
    axes.set(xlim=(0, 1), ylim=(len(measured), 0))
    for row, found in enumerate(measured.values()):
        fit = _fit(found)
        style: dict[str, Any] = {"color": QUIET, "style": "italic"} if isinstance(fit, str) else {}
        axes.text(0, row + 0.5, _fit_text(fit, "T^"), fontsize=SMALL, va="center_baseline", **style)


class Comparison(NamedTuple):
    """Who is set against whom: the fastest of the one group over the fastest of the other."""

    heading: str
    more: str
    over: tuple[str, ...]
    under: tuple[str, ...]


class Cell(NamedTuple):
    """One cell of a grid: the ratio, or why there is none, and the two cases that gave it."""

    ratio: Ratio | None
    over: str
    under: str
    lack: str


GRID_TITLE = "Which is faster, at which batch and width?"
GRID_QUESTIONS = (STEP_TRAIN, STEP_FORWARD, BUILD)
COMPARISONS = (
    Comparison("static / dynamic", "", ("static",), ("dynamic",)),
    Comparison("fastest of ours / faster of Keras", "as named in the cell, by median", PAIR, KERAS),
)
SHORT = {"static-traced": "traced", "keras-unrolled": "unrolled", "keras-loop": "loop"}
ROWS_WIDTH, GRID_GAP, GRID_HEAD, GRID_BAND_GAP = 0.72, 0.22, 0.68, 0.24
CELL_HEIGHT, NAME_HEIGHT = 0.44, 0.15
CELL_LINE = 11.5  # points
FULL_COLOUR = 2.0  # the factor, either way, from which on a cell has its full colour
NEUTRAL = "#F0F0F0"


def _grid(run: Run) -> list[Sizes]:
    """Give the sizes that differ from the run's in batch or width alone; none if there is but one batch and width."""
    base = run.sizes
    found = [
        sizes
        for sizes in run.all_sizes
        if (sizes.steps, sizes.input, sizes.valid) == (base.steps, base.input, base.valid)
    ]
    compared = [
        sizes for sizes in found if any(_pair(run, *asked, sizes) for asked in product(GRID_QUESTIONS, COMPARISONS))
    ]
    return sorted(compared, key=lambda sizes: (sizes.batch, sizes.hidden)) if len(compared) > 1 else []


def _cells(run: Run, comparison: Comparison, sizes: Sizes) -> list[Cell | None]:
    return [_cell(run, question, comparison, sizes) for question in GRID_QUESTIONS]


def _cell(run: Run, question: Column, comparison: Comparison, sizes: Sizes) -> Cell | None:
    """Compare two groups at some sizes; None if either was not measured there."""
    pair = _pair(run, question, comparison, sizes)
    if pair is None:
        return None
    over, under = pair
    ratio = run.ratio(question.quantity, question.phase, over, under)
    lacks = [_lack(_find(run, question, case)) for case in (over, under)]
    return Cell(ratio, over.variant, under.variant, next(filter(None, lacks), "took no turns"))


def _find(run: Run, question: Column, case: Case) -> Measurement | None:
    return run.find(question.quantity, question.phase, case.variant, case.mode, case.sizes)


def _pair(run: Run, question: Column, comparison: Comparison, sizes: Sizes) -> tuple[Case, Case] | None:
    """Give the fastest case of each group."""
    over, under = (_fastest(run, question, group, sizes) for group in (comparison.over, comparison.under))
    return (over, under) if over and under else None


def _fastest(run: Run, question: Column, group: tuple[str, ...], sizes: Sizes) -> Case | None:
    """Give the case of the smallest median; one that was stopped only where no other is left."""
    medians = {}
    for variant in group:
        case = Case(variant, own_mode(variant), sizes)
        found = _find(run, question, case)
        if found:
            medians[case] = found.median if found.samples else np.inf
    return min(medians, key=lambda case: medians[case], default=None)


def grid_table(run: Run) -> str:
    """Set out the ratios at each batch and width with their 95% intervals; bold where the interval excludes 1."""
    rows = [
        [comparison.heading, str(sizes.batch), str(sizes.hidden), *map(_cell_text, _cells(run, comparison, sizes))]
        for comparison in COMPARISONS
        for sizes in _grid(run)
    ]
    headings = [question.heading for question in GRID_QUESTIONS]
    return tables.markdown(["ratio of times", "B", "H", *headings], rows)


def _cell_text(cell: Cell | None) -> str:
    """Write a ratio and who is compared, where that is not the same in every cell."""
    if cell is None or cell.ratio is None:
        return cell.lack if cell else "not measured"
    numbers = f"{factor(cell.ratio.value)} [{interval(cell.ratio, ', ')}]"
    return f"{f'**{numbers}**' if cell.ratio.decided else numbers} {_names(cell)}".strip()


def _names(cell: Cell) -> str:
    """Name the two cases of a cell, unless they are the pair that every such cell compares."""
    if (cell.over, cell.under) == ("static", "dynamic"):
        return ""
    return " / ".join(SHORT.get(variant, variant) for variant in (cell.over, cell.under))


@styled
def draw_grid(run: Run) -> Figure:
    """Draw the ratios at each batch and width as heat maps, coloured only where the interval excludes 1."""
    grid = _grid(run)
    if not grid:
        return empty_figure(run, GRID_TITLE, NOTHING)
    print_lines = small_print(run)
    batches = len({sizes.batch for sizes in grid})
    heights = [GRID_HEAD + batches * _cell_height(comparison) for comparison in COMPARISONS]
    height = TITLE_HEIGHT + sum(heights) + GRID_BAND_GAP * len(heights) + print_height(print_lines)
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    write_title(figure, GRID_TITLE, "time of the first / time of the second")
    _explain(figure, "Median and 95% interval over rounds that took turns; T as below. Grey: the interval includes 1.")
    _draw_colour_key(add_axes(figure, WIDTH - MARGIN - 3.1, height - 0.72, 3.1, 0.5))
    top = height - TITLE_HEIGHT
    for comparison, band_height in zip(COMPARISONS, heights, strict=True):
        _draw_grid_band(figure, run, comparison, grid, top, band_height)
        top -= band_height + GRID_BAND_GAP
    write_small_print(figure, print_lines)
    return figure


def _cell_height(comparison: Comparison) -> float:
    """Give the height of a cell: one that names who is compared is higher."""
    return CELL_HEIGHT + (NAME_HEIGHT if len(comparison.over) > 1 else 0)


def _draw_grid_band(
    figure: Figure, run: Run, comparison: Comparison, grid: list[Sizes], top: float, height: float
) -> None:
    y = (top - 0.16) / figure.get_size_inches()[1]
    figure.text(MARGIN / WIDTH, y, comparison.heading, fontsize=NORMAL + 2, fontweight="bold", va="baseline")
    x = MARGIN + text_width(comparison.heading, NORMAL + 2, weight="bold") + 0.15
    figure.text(x / WIDTH, y, comparison.more, fontsize=SMALL, color=QUIET, va="baseline")
    slot = (WIDTH - 2 * MARGIN - ROWS_WIDTH + GRID_GAP) / len(GRID_QUESTIONS)
    for number, question in enumerate(GRID_QUESTIONS):
        left = MARGIN + ROWS_WIDTH + number * slot
        axes = add_axes(figure, left, top - height, slot - GRID_GAP, height - GRID_HEAD)
        axes.annotate(question.heading, (0, 1), (0, 19), "axes fraction", "offset points", fontweight="bold")
        _draw_heat_map(axes, {sizes: _cell(run, question, comparison, sizes) for sizes in grid}, number == 0)


def _draw_heat_map(axes: Axes, cells: dict[Sizes, Cell | None], name_rows: bool) -> None:
    batches, widths = sorted({sizes.batch for sizes in cells}), sorted({sizes.hidden for sizes in cells})
    axes.set(xlim=(0, len(widths)), ylim=(len(batches), 0))
    for column, width in enumerate(widths):
        _beside(axes, (column + 0.5, 0), (0, 8), f"H = {width}", color=QUIET)
    for row, batch in enumerate(batches if name_rows else []):
        _beside(axes, (0, row + 0.5), (-8, 0), f"B = {batch}", ha="right", color=QUIET)
    for sizes, cell in cells.items():
        _draw_cell(axes, widths.index(sizes.hidden), batches.index(sizes.batch), cell)


def _beside(axes: Axes, place: tuple[float, float], offset: tuple[float, float], text: str, **style) -> None:
    """Write some points beside a place in the data."""
    style = {"fontsize": SMALL, "ha": "center", "va": "center_baseline"} | style
    axes.annotate(text, place, offset, "data", "offset points", **style)


def _draw_cell(axes: Axes, column: int, row: int, cell: Cell | None) -> None:
    """Draw a ratio, its interval and who is compared, over its colour; or why there is no ratio."""
    middle = (column + 0.5, row + 0.5)
    if cell is None or cell.ratio is None:
        _beside(axes, middle, (0, 0), cell.lack if cell else "not measured", color=QUIET, style="italic")
        return
    face, names = _face(cell.ratio), _names(cell)
    axes.add_patch(Rectangle((column, row), 1, 1, facecolor=face, edgecolor="white", linewidth=2))
    top = CELL_LINE / 2 if not names else CELL_LINE
    weight = "bold" if cell.ratio.decided else "normal"
    style = {"color": _ink_on(face)}
    _beside(axes, middle, (0, top), factor(cell.ratio.value), fontsize=NORMAL, fontweight=weight, **style)
    _beside(axes, middle, (0, top - CELL_LINE), interval(cell.ratio, " to "), **style)
    _beside(axes, middle, (0, top - 2 * CELL_LINE), names, fontsize=SMALL - 1.5, **style)


def _face(ratio: Ratio) -> str:
    """Colour a ratio: blue where the first is faster, orange where the second is, grey where that is undecided."""
    if not ratio.decided:
        return NEUTRAL
    strength = min(abs(np.log(ratio.value)) / np.log(FULL_COLOUR), 1)
    return lighter(BLUE if ratio.value < 1 else ORANGE, 0.2 + 0.8 * strength)


def _ink_on(face: str) -> str:
    red, green, blue = to_rgb(face)
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else INK


def _draw_colour_key(axes: Axes) -> None:
    """Draw which colour means which ratio."""
    steps = np.linspace(-1, 1, 9)
    axes.set(xlim=(0, len(steps)), ylim=(0, 1))
    for number, power in enumerate(steps):
        ratio = float(FULL_COLOUR**power)
        face = _face(Ratio(ratio, ratio, ratio)) if power else NEUTRAL
        axes.add_patch(Rectangle((number, 0.38), 1, 0.26, facecolor=face, edgecolor="white", linewidth=1))
    ends = ((0.5, f"≤ {1 / FULL_COLOUR:g}"), (len(steps) / 2, "1"), (len(steps) - 0.5, f"≥ {FULL_COLOUR:g}"))
    for at, text in ends:
        axes.text(at, 0.28, text, fontsize=SMALL, color=QUIET, ha="center", va="top")
    axes.text(0, 0.72, "← the first is faster", fontsize=SMALL, color=QUIET)
    axes.text(len(steps), 0.72, "the second is faster →", fontsize=SMALL, color=QUIET, ha="right")


UNROLL_TITLE = "What unrolling the loop by k costs, and gains"
UNROLL_QUESTIONS = (BUILD, FIRST_CALL, STEP_FORWARD, STEP_TRAIN, PROCESS)
UNROLL_HEIGHT, UNROLL_TICKS, UNROLL_GAP = 1.9, 0.5, 0.2
STATIC_GAP = 1.6  # from the largest k to static, where one doubling of k is 1


def _unrolls(run: Run) -> dict[int, str]:
    """Give the variant of each k that was measured at the run's sizes; none if there is but k = 1."""
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
    height = bottom + UNROLL_HEIGHT + HEADING_HEIGHT + TITLE_HEIGHT
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    write_title(figure, UNROLL_TITLE, "less is better")
    _explain(
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
    _head(axes, question, 0)
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
            _cross(axes, place, 0.04, ink)
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


FIGURES: dict[str, Callable[[Run], Figure]] = {"growth": draw_growth, "grid": draw_grid, "unroll": draw_unroll}
TABLES: dict[str, Callable[[Run], str]] = {"growth": growth_table, "grid": grid_table, "stopped": stopped_table}

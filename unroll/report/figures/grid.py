"""How ratios change with batch and width, as heat maps and as a table."""

from itertools import product
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from unroll.measure.config import Case, Sizes
from unroll.measure.journal import Measurement, Run
from unroll.measure.presets import KERAS, PAIR
from unroll.measure.statistics import Ratio
from unroll.measure.variants import own_mode
from unroll.report import tables
from unroll.report.figures.frame import (
    BLUE,
    DPI,
    EXPLAINED_HEIGHT,
    MARGIN,
    NORMAL,
    ORANGE,
    QUIET,
    SMALL,
    WIDTH,
    add_axes,
    empty_figure,
    explain,
    ink_on,
    lighter,
    print_height,
    small_print,
    styled,
    text_width,
    write_small_print,
    write_title,
)
from unroll.report.growth import BUILD, STEP_FORWARD, STEP_TRAIN
from unroll.report.tables import NOTHING, Column, factor, interval, lack


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
ROWS_WIDTH, GRID_GAP, GRID_HEAD, GRID_BAND_GAP = 0.56, 0.12, 0.68, 0.24
CELL_HEIGHT, NAME_HEIGHT = 0.44, 0.15
CELL_LINE = 11.5  # points
FULL_COLOUR = 2.0  # the factor, either way, from which on a cell has its full colour
NEUTRAL = "#F0F0F0"


def _grid(run: Run) -> list[Sizes]:
    """Return the sizes that differ from the run's in batch or width alone; none if there is but one batch and width."""
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
    lacks = [lack(_find(run, question, case)) for case in (over, under)]
    return Cell(ratio, over.variant, under.variant, next(filter(None, lacks), "took no turns"))


def _find(run: Run, question: Column, case: Case) -> Measurement | None:
    return run.find(question.quantity, question.phase, case.variant, case.mode, case.sizes)


def _pair(run: Run, question: Column, comparison: Comparison, sizes: Sizes) -> tuple[Case, Case] | None:
    """Return the fastest case of each group."""
    over, under = (_fastest(run, question, group, sizes) for group in (comparison.over, comparison.under))
    return (over, under) if over and under else None


def _fastest(run: Run, question: Column, group: tuple[str, ...], sizes: Sizes) -> Case | None:
    """Return the case of the smallest median; one that was stopped only where no other is left."""
    medians = {}
    for variant in group:
        case = Case(variant, own_mode(variant), sizes)
        found = _find(run, question, case)
        if found:
            medians[case] = found.median if found.samples else np.inf
    return min(medians, key=lambda case: medians[case], default=None)


def grid_table(run: Run) -> str:
    """Format the ratios at each batch and width with their 95% intervals, and how to read them."""
    rows = [
        [comparison.heading, str(sizes.batch), str(sizes.hidden), *map(_cell_text, _cells(run, comparison, sizes))]
        for comparison in COMPARISONS
        for sizes in _grid(run)
    ]
    headings = [question.heading for question in GRID_QUESTIONS]
    table = tables.markdown(["ratio of times", "B", "H", *headings], rows)
    cells = [cell for comparison in COMPARISONS for sizes in _grid(run) for cell in _cells(run, comparison, sizes)]
    return tables.with_chance(table, [cell.ratio for cell in cells if cell and cell.ratio]) if rows else table


def _cell_text(cell: Cell | None) -> str:
    """Write a ratio and who is compared, where that is not the same in every cell."""
    if cell is None or cell.ratio is None:
        return cell.lack if cell else "not measured"
    return f"{tables.ratio_cell(cell.ratio)} {_names(cell)}".strip()


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
    height = EXPLAINED_HEIGHT + sum(heights) + GRID_BAND_GAP * len(heights) + print_height(print_lines)
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    write_title(figure, GRID_TITLE, "time of the first / time of the second")
    explain(figure, "Median and 95% interval over rounds that took turns; T as below. Grey: the interval includes 1.")
    _draw_colour_key(add_axes(figure, WIDTH - MARGIN - 3.1, height - 0.72, 3.1, 0.5))
    top = height - EXPLAINED_HEIGHT
    for comparison, band_height in zip(COMPARISONS, heights, strict=True):
        _draw_grid_band(figure, run, comparison, grid, top, band_height)
        top -= band_height + GRID_BAND_GAP
    write_small_print(figure, print_lines)
    return figure


def _cell_height(comparison: Comparison) -> float:
    """Return the height of a cell: one that names who is compared is higher."""
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
    style = {"color": ink_on(face)}
    _beside(axes, middle, (0, top), _pointed(cell.ratio), fontsize=NORMAL, fontweight=weight, **style)
    _beside(axes, middle, (0, top - CELL_LINE), interval(cell.ratio, " to "), **style)
    _beside(axes, middle, (0, top - 2 * CELL_LINE), names.replace(" / ", "/"), fontsize=SMALL - 0.5, **style)


def _pointed(ratio: Ratio) -> str:
    """Write a ratio with an arrow as the key has it, so that who is faster is seen without colours, too."""
    arrows = ("← ", "") if ratio.value < 1 else ("", " →")
    before, after = arrows if ratio.decided else ("", "")
    return f"{before}{factor(ratio.value)}{after}"


def _face(ratio: Ratio) -> str:
    """Colour a ratio: blue where the first is faster, orange where the second is, grey where that is undecided."""
    if not ratio.decided:
        return NEUTRAL
    strength = min(abs(np.log(ratio.value)) / np.log(FULL_COLOUR), 1)
    return lighter(BLUE if ratio.value < 1 else ORANGE, 0.2 + 0.8 * strength)


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

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
    HEADING,
    NORMAL,
    ORANGE,
    QUIET,
    SMALL,
    SMALL_QUIET,
    Drawing,
    hide,
    ink_on,
    lighter,
    note,
    small_print,
)
from unroll.report.growth import BUILD, STEP_FORWARD, STEP_TRAIN
from unroll.report.page.answer import ratio_text
from unroll.report.table import Cell as TextCell
from unroll.report.table import Table
from unroll.report.tables import Column, factor, interval, lack


class Comparison(NamedTuple):
    """Which groups are compared: the fastest variant of the one over the fastest of the other."""

    heading: str
    more: str
    over: tuple[str, ...]
    under: tuple[str, ...]


class Cell(NamedTuple):
    """One cell of a grid: the ratio, or why there is none, and the two variants that gave it."""

    ratio: Ratio | None
    over: str
    under: str
    lack: str


GRID_QUESTIONS = (STEP_TRAIN, STEP_FORWARD, BUILD)
COMPARISONS = (
    Comparison("static / dynamic", "", ("static",), ("dynamic",)),
    Comparison("fastest of ours / faster of Keras", "as named in the cell, by median", PAIR, KERAS),
)
SHORT = {"static-traced": "traced", "keras-unrolled": "unrolled", "keras-loop": "loop"}
CELL_HEIGHT, NAME_HEIGHT = 0.44, 0.15
CELL_LINE = 11.5  # points
FULL_COLOUR = 2.0  # the factor, either way, from which on a cell has its full colour
NEUTRAL = "#F0F0F0"


def _grid(run: Run) -> list[Sizes]:
    """Return the sizes that differ from the run's in batch or width alone; none if there is but one batch and width."""
    base = run.sizes
    alike = [
        sizes
        for sizes in run.all_sizes
        if (sizes.steps, sizes.input, sizes.valid) == (base.steps, base.input, base.valid)
    ]
    compared = [
        sizes
        for sizes in alike
        if any(_pair(run, *question, sizes) for question in product(GRID_QUESTIONS, COMPARISONS))
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
    return run.look_up(case.key(question.quantity, question.phase))


def _pair(run: Run, question: Column, comparison: Comparison, sizes: Sizes) -> tuple[Case, Case] | None:
    """Return the fastest case of each group."""
    over, under = (_fastest(run, question, group, sizes) for group in (comparison.over, comparison.under))
    return (over, under) if over and under else None


def _fastest(run: Run, question: Column, group: tuple[str, ...], sizes: Sizes) -> Case | None:
    """Return the case of the smallest median; one that was stopped only where no other is left."""
    medians = {}
    for variant in group:
        case = Case(variant, own_mode(variant), sizes)
        cost = _find(run, question, case)
        if cost:
            medians[case] = cost.median if cost.samples else np.inf
    return min(medians, key=lambda case: medians[case], default=None)


def grid_table(run: Run) -> Table:
    """Format the ratios at each batch and width with their 95% intervals, and how to read them."""
    rows = [
        [comparison.heading, str(sizes.batch), str(sizes.hidden), *map(_cell_text, _cells(run, comparison, sizes))]
        for comparison in COMPARISONS
        for sizes in _grid(run)
    ]
    headings = [question.heading for question in GRID_QUESTIONS]
    table = Table(["ratio of times", "B", "H", *headings], rows)
    cells = [cell for comparison in COMPARISONS for sizes in _grid(run) for cell in _cells(run, comparison, sizes)]
    return tables.with_chance(table, [cell.ratio for cell in cells if cell and cell.ratio])


def _cell_text(cell: Cell | None) -> TextCell:
    """Format a ratio and which variants it compares, if these are not the same in every cell."""
    if cell is None or cell.ratio is None:
        return TextCell(cell.lack if cell else "not measured")
    return tables.ratio_cell(cell.ratio)._replace(after=_names(cell))


def _names(cell: Cell) -> str:
    """Name the two variants of a cell, unless they are the pair that every such cell compares."""
    if (cell.over, cell.under) == ("static", "dynamic"):
        return ""
    return " / ".join(SHORT.get(variant, variant) for variant in (cell.over, cell.under))


def _describe(run: Run) -> str:
    cells = {sizes: _cell(run, STEP_TRAIN, COMPARISONS[0], sizes) for sizes in _grid(run)}
    ratios = {sizes: cell.ratio for sizes, cell in cells.items() if cell and cell.ratio}
    if len(ratios) < 2:
        return "No two cells of the grid were measured."
    ends = [pick(ratios, key=lambda sizes: ratios[sizes].value) for pick in (min, max)]
    both = " to ".join(f"{ratio_text(ratios[sizes])} at B = {sizes.batch}, H = {sizes.hidden}" for sizes in ends)
    return f"Each cell is coloured by the ratio at one batch and width. Training step, static / dynamic: {both}."


GRID = Drawing(
    "grid",
    "Which is faster, at which batch and width?",
    _describe,
    "time of the first / time of the second",
    "The median over interleaved rounds, with its 95% interval; T as below. Grey: the interval includes 1,\n"
    "or there were too few rounds.",
)


@GRID.drawn_by
def draw_grid(run: Run) -> Figure | None:
    """Draw the ratios at each batch and width as heat maps, coloured only where the interval excludes 1."""
    grid = _grid(run)
    cells = {
        (comparison, question): {sizes: _cell(run, question, comparison, sizes) for sizes in grid}
        for comparison, question in product(COMPARISONS, GRID_QUESTIONS)
    }
    filled = [key for key, panel in cells.items() if any(cell and cell.ratio for cell in panel.values())]
    if not filled:
        return None
    bands = [band for band in COMPARISONS if any((band, question) in filled for question in GRID_QUESTIONS)]
    questions = [question for question in GRID_QUESTIONS if any((band, question) in filled for band in bands)]
    batches = len({sizes.batch for sizes in grid})
    heights = [batches * (CELL_HEIGHT + (NAME_HEIGHT if len(band.over) > 1 else 0)) for band in bands]
    figure = GRID.frame(small_print(run), sum(heights) + len(bands) * (HEADING + 0.5))
    _draw_colour_key(figure)
    panels = figure.subplots(len(bands), len(questions), squeeze=False, height_ratios=heights)
    for row, band in zip(panels, bands, strict=True):
        for axes, question in zip(row, questions, strict=True):
            _draw_heat_map(axes, question.heading, cells[band, question])
        for axes in row[1:]:
            axes.tick_params(labelleft=False)
        place = {"fontsize": NORMAL + 2, "in_layout": True, "va": "baseline"}
        name = note(row[0], band.heading, (0, 1), (-42, 41), "axes fraction", fontweight="bold", **place)
        row[0].annotate(
            band.more, (1, 0), (10, 2), name, "offset points", va="baseline", in_layout=False, **SMALL_QUIET
        )
    return figure


def _draw_heat_map(axes: Axes, heading: str, cells: dict[Sizes, Cell | None]) -> None:
    batches, widths = sorted({sizes.batch for sizes in cells}), sorted({sizes.hidden for sizes in cells})
    axes.set(xlim=(0, len(widths)), ylim=(len(batches), 0))
    hide(axes)
    axes.set_title(heading, pad=6)
    axes.set_xticks([column + 0.5 for column in range(len(widths))], [f"H = {width}" for width in widths])
    axes.set_yticks([row + 0.5 for row in range(len(batches))], [f"B = {batch}" for batch in batches])
    axes.tick_params(top=False, left=False, bottom=False, labeltop=True, labelbottom=False, labelsize=SMALL)
    for sizes, cell in cells.items():
        _draw_cell(axes, widths.index(sizes.hidden), batches.index(sizes.batch), cell)


def _draw_cell(axes: Axes, column: int, row: int, cell: Cell | None) -> None:
    """Draw a ratio, its interval and which variants it compares, over its colour; or why there is no ratio."""
    middle = (column + 0.5, row + 0.5)
    if cell is None or cell.ratio is None:
        note(axes, cell.lack if cell else "not measured", middle, color=QUIET, style="italic", ha="center")
        return
    face, names = _face(cell.ratio), _names(cell)
    axes.add_patch(Rectangle((column, row), 1, 1, facecolor=face, edgecolor="white", linewidth=2))
    top = CELL_LINE if names else CELL_LINE / 2
    style = {"color": ink_on(face), "ha": "center"}
    weight = "bold" if cell.ratio.decided else "normal"
    note(axes, _pointed(cell.ratio), middle, (0, top), fontsize=NORMAL, fontweight=weight, **style)
    note(axes, interval(cell.ratio, " to "), middle, (0, top - CELL_LINE), **style)
    note(axes, names.replace(" / ", "/"), middle, (0, top - 2 * CELL_LINE), fontsize=SMALL - 0.5, **style)


def _pointed(ratio: Ratio) -> str:
    """Format a ratio with an arrow as the key has it, so that one sees without colours which is faster."""
    arrows = ("← ", "") if ratio.value < 1 else ("", " →")
    before, after = arrows if ratio.decided else ("", "")
    return f"{before}{factor(ratio.value)}{after}"


def _face(ratio: Ratio) -> str:
    """Return the colour of a ratio: blue if the first is faster, orange if the second is, grey if undecided."""
    if not ratio.decided:
        return NEUTRAL
    strength = min(abs(np.log(ratio.value)) / np.log(FULL_COLOUR), 1)
    return lighter(BLUE if ratio.value < 1 else ORANGE, 0.2 + 0.8 * strength)


def _draw_colour_key(figure: Figure) -> None:
    """Draw which colour means which ratio, at the upper right of the page."""
    height = figure.get_size_inches()[1]
    axes = figure.add_axes((0.675, 1 - 0.72 / height, 0.31, 0.5 / height))
    axes.set_axis_off()
    steps = np.linspace(-1, 1, 9)
    axes.set(xlim=(0, len(steps)), ylim=(0, 1))
    for number, power in enumerate(steps):
        ratio = float(FULL_COLOUR**power)
        face = _face(Ratio(ratio, ratio, ratio)) if power else NEUTRAL
        axes.add_patch(Rectangle((number, 0.38), 1, 0.26, facecolor=face, edgecolor="white", linewidth=1))
    ends = ((0.5, f"≤ {1 / FULL_COLOUR:g}"), (len(steps) / 2, "1"), (len(steps) - 0.5, f"≥ {FULL_COLOUR:g}"))
    for at, text in ends:
        axes.text(at, 0.28, text, ha="center", va="top", **SMALL_QUIET)
    axes.text(0, 0.72, "← the first is faster", **SMALL_QUIET)
    axes.text(len(steps), 0.72, "the second is faster →", ha="right", **SMALL_QUIET)

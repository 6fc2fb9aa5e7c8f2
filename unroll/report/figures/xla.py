"""The figure of XLA: what it takes to compile and what a run then takes, beside graph mode, and eager as the floor."""

from operator import itemgetter
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unroll.measure.config import PHASES, Case
from unroll.measure.journal import Measurement, Run
from unroll.measure.statistics import ENOUGH_ROUNDS
from unroll.measure.variants import label
from unroll.report.figures.frame import (
    DPI,
    EXPLAINED_HEIGHT,
    FAINT,
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
from unroll.report.figures.plots import GROUP_GAP, ROW, draw_spread, place_rows, rows_height, write_above, write_beside
from unroll.report.tables import NOTHING, Column, lack, measured_variants, significant, steps_text

Rows = dict[tuple[str, str], float]  # by variant and mode: the middle of its row, from the top

TITLE = "XLA: compile against run"
MODE_NAMES = {"graph": "graph", "xla": "XLA", "eager": "eager"}
PHASE_NAMES = {"forward": "forward", "train": "training"}
NAMES_WIDTH, MODES_WIDTH, PAID_WIDTH, PANEL_GAP = 1.62, 0.48, 1.72, 0.14
HEADINGS = 0.58
BAR_SHARE = 0.68  # of a panel's width; the rest is for the longest bar's number


class Panel(NamedTuple):
    """What a panel shows: the quantities that its bars add up, on which phase, in which unit."""

    heading: str
    unit: str
    scale: float
    quantities: tuple[str, ...]
    phase: str


PANELS = [
    Panel(f"{doing},\n{PHASE_NAMES[phase]}", unit, scale, quantities, phase)
    for phase in PHASES
    for doing, unit, scale, quantities in (
        ("To compile", "s: build + first call", 1, ("build", "first_call")),
        ("To run", "ms: one later step", 1e-3, ("step",)),
    )
]


@styled
def draw_xla(run: Run) -> Figure:
    """Draw what compiling and running take under XLA, as a graph and eagerly, one row a variant and mode."""
    rows = place_rows(_measured(run), itemgetter(0), GROUP_GAP)
    if not rows:
        return empty_figure(run, TITLE, NOTHING)
    print_lines = small_print(run)
    bottom = print_height(print_lines) + 0.15
    height = rows_height(rows) * ROW
    figure = Figure(figsize=(WIDTH, bottom + height + HEADINGS + EXPLAINED_HEIGHT), dpi=DPI)
    write_title(figure, TITLE, "less is better")
    explain(
        figure,
        "Medians. White mark: building ends, the first call begins. Thin line: the middle half of the steps. "
        "Eager mode builds nothing: a floor to start from.",
    )
    _draw_names(add_axes(figure, MARGIN, bottom, WIDTH - 2 * MARGIN, height), rows)
    left = MARGIN + NAMES_WIDTH + MODES_WIDTH
    slot = (WIDTH - MARGIN - PAID_WIDTH - left) / len(PANELS)
    for number, panel in enumerate(PANELS):
        _draw_panel(add_axes(figure, left + number * slot, bottom, slot - PANEL_GAP, height), run, panel, rows)
    _draw_paid(add_axes(figure, WIDTH - MARGIN - PAID_WIDTH, bottom, PAID_WIDTH, height), run, rows)
    write_small_print(figure, print_lines)
    return figure


def _measured(run: Run) -> list[tuple[str, str]]:
    """Return the variants that were measured in more modes than graph mode, each with its modes."""
    asked = {
        mode: [Column(quantity, panel.phase, "", "", mode) for panel in PANELS for quantity in panel.quantities]
        for mode in MODE_NAMES
    }
    modes = {mode: measured_variants(run, columns) for mode, columns in asked.items()}
    variants = measured_variants(run, [column for columns in asked.values() for column in columns])
    found = {variant: [mode for mode in MODE_NAMES if variant in modes[mode]] for variant in variants}
    return [(variant, mode) for variant, own in found.items() if own != ["graph"] for mode in own]


def _draw_names(axes: Axes, rows: Rows) -> None:
    """Name the variants, and beside each its modes; part them by lines."""
    axes.set(xlim=(0, WIDTH - 2 * MARGIN), ylim=(rows_height(rows), 0))
    named, last = set(), 0.0
    for (variant, mode), row in rows.items():
        axes.text(NAMES_WIDTH + 0.08, row, MODE_NAMES[mode], fontsize=SMALL, color=QUIET, va="center_baseline")
        if variant not in named:
            name = fitted(label(variant), NORMAL, NAMES_WIDTH - 0.1)
            axes.text(NAMES_WIDTH - 0.1, row, name, ha="right", va="center_baseline")
            if named:
                axes.plot([0, WIDTH - 2 * MARGIN], [(last + row) / 2] * 2, color=FAINT, linewidth=0.6)
        named.add(variant)
        last = row


def _draw_panel(axes: Axes, run: Run, panel: Panel, rows: Rows) -> None:
    costs = {case: _cost(run, panel, *case) for case in rows}
    spreads = {case: _spread(run, panel, *case) for case in rows}
    ends = [sum(parts) for parts in costs.values() if not isinstance(parts, str)]
    ends += [found.quartiles[1] / panel.scale for found in spreads.values() if found]
    axes.set(xlim=(0, max([*ends, 1e-9]) / BAR_SHARE), ylim=(rows_height(rows), 0))
    axes.axvline(0, color=QUIET, linewidth=0.6)
    write_above(axes, 37, panel.heading, fontweight="bold", va="top")
    write_above(axes, 4, panel.unit, fontsize=SMALL, color=QUIET)
    for case, row in rows.items():
        parts, spread = costs[case], spreads[case]
        if isinstance(parts, str):
            write_beside(axes, 0, row, parts, color=QUIET, style="italic")
            continue
        _draw_bar(axes, row, parts, case)
        end = draw_spread(axes, row, spread, panel.scale) if spread else 0
        write_beside(axes, max(end, sum(parts)), row, significant(sum(parts)))


def _spread(run: Run, panel: Panel, variant: str, mode: str) -> Measurement | None:
    """Return what has a spread of its own: not what is added up of two."""
    found = run.find(panel.quantities[0], panel.phase, variant, mode) if len(panel.quantities) == 1 else None
    return found if found and not lack(found) else None


def _cost(run: Run, panel: Panel, variant: str, mode: str) -> list[float] | str:
    """Return the medians that a bar adds up, or say why it cannot be drawn; what runs eagerly is not built."""
    quantities = [quantity for quantity in panel.quantities if quantity != "build" or mode != "eager"]
    found = [run.find(quantity, panel.phase, variant, mode) for quantity in quantities]
    lacking = next(filter(None, map(lack, found)), "")
    return lacking or [measured.median / panel.scale for measured in found if measured]


def _draw_bar(axes: Axes, row: float, parts: list[float], case: tuple[str, str]) -> None:
    """Draw a bar in its variant's colour: full for graph mode, hatched for XLA, hollow for eager."""
    variant, mode = case
    hue = colour(variant)
    style = {
        "graph": {"facecolor": hue},
        "xla": {"facecolor": hue, "edgecolor": "white", "hatch": "////", "linewidth": 0},
        "eager": {"facecolor": "white", "edgecolor": hue, "linewidth": 1.2},
    }[mode]
    axes.barh(row, sum(parts), height=0.68, **style)
    if len(parts) > 1:
        axes.plot([parts[0]] * 2, [row - 0.34, row + 0.34], color="white", linewidth=1.5, solid_capstyle="butt")


def _draw_paid(axes: Axes, run: Run, rows: Rows) -> None:
    """Return the number of runs after which compiling with XLA has paid, beside graph mode."""
    axes.set(xlim=(0, PAID_WIDTH), ylim=(rows_height(rows), 0))
    write_above(axes, 37, "XLA has paid for itself,\nbeside graph mode", fontweight="bold", va="top")
    both = [variant for variant, mode in rows if mode == "xla" and (variant, "graph") in rows]
    steps = [run.find("step", phase, variant, "xla") for variant in both for phase in PHASES]
    rounds = min((len(found.rounds) for found in steps if found and found.rounds), default=0)
    interval = "95% interval" if rounds >= ENOUGH_ROUNDS else f"interval of {rounds} round{'s' * (rounds != 1)}"
    write_above(axes, 4, f"runs [{interval}]", fontsize=SMALL, color=QUIET)
    for variant in both:
        for number, phase in enumerate(PHASES):
            text = f"{PHASE_NAMES[phase]}: {_paid(run, phase, variant)}"
            write_beside(axes, 0, rows[variant, "xla"] - 0.5 + number, text)


def _paid(run: Run, phase: str, variant: str) -> str:
    found = run.break_even(phase, *(Case(variant, mode, run.sizes) for mode in ("xla", "graph")))
    if found is None:
        return "not known"
    steps, low, high = (steps_text(value) if value == value else "" for value in found)
    return steps if steps == low == high else f"{steps} [{low}, {high}]" if low else f"{steps}, one process"

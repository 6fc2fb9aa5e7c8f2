"""The figure of XLA: what it takes to compile and what a run then takes, beside graph mode, and eager as the floor."""

from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unroll.measure.config import PHASES, Case
from unroll.measure.journal import Measurement, Run
from unroll.measure.statistics import ENOUGH_ROUNDS
from unroll.measure.variants import label
from unroll.report.figures.costs import (
    GROUP_GAP,
    HEADINGS,
    NAMES_WIDTH,
    ROW,
    Rows,
    draw_spread,
    place_rows,
    rows_height,
)
from unroll.report.figures.frame import NORMAL, QUIET, Drawing, colour, fitted, head, hide, note, rule, small_print
from unroll.report.figures.words import both_costs
from unroll.report.tables import BY_MODE, counted, in_order, lack, significant, steps_text

MODE_NAMES = {"graph": "graph", "xla": "XLA", "eager": "eager"}
PHASE_NAMES = {"forward": "forward", "train": "training"}
MODES_WIDTH, PANEL_WIDTH, PAID_WIDTH = 0.42, 1.3, 1.72
BAR_SHARE = 0.68  # of a panel's width; the rest is for the longest bar's number


class Panel(NamedTuple):
    """One panel: the quantities that its bars add up, in which phase, in which unit."""

    heading: str
    unit: str
    scale: float
    quantities: tuple[str, ...]
    phase: str


PANELS = [
    Panel(f"{activity},\n{PHASE_NAMES[phase]}", unit, scale, quantities, phase)
    for phase in PHASES
    for activity, unit, scale, quantities in (
        ("To compile", "s: build + first call", 1, ("build", "first_call")),
        ("To run", "ms: one later step", 1e-3, ("step",)),
    )
]


def _describe(run: Run) -> str:
    compiled = [column for column in BY_MODE if column.mode in ("graph", "xla")]
    return f"The bars show what compiling takes, and what a step then takes. {both_costs(compiled, run)}"


XLA = Drawing(
    "xla",
    "XLA: compile against run",
    _describe,
    "less is better",
    "Medians. White mark: building ends, the first call begins. Thin line: the middle half of the steps. "
    "Eager mode builds nothing: a floor to start from.",
)


@XLA.drawn_by
def draw_xla(run: Run) -> Figure | None:
    """Draw what compiling and running take under XLA, as a graph and eagerly, with a row for each variant and mode."""
    rows = place_rows(_measured(run), itemgetter(0), GROUP_GAP)
    panels = [panel for panel in PANELS if any(isinstance(_cost(run, panel, *case), list) for case in rows)]
    if not panels:
        return None
    figure = XLA.frame(small_print(run), HEADINGS + rows_height(rows) * ROW)
    compared = [variant for variant, mode in rows if mode == "xla" and (variant, "graph") in rows]
    widths = [NAMES_WIDTH + MODES_WIDTH, *[PANEL_WIDTH] * len(panels), *([PAID_WIDTH] if compared else [])]
    names, *columns = figure.subplots(1, len(widths), sharey=True, width_ratios=widths)
    names.set_ylim(rows_height(rows), 0)
    _draw_names(names, rows)
    for axes, panel in zip(columns, panels, strict=False):
        _draw_panel(axes, run, panel, rows)
    if compared:
        _draw_paid(columns[-1], run, rows, compared)
    return figure


def _measured(run: Run) -> list[tuple[str, str]]:
    """Return each variant with its modes, if any variant was measured in two; those of graph mode alone are left out.

    Without one that was measured in two modes there is nothing to compare with XLA, whatever other packages do.
    """
    questions = {(quantity, panel.phase) for panel in PANELS for quantity in panel.quantities}
    modes = {
        variant: [mode for mode in MODE_NAMES if any(run.find(*question, variant, mode) for question in questions)]
        for variant in in_order(run.variants)
    }
    if not any(len(own) > 1 for own in modes.values()):
        return []
    return [(variant, mode) for variant, own in modes.items() if own != ["graph"] for mode in own]


def _draw_names(axes: Axes, rows: Rows[tuple[str, str]]) -> None:
    """Name the variants, and beside each its modes; part them by lines."""
    axes.set_axis_off()
    axes.set_xlim(-NAMES_WIDTH, MODES_WIDTH)
    first = {variant: row for (variant, _), row in reversed(rows.items())}
    for variant, row in first.items():
        note(axes, fitted(label(variant), NORMAL, NAMES_WIDTH - 0.1), (-0.1, row), ha="right", fontsize=NORMAL)
    for (_, mode), row in rows.items():
        note(axes, MODE_NAMES[mode], (0.02, row), color=QUIET)
    for above, below in pairwise(rows.values()):
        if below - above > 1 + GROUP_GAP / 2:
            rule(axes, (above + below) / 2)


def _draw_panel(axes: Axes, run: Run, panel: Panel, rows: Rows[tuple[str, str]]) -> None:
    costs = {case: _cost(run, panel, *case) for case in rows}
    spreads = {case: _spread(run, panel, *case) for case in rows}
    ends = [sum(parts) for parts in costs.values() if not isinstance(parts, str)]
    ends += [cost.quartiles[1] / panel.scale for cost in spreads.values() if cost]
    axes.set_xlim(0, max([*ends, 1e-9]) / BAR_SHARE)
    hide(axes, y=False)
    axes.tick_params(left=False, labelleft=False)
    head(axes, panel.heading, panel.unit)
    for case, row in rows.items():
        parts, spread = costs[case], spreads[case]
        if isinstance(parts, str):
            note(axes, parts, (0, row), (3, 0), color=QUIET, style="italic")
            continue
        _draw_bar(axes, row, parts, case)
        end = draw_spread(axes, row, spread, panel.scale) if spread else 0
        note(axes, significant(sum(parts)), (max(end, sum(parts)), row), (3, 0))


def _spread(run: Run, panel: Panel, variant: str, mode: str) -> Measurement | None:
    """Return the measurement whose spread a bar shows; None for a bar that adds up two."""
    cost = run.find(panel.quantities[0], panel.phase, variant, mode) if len(panel.quantities) == 1 else None
    return cost if cost and not lack(cost) else None


def _cost(run: Run, panel: Panel, variant: str, mode: str) -> list[float] | str:
    """Return the medians that a bar adds up, or why there is no bar; what runs eagerly is not built."""
    quantities = [quantity for quantity in panel.quantities if quantity != "build" or mode != "eager"]
    costs = [run.find(quantity, panel.phase, variant, mode) for quantity in quantities]
    lacking = next(filter(None, map(lack, costs)), "")
    return lacking or [cost.median / panel.scale for cost in costs if cost]


def _draw_bar(axes: Axes, row: float, parts: list[float], case: tuple[str, str]) -> None:
    """Draw a bar in its variant's colour: full for graph mode, hatched for XLA, hollow for eager."""
    variant, mode = case
    hue = colour(variant)
    styles: dict[str, dict[str, Any]] = {
        "graph": {"facecolor": hue},
        "xla": {"facecolor": hue, "edgecolor": "white", "hatch": "////", "linewidth": 0},
        "eager": {"facecolor": "white", "edgecolor": hue, "linewidth": 1.2},
    }
    axes.barh(row, sum(parts), height=0.68, **styles[mode])
    if len(parts) > 1:
        axes.plot([parts[0]] * 2, [row - 0.34, row + 0.34], color="white", linewidth=1.5, solid_capstyle="butt")


def _draw_paid(axes: Axes, run: Run, rows: Rows[tuple[str, str]], compared: list[str]) -> None:
    """Write after how many runs compiling with XLA has paid for itself, beside graph mode."""
    axes.set_axis_off()
    steps = [run.find("step", phase, variant, "xla") for variant in compared for phase in PHASES]
    rounds = min((len(cost.rounds) for cost in steps if cost and cost.rounds), default=0)
    few = f"interval of {counted(rounds, 'round')}" if rounds else "not known"
    head(
        axes,
        "XLA has paid for itself,\nbeside graph mode",
        f"runs [{'95% interval' if rounds >= ENOUGH_ROUNDS else few}]",
    )
    for variant in compared:
        for number, phase in enumerate(PHASES):
            note(axes, f"{PHASE_NAMES[phase]}: {_paid(run, phase, variant)}", (0, rows[variant, "xla"] - 0.5 + number))


def _paid(run: Run, phase: str, variant: str) -> str:
    paid = run.break_even(phase, *(Case(variant, mode, run.sizes) for mode in ("xla", "graph")))
    if paid is None:
        return "not known"
    steps, low, high = (steps_text(value) if value == value else "" for value in paid)
    return steps if steps == low == high else f"{steps} [{low}, {high}]" if low else f"{steps}, one process"

"""All figures: those of a run in the order of the page, and those of trainings."""

from unroll.report.figures.break_even import BREAK_EVEN
from unroll.report.figures.card import CARD
from unroll.report.figures.costs import COSTS, FIT
from unroll.report.figures.frame import Drawing
from unroll.report.figures.graphs.growing import GRAPHS_GROWING
from unroll.report.figures.graphs.side_by_side import GRAPHS
from unroll.report.figures.grid import GRID
from unroll.report.figures.growth import GROWTH
from unroll.report.figures.kept import KEPT
from unroll.report.figures.learning import LEARNING, READING
from unroll.report.figures.ratios import RATIOS
from unroll.report.figures.trick import TRICK
from unroll.report.figures.unroll_k import UNROLL
from unroll.report.figures.xla import XLA

OF_A_RUN: tuple[Drawing, ...] = (
    CARD,
    COSTS,
    RATIOS,
    BREAK_EVEN,
    GROWTH,
    KEPT,
    GRID,
    UNROLL,
    FIT,
    XLA,
    GRAPHS,
    GRAPHS_GROWING,
    TRICK,
)
OF_TRAININGS: tuple[Drawing, ...] = (LEARNING, READING)  # drawn by `unroll train`
DRAWINGS = {drawing.name: drawing for drawing in (*OF_A_RUN, *OF_TRAININGS)}

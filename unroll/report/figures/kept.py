"""The figure of what a step leaves behind: the memory that one more step of T adds to a training step, in tensors."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unroll.measure.journal import Measurement, Run
from unroll.report.figures.frame import FAINT, NORMAL, Drawing, colour, note, small_print
from unroll.report.growth import FITTED_FROM, TENSORS, growth_costs, variants_of
from unroll.report.tables import name_on, significant

BYTES = 4  # of a float32
ROW, BOX = 0.34, 0.72  # inches of a variant's row; the share of it that its boxes fill
NAMES, NUMBERS = 0.24, 0.08  # shares of the width

EXPLANATION = (
    "A box is one tensor of a number for each image and each hidden unit. The row is what one more step adds to the\n"
    f"peak of all tensors in a training step: the slope of the line through the peaks at T = {FITTED_FROM} and more."
)


def kept_by_step(run: Run) -> dict[str, float]:
    """Return how many tensors [B, H] of float32 each variant holds for one more step; none without two large T."""
    costs = growth_costs(run)
    slopes = {variant: _slope(costs[TENSORS, variant]) for variant in variants_of(costs)}
    tensor = BYTES * run.sizes.batch * run.sizes.hidden
    return {variant: slope / tensor for variant, slope in slopes.items() if slope is not None and slope > 0}


def _slope(peaks: dict[int, Measurement]) -> float | None:
    """Return the bytes that a step adds, by least squares over the larger T; None with fewer than two of them."""
    points = {T: peak.median for T, peak in peaks.items() if T >= FITTED_FROM and peak.samples}
    return float(np.polyfit(list(points), list(points.values()), 1)[0]) if len(points) > 1 else None


def _describe(run: Run) -> str:
    kept = ", ".join(f"{name_on(run, variant)} {significant(count)}" for variant, count in kept_by_step(run).items())
    return f"There is a row of boxes for each variant. Tensors that one more step adds: {kept}."


KEPT = Drawing("kept", "What each step leaves behind for its gradient", _describe, "fewer is better", EXPLANATION)


@KEPT.drawn_by
def draw_kept(run: Run) -> Figure | None:
    """Draw a row of boxes for each variant, as many as the tensors that it holds for one more step."""
    kept = kept_by_step(run)
    if not kept:
        return None
    figure = KEPT.frame(small_print(run), ROW * len(kept))
    axes = figure.subplots()
    axes.set_axis_off()
    most = int(np.ceil(max(kept.values())))
    width = most / (1 - NAMES - NUMBERS)
    axes.set(xlim=(-NAMES * width, (1 - NAMES) * width), ylim=(len(kept), 0))
    for row, (variant, count) in enumerate(kept.items()):
        note(axes, name_on(run, variant), (-NAMES * width, row + 0.5), fontsize=NORMAL)
        _draw_boxes(axes, row, count, colour(variant))
        note(axes, significant(count), (np.ceil(count), row + 0.5), (6, 0), fontsize=NORMAL)
    return figure


def _draw_boxes(axes: Axes, row: int, count: float, face: str) -> None:
    """Draw whole boxes, and of the last one the share that is left."""
    for left in range(int(np.ceil(count))):
        share = min(1.0, count - left)
        at = (row + (1 - BOX) / 2, BOX)
        axes.broken_barh([(left + 0.06, 0.88)], at, facecolor="none", edgecolor=FAINT, linewidth=0.8)
        axes.broken_barh([(left + 0.06, 0.88 * share)], at, facecolor=face)

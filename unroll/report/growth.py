"""How costs grow with the number of steps: what was measured at each T, and the exponents of their laws."""

import numpy as np

from unroll.measure.journal import START, Measurement, Run
from unroll.measure.presets import CUDNN, KERAS, OTHER_GRADIENTS, PAIR
from unroll.measure.statistics import Growth, growth
from unroll.report import tables
from unroll.report.table import Table
from unroll.report.tables import Column, lack

FITTED_FROM = 64  # below it the parts of a cost that do not grow with T hide the law of the part that does
GROWTH_VARIANTS = (*PAIR, *OTHER_GRADIENTS, *KERAS, CUDNN)


Costs = dict[tuple[Column, str], dict[int, Measurement]]  # at each T, of each question and variant
BUILD = Column("build", "train", "Build, training graph", "ms")
FIRST_CALL = Column("first_call", "train", "First call, training", "ms")
NET_START = Column(START, "train", "Start, net of a step", "ms")
STEP_FORWARD = Column("step", "forward", "Forward step", "ms")
STEP_TRAIN = Column("step", "train", "Training step", "ms")
PROCESS = Column("process", "train", "Process, training", "MiB")
TENSORS = Column("tensors", "train", "Tensors at peak, training", "MiB")
GRAPH_BYTES = Column("graph_bytes", "train", "Training graph, serialized", "KiB")
EXPORT = Column("export", "forward", "SavedModel", "KiB")
GROWTH_BANDS = [[BUILD, NET_START, STEP_FORWARD, STEP_TRAIN], [PROCESS, TENSORS, GRAPH_BYTES, EXPORT]]
GROWTH_QUESTIONS = [question for band in GROWTH_BANDS for question in band]


def growth_costs(run: Run) -> Costs:
    """Return what each variant costs at each T, for the variants that were measured at two T or more."""
    costs = {
        (question, variant): run.sweep("steps", question.quantity, question.phase, variant)
        for question in GROWTH_QUESTIONS
        for variant in GROWTH_VARIANTS
    }
    variants = {variant for (_, variant), sweep in costs.items() if len(sweep) > 1}
    return {key: sweep for key, sweep in costs.items() if key[1] in variants}


def variants_of(costs: Costs) -> list[str]:
    """Return the variants that costs are of, each once."""
    return list(dict.fromkeys(variant for _, variant in costs))


def fit_growth(sweep: dict[int, Measurement]) -> Growth | str:
    """Fit the law of growth over the larger T, one point a round; or say why there is none."""
    rounds = [(steps, values) for steps, cost in sweep.items() for values in cost.rounds.values()]
    if not rounds:
        return next((lack(cost) for cost in sweep.values()), "not measured")
    points = [(steps, float(np.median(values))) for steps, values in rounds if steps >= FITTED_FROM]
    if len({steps for steps, _ in points}) < 3:
        return "too few"
    steps, costs = zip(*points, strict=True)
    return growth(steps, costs) if min(costs) > 0 else "not above 0"


def has_fits(costs: Costs) -> bool:
    """Return whether any cost was measured at enough large T for a law."""
    return any(not isinstance(fit_growth(sweep), str) for sweep in costs.values())


def growth_text(fit: Growth | str, prefix: str = "", exact: bool = False) -> str:
    """Write an exponent with its interval, 0 without a sign; that of an exact count has no interval."""
    if isinstance(fit, str):
        return fit
    exponent, low, high = (f"{round(value, 2) + 0.0:.2f}" for value in fit)
    return f"{prefix}{exponent}" + ("" if exact else f" [{low}, {high}]")


def growth_table(run: Run) -> Table:
    """Format the exponent p of each cost as T ** p, with its 95% interval, fitted over the larger T."""
    costs = growth_costs(run)
    rows = [
        [
            tables.name_on(run, variant),
            *(growth_text(fit_growth(costs[question, variant]), exact=question.exact) for question in GROWTH_QUESTIONS),
        ]
        for variant in (variants_of(costs) if has_fits(costs) else [])
    ]
    headings = [question.heading for question in GROWTH_QUESTIONS]
    return Table([f"p in T^p, T >= {FITTED_FROM}", *headings], rows)

"""Training on several devices as a table: examples a second by the number of replicas."""

from unroll.measure.config import REPLICAS, Case, label, own_mode, quantity_on
from unroll.measure.journal import Measurement, Run
from unroll.measure.statistics import ratio
from unroll.report.tables import in_order, lack, markdown, ratio_cell, significant

ON_ONE = quantity_on(1)


def replicas_table(run: Run) -> str:
    """Set out the training examples a second on so many devices, and their time beside that of one; bold if decided.

    The median, and the quartiles in brackets. All take turns with the same batch, which the devices share.
    """
    variants = in_order(variant for variant in run.variants if _find(run, variant, ON_ONE))
    shown = [count for count in REPLICAS if any(_speed(run, variant, count)[0].isdigit() for variant in variants)]
    header = ["examples/s in training", *(f"{count} device{'s' * (count > 1)}" for count in shown)]
    header += [f"time on {count} / on 1" for count in shown if count > 1]
    rows = [
        [
            label(variant),
            *(_speed(run, variant, count) for count in shown),
            *(_beside_one(run, variant, count) for count in shown if count > 1),
        ]
        for variant in variants
    ]
    return markdown(header, rows)


def _find(run: Run, variant: str, quantity: str) -> Measurement | None:
    return run.find(quantity, "train", variant)


def _speed(run: Run, variant: str, count: int) -> str:
    measured = _find(run, variant, quantity_on(count))
    if measured is None or not measured.samples:
        return lack(measured)
    speeds = (run.sizes.batch / seconds for seconds in (measured.median, *reversed(measured.quartiles)))
    median, low, high = map(significant, speeds)
    return f"{median} [{low}, {high}]"


def _beside_one(run: Run, variant: str, count: int) -> str:
    case = Case(variant, own_mode(variant), run.sizes)
    rounds = run.side_by_side((quantity_on(count), "train", case), (ON_ONE, "train", case))
    return ratio_cell(ratio(*rounds)) if rounds else lack(_find(run, variant, quantity_on(count)))

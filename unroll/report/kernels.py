"""What a step asks of a GPU, set out: kernels, copies, and the time in which the GPU has anything to do."""

from unroll.measure.config import MODES, PHASES, label
from unroll.measure.journal import Measurement, Run
from unroll.report.tables import in_order, markdown, missing, significant

COUNTED = ("kernels", "copies", "busy")
HEADINGS = ("kernels a step", "copies from and to the host", "the GPU is busy, ms")


def kernels_table(run: Run) -> str:
    """Set out each variant's kernels, copies and busy time in a step, by mode and phase, at the run's sizes."""
    cases = [
        (variant, mode, phase)
        for variant in in_order(run.variants)
        for mode in MODES
        for phase in PHASES
        if run.find("kernels", phase, variant, mode)
    ]
    rows = [
        [label(variant), mode, phase, *(_count(run.find(quantity, phase, variant, mode)) for quantity in COUNTED)]
        for variant, mode, phase in cases
    ]
    return markdown(["variant", "mode", "phase", *HEADINGS], rows, align=["---"] * 3 + ["---:"] * len(HEADINGS))


def _count(found: Measurement | None) -> str:
    if found is None or not found.samples:
        return missing(found)
    return significant(found.median * 1e3) if found.unit == "s" else f"{found.median:g}"

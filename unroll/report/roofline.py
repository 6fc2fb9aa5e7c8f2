"""How near each variant's steps come to what the machine was measured to do: its matrix rate and its bandwidth."""

from unroll.measure.config import MACHINE, MODES, PHASES, Sizes, label
from unroll.measure.journal import Measurement, Run
from unroll.measure.operations import FLOAT_BYTES, count_operations, reached
from unroll.report.tables import in_order, markdown, missing, significant

SHARES = ("ms a step", "steps/s", "examples/s", "of the matrix rate", "of the bandwidth")
RATES = (("matrix_rate", "matrix rate, Gflop/s"), ("bandwidth", "bandwidth, GB/s"))
GIGA = 1e9


def roofline_table(run: Run) -> str:
    """Set out each variant's step, steps and examples a second, and the shares of the machine's rates that it reached.

    At the run's sizes and at the largest of its grid, in every mode and in each phase of which a step was measured.
    """
    phases = [phase for phase in PHASES if any(one.quantity == "step" and one.phase == phase for one in run.records)]
    cases = [
        (variant, mode, sizes)
        for sizes in dict.fromkeys((run.sizes, _largest(run)))
        for variant in in_order(run.variants)
        for mode in MODES
        if _rates(run, mode) and any(run.find("step", phase, variant, mode, sizes) for phase in phases)
    ]
    rows = [
        [label(case[0]), case[1], str(case[2]), *(cell for phase in phases for cell in _cells(run, phase, *case))]
        for case in cases
    ]
    headings = [f"{phase}, {what}" for phase in phases for what in SHARES]
    return markdown(["variant", "mode", "sizes", *headings], rows, align=["---"] * 3 + ["---:"] * len(headings))


def machine_table(run: Run) -> str:
    """Set out what the machine itself was measured to do: its matrix rate in each precision, and its bandwidth."""
    found = [(name, run.find(quantity, "forward", MACHINE, mode)) for mode in MODES for quantity, name in RATES]
    rows = [[name, _giga(measured), measured.note] for name, measured in found if measured]
    return markdown(["the machine itself", "median", "measured on"], rows, align=["---", "---:", "---"])


TABLES = {"roofline": roofline_table, "machine": machine_table}


def _largest(run: Run) -> Sizes:
    """Give the sizes at which a step takes the most operations, of those at which variants took turns."""
    stepped = {record.sizes for record in run.records if record.quantity == "step" and record.turns}
    return max(stepped, key=lambda sizes: count_operations(sizes, "train").matrix, default=run.sizes)


def _rates(run: Run, mode: str) -> tuple[float, float] | None:
    """Give the machine's matrix rate in a mode's precision, and its bandwidth; None if either was not measured."""
    precision = mode if mode == "mixed" else "graph"
    found = [run.find(quantity, "forward", MACHINE, precision) for quantity, _ in RATES]
    rates = [measured.median for measured in found if measured and measured.samples]
    return (rates[0], rates[1]) if len(rates) == len(RATES) else None


def _cells(run: Run, phase: str, variant: str, mode: str, sizes: Sizes) -> list[str]:
    """Write how long one variant's step takes, how many go into a second, and its two shares."""
    measured, rates = run.find("step", phase, variant, mode, sizes), _rates(run, mode)
    if rates is None or measured is None or missing(measured):
        return [missing(measured)] * len(SHARES)
    state_bytes = FLOAT_BYTES // 2 if mode == "mixed" else FLOAT_BYTES
    found = reached(measured.median, sizes, phase, *rates, state_bytes)
    seconds, shares = measured.median, (found.matrix_share, found.bandwidth_share)
    return [*map(significant, (1e3 * seconds, 1 / seconds, sizes.batch / seconds)), *map(_percent, shares)]


def _giga(measured: Measurement) -> str:
    return missing(measured) or significant(measured.median / GIGA)


def _percent(share: float) -> str:
    """Write a share with two significant digits.

    >>> _percent(0.7312), _percent(0.0123), _percent(1.04)
    ('73%', '1.2%', '104%')
    """
    return f"{100 * share:.0f}%" if share >= 0.1 else f"{100 * share:.2g}%"

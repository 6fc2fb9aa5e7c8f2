"""How many steps and examples go into a second: beside the machine's own rates, and by the number of devices."""

from unroll.measure.config import MACHINE, MODES, PHASES, REPLICAS, Case, Sizes, quantity_on
from unroll.measure.journal import Measurement, Run
from unroll.measure.operations import FLOAT_BYTES, count_operations, reached
from unroll.measure.variants import own_mode
from unroll.report.table import LEFT, RIGHT, Cell, Table
from unroll.report.tables import counted, in_order, lack, missing, name_on, ratio_cell, significant

SHARES = ("ms a step", "steps/s", "examples/s", "of the matrix rate", "of the bandwidth")
RATES = (("matrix_rate", "matrix rate, Gflop/s"), ("bandwidth", "bandwidth, GB/s"))
GIGA = 1e9
ON_ONE = quantity_on(1)
COUNTED = ("kernels", "copies", "busy")
KERNEL_HEADINGS = ("kernels a step", "copies from and to the host", "the GPU is busy, ms")


def roofline_table(run: Run) -> Table:
    """Format each variant's step, steps and examples a second, and the shares of the machine's rates that it reached.

    At the run's sizes and at the largest of its grid, in every mode and in each phase of which a step was measured.
    """
    phases = [
        phase for phase in PHASES if any(record.quantity == "step" and record.phase == phase for record in run.records)
    ]
    cases = [
        (variant, mode, sizes)
        for sizes in dict.fromkeys((run.sizes, _largest(run)))
        for variant in in_order(run.variants)
        for mode in MODES
        if _rates(run, mode) and any(run.find("step", phase, variant, mode, sizes) for phase in phases)
    ]
    all_sizes = list(dict.fromkeys(sizes for *_, sizes in cases)) or [run.sizes]
    several = len(all_sizes) > 1
    rows = [
        [
            name_on(run, variant),
            mode,
            *([str(sizes)] if several else []),
            *(cell for phase in phases for cell in _cells(run, phase, variant, mode, sizes)),
        ]
        for variant, mode, sizes in cases
    ]
    names = ["variant", "mode", "sizes"] if several else [f"variant, at {all_sizes[0]}", "mode"]
    headings = [f"{phase}, {what}" for phase in phases for what in SHARES]
    return Table([*names, *headings], rows, LEFT * len(names) + RIGHT * len(headings))


def machine_table(run: Run) -> Table:
    """Format what the machine itself was measured to do: its matrix rate in each precision, and its bandwidth."""
    rates = [(name, run.find(quantity, "forward", MACHINE, mode)) for mode in MODES for quantity, name in RATES]
    rows = [[name, _giga(measured), measured.note] for name, measured in rates if measured]
    return Table(["the machine itself", "median", "measured on"], rows, "lrl")


def kernels_table(run: Run) -> Table:
    """Format each variant's kernels, copies and busy time in a step, by mode and phase, at the run's sizes."""
    cases = [
        (variant, mode, phase)
        for variant in in_order(run.variants)
        for mode in MODES
        for phase in PHASES
        if run.find("kernels", phase, variant, mode)
    ]
    rows = [
        [
            name_on(run, variant),
            mode,
            phase,
            *(_count(run.find(quantity, phase, variant, mode)) for quantity in COUNTED),
        ]
        for variant, mode, phase in cases
    ]
    return Table(["variant", "mode", "phase", *KERNEL_HEADINGS], rows, LEFT * 3 + RIGHT * len(KERNEL_HEADINGS))


def replicas_table(run: Run) -> Table:
    """Format the training examples a second on so many devices, and their time beside that of one.

    The median, and the quartiles in brackets. All take turns with the same batch, which the devices share.
    """
    variants = in_order(variant for variant in run.variants if _find(run, variant, ON_ONE))
    counts = [count for count in REPLICAS if any(_speed(run, variant, count)[0].isdigit() for variant in variants)]
    header = ["examples/s in training", *(counted(count, "device") for count in counts)]
    header += [f"time on {count} / on 1" for count in counts if count > 1]
    rows = [
        [
            name_on(run, variant),
            *(_speed(run, variant, count) for count in counts),
            *(_beside_one(run, variant, count) for count in counts if count > 1),
        ]
        for variant in variants
    ]
    return Table(header, rows)


TABLES = {
    "roofline": roofline_table,
    "machine": machine_table,
    "kernels": kernels_table,
    "replicas": replicas_table,
}


def _largest(run: Run) -> Sizes:
    """Return the sizes at which a step takes the most operations, of those at which variants took turns."""
    stepped = {record.sizes for record in run.records if record.quantity == "step" and record.turns}
    return max(stepped, key=lambda sizes: count_operations(sizes, "train").matrix, default=run.sizes)


def _rates(run: Run, mode: str) -> tuple[float, float] | None:
    """Return the machine's matrix rate in a mode's precision, and its bandwidth; None if either was not measured."""
    precision = mode if mode == "mixed" else "graph"
    measurements = [run.find(quantity, "forward", MACHINE, precision) for quantity, _ in RATES]
    rates = [measured.median for measured in measurements if measured and measured.samples]
    return (rates[0], rates[1]) if len(rates) == len(RATES) else None


def _cells(run: Run, phase: str, variant: str, mode: str, sizes: Sizes) -> list[str]:
    """Write how long one variant's step takes, how many go into a second, and its two shares."""
    measured, rates = run.find("step", phase, variant, mode, sizes), _rates(run, mode)
    if rates is None or measured is None or missing(measured):
        return [missing(measured)] * len(SHARES)
    state_bytes = FLOAT_BYTES // 2 if mode == "mixed" else FLOAT_BYTES
    rates_reached = reached(measured.median, sizes, phase, *rates, state_bytes)
    seconds, shares = measured.median, (rates_reached.matrix_share, rates_reached.bandwidth_share)
    return [*map(significant, (1e3 * seconds, 1 / seconds, sizes.batch / seconds)), *map(_percent, shares)]


def _giga(measured: Measurement) -> str:
    return missing(measured) or significant(measured.median / GIGA)


def _percent(share: float) -> str:
    """Write a share with two significant digits.

    >>> _percent(0.7312), _percent(0.0123), _percent(1.04)
    ('73%', '1.2%', '104%')
    """
    return f"{100 * share:.0f}%" if share >= 0.1 else f"{100 * share:.2g}%"


def _count(measured: Measurement | None) -> str:
    if measured is None or not measured.samples:
        return missing(measured)
    return significant(measured.median * 1e3) if measured.unit == "s" else f"{measured.median:g}"


def _find(run: Run, variant: str, quantity: str) -> Measurement | None:
    return run.find(quantity, "train", variant)


def _speed(run: Run, variant: str, count: int) -> str:
    measured = _find(run, variant, quantity_on(count))
    if measured is None or not measured.samples:
        return lack(measured)
    speeds = (run.sizes.batch / seconds for seconds in (measured.median, *reversed(measured.quartiles)))
    median, low, high = map(significant, speeds)
    return f"{median} [{low}, {high}]"


def _beside_one(run: Run, variant: str, count: int) -> Cell:
    case = Case(variant, own_mode(variant), run.sizes)
    rounds = run.side_by_side(case.key(quantity_on(count), "train"), case.key(ON_ONE, "train"))
    return ratio_cell(rounds.ratio() if rounds else lack(_find(run, variant, quantity_on(count))))

"""The results as Markdown: every variant's times and sizes, and the ratios of those that took turns."""

from typing import NamedTuple

from unroll.measure.config import VARIANT_LABELS
from unroll.measure.journal import Record, Run
from unroll.measure.statistics import Ratio, ratio

KIB, MIB = 1 << 10, 1 << 20


class Column(NamedTuple):
    """One quantity of a table: which records it shows, under which heading, in which unit."""

    quantity: str
    phase: str
    heading: str
    scale: float  # what one of the shown units is in the record's unit


TIMES = [
    Column("build", "forward", "build, forward (ms)", 1e-3),
    Column("build", "train", "build, train (ms)", 1e-3),
    Column("first_call", "forward", "first call, forward (ms)", 1e-3),
    Column("first_call", "train", "first call, train (ms)", 1e-3),
    Column("step", "forward", "step, forward (ms)", 1e-3),
    Column("step", "train", "step, train (ms)", 1e-3),
]
SIZES = [
    Column("nodes", "forward", "graph, forward (nodes)", 1),
    Column("nodes", "train", "graph, train (nodes)", 1),
    Column("graph_bytes", "train", "graph, train (KiB)", KIB),
    Column("process", "train", "process, train (MiB)", MIB),
    Column("tensors", "train", "tensors, train (MiB)", MIB),
    Column("export", "forward", "SavedModel (KiB)", KIB),
]
PAIRS = [
    ("static", "dynamic"),
    ("static-traced", "dynamic"),
    ("static-traced", "static"),
    ("static", "keras-unrolled"),
    ("static-traced", "keras-unrolled"),
    ("dynamic", "keras-loop"),
    ("dynamic", "keras-unrolled"),
    ("keras-unrolled", "keras-loop"),
]
TURNS = [
    Column("build", "train", "build", 1),
    Column("first_call", "train", "first call", 1),
    Column("step", "train", "step", 1),
]


def times_table(run: Run) -> str:
    """Set out each variant's times, measured alone: median, and the quartiles in brackets."""
    return _variants_table(run, TIMES)


def sizes_table(run: Run) -> str:
    """Set out each variant's graph, memory and export."""
    return _variants_table(run, SIZES)


def ratios_table(run: Run) -> str:
    """Set out the training graph's ratios with their 95% intervals; bold where the interval excludes 1."""
    rows = []
    for over, under in PAIRS:
        cells = [_ratio_cell(pair_ratio(run, turn.quantity, over, under)) for turn in TURNS]
        rows.append([f"{VARIANT_LABELS[over]} / {VARIANT_LABELS[under]}", *cells])
    return _markdown(["ratio of times", *(turn.heading for turn in TURNS)], rows)


def environment_table(run: Run) -> str:
    """Set out where, when and with what the run was measured."""
    environment = run.environment
    rows = [
        ["processor", f"{environment['processor']}, {environment['cores']} cores"],
        ["memory", f"{environment['memory_bytes'] / (1 << 30):.1f} GiB"],
        ["system", f"{environment['system']}, Python {environment['python']}"],
        ["packages", ", ".join(f"{name} {version}" for name, version in environment["versions"].items())],
        ["threads", ", ".join(f"{name} {count or 'automatic'}" for name, count in environment["threads"].items())],
        ["flags", ", ".join(f"{name}={value}" for name, value in environment["flags"].items()) or "none"],
        ["data", run.data],
        ["sizes", ", ".join(sorted({str(record.sizes) for record in run.records})) or "none"],
        ["commit", environment["commit"]],
        ["started", run.started],
    ]
    return _markdown(["environment", ""], rows, align="---")


def pair_ratio(run: Run, quantity: str, over: str, under: str) -> Ratio | None:
    """Give the ratio of two variants that took turns on the training graph; None if they did not."""
    first, second = (run.find(quantity, "train", variant, alternated=True) for variant in (over, under))
    if first is None or second is None:
        return None
    return ratio(first.samples, second.samples, first.rounds)


def _variants_table(run: Run, columns: list[Column]) -> str:
    rows = [
        [label, *(_cell(run.find(column.quantity, column.phase, variant), column.scale) for column in columns)]
        for variant, label in VARIANT_LABELS.items()
    ]
    return _markdown(["variant", *(column.heading for column in columns)], rows)


def _cell(record: Record | None, scale: float) -> str:
    if record is None:
        return "not measured"
    if not record.samples:
        return "not available"
    if len(record.samples) == 1:
        return significant(record.median / scale)
    low, high = record.quartiles
    return f"{significant(record.median / scale)} [{significant(low / scale)}, {significant(high / scale)}]"


def _ratio_cell(value: Ratio | None) -> str:
    if value is None:
        return "not measured"
    text = f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"
    return f"**{text}**" if value.decided else text


def significant(number: float) -> str:
    """Write a number with three significant digits, and whole numbers from 1000 up in full.

    >>> significant(0.12345), significant(12.345), significant(1234.5)
    ('0.123', '12.3', '1234')
    """
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def _markdown(header: list[str], rows: list[list[str]], align: str = "---:") -> str:
    """Write a Markdown table; what comes from results is escaped."""
    lines = [header, ["---"] + [align] * (len(header) - 1), *rows]
    return "\n".join(f"| {' | '.join(_escape(cell) for cell in line)} |" for line in lines) + "\n"


def _escape(cell: str) -> str:
    return " ".join(cell.replace("|", "\\|").replace("<", "&lt;").split())

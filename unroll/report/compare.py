"""Two runs set side by side: what differs in where and how they were measured, then in what they measured."""

import math
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unroll.errors import UnrollError
from unroll.measure.config import Case, Sizes
from unroll.measure.journal import Measurement, Run, device_name, read_journal
from unroll.measure.statistics import FASTER, SLOWER, Ratio, student_t
from unroll.measure.variants import label, own_mode
from unroll.report import tables
from unroll.report.folders import folder_named
from unroll.report.tables import NOTHING, PAIRS, TURNS, UNITS, Column, factor, significant

COUNTS = ("nodes", "traces")  # units of what is the same at every count, so that any difference is one
SHOWN_UNITS = {"s": "ms", "bytes": "KiB"}
CAUTION = (
    "The two runs did not take turns: what changed on the machine between them looks like a change of the code. "
    "The ratios within each run do not suffer from that. "
    "Where nothing changed, one row in twenty is still called faster or slower."
)


class Change(NamedTuple):
    """By what factor a second measurement differs from a first, and what that says."""

    ratio: Ratio
    verdict: str


def find_run(given: str) -> Run:
    """Read the last run of FOLDER, or the one of FOLDER#RUN-ID, whose id starts so.

    Raises:
        JournalError: the folder holds no journal that can be read.
        UnrollError: no run has this id, or several have.
    """
    folder, mark, start = given.rpartition("#")
    if not mark or Path(given).is_dir():
        return read_journal(folder_named(Path(given)))[-1]
    runs = read_journal(folder_named(Path(folder)))
    found = [run for run in runs if run.id == start] or [run for run in runs if run.id.startswith(start)]
    if len(found) != 1:
        known = ", ".join(run.id for run in runs)
        raise UnrollError(f"{folder}: got the run {start!r}, which {len(found)} runs match; want one of {known}")
    return found[0]


def compare(first: Run, second: Run) -> str:
    """Set two runs side by side as Markdown, readable in a terminal.

    Raises:
        UnrollError: the two measured nothing in common.
    """
    if not _shared(first, second):
        raise UnrollError(
            f"got the runs {first.id} and {second.id}, which measured nothing in common; "
            "want two that share a variant, a mode and sizes"
        )
    parts = [
        f"# Two runs\n\nfirst: {first.id}\n\nsecond: {second.id}\n\n{CAUTION}{_other_processor(first, second)}\n",
        f"## Where and how they were measured\n\n{_settings_table(first, second)}",
        *(
            f"## {quantity.replace('_', ' ')}, {phase}\n\n{table}"
            for (quantity, phase), table in _tables(first, second).items()
        ),
        f"## Ratios within each run\n\n{_ratios_table(first, second)}",
        f"## Only in the first\n\n{_only_in(first, second)}",
        f"## Only in the second\n\n{_only_in(second, first)}",
    ]
    return printable("\n".join(parts)).rstrip()


def _other_processor(first: Run, second: Run) -> str:
    """Return a warning where the two were not measured on the same processor or GPU; empty where they were."""
    names = [device_name(run) for run in (first, second)]
    return "" if names[0] == names[1] else f" The processors differ: {' and '.join(names)}."


def change(first: Measurement, second: Measurement, quantity: str) -> Change:
    """Return second / first with a 95% interval, and the verdict on it.

    A count carries no noise: it needs no interval, and any difference is a verdict.
    """
    rounds = [_medians(measured) for measured in (first, second)]
    before, after = (float(np.median(medians)) for medians in rounds)
    value = after / before if min(rounds[0]) > 0 else math.nan
    counted = _is_count(quantity, first)
    ratio = Ratio(value, value, value, *[min(map(len, rounds))] * 2) if counted else _ratio(first, second, value)
    faster, slower = ("faster", "slower") if first.unit == "s" else ("smaller", "larger")
    if counted:
        return Change(ratio, "" if before == after else faster if after < before else slower)
    if math.isnan(value):
        return Change(ratio, "")
    return Change(ratio, {FASTER: faster, SLOWER: slower}.get(ratio.verdict, ratio.verdict))


def _is_count(quantity: str, measured: Measurement) -> bool:
    return measured.unit in COUNTS or quantity == "graph_bytes"


def _medians(measured: Measurement) -> np.ndarray:
    """Return the median of each round: rounds, not samples, are independent."""
    return np.array([np.median(samples) for samples in measured.rounds.values()])


def _ratio(first: Measurement, second: Measurement, value: float) -> Ratio:
    """Return second / first with Welch's 95% interval over the processes of each run; NaN where one has one process."""
    units = [_of_processes(measured) for measured in (first, second)]
    fewest = min(map(len, units))
    rounds = min(len(measured.rounds) for measured in (first, second))
    if fewest == 1 or not value > 0:
        return Ratio(value, math.nan, math.nan, rounds, fewest)
    middle = float(np.mean(units[1]) - np.mean(units[0]))
    spread = math.sqrt(sum(float(np.var(logs, ddof=1)) / len(logs) for logs in units))
    margin = student_t(fewest - 1) * spread
    return Ratio(math.exp(middle), math.exp(middle - margin), math.exp(middle + margin), rounds, fewest)


def _of_processes(measured: Measurement) -> np.ndarray:
    """Return the logarithm of each process's median over its rounds."""
    of_process: dict[str, list[float]] = {}
    for number, samples in measured.rounds.items():
        of_process.setdefault(measured.turns.get(number, ""), []).append(float(np.median(samples)))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log([np.median(medians) for medians in of_process.values()])


def _questions(run: Run) -> dict[tuple, Measurement]:
    """Return everything that a run measured, in the order of its journal."""
    questions = dict.fromkeys(record.question for record in run.records)
    return {question: measured for question in questions if (measured := run.find(*question))}


def _shared(first: Run, second: Run) -> dict[tuple, tuple[Measurement, Measurement]]:
    others = _questions(second)
    found = _questions(first)
    return {question: (found[question], others[question]) for question in found if question in others}


def _settings_table(first: Run, second: Run) -> str:
    """Format what differs in the environments and settings, and only that."""
    flat = [_flat({"environment": run.environment, "settings": run.settings}) for run in (first, second)]
    names = [name for name in flat[0] | flat[1] if flat[0].get(name, "") != flat[1].get(name, "")]
    rows = [[name, *(values.get(name, "none") for values in flat)] for name in names]
    return _aligned(["", "first", "second"], rows) if rows else "Nothing differs.\n"


def _flat(values: dict, path: str = "") -> dict[str, str]:
    """Name the leaves of nested settings by their path.

    >>> _flat({"settings": {"sizes": {"steps": 28}}})
    {'settings.sizes.steps': '28'}
    """
    leaves = {}
    for name, value in values.items():
        where = f"{path}.{name}" if path else str(name)
        leaves |= _flat(value, where) if isinstance(value, dict) else {where: str(value)}
    return leaves


def _tables(first: Run, second: Run) -> dict[tuple[str, str], str]:
    """Format the measurements that both runs have, one table a quantity and phase."""
    groups: dict[tuple[str, str], list[tuple]] = {}
    shared = _shared(first, second)
    for question in shared:
        groups.setdefault(question[:2], []).append(question)
    written = {}
    for (quantity, phase), questions in groups.items():
        record_unit = shared[questions[0]][0].unit
        unit = SHOWN_UNITS.get(record_unit, record_unit)
        units = [f"first ({unit})", f"second ({unit})"]
        header = ["variant", "mode", "sizes", *units, "second / first", "95% interval", "verdict"]
        rows = [_row(question, *shared[question], UNITS.get(unit, 1)) for question in questions]
        written[quantity, phase] = _aligned(header, rows, range(3, 7))
    return written


def _row(question: tuple, first: Measurement, second: Measurement, scale: float) -> list[str]:
    quantity, _, variant, mode, sizes = question
    named = [label(variant), mode, str(sizes)]
    if not (first.samples and second.samples):
        return [*named, *(_median(measured, scale) for measured in (first, second)), "", "", ""]
    ratio, verdict = change(first, second, quantity)
    interval = "exact" if _is_count(quantity, first) else _interval(ratio)
    return [*named, _median(first, scale), _median(second, scale), _factor(ratio.value), interval, verdict]


def _median(measured: Measurement, scale: float) -> str:
    """Write the median over rounds, of which the ratio is made."""
    return significant(float(np.median(_medians(measured))) / scale) if measured.samples else tables.missing(measured)


def _interval(ratio: Ratio) -> str:
    if math.isnan(ratio.value):
        return ""
    return tables.why_no_interval(ratio) or f"[{_factor(ratio.low)}, {_factor(ratio.high)}]"


def _factor(value: float) -> str:
    return factor(value) if math.isfinite(value) else "not defined"


def _ratios_table(first: Run, second: Run) -> str:
    """Format the ratios of variants that took turns within each run, and whether the two intervals overlap."""
    asked = product(_headline_sizes(first, second), TURNS, PAIRS)
    rows = [row for sizes, turn, pair in asked if (row := _ratio_row(first, second, turn, pair, sizes))]
    header = ["quantity", "ratio", "sizes", "first", "second", "intervals"]
    return _aligned(header, rows, (3, 4)) if rows else f"{NOTHING}\n"


def _ratio_row(first: Run, second: Run, turn: Column, pair: tuple[str, str], sizes: Sizes) -> list[str] | None:
    """Format one ratio; None if either run lacks it."""
    over, under = (Case(variant, own_mode(variant), sizes) for variant in pair)
    before, after = (run.ratio(turn.quantity, turn.phase, over, under) for run in (first, second))
    if before is None or after is None:
        return None
    cells = [f"{_factor(ratio.value)} {_interval(ratio)}" for ratio in (before, after)]
    return [turn.heading, f"{label(pair[0])} / {label(pair[1])}", str(sizes), *cells, _overlap(before, after)]


def _headline_sizes(first: Run, second: Run) -> list[Sizes]:
    """Return the sizes at which the variants of either run took turns, if both runs measured there."""
    both = first.all_sizes & second.all_sizes
    return [sizes for sizes in dict.fromkeys((first.sizes, second.sizes)) if sizes in both]


def _overlap(first: Ratio, second: Ratio) -> str:
    if math.isnan(first.low) or math.isnan(second.low):
        return tables.why_no_interval(first) or tables.why_no_interval(second)
    return "overlap" if first.low <= second.high and second.low <= first.high else "apart"


def _only_in(run: Run, other: Run) -> str:
    """List what only one run measured: the variants and sizes of each set of quantities."""
    others = _questions(other)
    lines: dict[tuple[str, str, str], list[str]] = {}
    for quantity, phase, variant, mode, sizes in _questions(run):
        if (quantity, phase, variant, mode, sizes) not in others:
            lines.setdefault((label(variant), mode, str(sizes)), []).append(f"{quantity} ({phase})")
    listed = [f"- {', '.join(case)}: {', '.join(quantities)}" for case, quantities in lines.items()]
    return "\n".join(listed or ["Nothing."]) + "\n"


def _aligned(header: list[str], rows: list[list[str]], numbers: Iterable[int] = ()) -> str:
    """Write a Markdown table whose columns are as wide as their widest cell; those of numbers stand to the right."""
    right = [column in numbers for column in range(len(header))]
    lines = [[tables.escape(cell) for cell in line] for line in (header, *rows)]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = [f"{'-' * (width - 1)}{':' if numeric else '-'}" for width, numeric in zip(widths, right, strict=True)]
    pad = [str.rjust if numeric else str.ljust for numeric in right]
    padded = ([place(cell, width) for place, cell, width in zip(pad, line, widths, strict=True)] for line in lines)
    first, *others = padded
    return "".join(f"| {' | '.join(line)} |\n" for line in (first, rule, *others))


def printable(text: str) -> str:
    """Keep what comes from results from steering the terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)

"""Two runs side by side: what differs in where and how they were measured, then what differs in what they measured."""

import json
import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unroll.errors import UnrollError, printable
from unroll.measure.config import Case, Key, Sizes
from unroll.measure.journal import Measurement, Run, device_name, read_journal
from unroll.measure.statistics import CLOSE, FASTER, SAME, SLOWER, Ratio, student_t
from unroll.measure.variants import label, own_mode
from unroll.report import tables
from unroll.report.folders import folder_named
from unroll.report.table import NOTHING, WIDTH, Table, terminal
from unroll.report.tables import PAIRS, TURNS, UNITS, Column, factor, significant

COUNTS = ("nodes", "traces")  # units of what is the same at every count, so that any difference is one
SHOWN_UNITS = {"s": "ms", "bytes": "KiB"}
LONGEST = 60  # lines, unless all is asked for
MOST_ROWS = 12  # of a table, unless all is asked for
NO_DIFFERENCE = ("", SAME, CLOSE)
IN_NEITHER = "in neither"
CAUTION = (
    "The two runs did not take turns: what changed on the machine between them looks like a change of the code. "
    "The ratios within each run do not suffer from that. "
    "Where nothing changed, one row in twenty is still called faster or slower."
)


class Changed(NamedTuple):
    """One quantity of one case that both runs measured, and what became of it; no ratio where one has no samples."""

    key: Key
    first: Measurement
    second: Measurement
    ratio: Ratio | None
    verdict: str

    @property
    def differs(self) -> bool:
        """Return whether a difference is shown, or only one of the two has samples."""
        return self.verdict not in (*NO_DIFFERENCE, IN_NEITHER) and not self.is_open

    @property
    def is_open(self) -> bool:
        """Return whether both have samples, but too few rounds or processes for a verdict."""
        return self.verdict.startswith("no verdict")

    @property
    def size(self) -> float:
        """Return how large the difference is: the logarithm of the factor, infinite where there is none."""
        value = self.ratio.value if self.ratio else math.nan
        return abs(math.log(value)) if 0 < value < math.inf else math.inf


class RatioPair(NamedTuple):
    """One ratio of variants as each run measured it, in its own interleaved rounds."""

    turn: Column
    pair: tuple[str, str]
    sizes: Sizes
    first: Ratio
    second: Ratio

    @property
    def verdict(self) -> str:
        """Return whether the two intervals overlap or lie apart, or why that cannot be told."""
        if math.isnan(self.first.low) or math.isnan(self.second.low):
            return tables.why_no_interval(self.first) or tables.why_no_interval(self.second)
        return "overlap" if self.first.low <= self.second.high and self.second.low <= self.first.high else "apart"


class Comparison(NamedTuple):
    """Two runs, and all in which they differ.

    Attributes:
        first, second: the runs.
        settings: what differs in their environments and settings: name, first value, second value.
        changes: what both measured.
        ratios: the ratios of variants within each run.
        only: what the first alone measured, and the second alone.
    """

    first: Run
    second: Run
    settings: list[list[str]]
    changes: list[Changed]
    ratios: list[RatioPair]
    only: tuple[list[Key], list[Key]]


class Change(NamedTuple):
    """By what factor a second measurement differs from a first, and what that says."""

    ratio: Ratio
    verdict: str


def find_run(text: str) -> Run:
    """Read the last run of FOLDER, or the one of FOLDER#RUN-ID, whose id starts so.

    Raises:
        JournalError: the folder holds no journal that can be read.
        UnrollError: no run has this id, or several have.
    """
    folder, mark, start = text.rpartition("#")
    if not mark or Path(text).is_dir():
        return read_journal(folder_named(Path(text)))[-1]
    runs = read_journal(folder_named(Path(folder)))
    matching = [run for run in runs if run.id == start] or [run for run in runs if run.id.startswith(start)]
    if len(matching) != 1:
        ids = ", ".join(run.id for run in runs)
        raise UnrollError(f"{folder}: got the run {start!r}, which {len(matching)} runs match; want one of {ids}")
    return matching[0]


def compare(first: Run, second: Run) -> Comparison:
    """Compare two runs.

    Raises:
        UnrollError: the two measured nothing in common.
    """
    before, after = _measurements(first), _measurements(second)
    shared = [key for key in before if key in after]
    if not shared:
        raise UnrollError(
            f"got the runs {first.id} and {second.id}, which measured nothing in common; "
            "want two that share a variant, a mode and sizes"
        )
    changes = [_changed(key, before[key], after[key]) for key in shared]
    only = [key for key in before if key not in after], [key for key in after if key not in before]
    return Comparison(first, second, _settings(first, second), changes, _ratios(first, second), only)


def compare_text(comparison: Comparison, *, everything: bool = False) -> str:
    """Write what differs and by how much, for a terminal of 80 columns: at most 60 lines, or everything."""
    if everything:
        return _text(comparison, None)
    texts = (_text(comparison, most) for most in range(MOST_ROWS, 0, -1))
    return next((text for text in texts if text.count("\n") < LONGEST), _text(comparison, 0))


def compare_json(comparison: Comparison) -> str:
    """Write a comparison as JSON: what differs, and everything that was measured; docs/reference has its fields."""
    content = {
        "first": _run_fields(comparison.first),
        "second": _run_fields(comparison.second),
        "settings": [dict(zip(("name", "first", "second"), row, strict=True)) for row in comparison.settings],
        "measurements": [
            _key_fields(entry.key)
            | {"unit": entry.first.unit, "first": _number(entry.first), "second": _number(entry.second)}
            | _ratio_fields(entry.ratio)
            | {"verdict": entry.verdict, "differs": entry.differs}
            for entry in comparison.changes
        ],
        "ratios": [
            {"quantity": entry.turn.quantity, "phase": entry.turn.phase, "over": entry.pair[0], "under": entry.pair[1]}
            | {"sizes": asdict(entry.sizes), "first": _ratio_fields(entry.first), "second": _ratio_fields(entry.second)}
            | {"intervals": entry.verdict}
            for entry in comparison.ratios
        ],
        "only_in_first": [_key_fields(key) for key in comparison.only[0]],
        "only_in_second": [_key_fields(key) for key in comparison.only[1]],
    }
    return json.dumps(content, indent=2, allow_nan=False)


def _run_fields(run: Run) -> dict:
    return {"run": run.id, "device": device_name(run)}


def _key_fields(key: Key) -> dict:
    return key._asdict() | {"sizes": asdict(key.sizes)}


def _number(measured: Measurement) -> float | None:
    return float(np.median(_medians(measured))) if measured.samples else None


def _ratio_fields(ratio: Ratio | None) -> dict:
    numbers = [*ratio[:3]] if ratio else [math.nan] * 3
    return {
        name: number if math.isfinite(number) else None
        for name, number in zip(("ratio", "low", "high"), numbers, strict=True)
    }


def _text(comparison: Comparison, most: int | None) -> str:
    """Write a comparison, of each table at most so many rows."""
    first, second = comparison.first, comparison.second
    processors = _other_processor(first, second)
    apart = [entry for entry in comparison.ratios if entry.verdict == "apart"]
    unequal = [entry for entry in comparison.changes if entry.differs or entry.is_open]
    unequal.sort(key=lambda entry: (entry.is_open, -entry.size))
    parts = [
        f"first   {first.id}\nsecond  {second.id}\n\n{_wrapped(CAUTION + processors)}",
        _section("Where and how they were measured", ["", "first", "second"], comparison.settings, "lll", most),
        _changes_text(
            comparison.changes if most is None else unequal, comparison.changes, comparison.first.sizes, most
        ),
        _ratios_text(comparison.ratios if most is None else apart, comparison, most),
        *(_only_text(name, keys, most) for name, keys in zip(("first", "second"), comparison.only, strict=True)),
    ]
    left = "" if most is None else "\neverything: the same command with --all, or --json\n"
    return ("\n".join(parts) + left).rstrip()


def _section(heading: str, header: list[str], rows: list[list[str]], align: str, most: int | None) -> str:
    """Write a heading and a table of at most so many rows, with how many are left out."""
    rows, count = rows[:most], len(rows)
    left_out = f"... and {count - len(rows)} more" if len(rows) < count else ""
    table = Table(header, rows, align, left_out, otherwise=left_out or "Nothing differs.")
    return f"{heading}\n\n{terminal(table)}"


def _changes_text(listed: Sequence[Changed], every: Sequence[Changed], base: Sizes, most: int | None) -> str:
    counts = Counter(
        "without a verdict" if changed.is_open else changed.verdict or ("equal" if changed.ratio else IN_NEITHER)
        for changed in every
    )
    counted = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    order = "" if most is None else " Those that differ come first, the largest factor before all."
    heading = _wrapped(f"Of {len(every)} costs that both measured: {counted}.{order}")
    header = ["cost", "first", "second", "second / first", "verdict"]
    return _section(heading.rstrip(), header, [_change_row(changed, base) for changed in listed], "lrrrl", most)


def _change_row(changed: Changed, base: Sizes) -> list[str]:
    unit = SHOWN_UNITS.get(changed.first.unit, changed.first.unit)
    quantity, phase, variant, mode, sizes = changed.key
    what = f"{quantity.replace('_', ' ')}, {phase} ({unit}): {_case_text(variant, mode, sizes, base)}"
    cells = [_median(measured, UNITS.get(unit, 1)) for measured in (changed.first, changed.second)]
    if changed.ratio is None:
        return [what, *cells, "", changed.verdict]
    verdict = "none" if changed.is_open else changed.verdict or "equal"
    return [what, *cells, _with_interval(changed.ratio, _is_count(quantity, changed.first)), verdict]


def _case_text(variant: str, mode: str, sizes: Sizes, base: Sizes) -> str:
    """Name a case by its variant, by its mode where it is not the variant's own, and by its sizes if not the run's."""
    parts = [label(variant)]
    parts += [mode] if mode != own_mode(variant) else []
    parts += [f"T={sizes.steps}, B={sizes.batch}, H={sizes.hidden}"] if sizes != base else []
    return ", ".join(parts)


def _with_interval(ratio: Ratio, exact: bool = False) -> str:
    if exact or math.isnan(ratio.value):
        return _factor(ratio.value)
    between = tables.why_no_interval(ratio) or f"[{_factor(ratio.low)}, {_factor(ratio.high)}]"
    return f"{_factor(ratio.value)} {between}"


def _ratios_text(listed: Sequence[RatioPair], comparison: Comparison, most: int | None) -> str:
    if not comparison.ratios:
        return f"Ratios within each run\n\n{NOTHING}\n"
    heading = agreement_text(comparison)
    if not listed:
        return _wrapped(heading)
    rows = [
        [
            f"{entry.turn.heading}: {' / '.join(map(label, entry.pair))}, T={entry.sizes.steps}",
            *(_with_interval(ratio) for ratio in (entry.first, entry.second)),
            entry.verdict,
        ]
        for entry in listed
    ]
    return _section(_wrapped(heading).rstrip(), ["ratio", "first", "second", "intervals"], rows, "lrrl", most)


def agreement_text(comparison: Comparison) -> str:
    """Write how far two runs agree: in their steps, and in intervals, medians and verdicts of the ratios in each."""
    steps = [changed.ratio.value for changed in comparison.changes if changed.key.quantity == "step" and changed.ratio]
    pairs = comparison.ratios
    apart = sum(pair.verdict == "apart" for pair in pairs)
    both_ways = [(pair.first, pair.second) for pair in pairs] + [(pair.second, pair.first) for pair in pairs]
    inside = sum(ratio.low <= other.value <= ratio.high for ratio, other in both_ways)
    verdicts = [(pair.first.verdict, pair.second.verdict) for pair in pairs]
    decided = [both for both in verdicts if {*both} <= {FASTER, SLOWER}]
    turned = sum(first != second for first, second in decided)
    beside = f"A step took {factor(float(np.median(steps)))} times as long in the second. " if steps else ""
    return (
        f"{beside}Of {len(pairs)} ratios within each run, {apart} have intervals that lie apart; "
        f"{inside} of {2 * len(pairs)} medians lie within the other run's interval. "
        f"Of {len(decided)} that are faster or slower in both runs, "
        f"{turned} are so the other way round."
    )


def _only_text(name: str, keys: Sequence[Key], most: int | None) -> str:
    """List what only one run measured: the quantities of each variant, mode and sizes."""
    cases: dict[str, list[str]] = {}
    for quantity, phase, variant, mode, sizes in keys:
        cases.setdefault(f"{label(variant)}, {mode}, {sizes}", []).append(f"{quantity} ({phase})")
    if most is not None:
        return f"Only in the {name}: {len(keys)} costs of {len(cases)} cases\n"
    listed = [_wrapped(f"- {case}: {', '.join(quantities)}") for case, quantities in cases.items()]
    return f"Only in the {name}\n\n{''.join(listed) or 'Nothing.' + chr(10)}"


def _wrapped(text: str) -> str:
    return textwrap.fill(printable(text), WIDTH) + "\n"


def _other_processor(first: Run, second: Run) -> str:
    """Return a warning where the two were not measured on the same processor or GPU; empty where they were."""
    names = [device_name(run) for run in (first, second)]
    return "" if names[0] == names[1] else f" The processors differ: {' and '.join(names)}."


def _changed(key: Key, first: Measurement, second: Measurement) -> Changed:
    if first.samples and second.samples:
        return Changed(key, first, second, *change(first, second, key.quantity))
    if first.samples or second.samples:
        return Changed(key, first, second, None, "only in one")
    return Changed(key, first, second, None, IN_NEITHER)


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
    """Return whether any difference is one; files are not counts: a SavedModel of the same graph differs by a byte."""
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


def _measurements(run: Run) -> dict[Key, Measurement]:
    """Return everything that a run measured, in the order of its journal."""
    keys = dict.fromkeys(record.key for record in run.records)
    return {key: measured for key in keys if (measured := run.look_up(key))}


def _settings(first: Run, second: Run) -> list[list[str]]:
    """Return what differs in the environments and settings, and only that: name, first value, second value."""
    flat = [_flat({"environment": run.environment, "settings": run.settings}) for run in (first, second)]
    names = [name for name in flat[0] | flat[1] if flat[0].get(name, "") != flat[1].get(name, "")]
    return [[name, *(values.get(name, "none") for values in flat)] for name in names]


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


def _median(measured: Measurement, scale: float) -> str:
    """Write the median over rounds, of which the ratio is made."""
    return significant(float(np.median(_medians(measured))) / scale) if measured.samples else tables.missing(measured)


def _factor(value: float) -> str:
    return factor(value) if math.isfinite(value) else "not defined"


def _ratios(first: Run, second: Run) -> list[RatioPair]:
    """Return the ratios of variants that took turns within each run, where both runs have them."""
    both = first.all_sizes & second.all_sizes
    own_sizes = [sizes for sizes in dict.fromkeys((first.sizes, second.sizes)) if sizes in both]
    pairs = []
    for sizes, turn, pair in product(own_sizes, TURNS, PAIRS):
        over, under = (Case(variant, own_mode(variant), sizes) for variant in pair)
        ratios = [run.ratio(turn.quantity, turn.phase, over, under) for run in (first, second)]
        if ratios[0] and ratios[1]:
            pairs.append(RatioPair(turn, pair, sizes, ratios[0], ratios[1]))
    return pairs

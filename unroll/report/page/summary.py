"""What a run ends with in the terminal: the answer in two sentences, and the ratios that decide."""

import textwrap

from unroll.errors import printable
from unroll.measure.journal import Run
from unroll.measure.statistics import CLOSE, SAME, Ratio
from unroll.report.page.answer import answer
from unroll.report.table import WIDTH, Table, terminal
from unroll.report.tables import (
    DECIDING,
    TURNS,
    factor,
    interval_text,
    measured_columns,
    measured_pairs,
    name_on,
    pair_ratio,
)

SHORT = {SAME: "the same", CLOSE: "too close"}  # there is little room in a column
NAME = 20  # columns of a name, where four quantities stand beside it
NOTE = (
    "\nEach number is the time of the first divided by that of the second, its 95% interval, and the verdict. "
    "Below 1, the first takes less time. The same means within 5%."
)


def summary(run: Run) -> str:
    """Write what a run came to, in lines of at most 80 columns."""
    if not measured_pairs(run, DECIDING):
        return wrapped(_nothing_to_compare(run))
    return f"{wrapped(' '.join(answer(run)[:2]))}\n{terminal(_deciding_table(run))}"


def wrapped(text: str) -> str:
    """Return text in lines that fit the terminal, in which no word is broken."""
    return textwrap.fill(printable(text), WIDTH, break_long_words=False, break_on_hyphens=False) + "\n"


def _nothing_to_compare(run: Run) -> str:
    names = ", ".join(name_on(run, variant) for variant in run.variants) or "nothing"
    return f"Measured {names} at {run.sizes}: there is no other way of unrolling to set it beside."


def _deciding_table(run: Run) -> Table:
    turns = measured_columns(run, TURNS)
    rows = [
        [_name_lines(run, *pair), *(_ratio_lines(pair_ratio(run, turn, *pair)) for turn in turns)]
        for pair in measured_pairs(run, DECIDING)
    ]
    header = ["", *(turn.heading.replace(", train", "").replace(" step", "\nstep") for turn in turns)]
    return Table(header, rows, note=NOTE)


def _name_lines(run: Run, over: str, under: str) -> str:
    """Write the names of two variants in three lines or more, so that they begin beside the number."""
    lines = [line for name in (f"{name_on(run, over)} /", name_on(run, under)) for line in textwrap.wrap(name, NAME)]
    return "\n".join(lines + [""] * (3 - len(lines)))


def _ratio_lines(ratio: Ratio | str) -> str:
    """Write a ratio in three lines: the number, its interval, the verdict."""
    if isinstance(ratio, str):
        return ratio
    verdict = SHORT.get(ratio.verdict, ratio.verdict).removeprefix("no verdict: ")
    return "\n".join([factor(ratio.value), interval_text(ratio), verdict])

import pytest

from unroll.measure.config import VARIANT_LABELS, Sizes
from unroll.measure.journal import Record, Run
from unroll.report import tables

ENVIRONMENT = {
    "processor": "A | <b>fast</b> one",
    "cores": 2,
    "memory_bytes": 8 << 30,
    "system": "Linux",
    "python": "3.11.7",
    "versions": {"tensorflow": "2.21.0"},
    "threads": {"inter_op": 0, "intra_op": 2},
    "flags": {},
    "commit": "abc",
}


def run_of(*records) -> Run:
    return Run("id", "2026-11-21T00:00:00+00:00", ENVIRONMENT, "digits", list(records))


def record(quantity, samples, variant="static", unit="s", phase="train", **more) -> Record:
    return Record(quantity, phase, variant, Sizes(), unit, samples, **more)


def cells(table: str) -> dict[str, list[str]]:
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
    return {name: values for name, *values in rows}


def test_times_show_median_and_quartiles_in_milliseconds():
    found = cells(tables.times_table(run_of(record("step", [0.010, 0.020, 0.040]))))
    assert found["static"] == ["not measured"] * 5 + ["20 [15, 30]"]
    assert set(VARIANT_LABELS.values()) <= set(found)


def test_sizes_are_shown_in_their_units_and_a_missing_one_is_named():
    run = run_of(
        record("nodes", [1074], unit="nodes"),
        record("graph_bytes", [2048], unit="bytes"),
        record("process", [3 << 20], unit="bytes"),
        record("tensors", [], unit="bytes", note="no count"),
    )
    assert cells(tables.sizes_table(run))["static"][1:5] == ["1074", "2", "3", "not available"]


def test_a_ratio_is_bold_only_where_its_interval_excludes_1():
    def turns(variant, samples):
        return [record(quantity, samples, variant, rounds=4) for quantity in ("build", "step")]

    base = [1.0, 1.0, 1.0, 1.0]
    run = run_of(
        *turns("static", [2.0, 2.1, 1.9, 2.0]), *turns("dynamic", base), *turns("keras-unrolled", [3, 1, 1, 2])
    )
    found = cells(tables.ratios_table(run))
    assert found["static / dynamic"] == ["**2.00 [1.90, 2.10]**", "not measured", "**2.00 [1.90, 2.10]**"]
    assert found["dynamic / Keras, unroll=True"][0].startswith("0.75 [0.33, 1.00]")


def test_samples_measured_alone_give_no_ratio():
    assert tables.pair_ratio(run_of(record("step", [1.0])), "step", "static", "static") is None


def test_what_comes_from_results_is_escaped():
    table = tables.environment_table(run_of())
    assert "A \\| &lt;b>fast&lt;/b> one, 2 cores" in table
    assert "<b>" not in table


@pytest.mark.parametrize(("number", "text"), [(0.12345, "0.123"), (12.345, "12.3"), (99.96, "100"), (1234.6, "1235")])
def test_numbers_keep_three_digits(number, text):
    assert tables.significant(number) == text

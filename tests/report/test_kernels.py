"""The table of kernels: what was counted, of each variant and mode; nothing where nothing was."""

from unroll.measure.config import Sizes
from unroll.measure.journal import Record
from unroll.report.figures.throughput import kernels_table


def counted(variant, kernels, copies, busy, mode="graph"):
    units = {"kernels": ("launches", kernels), "copies": ("copies", copies), "busy": ("s", busy)}
    return [Record(name, "train", variant, mode, Sizes(), unit, [value]) for name, (unit, value) in units.items()]


def test_each_variant_and_mode_has_a_row_of_counts_and_milliseconds(run_of):
    made = [*counted("dynamic", 1204.0, 143.0, 0.0026), *counted("dynamic", 40.5, 0.0, 0.001, "xla")]
    _, _, *rows = kernels_table(run_of(*made)).splitlines()
    assert rows == [
        "| dynamic | graph | train | 1204 | 143 | 2.6 |",
        "| dynamic | xla | train | 40.5 | 0 | 1 |",
    ]


def test_what_could_not_be_counted_says_so(run_of):
    lost = Record("kernels", "train", "static", "graph", Sizes(), "launches", [], note="stopped: took more than 60 s")
    *_, row = kernels_table(run_of(lost)).splitlines()
    assert row == "| static | graph | train | not available | not measured | not measured |"


def test_a_run_on_a_cpu_has_none(run_of):
    assert kernels_table(run_of()) == "Not measured in this run.\n"

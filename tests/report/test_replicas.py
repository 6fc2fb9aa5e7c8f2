"""The table of training on several devices."""

from unroll.measure.config import Sizes
from unroll.measure.journal import Record
from unroll.report.figures.throughput import replicas_table
from unroll.report.table import NOTHING


def records(count, seconds, *, variant="dynamic", turns="one", note=""):
    found = enumerate(seconds, start=1) if seconds else [(0, [])]
    quantity = f"replicas_{count}"
    return [
        Record(quantity, "train", variant, "graph", Sizes(), "s", samples, number, f"{turns} {number}", note)
        for number, samples in found
    ]


def test_speeds_are_of_the_whole_batch_and_times_beside_one_device_of_rounds_side_by_side(run_of):
    one = [[0.016, 0.008, 0.032]] * 6
    two = [[0.008, 0.004, 0.016]] * 6
    more = "2 cores, B=128: no more devices"
    run = run_of(*records(1, one), *records(2, two), *records(4, [], note=more), *records(8, [], note=more))
    header, _, row = replicas_table(run).splitlines()
    assert header == "| examples/s in training | 1 device | 2 devices | time on 2 / on 1 |"
    assert row == "| dynamic | 8000 [4000, 16000] | 16000 [8000, 32000] | **0.50 [0.50, 0.50]** |"


def test_what_took_no_turns_with_one_device_has_no_ratio_and_what_failed_says_so(run_of):
    run = run_of(*records(1, [[1.0]]), *records(2, [[1.0]], turns="another"))
    assert "0.5" not in replicas_table(run)
    run = run_of(
        *records(1, [[1.0]]),
        *records(1, [[1.0]], variant="static"),
        *records(2, [[1.0]], variant="static"),
        *records(2, [], note="failed: Unequal: not the same network"),
    )
    static, dynamic = replicas_table(run).splitlines()[2:]
    assert dynamic == "| dynamic | 128 [128, 128] | failed | failed |"
    assert "static | 128 [128, 128] | 128 [128, 128] | 1.00 (one round)" in static


def test_a_run_without_it_says_so(run_of):
    assert replicas_table(run_of()) == f"{NOTHING}\n"

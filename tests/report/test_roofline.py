import pytest

from unroll.measure.config import MACHINE, Sizes
from unroll.measure.journal import Record
from unroll.measure.operations import count_operations, count_traffic
from unroll.report.figures import throughput

SIZES, LARGE = Sizes(), Sizes(hidden=1024)
RATE, BANDWIDTH = 1e11, 1e10


def step(variant="static", phase="train", sizes=SIZES, mode="graph", samples=(0.01,), turns="all"):
    return Record("step", phase, variant, mode, sizes, "s", list(samples), 1, turns)


def machine(mode="graph", rate=RATE, **more):
    return [
        Record("matrix_rate", "forward", MACHINE, mode, SIZES, "flop/s", [rate], note="big", **more),
        Record("bandwidth", "forward", MACHINE, mode, SIZES, "bytes/s", [BANDWIDTH], note="long", **more),
    ]


def rows(table):
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def test_examples_and_shares_are_those_of_the_median_step(run_of):
    run = run_of(*machine(), step(samples=[0.01, 0.02, 0.03]), step(phase="forward", samples=[0.004]))
    header, _, row = rows(throughput.roofline_table(run))
    found = dict(zip(header, row, strict=True))
    assert (found[f"variant, at {SIZES}"], found["mode"]) == ("static", "graph")
    for phase, seconds in (("forward", 0.004), ("train", 0.02)):
        assert float(found[f"{phase}, ms a step"]) == 1e3 * seconds
        assert float(found[f"{phase}, steps/s"]) == 1 / seconds
        assert float(found[f"{phase}, examples/s"]) == SIZES.batch / seconds
        matrix = 100 * count_operations(SIZES, phase).matrix / seconds / RATE
        moved = 100 * count_traffic(SIZES, phase).total / seconds / BANDWIDTH
        assert float(found[f"{phase}, of the matrix rate"].rstrip("%")) == pytest.approx(matrix, rel=0.05)
        assert float(found[f"{phase}, of the bandwidth"].rstrip("%")) == pytest.approx(moved, rel=0.05)


def test_each_mode_is_held_against_its_own_rate_and_keeps_smaller_states(run_of):
    run = run_of(*machine(), *machine("mixed", rate=4 * RATE), step(), step(mode="mixed"), step(mode="xla"))
    header, _, *found = rows(throughput.roofline_table(run))
    shares = {row[1]: row[header.index("train, of the matrix rate")] for row in found}
    moved = {row[1]: float(row[header.index("train, of the bandwidth")].rstrip("%")) for row in found}
    assert list(shares) == ["graph", "xla", "mixed"]
    assert shares["xla"] == shares["graph"]
    assert float(shares["mixed"].rstrip("%")) == pytest.approx(float(shares["graph"].rstrip("%")) / 4, rel=0.05)
    assert moved["mixed"] < moved["graph"]


def test_the_largest_of_the_grid_stands_below_and_other_sizes_do_not(run_of):
    steps = [step("dynamic", sizes=sizes) for sizes in (SIZES, LARGE, Sizes(hidden=512))]
    run = run_of(*machine(), *steps, step("dynamic", sizes=Sizes(steps=9999), turns=""))
    assert [row[2] for row in rows(throughput.roofline_table(run))[2:]] == [str(SIZES), str(LARGE)]


def test_what_was_not_measured_says_so(run_of):
    forward = step("dynamic", phase="forward")
    run = run_of(*machine(), step("static"), forward, step("torch", mode="eager", samples=[]))
    found = {row[0]: row for row in rows(throughput.roofline_table(run))[2:]}
    assert found["static"][2:7] == ["not measured"] * 5
    assert found["PyTorch nn.LSTM"][7:] == ["not available"] * 5


def test_a_phase_of_which_no_step_was_measured_has_no_columns(run_of):
    header, *_ = rows(throughput.roofline_table(run_of(*machine(), step("static"))))
    assert [name for name in header if name.startswith("forward")] == []
    assert [name for name in header if name.startswith("train")]


@pytest.mark.parametrize("known", [[], machine()[:1], machine()[1:]], ids=["neither", "no bandwidth", "no rate"])
def test_without_the_machines_rates_there_are_no_shares(known, run_of):
    assert throughput.roofline_table(run_of(*known, step())) == "Not measured in this run.\n"


def test_the_machine_is_no_variant_of_the_network(run_of):
    table = throughput.roofline_table(run_of(*machine(), step()))
    assert [row[0] for row in rows(table)] == [f"variant, at {SIZES}", "---", "static"]


def test_the_machines_rates_are_in_thousand_millions(run_of):
    found = rows(throughput.machine_table(run_of(*machine(), *machine("mixed", rate=4 * RATE))))[2:]
    assert found == [
        ["matrix rate, Gflop/s", "100", "big"],
        ["bandwidth, GB/s", "10", "long"],
        ["matrix rate, Gflop/s", "400", "big"],
        ["bandwidth, GB/s", "10", "long"],
    ]

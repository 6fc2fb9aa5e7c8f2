import math
from dataclasses import replace

import pytest
from builders import cells_of
from drawn import ROUNDS, rounds

from unroll.measure.config import Sizes
from unroll.measure.journal import Record, Run
from unroll.measure.statistics import BreakEven
from unroll.measure.variants import VARIANTS, own_mode
from unroll.report import tables
from unroll.report.table import NOTHING

ALL_TABLES = [
    tables.ratios_table,
    tables.break_even_table,
    tables.best_of_ours_table,
    tables.times_table,
    tables.sizes_table,
    tables.export_table,
    tables.conversions_table,
    tables.modes_table,
]
TRAIN = (("build", "train"), ("first_call", "train"), ("step", "forward"), ("step", "train"))


def record(quantity, samples, variant="static", phase="train", unit="s", mode=None, **more) -> Record:
    return Record(quantity, phase, variant, mode or own_mode(variant), Sizes(), unit, samples, **more)


def turns(variant, quantity, medians, phase="train") -> list[Record]:
    """Give one record a round, of variants that took turns with all others made so."""
    return [
        record(quantity, [median], variant, phase, round=number, turns=f"all {number}")
        for number, median in enumerate(medians, start=1)
    ]


def all_turns(variant, *medians) -> list[Record]:
    return [made for quantity, phase in TRAIN for made in turns(variant, quantity, medians, phase)]


def starting(variant, start, step) -> list[Record]:
    """Give what a break-even needs of a variant: seconds to build and to call first together, and of a step."""
    halves = [start / 2] * 3
    return [
        *turns(variant, "build", halves),
        *turns(variant, "first_call", halves),
        *turns(variant, "step", [step] * 3),
    ]


def cells(table: str) -> dict[str, list[str]]:
    return {name: values for name, *values in cells_of(table)}


def column(table: str, heading: str) -> dict[str, str]:
    """Give one column of a table, by the row's name."""
    header, _, *rows = cells_of(table)
    return {row[0]: row[header.index(heading)] for row in rows}


@pytest.mark.parametrize("table", ALL_TABLES)
def test_a_table_with_nothing_to_show_says_so(table, run_of):
    assert table(run_of()) == "Not measured in this run.\n"
    assert table(run_of(record("weather", [1.0]))) == "Not measured in this run.\n"


def test_times_show_median_and_quartiles_over_all_rounds_in_milliseconds(run_of):
    rounds = [record("step", [seconds], round=number) for number, seconds in enumerate([0.010, 0.020, 0.040], start=1)]
    found = cells(tables.times_table(run_of(*rounds)))
    assert found == {"variant": ["step, train (ms)"], "---": ["---:"], "static": ["20 [15, 30]"]}


def test_rows_are_the_measured_variants_in_order_and_the_users_own_last(run_of):
    run = run_of(*(record("step", [1.0], variant) for variant in ("mine:gru", "torch", "block", "static")))
    assert list(cells(tables.times_table(run)))[2:] == ["static", "BlockLSTMV2", "PyTorch nn.LSTM", "mine:gru"]


def test_another_mode_or_other_sizes_are_no_row(run_of):
    step = record("step", [1.0], "dynamic", mode="xla")
    swept = Record("step", "train", "static", "graph", Sizes(steps=5), "s", [1.0])
    assert tables.times_table(run_of(step, swept)) == "Not measured in this run.\n"


def test_sizes_are_shown_in_their_units_and_a_missing_one_is_named(run_of):
    run = run_of(
        record("nodes", [1074], unit="nodes"),
        record("graph_bytes", [2048], unit="bytes"),
        record("process", [3 << 20], phase="forward", unit="bytes"),
        record("process", [5 << 20], unit="bytes"),
        record("tensors", [], unit="bytes", note="no count"),
        record("process", [5 << 20], "dynamic", unit="bytes"),
    )
    found = cells(tables.sizes_table(run))
    assert found["static"] == ["1074", "2", "3", "5", "not available"]
    assert found["dynamic"] == ["not measured"] * 3 + ["5", "not measured"]


def test_a_ratio_is_bold_only_if_faster_or_slower_and_italic_if_the_same(run_of):
    run = run_of(
        *turns("static", "build", [2.0, 2.1, 1.9, 2.0, 2.0, 2.0, 2.0, 1.9]),
        *turns("dynamic", "build", [1] * 8),
        *turns("keras-unrolled", "build", [3, 0.5, 1, 2] * 2),
        *turns("static", "step", [3] * 8),
        *turns("static", "step", [2] * 8, "forward"),
        *turns("dynamic", "step", [1] * 8, "forward"),
    )
    table = tables.ratios_table(run)
    assert column(table, "build, train")["static / dynamic"] == "**1.99 [1.93, 2.04]**"
    assert "first call, train" not in table  # of which nothing was measured
    assert column(table, "forward step")["static / dynamic"] == "**2.00 [2.00, 2.00]**"
    assert column(table, "training step")["static / dynamic"] == "not measured"
    assert column(table, "build, train")["dynamic / Keras, unroll=True"] == "0.76 [0.41, 1.40]"
    alike = run_of(*turns("static", "build", [1.01, 1.02, 1.03] * 2), *turns("dynamic", "build", [1] * 6))
    assert cells(tables.ratios_table(alike))["static / dynamic"][0] == "*1.02 [1.01, 1.03]*"
    few = run_of(*turns("static", "build", [2, 2, 2]), *turns("dynamic", "build", [1] * 3))
    assert cells(tables.ratios_table(few))["static / dynamic"][0] == "2.00 [2.00, 2.00] (3 rounds)"


def test_a_table_of_ratios_says_how_many_of_its_bold_ones_chance_would_give(run_of):
    run = run_of(*all_turns("static", *[2] * 6), *all_turns("dynamic", *[1] * 6), *all_turns("block", *[1] * 6))
    said = tables.ratios_table(run).splitlines()[-1]
    assert "12 of these comparisons have a verdict, 8 of them bold" in said
    assert said.endswith("chance alone would still make about 0.6 of them bold.")
    few = tables.ratios_table(run_of(*all_turns("static", 2, 2), *all_turns("dynamic", 1, 1)))
    assert few.splitlines()[-1].endswith("None of these comparisons has a verdict.")
    together = [
        replace(made, turns="one") for made in (*all_turns("static", *[2] * 6), *all_turns("dynamic", *[1] * 6))
    ]
    table = tables.ratios_table(run_of(*together))
    assert cells(table)["static / dynamic"] == ["2.00 (one process)"] * 4
    assert "**" not in table and tables.ONE_PROCESS in table


def test_the_share_of_the_variance_between_processes_is_said(run_of):
    def twice(variant, *medians):  # two rounds in each of three processes
        return [replace(made, turns=f"#{made.round % 3}") for made in all_turns(variant, *medians)]

    table = tables.ratios_table(run_of(*twice("static", 1.9, 2.0, 2.1, 1.9, 2.0, 2.1), *twice("dynamic", *[1] * 6)))
    assert table.splitlines()[-1].endswith("Of their variance, a median of 100% lies between processes.")


def test_the_rounds_are_those_that_the_variants_have(run_of):
    run = run_of(*turns("static", "step", [1] * 6), *turns("dynamic", "step", [1] * 4))
    assert cells(tables.environment_table(run))["rounds"] == ["4 to 6"]


def test_on_a_gpu_keras_loop_is_named_as_one_without_cudnn(run_of):
    run = run_of(*all_turns("static", 1), *all_turns("keras-loop", 1))
    assert "static / Keras, unroll=False" in cells(tables.ratios_table(run))
    run.settings["device"] = "gpu"
    assert "static / Keras loop, cuDNN off" in cells(tables.ratios_table(run))
    assert "Keras loop, cuDNN off" in cells(tables.times_table(run))


def test_ratios_are_shown_only_of_pairs_with_both_variants(run_of):
    run = run_of(*all_turns("static", 1), *all_turns("dynamic", 1), *all_turns("block", 1))
    assert list(cells(tables.ratios_table(run)))[2:] == [
        "static / dynamic",
        "static / BlockLSTMV2",
        "dynamic / BlockLSTMV2",
    ]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ([], "not measured"),
        ([record("build", [], "dynamic", note="it has none")], "not available"),
        ([record("build", [1.0], "dynamic", round=1, turns="others")], "took no turns"),
    ],
)
def test_a_ratio_that_does_not_exist_says_why(other, said, run_of):
    run = run_of(*turns("static", "build", [1.0]), *turns("dynamic", "step", [1.0]), *other)
    assert cells(tables.ratios_table(run))["static / dynamic"][0] == said


def test_a_single_round_gives_no_interval_and_no_verdict(run_of):
    run = run_of(*turns("static", "build", [2.0]), *turns("dynamic", "build", [1.0]))
    assert cells(tables.ratios_table(run))["static / dynamic"][0] == "2.00 (one round)"


def test_ours_are_compared_to_every_package_in_its_own_mode(run_of):
    run = run_of(*all_turns("dynamic", *[3] * 6), *all_turns("torch", *[1] * 6), *all_turns("jax-loop", *[2] * 6))
    found = cells(tables.ratios_table(run))
    assert found["dynamic / PyTorch nn.LSTM"] == ["**3.00 [3.00, 3.00]**"] * 4
    assert found["dynamic / JAX scan, unroll=1"] == ["**1.50 [1.50, 1.50]**"] * 4


@pytest.mark.parametrize(
    ("late", "early", "names", "said"),
    [
        ((3.0, 0.5), (1.0, 1.0), ["static", "dynamic"], ["4", "4"]),
        ((1.0, 1.0), (3.0, 0.5), ["dynamic", "static"], ["4", "4"]),
        ((3.0, 1.0), (1.0, 0.5), ["static", "dynamic"], ["never", "never"]),
        ((1.0, 0.5), (3.0, 1.0), ["dynamic", "static"], ["never", "never"]),
        ((1.0, 1.0), (1.0, 1.0), ["static", "dynamic"], ["at once", "from at once up to never"]),
    ],
    ids=["catches up", "the other is late", "never", "the other never", "no difference"],
)
def test_break_even_names_who_is_late_and_when_it_has_paid(late, early, names, said, run_of):
    table = tables.break_even_table(run_of(*starting("static", *late), *starting("dynamic", *early)))
    row = [cell.strip() for cell in table.splitlines()[2].strip("|").split(" | ")]
    assert row == [*names, *said]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (BreakEven(12345.0, 980.2, math.inf), ["12300", "from 981 up to never"]),
        (BreakEven(3.2, 0.0, 7.0), ["4", "from at once up to 7"]),
        (BreakEven(3.2, math.nan, math.nan), ["4", "one process"]),
    ],
)
def test_break_even_shows_its_interval(found, said, run_of, monkeypatch):
    monkeypatch.setattr(Run, "break_even", lambda *given: found)
    run = run_of(*all_turns("static", 1), *all_turns("dynamic", 1))
    assert cells(tables.break_even_table(run))["static"] == ["dynamic", *said]


def test_break_even_beside_what_builds_nothing_counts_its_first_call(run_of):
    torch = [*turns("torch", "step", [1.0]), *turns("torch", "first_call", [1.0]), record("build", [], "torch")]
    run = run_of(*all_turns("dynamic", 1), *torch)
    assert cells(tables.break_even_table(run))["dynamic"] == ["PyTorch nn.LSTM", "never", "one process"]


def test_the_best_of_ours_is_named_and_compared_to_every_peer(run_of):
    run = run_of(
        *turns("static", "step", [2, 2, 2] * 3),
        *turns("dynamic", "step", [4, 4, 4] * 3),
        *turns("block", "step", [1, 1, 1] * 3),
        *turns("torch", "step", [4, 1, 2] * 3),
        *turns("mine:gru", "step", [0.1, 0.1, 0.1]),
        *turns("static", "build", [9, 9, 9] * 3),
        *turns("dynamic", "build", [3, 3, 3] * 3),
        *turns("block", "build", [3, 6, 6] * 3),
    )
    table = tables.best_of_ours_table(run)
    assert column(table, "training step") == {
        "quickest of ours": "static",
        "its time / BlockLSTMV2": "**2.00 [2.00, 2.00]**",
        "its time / PyTorch nn.LSTM": "1.00 [0.63, 1.59]",
    }
    assert column(table, "build, train") == {
        "quickest of ours": "dynamic",
        "its time / BlockLSTMV2": "**0.63 [0.48, 0.82]**",
        "its time / PyTorch nn.LSTM": "not measured",
    }
    assert set(column(table, "forward step").values()) == {"not measured"}


def test_exports_say_what_they_cost_and_serve_and_how_often_they_are_traced(run_of):
    def exported(quantity, samples, variant="static", **more):
        return record(quantity, samples, variant, "forward", **more)

    run = run_of(
        exported("export", [2048], note="T=28 only", unit="bytes"),
        exported("save", [1.5]),
        exported("load", [0.25]),
        exported("served", [0.01, 0.02]),
        exported("retraces", [5], unit="traces"),
        exported("retraces_signature", [0], unit="traces"),
        exported("export", [4096], "dynamic", note="any T", unit="bytes"),
        exported("export", [], "torch", note="it has no SavedModel", unit="bytes"),
    )
    found = cells(tables.export_table(run))
    assert found["static"] == ["2", "T=28 only", "1500", "250", "15 [12.5, 17.5]", "5", "0"]
    assert found["dynamic"] == ["4", "any T", *["not measured"] * 5]
    assert found["PyTorch nn.LSTM"] == ["not available", "not available", *["not measured"] * 5]


def test_conversions_say_what_each_format_serves_and_a_layer_has_a_row_of_its_own(run_of):
    def made(quantity, samples, variant="dynamic", **more):
        return record(quantity, samples, variant, "forward", **more)

    run = run_of(
        made("tflite", [2048], note="B=1, any T", unit="bytes"),
        made("tflite_operations", [37], unit="operations"),
        made("tflite_convert", [1.5]),
        made("onnx", [], note="ONNX needs tf2onnx and onnxruntime", unit="bytes"),
        made("layer_tflite", [4096], note="any B, any T", unit="bytes"),
        made("keras_file", [1024], unit="bytes"),
    )
    found = cells(tables.conversions_table(run))
    assert found["dynamic"] == ["2", "B=1, any T", "37", "1.5", *["not available"] * 2, *["not measured"] * 2, ""]
    assert found["layer: dynamic"] == ["4", "any B, any T", *["not measured"] * 6, "1"]


def test_modes_show_only_variants_measured_in_several(run_of):
    run = run_of(
        record("step", [0.001], "static"),
        record("step", [0.002], "static", mode="xla"),
        record("first_call", [], "static", mode="xla", note="it does not compile"),
        record("step", [0.003], "dynamic"),
        record("step", [0.004], "torch"),
    )
    table = tables.modes_table(run)
    assert list(cells(table)) == ["variant", "---", "static"]
    assert column(table, "step, train, graph (ms)") == {"static": "1"}
    assert column(table, "step, train, xla (ms)") == {"static": "2"}
    assert column(table, "step, train, eager (ms)") == {"static": "not measured"}
    assert column(table, "first call, train, xla (ms)") == {"static": "not available"}


def test_where_it_was_measured_is_escaped_and_complete(run_of):
    run = run_of()
    run.environment["warnings"] = ["the clock <jumped>", "others were running"]
    run.resumed.append("2026-11-23")
    table = tables.environment_table(run)
    assert "A \\| &lt;b>fast&lt;/b> one, 2 cores" in table
    assert "<b>" not in table
    found = cells(table)
    assert found["threads"] == ["inter_op automatic, intra_op 2"]
    assert found["flags"] == ["none"]
    assert (found["preset"], found["rounds"], found["resumed"]) == (["full"], ["4"], ["2026-11-23"])
    assert table.count("| warning |") == 2
    assert "the clock &lt;jumped>" in table


CARD = {"name": "A card", "compute_capability": "9.0", "memory_bytes": 80 << 30, "driver": "580.1"}


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"device": "cpu", "tf32": False}, "CPU"),
        (
            {"device": "gpu", "tf32": False},
            "A card, 80.0 GiB, compute capability 9.0, driver 580.1, cuda 12.5, TF32 off",
        ),
        ({"device": "gpu", "tf32": True}, "A card, 80.0 GiB, compute capability 9.0, driver 580.1, cuda 12.5, TF32 on"),
    ],
)
def test_the_device_that_was_chosen_is_named(chosen, said, run_of):
    run = run_of()
    run.settings.update(chosen)
    run.environment.update(gpus=[CARD, {"name": "Another"}], cuda={"cuda": "12.5"})
    assert cells(tables.environment_table(run))["device"] == [said]


@pytest.mark.parametrize(("devices", "device"), [(["CPU"], "cpu"), (["CPU", "GPU"], "gpu")])
def test_a_run_from_before_there_was_a_choice_ran_where_tensorflow_ran_it_and_is_shown_as_before(
    devices, device, run_of
):
    run = run_of()
    run.environment["devices"] = devices
    assert run.device == device
    assert "device" not in cells(tables.environment_table(run))


def test_beside_a_gpu_the_process_is_named_the_hosts(run_of):
    run = run_of(record("process", [5 << 20], unit="bytes"), record("tensors", [3 << 20], unit="bytes"))
    assert column(tables.sizes_table(run), "process, train (MiB)") == {"static": "5"}
    run.settings["device"] = "gpu"
    table = tables.sizes_table(run)
    assert column(table, "host process, train (MiB)") == {"static": "5"}
    assert column(table, "tensors, train (MiB)") == {"static": "3"}


def test_mixed_is_shown_among_the_modes_only_where_it_was_measured(run_of):
    steps = [record("step", [0.001], "static"), record("step", [0.002], "static", mode="xla")]
    assert "mixed" not in tables.modes_table(run_of(*steps))
    table = tables.modes_table(run_of(*steps, record("step", [0.003], "static", mode="mixed")))
    assert column(table, "step, train, mixed (ms)") == {"static": "3"}


def test_where_it_was_measured_may_be_unknown(settings):
    found = cells(tables.environment_table(Run("id", "2026", {}, {"sizes": settings["sizes"]})))
    for name in ("memory", "packages", "threads", "flags", "data", "commit"):
        assert found[name] == ["unknown"]
    assert not {"preset", "rounds", "warning", "resumed"} & set(found)


@pytest.mark.parametrize(("number", "text"), [(0.12345, "0.123"), (12.345, "12.3"), (99.96, "100"), (1234.6, "1235")])
def test_numbers_keep_three_digits(number, text):
    assert tables.significant(number) == text


def test_pairs_name_known_variants_once():
    pairs = [*tables.PAIRS, *tables.BREAK_EVEN_PAIRS]
    assert {variant for pair in pairs for variant in pair} <= set(VARIANTS)
    assert len(set(tables.PAIRS)) == len(tables.PAIRS)


def test_a_variant_of_ones_own_stands_beside_the_pair(run_of):
    run = run_of(*(made for name in ("static", "mine:quick", "dynamic") for made in all_turns(name, 1.0, 2.0, 3.0)))
    assert {"mine:quick / static", "mine:quick / dynamic"} < set(cells(tables.ratios_table(run)))


def test_the_environment_names_onednn_where_the_run_kept_it(run_of):
    run = run_of()
    assert "oneDNN" not in tables.environment_table(run)
    run.environment.update({"onednn": False, "vector_instructions": "Intel AVX2"})
    assert "| oneDNN | off; Intel AVX2 |" in tables.environment_table(run)


def test_cold_starts_are_set_beside_the_loop(run_of):
    made = [
        *rounds("cold_build", "static", [0.3] * ROUNDS),
        *rounds("cold_build", "dynamic", [0.1] * ROUNDS),
        *rounds("cold_first_call", "dynamic", [0.2] * ROUNDS),
    ]
    static, dynamic = tables.cold_table(run_of(*made)).splitlines()[2:4]
    assert static.startswith("| static | 300 [300, 300] | not measured | **3.00 [3.00, 3.00]** | not measured |")
    assert dynamic == "| dynamic | 100 [100, 100] | 200 [200, 200] | 1 | 1 |"
    assert tables.cold_table(run_of()) == f"{NOTHING}\n"

"""What the layers cost in Keras's `fit`: the table and the figure say what the records say, at fit's own sizes."""

from dataclasses import replace

import pytest
from builders import cells_of
from drawn import REFERENCE, ROUNDS, assert_legible, bars, panel, record, words

from unroll.measure.config import Sizes
from unroll.measure.journal import Record, read_journal
from unroll.measure.presets import FIT_SIZES, PRESETS
from unroll.measure.variants import label
from unroll.report.figures.costs import FIT as FIT_DRAWING
from unroll.report.figures.costs import FIT_PANELS, draw_fit
from unroll.report.table import NOTHING
from unroll.report.tables import FIT, fit_table
from unroll.report.writing import TABLES

VARIANTS = PRESETS["full"].fit_variants
UNROLLED, LOOP = "keras-unrolled", "keras-loop"
WITHIN_NOISE = [0.9, 1.1, 0.9, 1.1, 0.9, 1.1]


def fit_record(quantity, variant, samples, **more) -> Record:
    return record(quantity, variant, samples, **{"sizes": FIT_SIZES, "turns": "fit"} | more)


def fitted(variant, start, epoch, factors=(1.0,) * ROUNDS) -> list[Record]:
    """Return what a layer costs in every round: to start, for the first epoch and for two later ones; and its bytes."""
    in_round = [
        fit_record(quantity, variant, [factor * seconds for seconds in samples], round=number, turns=f"fit {number}")
        for number, factor in enumerate(factors, start=1)
        for quantity, samples in (
            ("fit_start", [start]),
            ("fit_first", [start + epoch]),
            ("fit_epoch", [epoch, epoch]),
        )
    ]
    return [*in_round, fit_record("fit_process", variant, [start * (1 << 20)], turns="")]


def all_fitted() -> list[Record]:
    return [one for number, variant in enumerate(VARIANTS, start=1) for one in fitted(variant, number, 9 / number)]


def rows(table: str) -> dict[str, dict[str, str]]:
    """Return each row by its name, and its cells by their headings."""
    header, _, *lines = cells_of(table)
    return {name: dict(zip(header[1:], cells, strict=True)) for name, *cells in lines}


def test_a_row_is_a_layer_with_medians_and_quartiles_at_the_sizes_of_fit(run_of):
    costs = fitted("dynamic-10", 2.0, 0.5, factors=[1.0, 2.0, 3.0])
    steps = [record("step", "dynamic-10", [9.0], sizes=Sizes()), fit_record("fit_start", "static", [])]
    table = fit_table(run_of(*steps, *costs))
    assert table.startswith(f"| in fit, {FIT_SIZES} |")
    found = rows(table)
    assert list(found) == ["static", "dynamic, unroll=10"]
    assert list(found["dynamic, unroll=10"].values())[:4] == ["4 [3, 5]", "5 [3.75, 6.25]", "1 [0.625, 1.38]", "2"]
    assert list(found["static"].values())[:2] == ["not available", "not measured"]
    assert list(found["static"])[:4] == ["start (s)", "first epoch (s)", "later epoch (s)", "process (MiB)"]


@pytest.mark.parametrize(("faster", "slower"), [(UNROLLED, LOOP), (LOOP, UNROLLED)])
def test_the_start_is_set_beside_unroll_true_and_later_epochs_beside_the_faster_of_keras(faster, slower, run_of):
    start = {UNROLLED: 4.0, LOOP: 0.5}
    run = run_of(
        *fitted("static-traced", 2.0, 1.0),
        *fitted(faster, start[faster], 0.8, WITHIN_NOISE),
        *fitted(slower, start[slower], 1.6),
    )
    found = rows(fit_table(run))
    by_start, by_epoch = f"start / {label(UNROLLED)}", f"later epoch / the faster: {label(faster)}"
    assert set(found["static, traced cell"]) >= {by_start, by_epoch}
    assert found["static, traced cell"][by_start].startswith("**0.5")
    # In every second round Keras is the slower by 10%.
    assert found["static, traced cell"][by_epoch] == "**1.26 [1.12, 1.41]**"
    assert found[label(faster)][by_epoch] == "1"
    assert found[label(UNROLLED)][by_start] == "1"
    assert found[label(slower)][by_epoch].startswith("**2.0")
    assert found[label(LOOP)][by_start].startswith("**0.1")


def test_a_ratio_is_bold_only_where_it_has_a_verdict(run_of):
    run = run_of(*fitted("static", 1.0, 1.0, WITHIN_NOISE), *fitted(UNROLLED, 1.0, 1.0), *fitted(LOOP, 1.0, 2.0))
    ratios = list(rows(fit_table(run))["static"].values())[4:]
    assert ratios == ["0.99 [0.89, 1.12]"] * 2
    few = run_of(*fitted("static", 1.0, 1.0, [1.0] * 5), *fitted(UNROLLED, 2.0, 2.0), *fitted(LOOP, 1.0, 3.0))
    assert list(rows(fit_table(few))["static"].values())[4:] == ["0.50 [0.50, 0.50] (5 rounds)"] * 2
    one = run_of(*fitted("static", 1.0, 1.0, [1.0]), *fitted(UNROLLED, 2.0, 2.0), *fitted(LOOP, 1.0, 3.0))
    assert list(rows(fit_table(one))["static"].values())[4:] == ["0.50 (one round)"] * 2


@pytest.mark.parametrize(
    ("keras", "said"),
    [
        ([], "not measured"),
        ([fit_record("fit_epoch", LOOP, [], note="failed: it fell")], "not available"),
        (fitted(LOOP, 1.0, 1.0)[:2], "not measured"),
    ],
    ids=["not there", "failed", "broken off"],
)
def test_beside_one_of_keras_alone_nothing_is_called_the_faster(keras, said, run_of):
    run = run_of(*fitted("static", 1.0, 1.0), *fitted(UNROLLED, 2.0, 2.0), *keras)
    found = rows(fit_table(run))
    assert found["static"][f"start / {label(UNROLLED)}"] == "**0.50 [0.50, 0.50]**"
    assert found["static"]["later epoch / the faster of Keras"] == said
    assert found[label(UNROLLED)]["later epoch / the faster of Keras"] == said


def test_what_keras_did_not_do_is_no_1_and_what_took_no_turns_has_no_ratio(run_of):
    epochs = [one for one in fitted(UNROLLED, 2.0, 2.0) if one.quantity == "fit_epoch"]
    apart = [replace(one, turns="elsewhere") for one in fitted("static", 1.0, 1.0)]
    found = rows(fit_table(run_of(*epochs, *apart, *fitted(LOOP, 1.0, 3.0))))
    assert found[label(UNROLLED)][f"start / {label(UNROLLED)}"] == "not measured"
    assert found["static"][f"later epoch / the faster: {label(UNROLLED)}"] == "took no turns"


def test_without_fit_there_is_no_table_no_figure_and_words_instead(run_of):
    run = run_of(record("step", "static", [1.0]), record("step", LOOP, [1.0], sizes=FIT_SIZES))
    assert fit_table(run) == f"{NOTHING}\n"
    assert draw_fit(run) is None
    assert FIT_DRAWING.alt(run).endswith("a later epoch. Not measured.")


def test_beside_a_gpu_the_process_is_named_the_hosts(run_of):
    run = run_of(*fitted("static", 1.0, 1.0))
    run.settings["device"] = "gpu"
    assert rows(fit_table(run))["static"]["host process (MiB)"] == "1"


@pytest.mark.parametrize("question", FIT_PANELS, ids=lambda question: question.quantity)
def test_bars_are_the_medians(question, run_of):
    costs = [start if question.quantity != "fit_epoch" else 9 / start for start in range(1, len(VARIANTS) + 1)]
    assert bars(panel(draw_fit(run_of(*all_fitted())), question.heading)) == pytest.approx(costs)


def test_the_figure_says_its_own_sizes_and_is_legible(run_of):
    failed = [fit_record("fit_epoch", "static", [], note="failed: it fell"), fit_record("fit_epoch", "a:b", [])]
    lacking = [one for one in all_fitted() if (one.quantity, one.variant) != ("fit_epoch", "static")]
    for records in (all_fitted(), fitted("static", 1e-3, 1e3), [*lacking, *failed]):
        figure = draw_fit(run_of(*records))
        assert_legible(figure)
        text = " ".join(words(figure))
        assert str(FIT_SIZES) in text and str(Sizes()) not in text
    assert "failed" in text and "not measured" in text


def test_those_who_do_not_see_the_figure_are_told_of_every_layer(run_of):
    run = run_of(*fitted("static", 2.5, 0.25), *fitted(LOOP, 0.5, 0.3), fit_record("fit_start", "dynamic", [1.0]))
    alt = FIT_DRAWING.alt(run)
    assert alt.endswith("a later epoch. Static: 2.5 s and 0.25 s. Keras, unroll=False: 0.5 s and 0.3 s.")


def test_it_changes_no_other_table(run_of):
    reference = read_journal(REFERENCE)[-1]
    others = [one for one in reference.records if not one.quantity.startswith("fit_")]
    before, after = (replace(reference, records=records) for records in (others, [*others, *all_fitted()]))
    quantities = {column.quantity for column in FIT}
    assert quantities <= {one.quantity for one in after.records}
    changed = {name for name, table in TABLES.items() if table(before) != table(after)}
    assert changed == {"fit"}

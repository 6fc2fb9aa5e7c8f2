"""The figures and tables of training say what the history says, and no text hides another."""

from dataclasses import replace

import numpy as np
import pytest
from drawn import RESULTS, assert_legible, words

from unroll.models.history import Evaluation, History, Point, Reading, Served, Training, read_trainings
from unroll.models.settings import choose_settings
from unroll.models.tutorials import TUTORIALS
from unroll.report.figures import learning
from unroll.report.table import NOTHING

ENVIRONMENT = {"processor": "A processor", "cores": 2, "versions": {"tensorflow": "2.99.0"}, "commit": "abc"}
UPDATES = [1, *range(10, 301, 10)]


def losses(seed, unroll, dtype):
    """Let a loss fall, and let the two unrolls drift apart as rounding would, tenfold every 100 updates."""
    noise = np.random.default_rng(seed).uniform(0.8, 1.2, len(UPDATES))
    drift = 0 if unroll == "static" else 10.0 ** (np.array(UPDATES) / 100 - (7 if dtype == "float32" else 16))
    return 2.3 * np.exp(-np.array(UPDATES) / 90) * noise + drift


def training(tutorial="002", unroll="static", seed=0, dtype="float32", accuracy=0.9781, updates=300, **more):
    settings = choose_settings(
        data="mnist", examples=55_000, tutorial=tutorial, unroll=unroll, seed=seed, dtype=dtype, updates=updates
    )
    points = [
        Point(update, float(loss), 0.5, update / 100)
        for update, loss in zip(UPDATES, losses(seed, unroll, dtype), strict=True)
    ]
    tests = [Evaluation(updates, 0.07 + seed / 100, accuracy, 3.0, 12_345.6 + 100 * seed)]
    given = {"points": points, "tests": tests} | more
    return Training(
        f"{tutorial}-{unroll}-{seed}", "2026-11-24T10:00:00+00:00", ENVIRONMENT, settings.as_dict(), **given
    )


def both(tutorial="002", **more):
    return [training(tutorial, unroll, **more) for unroll in learning.UNROLLS]


def reading(unroll, T=28, H=128, label=7):
    random = np.random.default_rng(T)
    probabilities = random.dirichlet(np.ones(10), T)
    probabilities[-1] = np.eye(10)[label]
    states = [np.tanh(random.normal(size=(T, H))).tolist(), (3 * random.normal(size=(T, H))).tolist()]
    return Reading(unroll, label, random.uniform(size=(T, 28)).tolist(), *states, probabilities.tolist(), 2.4e-7)


def read_by(*unrolls, **more):
    return [training(readings=[reading(unroll, **more) for unroll in unrolls])]


FIVE = [one for name in TUTORIALS for one in both(name)]
RUNS = {
    "one pair": both(),
    "two dtypes": both() + both(dtype="float64"),
    "five tutorials": FIVE + both(dtype="float64"),
    "one training": [training()],
    "own sizes": both(None),
    "equal": [training(unroll=unroll, points=training().points) for unroll in learning.UNROLLS],
    "untested": [replace(one, tests=[]) for one in both()],
}
READINGS = {
    "both": read_by("static", "dynamic"),
    "one unroll": read_by("dynamic"),
    "few rows": read_by("static", "dynamic", T=4, H=3),
    "many rows": read_by("static", "dynamic", T=56),
}


def panels(trainings):
    """Return the axes of each column, where there are pairs: losses above, drift below."""
    upper_and_lower = learning.draw_learning(trainings).axes
    count = len(upper_and_lower) // 2
    return list(zip(upper_and_lower[:count], upper_and_lower[count:], strict=True))


def curves(axes):
    return [line for line in axes.lines if len(line.get_xdata()) > 2]


def learnt(trainings):
    return words(learning.draw_learning(trainings))


def test_static_lies_on_dynamic_and_both_are_the_losses_of_the_history():
    ((upper, _),) = panels(RUNS["one pair"])
    dynamic, static = curves(upper)
    for line, one in ((static, RUNS["one pair"][0]), (dynamic, RUNS["one pair"][1])):
        np.testing.assert_array_equal(line.get_xdata(), UPDATES)
        np.testing.assert_array_equal(line.get_ydata(), [point.loss for point in one.points])
    assert static.get_linewidth() < dynamic.get_linewidth()
    assert {"static 0.9781", "dynamic 0.9781"} <= set(learnt(RUNS["one pair"]))


def test_the_drift_of_each_dtype_is_drawn_below_and_its_largest_written():
    ((_, lower),) = panels(RUNS["two dtypes"])
    narrow, wide = curves(lower)
    for line, dtype in ((narrow, "float32"), (wide, "float64")):
        expected = np.abs(losses(0, "dynamic", dtype) - losses(0, "static", dtype))
        seen = np.where(expected > 0, expected, np.nan)
        np.testing.assert_array_equal(line.get_ydata(), seen)
    assert {"float32: at most 1e-4", "float64: at most 1e-13"} <= set(learnt(RUNS["two dtypes"]))


def test_every_tutorial_has_a_column_on_one_scale():
    found = panels(RUNS["five tutorials"])
    assert [upper.get_title(loc="left") for upper, _ in found] == list(TUTORIALS)
    for row in (0, 1):
        assert len({column[row].get_ylim() for column in found}) == 1
    assert [len(curves(lower)) for _, lower in found] == [1, 1, 2, 1, 1]
    for upper, _ in found:
        low, high = upper.get_ylim()
        assert all(low <= value <= high for line in curves(upper) for value in line.get_ydata())


def test_of_a_tutorial_the_first_seed_is_drawn_and_of_ones_own_the_last_training():
    assert "static 0.9781" in learnt([*both(seed=0), *both(seed=1, accuracy=0.5)])
    assert "static 0.5000" in learnt([*both(None, seed=0), *both(None, seed=1, accuracy=0.5)])


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ("one training", learning.NO_PAIR),
        ("equal", "float32: no difference"),
        ("untested", "static"),
        ("own sizes", "own sizes"),
    ],
)
def test_what_there_is_not_is_said(run, said):
    assert said in learnt(RUNS[run])


def test_trainings_without_a_point_or_a_reading_give_no_figure():
    assert learning.draw_learning([training(points=[], tests=[])]) is None
    assert learning.draw_reading([training()]) is None


def test_trainings_are_a_pair_when_they_differ_in_the_unroll_alone():
    static, dynamic = both()
    (pair,) = learning.pairs([static, dynamic])
    assert pair == (static, dynamic)
    assert len(learning.pairs([static, training(unroll="dynamic", seed=1)])) == 2
    calls = replace(dynamic, settings=dynamic.settings | {"steps_per_call": 7})
    assert len(learning.pairs([static, calls])) == 1
    later = training(accuracy=0.1)
    assert learning.pairs([static, dynamic, later]) == [(later, dynamic)]


# A digit


def images(trainings):
    return [image for axes in learning.draw_reading(trainings).axes for image in axes.images]


def test_a_digit_is_drawn_beside_every_state_of_both_in_the_order_of_the_last_h():
    digit, sure, *states = images(READINGS["both"])
    static, dynamic = READINGS["both"][0].readings
    np.testing.assert_array_equal(digit.get_array(), static.image)
    np.testing.assert_array_equal(sure.get_array(), static.probabilities)
    order = np.argsort(static.hidden[-1])
    expected = [static.hidden, dynamic.hidden, static.cell, dynamic.cell]
    for image, values in zip(states, expected, strict=True):
        np.testing.assert_array_equal(image.get_array(), np.array(values)[:, order])
        assert image.get_clim()[0] == -image.get_clim()[1]
    assert (np.diff(states[0].get_array()[-1]) >= 0).all()
    text = words(learning.draw_reading(READINGS["both"]))
    assert {"h, static", "h, dynamic", "c, static", "c, dynamic"} <= set(text)
    assert any("differ by at most 2e-7" in line for line in text)


def test_the_prediction_after_every_row_is_written_and_bold_where_it_is_right():
    figure = learning.draw_reading(READINGS["both"])
    (axes,) = (axes for axes in figure.axes if axes.get_title(loc="left") == "Named")
    named = axes.texts[1:]  # after the unit
    first = READINGS["both"][0].readings[0]
    assert [int(text.get_text()) for text in named] == first.predictions
    assert [text.get_fontweight() == "bold" for text in named] == [p == 7 for p in first.predictions]
    assert named[-1].get_fontweight() == "bold"


def test_what_is_named_before_any_ink_is_faint_and_not_bold():
    both = READINGS["both"][0]
    blank = [replace(reading, image=[[0.0] * len(row) for row in reading.image]) for reading in both.readings]
    figure = learning.draw_reading([replace(both, readings=blank)])
    (axes,) = (axes for axes in figure.axes if axes.get_title(loc="left") == "Named")
    assert {(text.get_color(), text.get_fontweight()) for text in axes.texts[1:]} == {(learning.BLANK, "normal")}


def test_one_unroll_alone_is_drawn_and_said():
    assert len(images(READINGS["one unroll"])) == 4
    text = words(learning.draw_reading(READINGS["one unroll"]))
    assert any("read with one unroll only" in line for line in text)


@pytest.mark.parametrize("run", RUNS)
def test_learning_is_legible(run):
    assert_legible(learning.draw_learning(RUNS[run]))


@pytest.mark.parametrize("run", READINGS)
def test_reading_is_legible(run):
    assert_legible(learning.draw_reading(READINGS[run]))


# Tables


def cells(table):
    return [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in table.splitlines()]


def test_the_results_stand_beside_what_was_printed():
    seeds = [one for seed, accuracy in enumerate((0.97, 0.98, 0.99)) for one in both(seed=seed, accuracy=accuracy)]
    rows = cells(learning.tutorials_table([*seeds, training("001", updates=300)]))
    assert rows[2][1:] == ["static", "300 of 100,000", "1", "none", "0.9781", "", "none", "0.0700", "12346"]
    expected = ["300 of 2,000", "3", "0.9786", "0.9800 [0.9700, 0.9900]", "within"]
    expected += ["0.0657", "0.0800 [0.0700, 0.0900]", "12446"]
    assert [row[1:] for row in rows[3:]] == [["dynamic", *expected], ["static", *expected]]
    assert [row[0] for row in rows[2:]] == ["001", "002", "002"]


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        ([0.9787, 0.98], "0.0001 below"),
        ([0.97, 0.9776], "0.0010 above"),
        ([0.97859999, 0.98], "within"),  # a mean of float32
        ([0.98], ""),
    ],
)
def test_what_was_printed_is_placed_beside_our_range(ours, said):
    trainings = [training(seed=seed, accuracy=accuracy) for seed, accuracy in enumerate(ours)]
    assert cells(learning.tutorials_table(trainings))[2][6] == said


def test_a_training_in_double_precision_or_without_a_test_is_no_result():
    assert learning.tutorials_table([training(dtype="float64"), training(tests=[])]) == f"{NOTHING}\n"


def test_the_drift_is_told_after_200_updates_and_in_all():
    ((*_, row),) = [cells(learning.drift_table(RUNS["one pair"]))]
    assert row == ["002", "float32", "0", "1.0e-05", "1.0e-04", "300"]
    assert learning.drift_table([training()]) == f"{NOTHING}\n"


def test_what_serves_other_numbers_of_rows_is_set_out():
    served = [Served("static", 14, None, "it has 28 cells"), Served("dynamic", 14, 0.5)]
    rows = cells(learning.served_table([training(served=served)]))
    assert rows[2:] == [
        ["002, trained static", "static", "14", "", "refused: it has 28 cells"],
        ["002, trained static", "dynamic", "14", "0.5000", ""],
    ]


def test_every_tutorial_is_set_out_as_it_is():
    rows = cells(learning.designs_table())[2:]
    assert [row[0] for row in rows] == list(TUTORIALS)
    assert [row[8] for row in rows][1] == "Adam 0.001, 100000 iterations of 128"


def test_figures_and_tables_are_written_and_always_the_same(tmp_path):
    for folder in (tmp_path / "one", tmp_path / "two"):
        for one in both():
            history = History(folder, one.environment, one.settings)
            history.append(*one.points, *one.tests)
        history.append_readings(reading("static"), reading("dynamic"))
    first, second = (learning.write_learning(tmp_path / name) for name in ("one", "two"))
    assert [path.name for path in first] == ["learning.png", "learning.svg", "reading.png", "reading.svg", "tables.md"]
    page = first[-1].read_text()
    assert "## What the documents printed, and what came out here" in page
    assert "## Other numbers of rows" not in page  # of which there are none
    assert "## What stands here now for the calls of TensorFlow 1" in page
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_the_committed_tables_show_what_the_committed_history_says():
    folder = RESULTS / "tutorials"
    assert (folder / "tables.md").read_text() == learning.tables_page(read_trainings(folder))


def test_a_hostile_machine_name_is_harmless():
    hostile = replace(training(), environment=ENVIRONMENT | {"processor": "<script>|x\n$x^$"})
    assert "<script" not in learning.where_table([hostile])
    assert any("<script>|x $x^$, 2 cores" in text for text in learnt([hostile]))

"""The figures and tables of growth, of batch and width, and of the loop's unroll say what the records say."""

import re
from dataclasses import replace

import numpy as np
import pytest
from drawn import ROUNDS, assert_legible, dots, headings, panel, record, rounds, words
from matplotlib.colors import to_hex, to_rgb

from unroll.measure import statistics
from unroll.measure.config import Case, Sizes
from unroll.measure.statistics import Ratio
from unroll.report import growth, tables
from unroll.report.figures import frame, grid
from unroll.report.figures.grid import draw_grid, grid_table
from unroll.report.figures.growth import FITS, draw_growth
from unroll.report.figures.unroll_k import QUESTIONS, draw_unroll
from unroll.report.growth import growth_table
from unroll.report.table import NOTHING
from unroll.report.tables import factor

ALL_STEPS = (7, 28, 64, 128, 256, 512, 784)
UNROLLS = (1, 2, 4, 7, 14, 28)
BATCHES, WIDTHS = (1, 32, 128, 512), (32, 128, 512)
STOPPED = "stopped: took more than 60 s"
UNROLLED = ("static", "static-traced", "keras-unrolled")
# Of each question, in its record's unit: what does not grow, and what a step adds, unrolled and in a loop.
LAWS = {
    ("build", "train"): (0.05, 0.02, 0.0),
    ("first_call", "train"): (0.08, 0.015, 0.001),  # it contains a step
    ("step", "forward"): (0.0004, 0.00018, 0.00025),
    ("step", "train"): (0.001, 0.0007, 0.0009),
    ("process", "train"): (3e7, 9e5, 1e4),
    ("tensors", "train"): (2e6, 5e5, 6e5),
    ("graph_bytes", "train"): (9e4, 1.3e4, 0.0),
    ("export", "forward"): (4e5, 6e3, 0.0),
}
COUNT = 7  # rounds


def noisy(quantity, variant, cost, note="", **more):
    """Return the rounds of a cost with a little noise; without a cost, rounds that gave nothing."""
    sizes = more.get("sizes", Sizes())
    seed = [*map(ord, variant + quantity + more.get("phase", "train")), sizes.steps, sizes.batch, sizes.hidden]
    made = rounds(quantity, variant, cost * np.random.default_rng(seed).normal(1, 0.02, COUNT), **more)
    return [replace(one, samples=[], note=note) for one in made] if note else made


def growing(variants=growth.GROWTH_VARIANTS, all_steps=ALL_STEPS):
    """Let each cost be a + b * T, and stop what Keras unrolls from 512 steps up and static from 784."""
    made = []
    for row, variant in enumerate(variants):
        for (quantity, phase), (constant, unrolled, looped) in LAWS.items():
            each = unrolled * 0.7 if variant == "static-traced" else unrolled if variant in UNROLLED else looped
            for steps in all_steps:
                cost = (1 + 0.15 * row) * (constant + each * steps)
                note = STOPPED if steps >= {"keras-unrolled": 512, "static": 784}.get(variant, 2000) else ""
                made += noisy(quantity, variant, cost, note, phase=phase, sizes=Sizes(steps=steps))
    return made


def gridded(stopped=(), **more):
    """Let static win at small sizes and the loop at large ones, and Keras lose by a little all over."""
    made = []
    for batch in BATCHES:
        for hidden in WIDTHS:
            lead = np.log2(batch * hidden / 4096) / 8  # -1 to 0.75
            costs = {"static": 1 + 0.6 * lead, "dynamic": 1, "keras-loop": 1.06, "keras-unrolled": 1.04 + 0.6 * lead}
            for variant, cost in costs.items():
                note = STOPPED if (variant, batch) in stopped else ""
                for quantity, phase in (("step", "train"), ("step", "forward"), ("build", "train")):
                    made += noisy(quantity, variant, cost, note, phase=phase, sizes=Sizes(batch=batch, hidden=hidden))
    return made


def unrolled(unrolls=UNROLLS):
    """Let building grow with k and steps shrink with it."""
    made = []
    for k in (*unrolls, 0):
        variant = {0: "static", 1: "dynamic"}.get(k, f"dynamic-{k}")
        many = k or 30
        costs = {
            ("build", "train"): 0.2 + 0.02 * many,
            ("first_call", "train"): 0.3 + 0.03 * many,
            ("step", "forward"): 0.006 + 0.004 / many,
            ("step", "train"): 0.021 + 0.012 / many,
            ("process", "train"): 6e7 + 1e6 * many,
        }
        for (quantity, phase), cost in costs.items():
            made += noisy(quantity, variant, cost, phase=phase)
    return made


@pytest.fixture
def grown(run_of):
    return run_of(*growing())


@pytest.fixture
def on_grid(run_of):
    return run_of(*gridded({("static", 512)}))


def cells(table):
    """Return a Markdown table as rows by their first cell."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    return {cells[0]: cells[1:] for cells in rows}


def test_figures_are_legible_and_left_out_without_such_records(run_of):
    stopped = [replace(r, samples=[], note=STOPPED) if r.variant == "dynamic-4" else r for r in unrolled()]
    doubling = growing(all_steps=tuple(2**power for power in range(11)))
    few = [*growing(("static", "dynamic"), (28, 64)), *unrolled((1, 3))]
    for made in (growing(), doubling, gridded({("static", 512)}), unrolled(), stopped, few):
        figures = [figure for draw in (draw_growth, draw_grid, draw_unroll) if (figure := draw(run_of(*made)))]
        assert len(figures) == (2 if made is few else 1)
        for figure in figures:
            assert_legible(figure)
    for draw in (draw_growth, draw_grid, draw_unroll):
        assert draw(run_of(*unrolled((1,)))) is None
    assert growth_table(run_of()) == grid_table(run_of()) == grid_table(run_of(*unrolled())) == f"{NOTHING}\n"


def test_the_grid_has_a_column_for_what_was_measured_only(run_of):
    built = [made for made in gridded() if made.quantity == "build"]
    assert set(headings(draw_grid(run_of(*built)))) == {growth.BUILD.heading}
    assert len(headings(draw_grid(run_of(*gridded())))) == 2 * len(grid.GRID_QUESTIONS)


@pytest.mark.parametrize("question", growth.GROWTH_QUESTIONS, ids=lambda question: question.heading)
def test_a_line_stands_at_the_measured_medians(question, grown):
    axes = panel(draw_growth(grown), question.heading)
    low, high = axes.get_ylim()
    for variant in growth.GROWTH_VARIANTS:
        mine = [line for line in axes.lines if to_hex(line.get_color()) == to_hex(frame.colour(variant))]
        crosses = [line.get_xdata()[0] for line in mine if line.get_marker() == "x"]
        (line,) = [line for line in mine if line.get_marker() != "x"]
        sweep = grown.sweep("steps", question.quantity, question.phase, variant)
        measured = {steps: found.median / question.scale for steps, found in sweep.items() if found.samples}
        assert list(line.get_xdata()) == list(measured)
        np.testing.assert_allclose(line.get_ydata(), list(measured.values()))
        assert all(low < value < high for value in measured.values())
        assert crosses == [steps for steps in ALL_STEPS if steps not in measured]


def test_a_stopped_case_is_explained_only_where_there_is_one(grown, run_of):
    assert "stopped or failed" in words(draw_growth(grown))
    assert "stopped or failed" not in words(draw_growth(run_of(*growing(all_steps=(28, 64)))))


def test_exponents_are_fitted_over_the_larger_steps_alone(grown):
    rows = cells(growth_table(grown))
    headings = [question.heading for question in growth.GROWTH_QUESTIONS]
    saved = rows["static"][headings.index("SavedModel")]
    sweep = grown.sweep("steps", "export", "forward", "static")
    points = [
        (steps, np.median(samples))
        for steps, found in sweep.items()
        for samples in found.rounds.values()
        if steps >= growth.FITTED_FROM
    ]
    fitted = statistics.growth(*zip(*points, strict=True))
    assert saved == f"{fitted.exponent:.2f}"  # a count has no interval
    assert re.fullmatch(
        r"-?\d\.\d\d \[-?\d\.\d\d, -?\d\.\d\d\]", rows["static"][headings.index(growth.STEP_TRAIN.heading)]
    )
    assert f"T^{saved}" in words(draw_growth(grown))
    assert float(rows["dynamic"][0].split()[0]) == pytest.approx(0, abs=0.02)
    assert float(rows["static"][0].split()[0]) == pytest.approx(1, abs=0.05)


def test_too_few_steps_give_no_exponent_and_what_was_not_measured_says_so(run_of):
    few, enough = (
        [record for record in growing((variant,), steps) if record.quantity == "build"]
        for variant, steps in (("static", (28, 64, 128)), ("dynamic", (64, 128, 256)))
    )
    assert cells(growth_table(run_of(*few, *enough)))["static"] == ["too few", *["not measured"] * 7]
    assert growth_table(run_of(*few)).rows == []
    assert not {"too few", FITS} & set(words(draw_growth(run_of(*few))))


def test_a_cost_that_sinks_to_0_gives_no_exponent(run_of):
    run = run_of(
        *(
            record("process", "static", [cost], sizes=Sizes(steps=steps))
            for steps, cost in ((64, 0), (128, 2e6), (256, 4e6))
        ),
        *growing(("dynamic",), (64, 128, 256)),
    )
    assert "not above 0" in cells(growth_table(run))["static"]


def test_an_exponent_is_written_without_a_negative_zero():
    assert growth.growth_text(statistics.Growth(-0.001, -0.004, 0.003)) == "0.00 [0.00, 0.00]"


def test_each_stopped_case_has_one_row_with_all_it_lacks(grown, run_of):
    table = tables.stopped_table(grown)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    assert [(row[0], row[2]) for row in rows] == [
        ("static", str(Sizes(steps=784))),
        ("Keras, unroll=True", str(Sizes(steps=512))),
        ("Keras, unroll=True", str(Sizes(steps=784))),
    ]
    assert all(row[3] == ", ".join(f"{quantity} ({phase})" for quantity, phase in LAWS) for row in rows)
    assert all(row[4] == STOPPED for row in rows)
    assert tables.stopped_table(run_of(*unrolled())) == "Nothing was stopped, nothing failed.\n"


def test_a_case_that_was_stopped_after_some_rounds_says_how_many_it_kept(run_of):
    records = unrolled()
    table = tables.stopped_table(run_of(*records, replace(records[0], round=0, samples=[], note=STOPPED)))
    assert table.splitlines()[2:] == [
        f"| dynamic | graph | {Sizes()} | build (train) | {STOPPED} (rounds kept: {COUNT}) |"
    ]


def test_what_is_not_available_was_neither_stopped_nor_failed(run_of):
    note = "runs eagerly: there is no graph to build"
    records = [replace(r, samples=[], note=note) if r.quantity == "build" else r for r in growing(("dynamic",))]
    run = run_of(*records)
    assert tables.stopped_table(run) == "Nothing was stopped, nothing failed.\n"
    assert "stopped or failed" not in words(draw_growth(run))
    assert cells(growth_table(run))["dynamic"][0] == "not available"


def heat_maps(figure):
    """Return the colour of each cell of each heat map, by its place, in order."""
    maps = [axes for axes in figure.axes if axes.get_title(loc="left")]
    return [{tuple(map(int, patch.get_xy())): to_hex(patch.get_facecolor()) for patch in axes.patches} for axes in maps]


def test_a_cell_is_coloured_only_where_the_interval_excludes_1(on_grid):
    figure = draw_grid(on_grid)
    maps, text = heat_maps(figure), words(figure)
    assert len(maps) == 2 * len(grid.GRID_QUESTIONS)
    faces = set()
    for question, colours in zip(grid.GRID_QUESTIONS, maps, strict=False):
        for row, batch in enumerate(BATCHES[:-1]):
            for column, hidden in enumerate(WIDTHS):
                cases = [Case(variant, "graph", Sizes(batch=batch, hidden=hidden)) for variant in ("static", "dynamic")]
                ratio = on_grid.ratio(question.quantity, question.phase, *cases)
                red, _, blue = to_rgb(colours[column, row])
                faces.add(np.sign(blue - red).item())
                assert np.sign(blue - red) == (np.sign(1 - ratio.value) if ratio.decided else 0)
                value = factor(ratio.value)
                pointed = (f"← {value}" if ratio.value < 1 else f"{value} →") if ratio.decided else value
                assert {f"{ratio.low:.2f} to {ratio.high:.2f}", pointed} <= set(text)
    assert faces == {-1, 0, 1}
    # static was stopped at B = 512: there is a word for it, and no colour.
    assert text.count("stopped") == len(grid.GRID_QUESTIONS) * len(WIDTHS)
    assert not any(row == 3 for colours in maps[:3] for _, row in colours)


def test_a_full_colour_begins_at_a_factor_of_2_either_way():
    faces = [grid._face(Ratio(value, value, value)) for value in (0.25, 0.5, 0.9, 1.1, 2, 4)]
    assert faces[0] == faces[1] == to_hex(frame.BLUE).lower()
    assert faces[4] == faces[5] == to_hex(frame.ORANGE).lower()
    assert grid._face(Ratio(3, np.nan, np.nan)) == grid.NEUTRAL


def test_the_fastest_of_ours_is_compared_with_the_faster_of_keras(on_grid):
    rows = [line for line in grid_table(on_grid).splitlines() if line.startswith("|")][2:]
    ours = [line for line in rows if line.startswith(f"| {grid.COMPARISONS[1].heading}")]
    assert len(rows) == 2 * len(ours) == 2 * len(BATCHES) * len(WIDTHS)
    assert "static / unrolled" in ours[0] and "dynamic / loop" in ours[-1]
    # static was stopped at B = 512, so that the loop stands for us there.
    assert all("stopped" not in line and "dynamic" in line.split("|")[4] for line in ours[-3:])


def test_cases_that_took_no_turns_have_no_ratio(run_of):
    apart = [replace(record, turns=record.variant) for record in gridded()]
    table = grid_table(run_of(*apart))
    assert "took no turns" in table and "[" not in table


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.heading)
def test_every_k_stands_at_its_median_and_static_at_the_end(question, run_of):
    run = run_of(*unrolled())
    axes = panel(draw_unroll(run), question.heading)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [*map(str, UNROLLS), "static"]
    variants = ["dynamic", *(f"dynamic-{k}" for k in UNROLLS[1:]), "static"]
    medians = [run.find(question.quantity, question.phase, variant).median / question.scale for variant in variants]
    assert [x for x, _ in dots(axes)] == list(axes.get_xticks())
    np.testing.assert_allclose([y for _, y in dots(axes)], medians)
    assert all(dots(axes).values()) and not dots(axes, "x")
    assert axes.get_ylim()[0] == 0 and axes.get_ylim()[1] > max(medians)


def test_a_stopped_k_is_crossed_out_and_breaks_the_line(run_of):
    made = [replace(r, samples=[], note=STOPPED) if r.variant == "dynamic-4" else r for r in unrolled()]
    axes = panel(draw_unroll(run_of(*made)), growth.BUILD.heading)
    assert [x for x, _ in dots(axes, "x")] == [np.log2(4)]
    (line,) = [line for line in axes.lines if len(line.get_xdata()) == len(UNROLLS)]
    assert list(np.isnan(line.get_ydata())) == [k == 4 for k in UNROLLS]


def test_few_rounds_are_hollow_and_a_cost_of_no_k_has_no_panel(run_of):
    few = [
        made for made in unrolled() if made.round < ROUNDS and (made.quantity, made.variant) != ("process", "dynamic-2")
    ]
    figure = draw_unroll(run_of(*(made for made in few if made.quantity == "build" or made.variant == "static")))
    assert [axes.get_title(loc="left") for axes in figure.axes if axes.axison] == [growth.BUILD.heading]
    assert not any(dots(figure.axes[0]).values())

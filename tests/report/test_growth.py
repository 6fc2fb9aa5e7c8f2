"""The figures and tables of growth, of batch and width, and of the loop's unroll say what the records say."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from unroll.measure import statistics
from unroll.measure.config import Case, Sizes
from unroll.measure.journal import Record, Run
from unroll.measure.statistics import Ratio
from unroll.measure.variants import own_mode
from unroll.report import growth, tables
from unroll.report.figures import frame, grid, unroll_k
from unroll.report.figures.growth import draw_growth
from unroll.report.tables import NOTHING, factor

ALL_STEPS = (7, 28, 64, 128, 256, 512, 784)
ROUNDS = 7
UNROLLS = (1, 2, 4, 7, 14, 28)
BATCHES, WIDTHS = (1, 32, 128, 512), (32, 128, 512)
STOPPED = "stopped: took more than 60 s"
ENVIRONMENT = {"processor": "A processor", "cores": 2, "versions": {"tensorflow": "2.99.0"}}
SETTINGS = {
    "preset": "full",
    "data": "some digits",
    "sizes": {"steps": 28, "batch": 128, "hidden": 128, "input": 28, "valid": None},
}
FIGURES = {"growth": draw_growth, "grid": grid.draw_grid, "unroll": unroll_k.draw_unroll}
TABLES = {"growth": growth.growth_table, "grid": grid.grid_table}
UNROLLED = ("static", "static-traced", "keras-unrolled")
# Of each question, in its record's unit: what does not grow, and what a step adds, unrolled and in a loop.
LAWS = {
    ("build", "train"): (0.05, 0.02, 0.0),
    ("first_call", "train"): (0.08, 0.015, 0.0),
    ("step", "forward"): (0.0004, 0.00018, 0.00025),
    ("step", "train"): (0.001, 0.0007, 0.0009),
    ("process", "train"): (3e7, 9e5, 1e4),
    ("tensors", "train"): (2e6, 5e5, 6e5),
    ("graph_bytes", "train"): (9e4, 1.3e4, 0.0),
    ("export", "forward"): (4e5, 6e3, 0.0),
}


def unit(quantity):
    return "s" if quantity in ("build", "first_call", "step") else "bytes"


def record(quantity, phase, variant, sizes, cost, number, turns="", note=""):
    noise = np.random.default_rng(
        [number, *map(ord, variant + quantity + phase), sizes.steps, sizes.batch, sizes.hidden]
    ).normal(1, 0.02, 3)
    samples = list(cost * noise) if cost else []
    return Record(quantity, phase, variant, own_mode(variant), sizes, unit(quantity), samples, number, turns, note)


def growing(variants=growth.GROWTH_VARIANTS, all_steps=ALL_STEPS):
    """Let each cost be a + b * T, and stop what Keras unrolls from 512 steps up and static from 784."""
    records = []
    for row, variant in enumerate(variants):
        for (quantity, phase), (constant, unrolled, looped) in LAWS.items():
            each = unrolled * 0.7 if variant == "static-traced" else unrolled if variant in UNROLLED else looped
            for steps in all_steps:
                stops = steps >= {"keras-unrolled": 512, "static": 784}.get(variant, 2000)
                cost = 0 if stops else (1 + 0.15 * row) * (constant + each * steps)
                for number in range(1, ROUNDS + 1):
                    note = STOPPED if stops else ""
                    records.append(record(quantity, phase, variant, Sizes(steps=steps), cost, number, "t", note))
    return records


def gridded(stopped=()):
    """Let static win at small sizes and the loop at large ones, and Keras lose by a little all over."""
    records = []
    for batch in BATCHES:
        for hidden in WIDTHS:
            lead = np.log2(batch * hidden / 4096) / 8  # -1 to 0.75
            costs = {"static": 1 + 0.6 * lead, "dynamic": 1, "keras-loop": 1.06, "keras-unrolled": 1.04 + 0.6 * lead}
            for variant, cost in costs.items():
                sizes = Sizes(batch=batch, hidden=hidden)
                note = STOPPED if (variant, batch) in stopped else ""
                for quantity, phase in (("step", "train"), ("step", "forward"), ("build", "train")):
                    for number in range(1, ROUNDS + 1):
                        records.append(
                            record(quantity, phase, variant, sizes, 0 if note else cost, number, f"grid {number}", note)
                        )
    return records


def unrolled(unrolls=UNROLLS):
    """Let building grow with k and steps shrink with it."""
    records = []
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
            for number in range(1, ROUNDS + 1):
                records.append(record(quantity, phase, variant, Sizes(), cost, number, f"turns {number}"))
    return records


def make_run(*records, **environment):
    return Run("id", "2026-11-22T10:11:12+00:00", ENVIRONMENT | environment, SETTINGS, list(records))


RUNS = {
    "growth": make_run(*growing()),
    "grid": make_run(*gridded({("static", 512)})),
    "unroll": make_run(*unrolled()),
    "nothing": make_run(),
    "one size": make_run(*unrolled((1,))),
    "two variants": make_run(*growing(("static", "dynamic"), (28, 64)), *unrolled((1, 3))),
    "doubling": make_run(*growing(all_steps=tuple(2**power for power in range(11)))),
    "stopped": make_run(*(replace(r, samples=[], note=STOPPED) if r.variant == "dynamic-4" else r for r in unrolled())),
    "one round": make_run(*(record for record in gridded() if record.round == 1)),
}


@cache
def drawn(name, figure):
    return FIGURES[figure](RUNS[name])


def texts(figure):
    """Give every text that is seen, ticks included, with the axes it stands in."""
    found = list(figure.texts)
    for axes in figure.axes:
        found += axes.texts
        found += [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label] if axes.axison else []
    return [text for text in found if text.get_visible() and text.get_text()]


def said(figure):
    return [text.get_text() for text in texts(figure)]


def panel(figure, heading):
    """Give the axes over which a heading stands."""
    (found,) = [axes for axes in figure.axes if heading in [text.get_text() for text in axes.texts]]
    return found


def lines(axes, variant):
    """Give what a panel draws in a variant's colour: its line, and its crosses."""
    mine = [line for line in axes.lines if to_hex(line.get_color()) == to_hex(frame.colour(variant))]
    crosses = [line for line in mine if line.get_marker() == "x"]
    return [line for line in mine if line not in crosses], crosses


def cells(table):
    """Give a Markdown table as rows by their first cell."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    return {cells[0]: cells[1:] for cells in rows}


LOOKED_AT = [
    *((name, name) for name in ("growth", "grid", "unroll")),
    *(("nothing", name) for name in FIGURES),
    *(("two variants", name) for name in ("growth", "unroll")),
    ("doubling", "growth"),
    ("stopped", "unroll"),
    ("one round", "grid"),
]


@pytest.mark.parametrize(("name", "figure"), LOOKED_AT)
def test_no_text_hides_another_or_leaves_the_page(name, figure, assert_looks_right):
    assert_looks_right(drawn(name, figure))


@pytest.mark.parametrize("question", growth.GROWTH_QUESTIONS, ids=lambda question: question.heading)
def test_a_line_stands_at_the_measured_medians(question):
    run = RUNS["growth"]
    axes = panel(drawn("growth", "growth"), question.heading)
    for variant in growth.GROWTH_VARIANTS:
        (line,), crosses = lines(axes, variant)
        sweep = run.sweep("steps", question.quantity, question.phase, variant)
        measured = {steps: found.median / question.scale for steps, found in sweep.items() if found.samples}
        assert list(line.get_xdata()) == list(measured)
        np.testing.assert_allclose(line.get_ydata(), list(measured.values()))
        low, high = axes.get_ylim()
        assert all(low < value < high for value in measured.values())
        assert [cross.get_xdata()[0] for cross in crosses] == [steps for steps in ALL_STEPS if steps not in measured]


def test_a_stopped_case_is_explained_only_where_there_is_one():
    assert "stopped or failed" in said(drawn("growth", "growth"))
    assert "stopped or failed" not in said(drawn("two variants", "growth"))


def test_exponents_are_fitted_over_the_larger_steps_alone():
    rows = cells(growth.growth_table(RUNS["growth"]))
    headings = [question.heading for question in growth.GROWTH_QUESTIONS]
    saved = rows["static"][headings.index("SavedModel")]
    sweep = RUNS["growth"].sweep("steps", "export", "forward", "static")
    points = [
        (steps, np.median(samples))
        for steps, found in sweep.items()
        for samples in found.rounds.values()
        if steps >= growth.FITTED_FROM
    ]
    fitted = statistics.growth(*zip(*points, strict=True))
    assert saved == f"{fitted.exponent:.2f} [{fitted.low:.2f}, {fitted.high:.2f}]"
    assert f"T^{saved}" in said(drawn("growth", "growth"))
    assert float(rows["dynamic"][0].split()[0]) == pytest.approx(0, abs=0.02)
    assert float(rows["static"][0].split()[0]) == pytest.approx(1, abs=0.05)


def test_too_few_steps_give_no_exponent_and_what_was_not_measured_says_so():
    run = make_run(*(record for record in growing(("static",), (28, 64, 128)) if record.quantity == "build"))
    assert cells(growth.growth_table(run))["static"] == ["too few", *["not measured"] * 7]


def test_a_cost_that_sinks_to_0_gives_no_exponent():
    run = make_run(
        *(
            Record("process", "train", "static", "graph", Sizes(steps=steps), "bytes", [cost])
            for steps, cost in ((64, 0), (128, 2e6), (256, 4e6))
        )
    )
    assert "not above 0" in cells(growth.growth_table(run))["static"]


def test_an_exponent_is_written_without_a_negative_zero():
    assert growth.growth_text(statistics.Growth(-0.001, -0.004, 0.003)) == "0.00 [0.00, 0.00]"


def test_each_stopped_case_has_one_row_with_all_it_lacks():
    table = tables.stopped_table(RUNS["growth"])
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    assert [(row[0], row[2]) for row in rows] == [
        ("static", str(Sizes(steps=784))),
        ("Keras, unroll=True", str(Sizes(steps=512))),
        ("Keras, unroll=True", str(Sizes(steps=784))),
    ]
    assert all(row[3] == ", ".join(f"{quantity} ({phase})" for quantity, phase in LAWS) for row in rows)
    assert all(row[4] == STOPPED for row in rows)
    assert tables.stopped_table(RUNS["unroll"]) == "Nothing was stopped, nothing failed.\n"


def test_a_case_that_was_stopped_after_some_rounds_says_how_many_it_kept():
    records = unrolled()
    table = tables.stopped_table(make_run(*records, replace(records[0], round=0, samples=[], note=STOPPED)))
    assert table.splitlines()[2:] == [
        f"| dynamic | graph | {Sizes()} | build (train) | {STOPPED} (rounds kept: {ROUNDS}) |"
    ]


def test_what_is_not_available_was_neither_stopped_nor_failed():
    note = "runs eagerly: there is no graph to build"
    records = [replace(r, samples=[], note=note) if r.quantity == "build" else r for r in growing(("dynamic",))]
    run = make_run(*records)
    assert tables.stopped_table(run) == "Nothing was stopped, nothing failed.\n"
    assert "stopped or failed" not in said(draw_growth(run))
    assert cells(growth.growth_table(run))["dynamic"][0] == "not available"


def heat_maps(figure):
    """Give the colour of each cell of each heat map, by its place, in order."""
    maps = [axes for axes in figure.axes if any(text.get_text().startswith("H = ") for text in axes.texts)]
    return [{tuple(map(int, patch.get_xy())): to_hex(patch.get_facecolor()) for patch in axes.patches} for axes in maps]


def test_a_cell_is_coloured_only_where_the_interval_excludes_1():
    run = RUNS["grid"]
    maps = heat_maps(drawn("grid", "grid"))
    assert len(maps) == 2 * len(grid.GRID_QUESTIONS)
    faces = set()
    for question, colours in zip(grid.GRID_QUESTIONS, maps, strict=False):
        for row, batch in enumerate(BATCHES[:-1]):
            for column, hidden in enumerate(WIDTHS):
                cases = [Case(variant, "graph", Sizes(batch=batch, hidden=hidden)) for variant in ("static", "dynamic")]
                ratio = run.ratio(question.quantity, question.phase, *cases)
                red, _, blue = to_rgb(colours[column, row])
                faces.add(np.sign(blue - red).item())
                assert np.sign(blue - red) == (np.sign(1 - ratio.value) if ratio.decided else 0)
                words = said(drawn("grid", "grid"))
                assert f"{ratio.low:.2f} to {ratio.high:.2f}" in words
                value = factor(ratio.value)
                pointed = (f"← {value}" if ratio.value < 1 else f"{value} →") if ratio.decided else value
                assert pointed in words
    assert faces == {-1, 0, 1}


def test_a_stopped_case_has_a_word_and_no_colour():
    assert said(drawn("grid", "grid")).count("stopped") == len(grid.GRID_QUESTIONS) * len(WIDTHS)
    assert not any(row == 3 for colours in heat_maps(drawn("grid", "grid"))[:3] for _, row in colours)


def test_a_full_colour_begins_at_a_factor_of_2_either_way():
    faces = [grid._face(Ratio(value, value, value)) for value in (0.25, 0.5, 0.9, 1.1, 2, 4)]
    assert faces[0] == faces[1] == to_hex(frame.BLUE).lower()
    assert faces[4] == faces[5] == to_hex(frame.ORANGE).lower()
    assert grid._face(Ratio(3, np.nan, np.nan)) == grid.NEUTRAL


def test_the_fastest_of_ours_is_set_against_the_faster_of_keras():
    rows = [line for line in grid.grid_table(RUNS["grid"]).splitlines() if line.startswith("|")][2:]
    ours = [line for line in rows if line.startswith(f"| {grid.COMPARISONS[1].heading}")]
    assert len(rows) == 2 * len(ours) == 2 * len(BATCHES) * len(WIDTHS)
    assert "static / unrolled" in ours[0] and "dynamic / loop" in ours[-1]
    # static was stopped at B = 512, so that the loop stands for us there.
    assert all("stopped" not in line and "dynamic" in line.split("|")[4] for line in ours[-3:])


def test_cases_that_took_no_turns_have_no_ratio():
    apart = [replace(record, turns=record.variant) for record in gridded()]
    table = grid.grid_table(make_run(*apart))
    assert "took no turns" in table and "[" not in table


def test_one_batch_and_width_is_no_grid():
    assert grid.grid_table(RUNS["unroll"]) == f"{NOTHING}\n"


@pytest.mark.parametrize("question", unroll_k.UNROLL_QUESTIONS, ids=lambda question: question.heading)
def test_every_k_stands_at_its_median_and_static_at_the_end(question):
    run = RUNS["unroll"]
    axes = panel(drawn("unroll", "unroll"), question.heading)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [*map(str, UNROLLS), "static"]
    variants = ["dynamic", *(f"dynamic-{k}" for k in UNROLLS[1:]), "static"]
    medians = [run.find(question.quantity, question.phase, variant).median / question.scale for variant in variants]
    dots = {line.get_xdata()[0]: line.get_ydata()[0] for line in axes.lines if line.get_marker() == "o"}
    assert not any(line.get_marker() == "x" for line in axes.lines)
    assert list(dots) == list(axes.get_xticks())
    np.testing.assert_allclose(list(dots.values()), medians)
    assert axes.get_ylim()[0] == 0 and axes.get_ylim()[1] > max(medians)


def test_a_stopped_k_is_crossed_out_and_breaks_the_line():
    axes = panel(drawn("stopped", "unroll"), growth.BUILD.heading)
    assert [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "x"] == [np.log2(4)]
    (line,) = [line for line in axes.lines if len(line.get_xdata()) == len(UNROLLS)]
    assert list(np.isnan(line.get_ydata())) == [k == 4 for k in UNROLLS]


def test_a_loop_without_unroll_alone_is_no_scale():
    assert NOTHING in said(unroll_k.draw_unroll(RUNS["one size"]))


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_run_without_such_records_says_so_in_a_small_figure(draw):
    figure = draw(RUNS["nothing"])
    assert NOTHING in said(figure)
    assert figure.get_size_inches()[1] < 1.5


@pytest.mark.parametrize("name", ["growth", "grid"])
def test_a_run_without_such_records_says_so_in_one_line(name):
    assert TABLES[name](RUNS["nothing"]) == f"{NOTHING}\n"

"""The figure of XLA: bars are what was measured in each mode, and every gap says why it is one."""

from dataclasses import replace

import pytest
from drawn import bars, headings, panel, rounds, words

from unroll.measure.config import PHASES, Case, Sizes
from unroll.report.figures.xla import MODE_NAMES, PANELS, draw_xla
from unroll.report.tables import steps_text

TIMES = {"graph": (0.3, 0.5, 0.020), "xla": (0.4, 4.0, 0.010), "eager": (None, 0.2, 0.090)}  # build, first call, step


def records(variant="static", modes=tuple(TIMES), phases=PHASES, note="", count=3):
    return [
        replace(one, samples=[] if note else one.samples, note=note)
        for mode in modes
        for phase in phases
        for quantity, time in zip(("build", "first_call", "step"), TIMES[mode], strict=True)
        if time
        for one in rounds(quantity, variant, [time] * count, phase=phase, mode=mode)
    ]


@pytest.mark.parametrize("shown", PANELS, ids=lambda shown: shown.heading.replace("\n", " "))
def test_bars_are_the_medians_added_up(shown, run_of):
    axes = panel(draw_xla(run_of(*records())), shown.heading)
    build = {"graph": 0.3, "xla": 0.4, "eager": 0.0}  # what runs eagerly is not built
    starts = [build[mode] + TIMES[mode][1] for mode in TIMES]
    steps = [1000 * TIMES[mode][2] for mode in TIMES]
    assert bars(axes) == pytest.approx(starts if "build" in shown.quantities else steps)
    marks = [line.get_xdata()[0] for line in axes.lines if line.get_color() == "white"]
    assert marks == ([0.3, 0.4] if "build" in shown.quantities else [])


def test_the_modes_of_a_variant_stand_in_rows_and_differ_without_colour(run_of):
    figure = draw_xla(run_of(*records()))
    assert [name for name in words(figure) if name in MODE_NAMES.values()] == ["graph", "XLA", "eager"]
    graph, compiled, eager = (bar.patches[0] for bar in panel(figure, PANELS[0].heading).containers)
    assert (graph.get_hatch(), compiled.get_hatch(), eager.get_hatch()) == (None, "////", None)
    assert eager.get_facecolor()[:3] == (1, 1, 1)


def test_it_says_after_how_many_runs_compiling_has_paid(run_of):
    run = run_of(*records())
    found = run.break_even("train", *(Case("static", mode, Sizes()) for mode in ("xla", "graph")))
    assert found.steps == pytest.approx(360)  # 3.6 s more to compile, and 10 ms less a run
    paid = steps_text(found.steps)
    assert {f"forward: {paid}", f"training: {paid}"} <= set(words(draw_xla(run)))


def test_it_never_pays_where_the_run_is_no_quicker(run_of):
    slow = [r if r.quantity != "step" or r.mode != "xla" else replace(r, samples=[0.03]) for r in records()]
    assert "training: never" in words(draw_xla(run_of(*slow)))


def test_variants_of_graph_mode_alone_are_left_out(run_of):
    text = words(draw_xla(run_of(*records(), *records("dynamic", ("graph",)))))
    assert "static" in text and "dynamic" not in text
    assert draw_xla(run_of(*records(modes=("graph",)))) is None


def test_other_packages_alone_are_nothing_to_compare_and_never_paid_beside_graph_mode(run_of):
    others = [*records("torch", ("eager",)), *records("jax-loop", ("xla",))]
    assert draw_xla(run_of(*records(modes=("graph",)), *others)) is None
    figure = draw_xla(run_of(*records(modes=("graph", "eager")), *others))
    assert headings(figure) == [shown.heading for shown in PANELS]


def test_a_gap_says_why(run_of):
    made = [*records(modes=("graph",)), *records(modes=("xla",), note="stopped: took more than 120 s")]
    text = words(draw_xla(run_of(*made)))
    assert text.count("stopped") == len(PANELS)
    assert {"forward: not known", "training: not known"} <= set(text)
    forward = draw_xla(run_of(*records(phases=("forward",))))
    assert headings(forward)[:-1] == [shown.heading for shown in PANELS if shown.phase == "forward"]


def test_few_rounds_give_no_95_percent_interval_whoever_else_had_more(run_of):
    others = records("jax-loop", ("xla",), count=9)
    assert "runs [interval of 3 rounds]" in words(draw_xla(run_of(*records(), *others)))
    assert "runs [95% interval]" in words(draw_xla(run_of(*records(count=6), *others)))

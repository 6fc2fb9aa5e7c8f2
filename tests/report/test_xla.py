"""The figure of XLA: bars are what was measured in each mode, and every gap says why it is one."""

from dataclasses import replace

import pytest
from matplotlib.container import BarContainer

from unroll.measure.config import PHASES, Case, Sizes
from unroll.measure.journal import Record
from unroll.report.figures import xla
from unroll.report.tables import NOTHING, steps_text

TIMES = {"graph": (0.3, 0.5, 0.020), "xla": (0.4, 4.0, 0.010), "eager": (None, 0.2, 0.090)}  # build, first call, step


def records(variant="static", modes=tuple(TIMES), phases=PHASES, note=""):
    return [
        Record(quantity, phase, variant, mode, Sizes(), "s", [] if note else [time], number, f"all {number}", note)
        for mode in modes
        for phase in phases
        for quantity, time in zip(("build", "first_call", "step"), TIMES[mode], strict=True)
        if time
        for number in (1, 2, 3)
    ]


def said(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts] + [text.get_text() for text in figure.texts]


def panel(figure, heading):
    (found,) = [axes for axes in figure.axes if heading in [text.get_text() for text in axes.texts]]
    return found


def widths(axes):
    return [bar.patches[0].get_width() for bar in axes.containers if isinstance(bar, BarContainer)]


@pytest.mark.parametrize("shown", xla.PANELS, ids=lambda shown: shown.heading.replace("\n", " "))
def test_bars_are_the_medians_added_up(shown, run_of):
    axes = panel(xla.draw_xla(run_of(*records())), shown.heading)
    build = {"graph": 0.3, "xla": 0.4, "eager": 0.0}  # what runs eagerly is not built
    starts = [build[mode] + TIMES[mode][1] for mode in TIMES]
    steps = [1000 * TIMES[mode][2] for mode in TIMES]
    assert widths(axes) == pytest.approx(starts if "build" in shown.quantities else steps)
    marks = [line.get_xdata()[0] for line in axes.lines if line.get_color() == "white"]
    assert marks == ([0.3, 0.4] if "build" in shown.quantities else [])


def test_the_modes_of_a_variant_stand_in_rows_in_one_colour_and_differ_without_it(run_of):
    figure = xla.draw_xla(run_of(*records()))
    names = [text.get_text() for text in figure.axes[0].texts]
    assert [name for name in names if name in xla.MODE_NAMES.values()] == ["graph", "XLA", "eager"]
    graph, compiled, eager = (bar.patches[0] for bar in panel(figure, xla.PANELS[0].heading).containers)
    assert graph.get_facecolor() == compiled.get_facecolor() == eager.get_edgecolor()
    assert (graph.get_hatch(), compiled.get_hatch(), eager.get_hatch()) == (None, "////", None)
    assert eager.get_facecolor()[:3] == (1, 1, 1)


def test_it_says_after_how_many_runs_compiling_has_paid(run_of):
    run = run_of(*records())
    found = run.break_even("train", *(Case("static", mode, Sizes()) for mode in ("xla", "graph")))
    assert found.steps == pytest.approx(360)  # 3.6 s more to compile, and 10 ms less a run
    paid = steps_text(found.steps)
    assert {f"forward: {paid}", f"training: {paid}"} <= set(said(xla.draw_xla(run)))


def test_it_never_pays_where_the_run_is_no_quicker(run_of):
    slow = [r if r.quantity != "step" or r.mode != "xla" else replace(r, samples=[0.03]) for r in records()]
    assert "training: never" in said(xla.draw_xla(run_of(*slow)))


def test_variants_of_graph_mode_alone_are_left_out(run_of):
    figure = xla.draw_xla(run_of(*records(), *records("dynamic", ("graph",))))
    assert "static" in said(figure)
    assert "dynamic" not in said(figure)
    assert NOTHING in said(xla.draw_xla(run_of(*records(modes=("graph",)))))


def test_a_gap_says_why(run_of):
    made = [*records(modes=("graph",)), *records(modes=("xla",), note="stopped: took more than 120 s")]
    figure = xla.draw_xla(run_of(*made))
    assert said(figure).count("stopped") == len(xla.PANELS)
    assert {"forward: not known", "training: not known"} <= set(said(figure))
    forward = xla.draw_xla(run_of(*records(phases=("forward",))))
    assert said(forward).count("not measured") == 2 * len(TIMES)


def test_few_rounds_give_no_95_percent_interval_whoever_else_had_more(run_of):
    others = [
        replace(r, variant="jax-loop", round=r.round + more) for r in records(modes=("xla",)) for more in (0, 3, 6)
    ]
    assert "runs [interval of 3 rounds]" in said(xla.draw_xla(run_of(*records(), *others)))
    more = [replace(r, round=r.round + 3) for r in records()]
    assert "runs [95% interval]" in said(xla.draw_xla(run_of(*records(), *more)))

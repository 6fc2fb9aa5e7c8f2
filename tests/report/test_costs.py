"""The bars of costs and of `fit` are the medians of the records, and what is missing says why."""

import numpy as np
import pytest
from drawn import HOSTILE, REFERENCE, ROUNDS, bars, headings, hollow_bars, panel, record, rounds, words

from unroll.measure.journal import read_journal
from unroll.report.figures import costs
from unroll.report.figures.costs import FAR, PANELS, draw_costs
from unroll.report.tables import measured_variants, significant

BUILD, FIRST_CALL, STEP = PANELS[:3]


def names(figure):
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


@pytest.mark.parametrize("question", PANELS, ids=lambda question: question.quantity)
def test_bars_and_numbers_are_the_medians(question):
    run = read_journal(REFERENCE)[-1]
    axes = panel(draw_costs(run), question.heading)
    found = [question.find(run, variant) for variant in measured_variants(run, PANELS)]
    medians = [one.median / question.scale for one in found if one and one.samples]
    longest = axes.get_xlim()[1] * costs.BAR_SHARE
    np.testing.assert_allclose(bars(axes), np.minimum(medians, longest))
    written = [text.get_text() for text in axes.texts if text.get_text()[0].isdigit()]
    assert written == [significant(median) for median in medians]


def test_rows_and_panels_are_those_that_were_measured(run_of):
    figure = draw_costs(run_of(record("build", "keras-loop", [1.0]), record("export", "static", [2e3], "forward")))
    assert names(figure) == ["static", "Keras, unroll=False"]
    assert headings(figure) == [BUILD.heading, PANELS[-1].heading]


def test_a_loop_of_several_cells_stands_with_the_loops_and_ones_own_apart(run_of):
    assert costs.family("dynamic-3") == costs.family("dynamic") == "dynamic"
    assert costs.family("dynamic-mine:gru") == "own"
    figure = draw_costs(run_of(*(record("step", variant, [1.0]) for variant in ("dynamic-3", "mine:gru", "static"))))
    static, loop, own = (figure.axes[0].get_yticks()[names(figure).index(name)] for name in names(figure))
    assert loop - static > 1 and own - loop > 1  # a gap stands between families


def test_the_users_own_variants_have_rows_below_and_short_names(run_of):
    long = f"{'my.very.long.module.' * 9}:{HOSTILE}"
    figure = draw_costs(run_of(*(record("step", variant, [1.0]) for variant in (long, "mine:gru", "static"))))
    static, *own = names(figure)
    assert static == "static" and "mine:gru" in own
    assert any(name.startswith("my.very.long") and name.endswith("...") for name in own)


@pytest.mark.parametrize("samples", [[], [float("nan")], [float("inf")]])
def test_what_is_not_available_or_not_measured_has_no_bar_but_says_so(samples, run_of):
    tensors = record("tensors", "dynamic", samples, note="the allocator is blind")
    figure = draw_costs(run_of(tensors, record("tensors", "static", [1.0]), record("step", "static", [1.0])))
    assert len(bars(panel(figure, STEP.heading))) == len(bars(panel(figure, PANELS[5].heading))) == 1
    assert {"not measured", "not available"} <= set(words(figure))
    assert draw_costs(run_of(tensors)) is None


def test_times_of_few_rounds_are_hollow_and_single_counts_are_not(run_of):
    times = [*rounds("step", "static", [1.0] * ROUNDS), *rounds("step", "dynamic", [1.0] * (ROUNDS - 1))]
    figure = draw_costs(run_of(*times, record("nodes", "static", [7.0]), record("nodes", "dynamic", [7.0])))
    assert hollow_bars(panel(figure, STEP.heading)) == [False, True]
    assert hollow_bars(panel(figure, PANELS[3].heading)) == [False, False]


def test_another_package_far_beyond_all_others_does_not_set_the_scale(run_of):
    others = [record("first_call", "static", [1.0]), record("step", "static", [1.0])]
    far = [record("first_call", "jax-loop", [3 * FAR]), record("step", "jax-loop", [0.9 * FAR])]
    figure = draw_costs(run_of(*others, *far))
    assert bars(panel(figure, FIRST_CALL.heading)) == [1000, 1000]
    assert bars(panel(figure, STEP.heading)) == [1000, 900 * FAR]
    assert significant(3000 * FAR) in words(figure)

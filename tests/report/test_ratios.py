"""The dots of the ratios stand where the records say, are filled where they are decided, and gaps say why."""

from dataclasses import replace

import numpy as np
import pytest
from drawn import REFERENCE, ROUNDS, dots, headings, panel, record, rounds, words

from unroll.measure.journal import read_journal
from unroll.measure.statistics import Ratio
from unroll.report.figures import ratios
from unroll.report.figures.ratios import QUESTIONS, draw_ratios
from unroll.report.tables import TURNS, compared_pairs, factor, interval, pair_ratio

BUILD = QUESTIONS["build", "train"]


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: turn.heading)
def test_ratios_stand_where_they_are_and_are_filled_where_they_are_decided(turn):
    run = read_journal(REFERENCE)[-1]
    figure = draw_ratios(run)
    axes = panel(figure, QUESTIONS[turn.quantity, turn.phase])
    found = [pair_ratio(run, turn, *pair) for pair in compared_pairs(run)]
    known = [ratio for ratio in found if isinstance(ratio, Ratio)]
    assert [(x, filled) for (x, _), filled in dots(axes).items()] == [(ratio.value, ratio.decided) for ratio in known]
    intervals = [tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2][1:]  # after that at 1
    np.testing.assert_array_equal(intervals, [(ratio.low, ratio.high) for ratio in known])
    low, high = axes.get_xlim()
    ends = [end for ratio in known for end in ratio[:3] if end == end]
    assert all(low < end < high for end in ends) and low < 0.5 and high > 2
    for ratio in known:
        assert {factor(ratio.value), interval(ratio, " to ")} <= set(words(figure))


def test_only_measured_pairs_have_a_row_in_the_order_of_the_table(run_of):
    made = [one for variant in ("static", "dynamic", "block") for one in rounds("build", variant, [1.0] * ROUNDS)]
    figure = draw_ratios(run_of(*made))
    names = [text.get_text() for text in figure.axes[0].texts]
    assert list(zip(names[::2], names[1::2], strict=True)) == [
        ("static", "/ dynamic"),
        ("static", "/ BlockLSTMV2"),
        ("dynamic", "/ BlockLSTMV2"),
    ]
    rows = [text.xy[1] for text in figure.axes[0].texts]
    middles = [(over + under) / 2 for over, under in zip(rows[::2], rows[1::2], strict=True)]
    assert [y for _, y in dots(panel(figure, BUILD))] == pytest.approx(middles)
    assert headings(figure) == [BUILD]


def test_ticks_below_1_are_written_as_fractions():
    assert ratios._ratio_ticks(-2.5, 3.5) == ([0.25, 1.0, 4.0], ["1/4", "1", "4"])
    assert ratios._ratio_ticks(-1.1, 1.1) == ([0.5, 1.0, 2.0], ["1/2", "1", "2"])


@pytest.mark.parametrize(
    ("other", "build", "why"),
    [
        ("dynamic", record("build", "dynamic", [], round=1, turns="all"), "not available"),
        ("dynamic", record("build", "dynamic", [1.0], round=1, turns="others"), "took no turns"),
        ("torch", record("first_call", "torch", [1.0], round=1, turns="all"), "not measured"),
    ],
)
def test_a_ratio_that_does_not_exist_says_why(other, build, why, run_of):
    steps = [one for variant in ("static", other) for one in rounds("step", variant, [1.0])]
    both = [one for variant in ("static", "keras-loop") for one in rounds("build", variant, [1.0])]
    figure = draw_ratios(run_of(*steps, *both, build))
    assert why in words(figure)
    assert draw_ratios(run_of(build, replace(build, variant="static", turns="elsewhere"))) is None


def test_a_single_round_has_a_hollow_dot_and_no_interval(run_of):
    figure = draw_ratios(run_of(*rounds("build", "static", [2.0]), *rounds("build", "dynamic", [1.0])))
    assert list(dots(panel(figure, BUILD)).values()) == [False]
    assert words(figure).count("one round") == 1

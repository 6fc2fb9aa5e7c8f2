"""The card shows the run's own numbers, a cell for every step, and the same advice as the command line."""

from pathlib import Path

import pytest
from drawn import REFERENCE
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch

from unroll.measure.journal import read_journal
from unroll.report.advice import Nearest, advise_from
from unroll.report.figures.card import PAIR, TENSORS, TILES, draw_card
from unroll.report.figures.frame import WIDTH, colour
from unroll.report.tables import TURNS, factor, pair_ratio, why_no_interval


@pytest.fixture(scope="module")
def run():
    return read_journal(REFERENCE)[-1]


@pytest.fixture(scope="module")
def card(run):
    return draw_card(run)


def words(card):
    return [text.get_text() for text in card.axes[0].texts]


def test_its_four_numbers_are_those_of_the_run(run, card):
    static, dynamic = (TENSORS.find(run, variant).median for variant in PAIR)
    ratios = [pair_ratio(run, cost, *PAIR) for cost, _ in TILES if cost in TURNS]
    expected = [*(factor(ratio.value) for ratio in ratios), factor(static / dynamic)]
    written = words(card)
    places = [written.index(words_of) for _, words_of in TILES]
    assert [written[place - 2] for place in places] == expected
    assert [written[place - 1] for place in places[:3]] == [
        why_no_interval(ratio) or f"95% interval {factor(ratio.low)} to {factor(ratio.high)}" for ratio in ratios
    ]


def test_static_has_a_cell_for_every_step_and_dynamic_has_one_of_the_same_form(run, card):
    boxes = [patch for patch in card.axes[0].patches if isinstance(patch, FancyBboxPatch)]
    cells = {
        variant: [
            (box.get_width(), box.get_height())
            for box in boxes
            if box.get_linewidth() == 1.4 and box.get_edgecolor()[:3] == pytest.approx(to_rgb(colour(variant)))
        ]
        for variant in PAIR
    }
    assert (len(cells["static"]), len(cells["dynamic"])) == (run.sizes.steps, 1)
    assert set(cells["static"]) == set(cells["dynamic"])


def test_it_advises_as_the_command_line_does_and_is_as_wide_as_high_as_a_slide(run, card):
    headline = advise_from(Nearest(Path(), run, run.sizes)).headline
    assert any(" ".join(text.split()) == headline for text in words(card))
    assert card.get_size_inches().tolist() == [WIDTH, WIDTH * 9 / 16]

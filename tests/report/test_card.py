"""The card shows the run's own numbers, a cell for every step, and the same advice as the command line."""

from dataclasses import replace
from pathlib import Path

import pytest
from drawn import REFERENCE
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch, Rectangle

from unroll.measure.journal import read_journal
from unroll.report.advice import Nearest, advise_from, ratio_of_totals
from unroll.report.figures.card import PAIR, TENSORS, TILES, draw_card
from unroll.report.figures.frame import WIDTH, colour
from unroll.report.page.answer import amount, answer
from unroll.report.tables import TURNS, factor, pair_ratio


@pytest.fixture(scope="module")
def run():
    return read_journal(REFERENCE)[-1]


@pytest.fixture(scope="module")
def card(run):
    return draw_card(run)


def words(card):
    return [text.get_text() for text in card.axes[0].texts]


def test_its_four_costs_are_those_of_the_run(run, card):
    written = words(card)
    for cost, _ in TILES:
        assert {f"{variant} {amount(cost.find(run, variant), cost)}" for variant in PAIR} <= set(written)
    static, dynamic = (TENSORS.find(run, variant).median for variant in PAIR)
    assert f"static: {factor(static / dynamic)} times" in written
    for ratio in (pair_ratio(run, cost, *PAIR) for cost, _ in TILES if cost in TURNS):
        times, decided = f"{factor(ratio.value)} times", ratio.decided
        place = next(place for place, text in enumerate(written) if times in text)
        assert written[place - (not decided)] == (f"static: {times}" if decided else ratio.verdict)
        assert f"95% interval {factor(ratio.low)} to {factor(ratio.high)}" in written[place + decided]


def test_its_bars_are_as_long_as_the_costs(run, card):
    lengths = [patch.get_width() for patch in card.axes[0].patches if isinstance(patch, Rectangle)]
    for (cost, _), static, dynamic in zip(TILES, lengths[::2], lengths[1::2], strict=True):
        medians = [cost.find(run, variant).median for variant in PAIR]
        assert static / dynamic == pytest.approx(medians[0] / medians[1])


def test_an_epoch_is_that_of_mnist(run, card):
    total = ratio_of_totals(Nearest(Path(), run, run.sizes), "static", 468)
    (epoch,) = (text for text in words(card) if "469 training steps" in text)
    assert epoch.endswith(f"with dynamic: {total.verdict}.")


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
    assert answer(run)[0] == headline
    assert any(" ".join(text.split()).startswith(" ".join(answer(run)[:2])) for text in words(card))
    assert card.get_size_inches().tolist() == [WIDTH, WIDTH * 9 / 16]


def test_it_names_keras_arguments_on_a_cpu_only(run, card):
    def named(drawn):
        return [text for text in words(drawn) if "unroll=True in Keras" in text or "unroll=False in Keras" in text]

    assert len(named(card)) == 2
    assert named(draw_card(replace(run, settings=run.settings | {"device": "gpu"}))) == []

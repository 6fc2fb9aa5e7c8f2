"""The layer's turns in `fit`: only what is equal to the reference counts."""

from functools import partial

import keras
import pytest

from unroll.keras import LSTM
from unroll.measure import fit
from unroll.measure.batch import Data
from unroll.measure.config import Case, Sizes
from unroll.measure.presets import FIT_SIZES, PRESETS
from unroll.measure.process import ROUND_OVER, CaseFailed, Limits, work_apart
from unroll.measure.statistics import ENOUGH_ROUNDS
from unroll.measure.tasks import measure_fit_process, time_fit
from unroll.models import data

IMAGES, LABELS = data.load("digits").train
DATA = Data(IMAGES, LABELS, 0)
SIZES = Sizes(steps=3, batch=4, hidden=5)


def case(variant, rounds=1):
    return Case(variant, "graph", SIZES, rounds)


def turns(*cases, steps=2):
    events = list(time_fit(cases, "train", DATA, steps=steps))
    assert events.count(ROUND_OVER) == max(case.rounds for case in cases)
    return [event for event in events if event != ROUND_OVER]


def test_ours_and_keras_take_turns_in_every_round():
    records = turns(case("static-traced", rounds=2), case("keras-unrolled", rounds=2))
    found = {(r.variant, r.quantity, r.round): r.samples for r in records}
    assert len(records) == len(found) == 12
    for variant in ("static-traced", "keras-unrolled"):
        for number in (1, 2):
            (start,), (first,) = (found[variant, name, number] for name in ("fit_start", "fit_first"))
            assert 0 < start < first
            assert len(found[variant, "fit_epoch", number]) == 2
            assert all(0 < seconds < first for seconds in found[variant, "fit_epoch", number])
    assert len({r.turns for r in records}) == 1


def test_a_layer_that_is_another_network_is_not_measured(monkeypatch):
    monkeypatch.setitem(fit.LAYERS, "dynamic", partial(LSTM, go_backwards=True))
    events = turns(case("dynamic"), case("keras-loop"), steps=0)
    (failed,) = [event for event in events if isinstance(event, CaseFailed)]
    assert failed.case.variant == "dynamic"
    assert failed.reason.startswith("failed: Unequal: not the same network, so not measured")
    assert {event.variant for event in events if not isinstance(event, CaseFailed)} == {"keras-loop"}


def test_what_is_no_keras_layer_is_not_available():
    (failed,) = turns(case("tf1-static"))
    assert failed.reason == "is no Keras layer"


def test_k_cells_an_iteration_are_that_layer():
    assert fit.layer_of("dynamic-10")(3).unroll_as == 10


@pytest.mark.parametrize(("variant", "kind"), [("keras-loop", keras.layers.LSTM), ("dynamic", LSTM)])
def test_a_variant_is_the_layer_of_its_name(variant, kind):
    assert type(fit.layer_of(variant)(3)) is kind


def test_the_process_grows_in_fit():
    (record,) = work_apart(measure_fit_process, case("dynamic"), "train", DATA, limits=Limits(60))
    assert record.quantity == "fit_process" and record.samples[0] > 0


def test_the_full_preset_asks_it_at_sizes_of_its_own_with_rounds_enough():
    cases = PRESETS["full"].cases_for_fit(Sizes())
    assert {(case.sizes, case.rounds) for case in cases} == {(FIT_SIZES, ENOUGH_ROUNDS)}
    assert not PRESETS["quick"].cases_for_fit(Sizes())

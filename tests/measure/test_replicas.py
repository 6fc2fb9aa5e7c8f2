"""Rounds on several devices: they train the same network on the same batch, or are not measured."""

import os

import pytest
from fakes import FakeGpu

from unroll.measure import replicas
from unroll.measure.batch import Data
from unroll.measure.config import REPLICAS, Case, Sizes
from unroll.measure.journal import Record
from unroll.measure.presets import PRESETS
from unroll.measure.process import ROUND_OVER, CaseFailed, Limits, NotAvailable, work_apart
from unroll.measure.statistics import ENOUGH_ROUNDS
from unroll.measure.tasks import time_replicas
from unroll.models import data

IMAGES, LABELS = data.load("digits").train
DATA = Data(IMAGES, LABELS, 0)
SIZES = Sizes(steps=3, batch=5, hidden=4)  # a batch that two devices cannot share evenly
CORES = os.cpu_count() or 1


def turns(*cases, faulty=False):
    work = time_faulty_replicas if faulty else time_replicas
    return list(work_apart(work, cases, "train", DATA, steps=2, limits=Limits(60)))


def time_faulty_replicas(*arguments, **more):
    """Let every replica count for a whole batch."""
    part = replicas.update_part
    replicas.update_part = lambda network, optimiser, batch, *given: part(network, optimiser, 2, *given)
    return time_replicas(*arguments, **more)


def test_one_device_and_several_take_turns_in_every_round():
    events = turns(Case("static", "graph", SIZES, 2), Case("dynamic", "graph", SIZES, 2))
    assert events.count(ROUND_OVER) == 2
    records = [event for event in events if isinstance(event, Record)]
    found = {(r.variant, r.quantity, r.round): r for r in records}
    assert len(found) == len(records) == len(events) - 2
    for variant in ("static", "dynamic"):
        for count in REPLICAS:
            if count <= min(CORES, SIZES.batch):
                measured = [found[variant, replicas.quantity_on(count), number] for number in (1, 2)]
                assert all(len(record.samples) == 2 and min(record.samples) > 0 for record in measured)
            else:
                assert found[variant, replicas.quantity_on(count), 0].note == f"{CORES} cores, B=5: no more devices"
    assert len({record.turns for record in records if record.samples}) == 1


@pytest.mark.skipif(CORES < 2, reason="there is one core")
def test_replicas_that_train_otherwise_are_not_measured():
    (failed,) = [
        event for event in turns(Case("dynamic", "graph", SIZES), faulty=True) if isinstance(event, CaseFailed)
    ]
    assert failed.reason.startswith("failed: Unequal: not the same network, so not measured: loss off by")


def test_a_gpu_is_not_split():
    with pytest.raises(NotAvailable, match="is measured on the CPU's devices only"):
        next(time_replicas([Case("dynamic", "graph", SIZES)], "train", DATA, steps=1, device=FakeGpu()))


def test_the_full_preset_asks_it_at_its_own_sizes_with_rounds_enough():
    cases = PRESETS["full"].cases_for_replicas(Sizes())
    assert [(case.variant, case.sizes, case.rounds) for case in cases] == [
        (variant, Sizes(), ENOUGH_ROUNDS) for variant in ("static", "dynamic")
    ]
    assert not PRESETS["quick"].cases_for_replicas(Sizes())

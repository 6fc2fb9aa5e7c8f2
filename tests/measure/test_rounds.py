"""Variants take turns, and only what is equal to the reference counts."""

import faults
import pytest

from unroll.measure import steps as step_rounds
from unroll.measure.batch import Data
from unroll.measure.config import Case, Sizes
from unroll.measure.global_state import GlobalState
from unroll.measure.journal import NOT_CHECKED, Record
from unroll.measure.process import ROUND_OVER, ROUND_SPOILED, CaseFailed
from unroll.measure.rounds import NOTHING_TO_BUILD, Share, small_sizes
from unroll.measure.tasks import time_cold_start, time_steps
from unroll.models import data

IMAGES, LABELS = data.load("digits").train
DATA = Data(IMAGES, LABELS, 0)
SIZES = Sizes(steps=3, batch=4, hidden=5)
PHASES = ("forward", "train")


def case(variant, mode="graph", **more):
    return Case(variant, mode, more.pop("sizes", SIZES), **more)


def turns(*cases, phases=PHASES, steps=2, **more):
    runs = [time_steps(cases, phase, DATA, steps=steps, **more) for phase in phases]
    return [event for events in runs for event in events if event != ROUND_OVER]


def test_every_case_takes_its_turn_in_every_round():
    records = turns(case("static", rounds=2), case("dynamic", rounds=2))
    found = {(r.variant, r.quantity, r.phase, r.round): len(r.samples) for r in records}
    for variant in ("static", "dynamic"):
        for phase in PHASES:
            for number in (1, 2):
                assert found[variant, "build", phase, number] == 1
                assert found[variant, "first_call", phase, number] == 1
                assert found[variant, "step", phase, number] == 2
    assert len(records) == len(found) == 24
    assert len({(r.phase, r.turns) for r in records}) == len({r.turns for r in records}) == 2
    assert records[0].turns.startswith(f"{SIZES} #")
    assert turns(case("static"))[0].turns != turns(case("static"))[0].turns
    assert all(sample > 0 for r in records for sample in r.samples)


def test_a_case_takes_part_in_as_many_rounds_as_it_says_and_from_where_it_stopped():
    records = turns(case("static", rounds=3), case("dynamic", rounds=1), phases=["forward"], steps=0)
    assert {(r.variant, r.round) for r in records} == {("static", 1), ("static", 2), ("static", 3), ("dynamic", 1)}
    assert {r.round for r in turns(case("static", rounds=3), phases=["forward"], steps=0, share=Share(3, 3, ""))} == {3}


def test_a_build_is_noted_until_its_result_is_known_to_be_right():
    build, first_call = turns(case("static"), phases=["train"], steps=0)
    assert (build.quantity, build.note) == ("build", NOT_CHECKED)
    assert (first_call.quantity, first_call.note) == ("first_call", "")


def test_what_runs_eagerly_has_nothing_to_build():
    build, first_call, step = turns(case("dynamic", "eager"), phases=["train"])
    assert (build.samples, build.note) == ([], NOTHING_TO_BUILD)
    assert first_call.samples and step.samples


def test_a_case_alone_takes_no_turns():
    assert {r.turns for r in turns(case("static", alone=True), phases=["forward"])} == {""}


@pytest.mark.parametrize("phase", PHASES)
def test_an_unequal_case_is_measured_no_further_and_costs_no_other(phase):
    wrong = case("faults:unequal", rounds=2)
    found = turns(wrong, case("static", rounds=2), phases=[phase])
    (failed,) = [event for event in found if isinstance(event, CaseFailed)]
    assert failed.case == wrong
    assert failed.reason.startswith("failed: Unequal: not the same network, so not measured")
    kept = [(r.variant, r.quantity) for r in found if not isinstance(r, CaseFailed)]
    assert kept.count(("static", "step")) == 2
    assert {quantity for variant, quantity in kept if variant != "static"} == {"build"}


def test_a_case_that_raises_costs_no_other():
    found = turns(case("faults:raising"), case("faults:good"), phases=["forward"])
    assert [event.reason for event in found if isinstance(event, CaseFailed)] == [
        "failed: RuntimeError: the encoder has no eyes"
    ]
    assert faults.good.__name__ in {r.variant.partition(":")[2] for r in found if not isinstance(r, CaseFailed)}


@pytest.mark.parametrize("variant", ["static", "dynamic", "tf1-static", "tf1-dynamic"])
def test_with_a_sequence_length_only_the_valid_steps_count(variant):
    records = turns(case(variant, sizes=Sizes(steps=6, batch=4, hidden=5, valid=2)))
    assert not [event for event in records if isinstance(event, CaseFailed)]


def test_a_variant_that_takes_no_sequence_length_says_so():
    found = turns(case("keras-loop", sizes=Sizes(steps=6, batch=4, hidden=5, valid=2)), phases=["forward"])
    assert [event.reason for event in found] == ["takes no sequence_length"]


@pytest.mark.parametrize(("work", "made"), [(time_cold_start, [SIZES]), (time_steps, [small_sizes(SIZES), SIZES])])
def test_a_cold_start_is_not_warmed_up(work, made, monkeypatch):
    sizes, new_workload = [], step_rounds.new_workload

    def watched(case, *arguments):
        sizes.append(case.sizes)
        return new_workload(case, *arguments)

    monkeypatch.setattr(step_rounds, "new_workload", watched)
    records = [event for event in work([case("static")], "train", DATA, steps=0) if event != ROUND_OVER]
    assert sizes == made
    prefix = "cold_" if work == time_cold_start else ""
    assert [record.quantity for record in records] == [f"{prefix}build", f"{prefix}first_call"]


CHANGES = {
    "eager_functions": "it changed run_functions_eagerly from False to True",
    "jit": "it changed the JIT option from '' to 'autoclustering'",
    "float_type": "it changed Keras's float type from 'float32' to 'float64'",
    "policy": "it changed Keras's dtype policy from",
    "asynchronous": "it changed synchronous execution from True to False",
    "seed": "to 7 for the whole process",
    "intra_op": "Intra op parallelism cannot be modified after initialization",
    "inter_op": "Inter op parallelism cannot be modified after initialization",
    "late": "it changed run_functions_eagerly from False to True",
}


def measured_beside(variant, mode="graph"):
    """Measure one round, two steps, of a variant beside static-traced; gives its failures, and what counts of both."""
    events = list(time_steps([case(f"faults:{variant}", mode), case("static-traced")], "forward", DATA, steps=3))
    failures = [event for event in events if isinstance(event, CaseFailed)]
    spoiled = [at for at, event in enumerate(events) if event == ROUND_SPOILED]
    counted = events[spoiled[-1] + 1 :] if spoiled else events
    return failures, [event for event in counted if isinstance(event, Record)], len(spoiled)


@pytest.mark.parametrize("variant", CHANGES)
def test_a_variant_that_changes_what_all_share_fails_by_name_and_its_neighbour_is_measured_without(variant):
    before = GlobalState()
    failures, counted, spoiled = measured_beside(variant)
    assert [failure.case.variant for failure in failures] == [f"faults:{variant}"]
    assert CHANGES[variant] in failures[0].reason and "\n" not in failures[0].reason
    assert [r.quantity for r in counted if r.variant == "static-traced"] == ["build", "first_call", "step"]
    assert before.undo_changes() == ""
    assert spoiled == (variant == "late")  # the others show it before the first round


def test_a_round_that_a_later_step_spoiled_is_gone_through_again_without_the_culprit():
    failures, counted, spoiled = measured_beside("late_steps", "eager")
    assert [failure.case.variant for failure in failures] == ["faults:late_steps"]
    assert {(r.variant, r.quantity) for r in counted} == {
        ("static-traced", quantity) for quantity in ("build", "first_call", "step")
    }
    assert spoiled == 1

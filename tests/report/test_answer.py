import pytest

from unroll.measure.config import Sizes
from unroll.measure.journal import Record
from unroll.report.answer import answer

MANY = 8  # rounds, enough for a verdict


def turns(variant, *, build=0.1, first_call=0.1, step=0.01, rounds=MANY) -> list[Record]:
    """Give a variant's records of rounds that took turns, in seconds."""
    costs = [("build", "train", build), ("first_call", "train", first_call), ("step", "train", step)]
    return [
        Record(quantity, phase, variant, "graph", Sizes(), "s", [seconds], number, "all")
        for quantity, phase, seconds in costs
        for number in range(1, rounds + 1)
    ]


def grown(variant, steps, seconds) -> Record:
    return Record("build", "train", variant, "graph", Sizes(steps=steps), "s", [seconds], 1)


def test_who_starts_sooner_is_taken_where_steps_do_not_differ(run_of):
    run = run_of(*turns("static", build=0.4, first_call=0.3), *turns("dynamic"))
    assert answer(run) == [
        "Take dynamic, the loop.",
        "Static takes 4.00 [4.00, 4.00] times as long to build for training and 3.00 [3.00, 3.00] times as long in its "
        "first call as dynamic does.",
        "Its training step takes 1.00 [1.00, 1.00] times as long; that is no difference that could be shown.",
    ]


def test_with_other_results_it_is_the_other(run_of):
    run = run_of(*turns("static", step=0.005), *turns("dynamic"))
    assert answer(run)[0] == "Take static, the cells laid side by side."
    assert "0.50 [0.50, 0.50]" in answer(run)[-1]
    assert "no difference" not in answer(run)[-1]


def test_where_one_starts_sooner_and_the_other_steps_faster_it_depends_on_the_number_of_steps(run_of):
    run = run_of(*turns("static", build=1.1, step=0.005), *turns("dynamic"))
    assert answer(run)[0] == "Take dynamic for up to 200 training steps (95% interval: 200), static for more."
    run = run_of(*turns("dynamic", build=1.1, step=0.005), *turns("static"))
    assert answer(run)[0] == "Take static for up to 200 training steps (95% interval: 200), dynamic for more."


def test_without_a_first_call_nobody_says_when_it_has_paid(run_of):
    records = [*turns("static", build=1.1, step=0.005), *turns("dynamic")]
    run = run_of(*(record for record in records if record.quantity != "first_call"))
    assert answer(run)[0] == (
        "Take dynamic to start sooner, static to step faster; when that has paid, this run does not show."
    )


def test_no_difference_at_all_is_said(run_of):
    assert answer(run_of(*turns("static"), *turns("dynamic")))[0].startswith("Take either, no difference")


def test_few_rounds_are_no_verdict(run_of):
    run = run_of(*turns("static", build=9, rounds=1), *turns("dynamic", rounds=1))
    assert answer(run)[0] == "This run cannot say which to take: it has 1 round, and a verdict needs 6 or more."


@pytest.mark.parametrize("variants", [[], ["static"], ["keras-loop"]])
def test_without_the_pair_there_is_no_answer(variants, run_of):
    run = run_of(*(record for variant in variants for record in turns(variant)))
    assert answer(run) == ["This run cannot say which to take: static and dynamic side by side are not measured."]


def test_the_longest_sequence_that_both_were_measured_at_is_named(run_of):
    both = [*turns("static", build=0.4), *turns("dynamic")]
    longer = [grown("static", 64, 1.5), grown("dynamic", 64, 0.1), grown("static", 128, 18.6)]
    assert answer(run_of(*both, *longer))[-1] == (
        "At T = 64 the static training graph took 1.5 s to build, the dynamic one 100 ms."
    )
    assert "At T" not in answer(run_of(*both, grown("static", 8, 1.0), grown("dynamic", 8, 1.0)))[-1]

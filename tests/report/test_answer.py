import pytest

from unroll.measure.config import Sizes
from unroll.measure.journal import Record
from unroll.report.advice import advise
from unroll.report.page.answer import answer

MANY = 8  # rounds, enough for a verdict


def turns(variant, *, build=0.1, first_call=0.1, step=0.01, rounds=MANY) -> list[Record]:
    """Give a variant's records of rounds that took turns, in seconds."""
    costs = [("build", "train", build), ("first_call", "train", first_call), ("step", "train", step)]
    return [
        Record(quantity, phase, variant, "graph", Sizes(), "s", [seconds], number, f"#{number}")
        for quantity, phase, seconds in costs
        for number in range(1, rounds + 1)
    ]


def grown(variant, steps, seconds) -> Record:
    return Record("build", "train", variant, "graph", Sizes(steps=steps), "s", [seconds], 1)


def test_the_loop_is_taken_where_nothing_else_pays(run_of):
    run = run_of(*turns("static", build=0.4, first_call=0.3), *turns("dynamic"))
    advice, because, start, step = answer(run)
    assert advice == "Take the loop: dynamic_unroll(cell, ...)."
    assert because.startswith("No other way to unroll is shown to be quicker at these sizes")
    assert because.endswith("In Keras: keras.layers.LSTM(units), as it comes.")
    assert start == (
        "Static takes 4.00 [4.00, 4.00] times as long to build for training and 3.00 [3.00, 3.00] times as long in its "
        "first call as dynamic does."
    )
    assert step == (
        "A training step of static takes 1.00 [1.00, 1.00] times as long as one of dynamic: the same within 5%."
    )


def test_with_other_results_it_is_the_other(run_of):
    advice, _, start, step = answer(run_of(*turns("static", build=0.05, step=0.005), *turns("dynamic")))
    assert advice == 'Take "static": static_unroll(cell, ...).'
    assert "0.50 [0.50, 0.50] times as long to build" in start
    assert step == "A training step of static takes 0.50 [0.50, 0.50] times as long as one of dynamic: faster."


def test_it_may_depend_on_the_number_of_steps(run_of):
    run = run_of(*turns("static", build=1.0999, step=0.005), *turns("dynamic"))
    assert answer(run)[0] == (
        "Take the loop: dynamic_unroll(cell, ...) for up to 200 training steps, "
        'and "static": static_unroll(cell, ...) for more than 200.'
    )


def test_the_answer_is_what_the_command_advises(run_of, tmp_path, monkeypatch):
    run = run_of(*turns("static", build=1.1, step=0.005), *turns("dynamic"))
    monkeypatch.setattr("unroll.report.advice.read_journal", lambda folder: [run])
    assert answer(run)[0] == advise(run.sizes, places=[tmp_path]).headline


def test_few_rounds_are_no_verdict(run_of):
    advice, because, *_ = answer(run_of(*turns("static", build=90, rounds=1), *turns("dynamic", rounds=1)))
    assert advice.startswith("No verdict: 1 round; the figures point to the loop: dynamic_unroll(cell, ...)")
    assert "verdict needs 6 rounds in several processes" in because


def test_a_difference_from_few_rounds_is_not_said_to_be_none(run_of):
    *_, step = answer(run_of(*turns("static", step=0.005, rounds=4), *turns("dynamic", rounds=4)))
    assert step.endswith("0.50 [0.50, 0.50] times as long as one of dynamic: no verdict: 4 rounds.")


@pytest.mark.parametrize("variants", [[], ["static"], ["keras-loop"], ["dynamic"]])
def test_without_two_ways_side_by_side_there_is_no_answer(variants, run_of):
    (said,) = answer(run_of(*(record for variant in variants for record in turns(variant))))
    assert said.startswith("This run cannot say which to take")


def test_the_longest_sequence_that_both_were_measured_at_is_named(run_of):
    both = [*turns("static", build=0.4), *turns("dynamic")]
    longer = [grown("static", 64, 1.5), grown("dynamic", 64, 0.1), grown("static", 128, 18.6)]
    assert answer(run_of(*both, *longer))[-1] == (
        "At T = 64 the static training graph took 1.5 s to build, the dynamic one 100 ms."
    )
    assert "At T" not in answer(run_of(*both, grown("static", 8, 1.0), grown("dynamic", 8, 1.0)))[-1]

"""What a run ends with in the terminal: it fits, says what to take, and says so where there is nothing to compare."""

from drawn import REFERENCE, rounds

from unroll.measure.journal import read_journal
from unroll.report.page.answer import answer
from unroll.report.page.summary import summary

COSTS = ("build", "first_call", "step")


def turns(variant, seconds, count=6):
    return [made for quantity in COSTS for made in rounds(quantity, variant, [seconds] * count)]


def test_the_committed_runs_answer_fits_the_terminal_and_begins_with_what_to_take():
    run = read_journal(REFERENCE)[-1]
    lines = summary(run).splitlines()
    assert max(map(len, lines)) <= 80
    assert " ".join(lines).startswith(" ".join(answer(run)[:2]))
    assert not [line for line in lines if line.endswith("-")]


def test_each_ratio_has_its_number_its_interval_and_its_verdict_below_one_another(run_of):
    lines = summary(run_of(*turns("static", 2.0), *turns("dynamic", 1.0))).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("static /"))
    assert lines[at].split() == ["static", "/", "2.00", "2.00", "2.00"]
    assert lines[at + 1].split() == ["dynamic", *["[2.00,", "2.00]"] * 3]
    assert lines[at + 2].split() == ["slower"] * 3
    few = summary(run_of(*turns("static", 2.0, 4), *turns("dynamic", 1.0, 4)))
    assert few.count("4 rounds") == 4  # in the answer and in the three columns


def test_a_run_with_nothing_to_compare_says_in_a_sentence_what_it_measured(run_of):
    assert summary(run_of(*turns("static", 2.0))) == (
        "Measured static at T=28, B=128, I=28, H=128: there is no other way of unrolling\nto set it beside.\n"
    )

"""The table of situations takes what the advice takes, and has a row only for what was measured."""

from dataclasses import asdict, replace

from builders import cells_of
from drawn import REFERENCE, record, rounds

from unroll.measure.config import Sizes
from unroll.measure.journal import read_journal
from unroll.report.advice import advise
from unroll.report.page.choices import choices_table

COSTS = ("build", "first_call", "step")
SMALL = Sizes(batch=1, hidden=32)
LONG = Sizes(steps=512)


def turns(variant, *, build=0.1, first_call=0.1, step=0.01, sizes=None):
    costs = {"build": build, "first_call": first_call, "step": step}
    return [
        made
        for quantity, seconds in costs.items()
        for made in rounds(quantity, variant, [seconds] * 8, **({"sizes": sizes} if sizes else {}))
    ]


def taken(run):
    _, _, *rows = cells_of(choices_table(run))
    return {situation: take for situation, take, _ in rows}


def test_what_is_taken_is_what_the_command_advises_at_the_same_sizes():
    run = read_journal(REFERENCE)[-1]
    found = taken(run)
    assert found["do not know yet"] == "dynamic" == advise(run.sizes, places=[REFERENCE]).variants[0]
    assert found["have long sequences"] == "dynamic, by default"
    assert not advise(Sizes(steps=1024), places=[REFERENCE]).variants
    at = {"few": SMALL, "many": Sizes(batch=512, hidden=512)}
    rows = {how: take for how in at for situation, take in found.items() if f"and {how} hidden units" in situation}
    for how, sizes in at.items():
        advice = advise(sizes, places=[REFERENCE])
        assert advice.variants == ("dynamic", "static")
        assert advice.headline.endswith(f"for more than {rows[how].split()[-3]}.")


def test_only_what_was_measured_has_a_row(run_of):
    assert choices_table(run_of()).rows == []
    assert taken(run_of(*turns("static"), *turns("dynamic"))) == {"do not know yet": "dynamic"}


def test_for_long_sequences_a_verdict_is_needed_and_the_medians_are_told(run_of):
    def once(step):
        costs = {"static": (9.0, 1.0, step), "dynamic": (0.5, 0.5, 1.0)}
        return [
            record(quantity, variant, [seconds], sizes=LONG)
            for variant, times in costs.items()
            for quantity, seconds in zip(COSTS, times, strict=True)
        ]

    later, never = (run_of(*once(step)) for step in (0.5, 1.5))
    assert taken(later) == taken(never) == {"have long sequences": "dynamic, by default"}
    few = "these are medians, without a verdict"
    assert f"static would have won that back after 18 training steps; {few}" in choices_table(later)
    assert f"static would never have won that back; {few}" in choices_table(never)
    often = run_of(*turns("static", build=0.2, step=0.005, sizes=LONG), *turns("dynamic", sizes=LONG))
    assert taken(often) == {"have long sequences": "dynamic; static for more than 20 training steps"}
    assert few not in choices_table(often)


def test_what_serves_any_length_is_taken_for_many_lengths(run_of):
    def saved(variant, note):
        return record("export", variant, [1000], "forward", unit="bytes", note=note)

    run = run_of(saved("static", "T=28 only"), saved("dynamic", "any T"))
    assert taken(run) == {"have sequences of many lengths": "dynamic"}


def test_under_xla_a_verdict_is_needed(run_of):
    fast, slow = (
        [replace(made, mode="xla") for made in rounds("first_call", variant, [seconds] * 6)]
        for variant, seconds in (("static", 1.0), ("dynamic", 2.0))
    )
    assert taken(run_of(*fast, *slow)) == {"compile it with XLA": "static"}
    few, enough = run_of(*fast[:3], *slow[:3]), run_of(*fast, *slow)
    assert choices_table(few).rows == []
    assert choices_table(few, enough).rows == choices_table(enough).rows
    elsewhere = replace(enough, environment=enough.environment | {"processor": "another"})
    larger = replace(enough, settings=enough.settings | {"sizes": asdict(SMALL)})
    assert choices_table(few, elsewhere).rows == choices_table(few, larger).rows == []

"""Two runs side by side: what differs is said, what the samples do not show is not, and bad input gets one line."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from unroll.measure.config import Sizes
from unroll.measure.journal import Journal, JournalError, Measurement, Record
from unroll.report.compare import LONGEST, change, compare, compare_json, compare_text, find_run

ROUNDS = 9


def records(quantity, variant, cost, unit="s", phase="train", turns="t", rounds=ROUNDS, spread=0.02, seed=0):
    noise = np.random.default_rng(seed).normal(1, spread, (rounds, 5))
    return [
        Record(quantity, phase, variant, "graph", Sizes(), unit, list(cost * noise[i]), i + 1, turns and f"{turns}{i}")
        for i in range(rounds)
    ]


def measurement(*medians, unit="s"):
    by_round = {number: f"process {number}" for number in range(1, len(medians) + 1)}
    return Measurement(unit, {number: [median] for number, median in enumerate(medians, 1)}, by_round, "")


def words_of(comparison):
    return " ".join(compare_text(comparison).split())


def only_change(first, second, quantity="step"):
    """Give what became of the only quantity of a name that both runs measured."""
    (changed,) = [one for one in compare(first, second).changes if one.key[0] == quantity]
    return changed


def test_a_byte_more_in_a_saved_model_is_no_difference_and_a_byte_more_in_a_graph_is_one(run_of):
    def one_byte_more(quantity):
        both = [Record(quantity, "train", "static", "graph", Sizes(), "bytes", [size], 1) for size in (364348, 364349)]
        return only_change(run_of(both[0]), run_of(both[1]), quantity)

    saved, graph = one_byte_more("export"), one_byte_more("graph_bytes")
    assert saved.is_open and saved.verdict != "larger"
    assert not graph.is_open and graph.verdict == "larger"


@pytest.mark.parametrize(
    ("cost", "verdict"),
    [(0.012, "slower"), (0.008, "faster"), (0.01, "the same within 5%")],
    ids=["slower", "faster", "alike"],
)
def test_a_time_is_called_faster_or_slower_only_where_the_interval_excludes_1(run_of, cost, verdict):
    first = run_of(*records("step", "static", 0.01))
    second = run_of(*records("step", "static", cost, seed=1))
    changed = only_change(first, second)
    assert changed.verdict == verdict
    assert changed.differs == (verdict != "the same within 5%")
    ratio = changed.ratio
    assert ratio.low <= ratio.value <= ratio.high
    assert ratio.value == pytest.approx(cost / 0.01, rel=0.03)
    assert (ratio.low <= 1 <= ratio.high) == (verdict == "the same within 5%")


def test_the_interval_is_that_of_rounds_drawn_apart():
    first, second = measurement(1.0, 1.0, 1.0), measurement(2.0, 2.0, 2.0)
    assert change(first, second, "step").ratio[:5] == pytest.approx((2, 2, 2, 3, 3))
    # Runs did not take turns: round i of one has nothing to do with round i of the other.
    drifting = measurement(*np.linspace(1, 3, ROUNDS))
    low, high = change(drifting, drifting, "step").ratio[1:3]
    assert low < 0.8 and high > 1.25


def test_rounds_and_not_samples_are_resampled():
    one_lucky_round = Measurement("s", {1: [1.0] * 100, 2: [1.5], 3: [1.6]}, {1: "a", 2: "b", 3: "c"}, "")
    assert change(one_lucky_round, measurement(1.0, 1.5, 1.6), "step").ratio.value == pytest.approx(1)


def test_one_round_has_neither_interval_nor_verdict(run_of):
    first, second = (run_of(*records("build", "static", cost, rounds=1)) for cost in (1.0, 3.0))
    changed = only_change(first, second, "build")
    assert changed.ratio.value == pytest.approx(3, rel=0.02) and math.isnan(changed.ratio.low)
    assert (changed.verdict, changed.is_open, changed.differs) == ("no verdict: 1 round", True, False)
    assert "3.00 one round   none" in compare_text(compare(first, second))


@pytest.mark.parametrize(("quantity", "unit"), [("nodes", "nodes"), ("graph_bytes", "bytes"), ("retraces", "traces")])
def test_counts_need_no_interval(quantity, unit):
    assert change(measurement(1000, unit=unit), measurement(1001, unit=unit), quantity).verdict == "larger"
    assert change(measurement(1000, unit=unit), measurement(999, unit=unit), quantity).verdict == "smaller"
    assert change(measurement(1000, unit=unit), measurement(1000, unit=unit), quantity).verdict == ""


def test_no_factor_over_a_cost_that_is_not_above_0():
    ratio, verdict = change(measurement(0, -1, unit="bytes"), measurement(5, 6, unit="bytes"), "process")
    assert math.isnan(ratio.value) and verdict == ""
    assert change(measurement(0, unit="traces"), measurement(2, unit="traces"), "retraces").verdict == "larger"


def test_only_what_differs_in_environment_and_settings_is_told(run_of):
    run = run_of(*records("step", "static", 0.01))
    other = replace(
        run,
        environment=run.environment | {"commit": "def", "versions": {"tensorflow": "2.22.0"}},
        settings=run.settings | {"rounds": 9},
    )
    assert compare(run, other).settings == [
        ["environment.versions.tensorflow", "2.21.0", "2.22.0"],
        ["environment.commit", "abc", "def"],
        ["settings.rounds", "4", "9"],
    ]
    assert "Nothing differs." in compare_text(compare(run, run))


def test_another_processor_is_warned_of(run_of):
    run = run_of(*records("step", "static", 0.01))
    other = replace(run, environment=run.environment | {"processor": "Another"})
    assert "The processors differ: A | <b>fast</b> one and Another." in " ".join(
        compare_text(compare(run, other)).split()
    )
    assert "The processors differ" not in words_of(compare(run, run))


def test_the_ratios_within_each_run_overlap_or_not(run_of):
    def run(static, seed):
        return run_of(*records("step", "static", static, seed=seed), *records("step", "dynamic", 1.0, seed=seed + 1))

    def intervals(first, second):
        (pair,) = [one for one in compare(first, second).ratios if one.turn.heading == "training step"]
        return pair.verdict

    assert intervals(run(1.0, 0), run(1.01, 5)) == "overlap"
    assert intervals(run(1.0, 0), run(1.5, 5)) == "apart"


def test_ratios_need_turns(run_of):
    run = run_of(*records("step", "static", 1.0, turns=""), *records("step", "dynamic", 1.0, turns=""))
    assert compare(run, run).ratios == []
    assert "Ratios within each run\n\nNot measured" in compare_text(compare(run, run))


def test_what_only_one_run_has_is_listed(run_of):
    shared = records("step", "static", 1.0)
    more = [*records("build", "dynamic", 1.0), *records("step", "dynamic", 1.0)]
    comparison = compare(run_of(*shared, *more), run_of(*shared))
    assert comparison.only == ([tuple(record.key) for record in (more[0], more[-1])], [])
    assert "Only in the first: 2 costs of 1 cases" in compare_text(comparison)
    text = " ".join(compare_text(comparison, everything=True).split())
    assert f"Only in the first - dynamic, graph, {Sizes()}: build (train), step (train)" in text
    assert "Only in the second Nothing." in text


def test_what_was_stopped_in_one_run_has_no_ratio(run_of):
    stopped = Record("step", "train", "static", "graph", Sizes(), "s", [], 1, "t", "stopped: took more than 60 s")
    changed = only_change(run_of(*records("step", "static", 1.0)), run_of(stopped))
    assert (changed.ratio, changed.verdict, changed.differs) == (None, "only in one", True)
    changed = only_change(run_of(stopped), run_of(stopped))
    assert (changed.verdict, changed.differs) == ("in neither", False)


def many(run_of, factor):
    """Make a run of many costs, of long names."""
    variants = ("static", "static-traced", "dynamic", "dynamic-own", "keras-unrolled", "keras-loop", "block")
    made = [
        replace(record, sizes=Sizes(steps=steps), samples=[sample * factor**number for sample in record.samples])
        for number, variant in enumerate(variants)
        for steps in (28, 100, 1024)
        for quantity in ("build", "first_call", "step")
        for record in records(quantity, variant, 1.0, rounds=6, seed=number)
    ]
    return run_of(*made)


def test_what_differs_most_comes_first_in_few_lines_of_80_columns_and_all_has_the_rest(run_of):
    first, second = many(run_of, 1), many(run_of, 1.3)
    other = replace(second, environment=dict.fromkeys(second.environment, "\x1b[31m a | b " * 20))
    comparison = compare(first, other)
    text, everything = compare_text(comparison), compare_text(comparison, everything=True)
    lines = text.splitlines()
    assert len(lines) <= LONGEST == 60
    assert max(map(len, [*lines, *everything.splitlines()])) <= 80
    assert "\x1b" not in text + everything
    table = lines[next(number for number, line in enumerate(lines) if line.startswith("cost ")) + 2 :]
    assert "BlockLSTMV2" in "".join(table[:2])  # of the largest factor
    assert "Of 63 costs that both measured: 54 slower, 9 the same within 5%" in " ".join(lines)
    assert everything.count("BlockLSTMV2") >= 9 and text.count("BlockLSTMV2") <= 12


def test_json_has_every_difference_and_no_number_that_is_none(run_of):
    first = run_of(*records("step", "static", 0.01), *records("build", "static", 1.0, rounds=1))
    second = run_of(*records("step", "static", 0.02), *records("build", "static", 1.0, rounds=1))
    second = replace(second, id="other", settings=second.settings | {"rounds": 9})
    content = json.loads(compare_json(compare(first, second)))
    assert (content["first"]["run"], content["second"]["run"]) == ("id", "other")
    assert content["settings"] == [{"name": "settings.rounds", "first": "4", "second": "9"}]
    step, build = content["measurements"]
    assert step["differs"] and step["verdict"] == "slower" and step["low"] < step["ratio"] < step["high"]
    assert step["ratio"] == pytest.approx(2, rel=0.05) and step["unit"] == "s" and step["sizes"]["steps"] == 28
    assert build["ratio"] and build["low"] is None
    assert content["only_in_first"] == content["only_in_second"] == []


def test_runs_that_share_nothing_are_refused(run_of):
    with pytest.raises(ValueError, match="nothing in common"):
        compare(run_of(*records("step", "static", 1.0)), run_of(*records("step", "dynamic", 1.0)))


@pytest.fixture
def folder(tmp_path, environment, settings):
    """A folder of two runs."""
    for cost in (1.0, 2.0):
        journal = Journal(tmp_path, environment, settings)
        for record in records("step", "static", cost):
            journal.append(record)
    return tmp_path


def test_a_folder_names_its_last_run_and_an_id_an_earlier_one(folder):
    journal = (folder / "journal.jsonl").read_text()
    last = find_run(str(folder))
    assert last.records[0].samples[0] > 1.5
    assert find_run(f"{folder}#{last.id}").id == last.id
    ids = [line.split('"run": "')[1].split('"')[0] for line in journal.splitlines() if '"schema"' in line]
    assert find_run(f"{folder}#{ids[0]}").id == ids[0]
    assert find_run(f"{folder}#{ids[0][:-1]}").id == ids[0]


@pytest.mark.parametrize(("start", "matches"), [("2", "2 runs"), ("nobody", "0 runs"), ("", "2 runs")])
def test_an_id_that_does_not_name_one_run_is_refused_with_the_known_ones(folder, start, matches):
    with pytest.raises(ValueError, match=matches) as error:
        find_run(f"{folder}#{start}")
    assert find_run(str(folder)).id in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_without_a_journal_is_refused(tmp_path):
    with pytest.raises(JournalError, match="cannot read"):
        find_run(str(tmp_path / "none"))


def test_a_folder_may_have_a_hash_in_its_name(folder):
    other = folder / "a#b"
    other.mkdir()
    (other / "journal.jsonl").write_bytes((folder / "journal.jsonl").read_bytes())
    assert find_run(str(other)).id == find_run(str(folder)).id


def test_how_far_two_runs_agree_is_said_in_steps_intervals_medians_and_verdicts(run_of):
    def pair(static, dynamic, seed):
        return [
            *records("step", "static", static, seed=seed),
            *records("step", "dynamic", dynamic, seed=seed + 1),
            *records("build", "static", 2 * static, seed=seed + 2),
            *records("build", "dynamic", dynamic, seed=seed + 3),
        ]

    first, again, turned = (run_of(*pair(*costs)) for costs in ((1.0, 2.0, 0), (2.0, 4.0, 0), (4.0, 2.0, 0)))
    assert "A step took 2.00 times as long in the second. Of 2 ratios" in words_of(compare(first, again))
    assert "0 have intervals that lie apart; 4 of 4 medians lie within" in words_of(compare(first, again))
    assert "Of 2 ratios within each run, 2 have intervals that lie apart; 0 of 4" in words_of(compare(first, turned))
    assert "Of 1 that are faster or slower in both runs, 1 are so the other way round." in words_of(
        compare(first, turned)
    )

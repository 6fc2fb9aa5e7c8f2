"""Two runs side by side: what differs is said, what the samples do not show is not, and bad input gets one line."""

import math
from dataclasses import replace

import numpy as np
import pytest

from unroll.measure.config import Sizes
from unroll.measure.journal import Journal, JournalError, Measurement, Record
from unroll.report.compare import change, compare, find_run

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


def section(text, heading):
    return text.split(f"## {heading}\n\n")[1].split("\n\n## ")[0]


def row(text, heading, start):
    """Give the cells of the one row of a section's table that starts so."""
    found = [line for line in section(text, heading).splitlines() if line.startswith(f"| {start}")]
    assert len(found) == 1
    return [cell.strip() for cell in found[0].split("|")[1:-1]]


@pytest.mark.parametrize(
    ("cost", "verdict"),
    [(0.012, "slower"), (0.008, "faster"), (0.01, "the same within 5%")],
    ids=["slower", "faster", "alike"],
)
def test_a_time_is_called_faster_or_slower_only_where_the_interval_excludes_1(run_of, cost, verdict):
    first = run_of(*records("step", "static", 0.01))
    second = run_of(*records("step", "static", cost, seed=1))
    *_, before, after, ratio, interval, said = row(compare(first, second), "step, train", "static")
    assert said == verdict
    assert float(after) / float(before) == pytest.approx(float(ratio), abs=0.006)
    low, high = map(float, interval.strip("[]").split(", "))
    assert low <= float(ratio) <= high
    assert (low <= 1 <= high) == (verdict == "the same within 5%")


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
    *_, ratio, interval, verdict = row(compare(first, second), "build, train", "static")
    assert (ratio, interval, verdict) == ("3.00", "one round", "no verdict: 1 round")


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
    told = section(compare(run, other), "Where and how they were measured")
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in told.splitlines()]
    assert lines[2:] == [
        ["environment.versions.tensorflow", "2.21.0", "2.22.0"],
        ["environment.commit", "abc", "def"],
        ["settings.rounds", "4", "9"],
    ]
    assert "Nothing differs." in section(compare(run, run), "Where and how they were measured")


def test_another_processor_is_warned_of(run_of):
    run = run_of(*records("step", "static", 0.01))
    other = replace(run, environment=run.environment | {"processor": "Another"})
    assert "The processors differ: A | <b>fast</b> one and Another." in compare(run, other)
    assert "The processors differ" not in compare(run, run)


def test_the_ratios_within_each_run_overlap_or_not(run_of):
    def run(static, seed):
        return run_of(*records("step", "static", static, seed=seed), *records("step", "dynamic", 1.0, seed=seed + 1))

    def intervals(first, second):
        return row(compare(first, second), "Ratios within each run", "training step")[-1]

    assert intervals(run(1.0, 0), run(1.01, 5)) == "overlap"
    assert intervals(run(1.0, 0), run(1.5, 5)) == "apart"


def test_ratios_need_turns(run_of):
    run = run_of(*records("step", "static", 1.0, turns=""), *records("step", "dynamic", 1.0, turns=""))
    assert "Not measured" in section(compare(run, run), "Ratios within each run")


def test_what_only_one_run_has_is_listed(run_of):
    shared = records("step", "static", 1.0)
    more = [*records("build", "dynamic", 1.0), *records("step", "dynamic", 1.0)]
    text = compare(run_of(*shared, *more), run_of(*shared))
    assert section(text, "Only in the first").strip() == f"- dynamic, graph, {Sizes()}: build (train), step (train)"
    assert section(text, "Only in the second").strip() == "Nothing."


def test_what_was_stopped_in_one_run_has_no_ratio(run_of):
    stopped = Record("step", "train", "static", "graph", Sizes(), "s", [], 1, "t", "stopped: took more than 60 s")
    text = compare(run_of(*records("step", "static", 1.0)), run_of(stopped))
    assert row(text, "step, train", "static")[4:] == ["not available", "", "", ""]


def test_columns_are_aligned_and_nothing_steers_the_terminal(run_of):
    run = run_of(*records("step", "static", 1.0), *records("step", "keras-unrolled", 1.0))
    other = replace(run, environment=run.environment | {"processor": "\x1b[31m a | b"})
    text = compare(run, other)
    assert "\x1b" not in text
    for block in text.split("\n\n"):
        lines = block.strip().splitlines()
        if lines[0].startswith("|"):
            assert len({len(line) for line in lines}) == 1
            assert len({line.replace("\\|", "..").count("|") for line in lines}) == 1


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

import json
import multiprocessing
import os
import re
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from unroll.errors import UnrollError
from unroll.files import temporary_folder
from unroll.measure.config import Case, Sizes
from unroll.measure.journal import FILE_NAME, SCHEMA, Journal, JournalError, Record, read_journal

SETTINGS = {"preset": "quick", "sizes": asdict(Sizes()), "data": "digits"}
TURNS = "all of them"


def record(**changes) -> Record:
    fields = {"quantity": "step", "phase": "train", "variant": "static", "mode": "graph", "sizes": Sizes(), "unit": "s"}
    return Record(**(fields | {"samples": [0.3, 0.1, 0.2]} | changes))


def append_many(folder, name):
    journal = Journal(folder, {"name": name}, SETTINGS)
    for number in range(200):
        journal.append(record(samples=[number], note=name * 500))


def test_what_is_appended_is_read_again(tmp_path):
    journal = Journal(tmp_path, {"cores": 2}, SETTINGS)
    journal.append(record())
    journal.append_outline("static", 28, {"main": [["x", "Placeholder", []]]})
    journal.append_outline("static", 4, {"main": []})
    (run,) = read_journal(tmp_path)
    assert run.environment == {"cores": 2}
    assert run.settings == SETTINGS
    assert run.sizes == Sizes()
    assert run.records == [record(run=journal.run)]
    assert run.outlines == {"static": {"main": [["x", "Placeholder", []]]}}
    assert run.outlines_at == {4: {"static": {"main": []}}}
    assert run.outline("static", 28) == run.outlines["static"]
    assert run.outline("dynamic", 4) == {}


def test_an_outline_without_steps_as_earlier_runs_wrote_it_is_of_the_runs_own(tmp_path):
    journal = Journal(tmp_path, {}, SETTINGS)
    with (tmp_path / FILE_NAME).open("a") as file:
        file.write(json.dumps({"outline": {"main": []}, "variant": "dynamic", "run": journal.run}) + "\n")
    (run,) = read_journal(tmp_path)
    assert (run.outlines, run.outlines_at) == ({"dynamic": {"main": []}}, {})


def run_of(folder, *records):
    journal = Journal(folder, {}, SETTINGS)
    for made in records:
        journal.append(made)
    return read_journal(folder)[-1]


def test_the_rounds_of_a_quantity_are_put_together(tmp_path):
    run = run_of(tmp_path, record(samples=[0.3, 0.1], round=2), record(samples=[0.2], round=1), record(phase="forward"))
    found = run.find("step", "train", "static")
    assert found.rounds == {1: [0.2], 2: [0.3, 0.1]}
    assert found.samples == [0.2, 0.3, 0.1]
    assert found.median == 0.2
    assert found.quartiles == pytest.approx((0.15, 0.25))
    assert run.find("build", "train", "static") is None
    assert run.find("step", "train", "static", "xla") is None
    assert run.find("step", "train", "static", sizes=Sizes(steps=1)) is None


def test_of_a_round_that_was_measured_twice_the_last_counts(tmp_path):
    assert run_of(tmp_path, record(round=1), record(samples=[9.0], round=1)).find(
        "step", "train", "static"
    ).samples == [9]


def test_what_failed_has_no_samples_and_a_reason(tmp_path):
    found = run_of(tmp_path, record(samples=[1.0], round=1), record(samples=[], note="it crashed")).find(
        "step", "train", "static"
    )
    assert (found.samples, found.note) == ([1.0], "it crashed")
    assert np.isnan(run_of(tmp_path, record(samples=[])).find("step", "train", "static").median)


def turn(variant, quantity, number, sample, turns=TURNS):
    return record(variant=variant, quantity=quantity, samples=[sample], round=number, turns=turns)


def test_ratios_are_of_rounds_that_ran_side_by_side(tmp_path):
    static, dynamic = (Case(variant, "graph", Sizes()) for variant in ("static", "dynamic"))
    records = [turn("static", "step", n, 2.0 * n) for n in (1, 2, 3)]
    run = run_of(tmp_path, *records, *[turn("dynamic", "step", n, 1.0 * n) for n in (2, 3, 4)])
    found = run.ratio("step", "train", static, dynamic)
    assert (found.value, found.rounds) == (2, 2)
    assert run.ratio("build", "train", static, dynamic) is None
    assert run.ratio("step", "train", static, replace(dynamic, sizes=Sizes(steps=1))) is None


@pytest.mark.parametrize("turns", ["", "others"])
def test_what_took_no_turns_has_no_ratio(tmp_path, turns):
    static, dynamic = (Case(variant, "graph", Sizes()) for variant in ("static", "dynamic"))
    run = run_of(tmp_path, turn("static", "step", 1, 2.0, turns), turn("dynamic", "step", 1, 1.0, turns and TURNS))
    assert run.ratio("step", "train", static, dynamic) is None


def test_break_even_counts_the_build_the_first_call_and_the_steps(tmp_path):
    static, dynamic, torch = (
        Case(name, mode, Sizes()) for name, mode in (("static", "graph"), ("dynamic", "graph"), ("torch", "eager"))
    )
    costs = {"static": (6.0, 4.0, 1.0), "dynamic": (1.0, 1.0, 2.0)}
    records = [
        turn(variant, quantity, 1, cost)
        for variant, numbers in costs.items()
        for quantity, cost in zip(("build", "first_call", "step"), numbers, strict=True)
    ]
    records += [replace(turn("torch", "first_call", 1, 1.0), mode="eager")]
    records += [replace(turn("torch", "step", 1, 3.0), mode="eager")]
    run = run_of(tmp_path, *records)
    assert run.break_even("train", static, dynamic).steps == 8
    assert run.break_even("train", dynamic, torch).steps == 1  # PyTorch builds nothing
    assert run.break_even("forward", static, dynamic) is None


def test_a_start_is_the_build_and_the_first_call_less_a_step(tmp_path):
    parts = [("build", 6.0), ("first_call", 4.0), ("step", 1.0)]
    records = [turn("static", quantity, n, n * cost) for n in (1, 2) for quantity, cost in parts]
    records += [turn("static", "build", 3, 6.0), turn("static", "first_call", 3, 4.0)]  # stopped before its step
    records += [turn("static", "step", 2, 3.0, "others")]  # measured again, in another process than its start
    eager = [replace(turn("torch", quantity, 1, cost), mode="eager") for quantity, cost in parts[1:]]
    run = run_of(tmp_path, *records, *eager)
    assert run.find("start", "train", "static").rounds == {1: [9.0]}
    assert run.find("start", "train", "torch").rounds == {1: [3.0]}  # PyTorch builds nothing
    assert run.find("start", "train", "dynamic") is None
    assert run.find("start", "forward", "static") is None


def test_a_start_that_was_stopped_says_why(tmp_path):
    failed = [
        replace(turn("static", quantity, 0, 0.0), samples=[], note="stopped") for quantity in ("first_call", "step")
    ]
    found = run_of(tmp_path, *failed).find("start", "train", "static")
    assert (found.samples, found.note) == ([], "stopped")


def test_a_sweep_varies_one_size_and_keeps_the_others(tmp_path):
    sizes = [Sizes(steps=1), Sizes(), Sizes(steps=64), Sizes(steps=64, batch=1)]
    run = run_of(tmp_path, *(record(sizes=at, samples=[at.steps]) for at in sizes))
    found = run.sweep("steps", "step", "train", "static")
    assert {steps: measured.samples for steps, measured in found.items()} == {1: [1], 28: [28], 64: [64]}


def test_a_run_that_was_gone_on_with_is_one_run(tmp_path):
    first = Journal(tmp_path, {"cores": 2}, SETTINGS)
    first.append(record())
    first.close()
    (before,) = read_journal(tmp_path)
    Journal(tmp_path, {"cores": 2, "warnings": ["noisy"]}, SETTINGS, before).append(record(quantity="build"))
    (run,) = read_journal(tmp_path)
    assert [r.quantity for r in run.records] == ["step", "build"]
    assert len(run.resumed) == 1
    assert run.environment == {"cores": 2, "warnings": ["noisy"]}


def test_a_run_that_is_measured_now_is_not_gone_on_with_a_second_time(tmp_path):
    first = Journal(tmp_path, {}, SETTINGS)
    (run,) = read_journal(tmp_path)
    content = first.path.read_bytes()
    refused = rf"got .* its run {re.escape(first.run)}\), on which process {os.getpid()} of .* is working; want"
    with pytest.raises(UnrollError, match=refused):
        Journal(tmp_path, {}, SETTINGS, run)
    assert first.path.read_bytes() == content
    first.append(record())
    first.close()
    again = Journal(tmp_path, {}, SETTINGS, run)
    assert again.before == [record(run=first.run)]  # also what came after it was read
    again.close()
    assert os.listdir(tmp_path) == [FILE_NAME]


def test_a_start_sweeps_what_killed_programs_left(tmp_path):
    program = f"""
import os, pathlib
from unroll.files import temporary_folder, write_whole
from unroll.measure.journal import Journal
folder = pathlib.Path({str(tmp_path)!r})
journal = Journal(folder, {{}}, {SETTINGS!r})
with temporary_folder() as temporary:
    print(temporary)
    write_whole(folder / "card.png", lambda file: os.kill(os.getpid(), 9))
"""
    killed = subprocess.run([sys.executable, "-uc", program], stdout=subprocess.PIPE, text=True)
    temporary = Path(killed.stdout.strip())
    assert temporary.is_dir() and len(os.listdir(tmp_path)) == 3
    journal = Journal(tmp_path, {}, SETTINGS)
    journal.close()
    with temporary_folder() as own:
        assert own.is_dir() and not temporary.exists()
    assert os.listdir(tmp_path) == [FILE_NAME]


def test_runs_share_a_folder_one_after_the_other(tmp_path):
    first, second = Journal(tmp_path, {}, SETTINGS), Journal(tmp_path, {}, SETTINGS)
    assert [run.id for run in read_journal(tmp_path)] == [first.run, second.run]


def test_two_runs_at_once_into_one_folder_keep_both(tmp_path):
    writers = [multiprocessing.get_context("spawn").Process(target=append_many, args=(tmp_path, n)) for n in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    runs = {run.environment["name"]: run for run in read_journal(tmp_path)}
    for name in "ab":
        assert [(r.samples, r.note) for r in runs[name].records] == [([n], name * 500) for n in range(200)]


def test_a_torn_line_is_left_out_and_costs_no_other(tmp_path):
    journal = Journal(tmp_path, {}, SETTINGS)
    journal.append(record(samples=[1.0]))
    with open(journal.path, "ab") as file:
        file.write(b'{"quantity": "ste')
    journal = Journal(tmp_path, {}, SETTINGS)
    journal.append(record(samples=[2.0]))
    with pytest.warns(UserWarning, match="line 3: left out, a run was stopped while writing it"):
        first, second = read_journal(tmp_path)
    assert [r.samples for r in first.records + second.records] == [[1.0], [2.0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("not json\n", "is not a journal of unroll"),
        ("[1, 2]\n", "not a record of this journal"),
        ('{"a": 1}\n', "not a record of this journal"),
        (json.dumps({"schema": SCHEMA + 1, "run": "r"}) + "\n", f"schema {SCHEMA + 1}, this version reads"),
    ],
)
def test_a_file_that_is_no_journal_is_refused(tmp_path, text, message):
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(JournalError, match=message):
        read_journal(tmp_path)


def test_a_missing_journal_is_named(tmp_path):
    with pytest.raises(JournalError, match=r"cannot read .*nowhere.*No such file"):
        read_journal(tmp_path / "nowhere")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match=r"cannot write .*; choose another folder"):
        Journal(tmp_path / "file" / "below", {}, SETTINGS)


def test_reading_a_journal_takes_at_most_three_times_as_long_as_its_json_alone(tmp_path):
    run_of(tmp_path, record())
    path = tmp_path / FILE_NAME
    head, line = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(head + b"".join(line.replace(b'"round": 1', b'"round": %d' % n) for n in range(1, 20_001)))

    def seconds(work):
        start = time.process_time()
        work()
        return time.process_time() - start

    alone = min(seconds(lambda: [json.loads(text) for text in path.read_bytes().splitlines()]) for _ in range(3))
    assert len(read_journal(tmp_path)[0].records) == 20_000
    assert min(seconds(lambda: read_journal(tmp_path)) for _ in range(3)) <= 3 * alone

import json
import multiprocessing

import pytest

from unroll.measure.config import Sizes
from unroll.measure.journal import FILE_NAME, SCHEMA, Journal, JournalError, Record, read_journal


def record(**changes) -> Record:
    fields = {"quantity": "step", "phase": "train", "variant": "static", "sizes": Sizes(), "unit": "s"}
    return Record(**(fields | {"samples": [0.3, 0.1, 0.2]} | changes))


def append_many(folder, name):
    journal = Journal(folder, {"name": name}, "data")
    for number in range(200):
        journal.append(record(samples=[number], note=name * 500))


def test_what_is_appended_is_read_again(tmp_path):
    journal = Journal(tmp_path, {"cores": 2}, "digits")
    journal.append(record())
    journal.append_outline("static", {"main": [["x", "Placeholder", []]]})
    (run,) = read_journal(tmp_path)
    assert run.environment == {"cores": 2}
    assert run.data == "digits"
    assert run.records == [record(run=journal.run)]
    assert run.outlines == {"static": {"main": [["x", "Placeholder", []]]}}


def test_a_record_summarises_its_samples():
    assert record().median == 0.2
    assert record().quartiles == pytest.approx((0.15, 0.25))
    assert record(samples=[]).median != record(samples=[]).median  # NaN


def test_the_last_record_of_a_kind_is_found(tmp_path):
    journal = Journal(tmp_path, {}, "digits")
    journal.append(record(samples=[1.0]))
    journal.append(record(samples=[2.0]))
    journal.append(record(samples=[3.0, 4.0], rounds=2))
    (run,) = read_journal(tmp_path)
    assert run.find("step", "train", "static").samples == [2.0]
    assert run.find("step", "train", "static", alternated=True).samples == [3.0, 4.0]
    assert run.find("step", "forward", "static") is None


def test_runs_share_a_folder_one_after_the_other(tmp_path):
    first, second = Journal(tmp_path, {}, "a"), Journal(tmp_path, {}, "b")
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
    journal = Journal(tmp_path, {}, "digits")
    journal.append(record(samples=[1.0]))
    with open(journal.path, "ab") as file:
        file.write(b'{"quantity": "ste')
    journal = Journal(tmp_path, {}, "digits")
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
        Journal(tmp_path / "file" / "below", {}, "digits")

import json
import os
import resource
import signal
import subprocess
import sys

import pytest

from unroll.models.history import (
    FILE_NAME,
    SCHEMA,
    Evaluation,
    History,
    HistoryError,
    Point,
    Reading,
    Served,
    read_trainings,
)
from unroll.models.settings import choose_settings

ENVIRONMENT = {"processor": "a processor", "cores": 2}
SETTINGS = choose_settings(data="digits", examples=1437, tutorial="002", unroll="static", seed=1).as_dict()
POINTS = [Point(1, 2.5, 0.1, 0.5), Point(10, 1.25, None, 1.0)]
TEST = Evaluation(10, 1.5, 0.5, 1.0, 1000.0)
READING = Reading("static", 3, [[0.0, 1.0]], [[0.5, -0.5]], [[1.5, -1.5]], [[0.2, 0.8]], 1e-7)
SERVED = [Served("static", 14, None, "it has 28 cells"), Served("dynamic", 14, 0.5)]


def write_all(folder, settings=SETTINGS):
    history = History(folder, ENVIRONMENT, settings)
    history.append(*POINTS)
    history.append(TEST)
    history.append_readings(READING)
    history.append_served(*SERVED)
    return history


def test_what_is_appended_is_read_again(tmp_path):
    history = write_all(tmp_path / "new")
    (training,) = read_trainings(tmp_path / "new")
    assert history.path == tmp_path / "new" / FILE_NAME
    assert training.id == history.training
    assert training.id.startswith(training.started)
    assert (training.environment, training.settings) == (ENVIRONMENT, SETTINGS)
    assert (training.points, training.tests) == (POINTS, [TEST])
    assert (training.readings, training.served) == ([READING], SERVED)
    assert training.result == TEST


def test_a_training_without_a_test_has_no_result(tmp_path):
    History(tmp_path, ENVIRONMENT, SETTINGS).append(*POINTS)
    assert read_trainings(tmp_path)[0].result is None


def test_a_reading_names_the_likeliest_digit_after_every_row():
    probabilities = [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]
    assert Reading("static", 2, [], [], [], probabilities, 0.0).predictions == [1, 2]


def test_lines_are_in_the_file_before_the_next_is_written(tmp_path):
    history = History(tmp_path, ENVIRONMENT, SETTINGS)
    for number in range(1, 4):
        history.append(Point(number, 1.0, 1.0, 0.0))
        assert len(history.path.read_text().splitlines()) == 1 + number


def test_what_a_killed_program_wrote_is_there(tmp_path):
    code = (
        "import json, os, signal, sys\nfrom unroll.models.history import *\n"
        "settings = json.loads(sys.argv[2])\n"
        "History(sys.argv[1], {}, settings).append(Point(7, 1.0, 1.0, 0.0))\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path), json.dumps(SETTINGS)])
    assert done.returncode == -signal.SIGKILL
    assert [point.update for point in read_trainings(tmp_path)[0].points] == [7]


def test_trainings_share_a_folder_one_after_the_other(tmp_path):
    first, second = write_all(tmp_path), write_all(tmp_path, SETTINGS | {"seed": 2})
    trainings = read_trainings(tmp_path)
    assert [training.id for training in trainings] == [first.training, second.training]
    assert [training.settings["seed"] for training in trainings] == [1, 2]


def test_a_training_that_was_gone_on_with_is_one_and_of_an_update_taken_twice_the_last_counts(tmp_path):
    history = write_all(tmp_path)
    again = History(tmp_path, ENVIRONMENT, SETTINGS, history.training)
    again.append(Point(20, 0.5, 1.0, 3.0), Point(10, 1.26, 1.0, 2.0))
    again.append(Evaluation(20, 0.75, 0.9, 3.0, 1000.0))
    (training,) = read_trainings(tmp_path)
    assert len(training.resumed) == 1
    assert training.points == [POINTS[0], Point(10, 1.26, 1.0, 2.0), Point(20, 0.5, 1.0, 3.0)]
    assert training.result.update == 20


def test_in_a_folder_of_its_own_what_was_gone_on_with_begins_anew(tmp_path):
    history = write_all(tmp_path / "one")
    History(tmp_path / "two", ENVIRONMENT, SETTINGS, history.training).append(TEST)
    (training,) = read_trainings(tmp_path / "two")
    assert (training.id, training.tests, training.resumed) == (history.training, [TEST], [])


def test_a_torn_line_is_left_out_and_costs_no_other(tmp_path):
    history = write_all(tmp_path)
    with open(history.path, "ab") as file:
        file.write(b'{"training": "2026')
    write_all(tmp_path)
    with pytest.warns(UserWarning, match="line 8: left out, a run was stopped while writing it"):
        first, second = read_trainings(tmp_path)
    assert first.points == second.points == POINTS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; run `unroll train`"),
        ("not json\n", "is not a training history of unroll"),
        ("[1, 2]\n", "line 1: not a record of this training history"),
        ('{"training": "nobody", "update": 1}\n', "line 1: not a record"),
        (json.dumps({"schema": SCHEMA + 1, "training": "t"}) + "\n", f"schema {SCHEMA + 1}, this version reads"),
    ],
)
def test_a_file_that_is_no_history_is_refused_and_left_alone(tmp_path, text, message):
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(HistoryError, match=message):
        read_trainings(tmp_path)
    if text:
        with pytest.raises(HistoryError, match=message):
            History(tmp_path, ENVIRONMENT, SETTINGS)
        assert (tmp_path / FILE_NAME).read_text() == text


def test_a_line_of_another_form_is_refused(tmp_path):
    history = write_all(tmp_path)
    with open(history.path, "a") as file:
        file.write(json.dumps({"training": history.training, "update": 1, "loss": 1.0}) + "\n")
    with pytest.raises(HistoryError, match="line 8: not a record"):
        read_trainings(tmp_path)


def test_a_missing_history_is_named(tmp_path):
    with pytest.raises(HistoryError, match=r"cannot read .*nowhere.*No such file"):
        read_trainings(tmp_path / "nowhere")


def test_a_disk_that_fills_up_is_named(tmp_path):
    history = write_all(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (history.path.stat().st_size, before[1]))
    try:
        with pytest.raises(HistoryError, match=r"cannot write .*: File too large; make room there"):
            history.append(*POINTS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert read_trainings(tmp_path)[0].points == POINTS


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(HistoryError, match=r"cannot write .*; choose another folder"):
        History(tmp_path / "below", ENVIRONMENT, SETTINGS)


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryError, match=r"cannot write .*; choose another folder"):
        History(tmp_path / "file" / "below", ENVIRONMENT, SETTINGS)


def test_no_tensorflow_is_imported():
    code = (
        "import sys, unroll.models.history, unroll.models.tutorials, unroll.models.settings, unroll.models.checkpoint\n"
    )
    code += "sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

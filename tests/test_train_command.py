"""`unroll train`: what it writes, how it is stopped and goes on, and what it refuses."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from importlib.util import find_spec

import numpy as np
import pytest

from unroll import cli
from unroll.measure import process
from unroll.models.checkpoint import read_checkpoint
from unroll.models.history import read_trainings

SMALL = ["--hidden", "4", "--batch", "8", "--steps", "4", "--digit", "none"]
needs_tensorboard = pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")


def train(folder, *more):
    return cli.main(["train", *SMALL, "--no-deterministic", "--results", str(folder), *map(str, more)])


def test_digits_are_learnt_from_a_bare_command(tmp_path):
    """What the README promises, in a process of its own."""
    done = subprocess.run([sys.executable, "-m", "unroll", "train"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (training,) = read_trainings(tmp_path / "results/training")
    assert training.result.test_accuracy > 0.95
    assert f"{training.result.test_accuracy:.4f}" in done.stdout
    names = ("training.jsonl", "learning.png", "learning.svg", "reading.png", "reading.svg", "tables.md")
    assert sorted(path.name for path in (tmp_path / "results/training").iterdir()) == sorted(names)
    assert all(f"results/training/{name}\n" in done.stdout for name in names)
    assert "600/600" in done.stderr and "examples/s" in done.stderr
    assert [reading.unroll for reading in training.readings] == ["static", "dynamic"]
    assert "oneDNN" not in done.stderr and "WARNING" not in done.stderr


@pytest.fixture(scope="module")
def two_unrolls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    for unroll in ("static", "dynamic"):
        more = ["--unroll", unroll, "--updates", 25, "--save", folder / unroll, "--digit", 0, "--rows", "2,4"]
        assert train(folder, *more) == 0
    return folder


def test_the_history_holds_the_settings_and_every_tenth_point_of_both(two_unrolls):
    static, dynamic = read_trainings(two_unrolls)
    assert (static.settings["unroll"], dynamic.settings["unroll"]) == ("static", "dynamic")
    for training in (static, dynamic):
        assert training.settings["sizes"] == {"steps": 4, "batch": 8, "hidden": 4, "input": 28}
        assert training.settings["updates"] == 25
        assert training.environment["cores"] >= 1 and training.environment["versions"]["tensorflow"]
        assert [point.update for point in training.points] == [1, 10, 20, 25]
        assert training.result.update == 25
        assert [(one.unroll, one.rows, bool(one.refused)) for one in training.served] == [
            ("static", 2, True),
            ("static", 4, False),
            ("dynamic", 2, False),
            ("dynamic", 4, False),
        ]
    np.testing.assert_allclose([p.loss for p in static.points], [p.loss for p in dynamic.points], rtol=1e-5)


def test_the_figures_and_tables_are_of_both(two_unrolls):
    tables = (two_unrolls / "tables.md").read_text()
    for unroll in ("static", "dynamic"):
        assert re.search(rf"\| own sizes \| {unroll} \| 25 \| 1 \|", tables)
    assert "| own sizes | float32 | 0 |" in tables
    assert (two_unrolls / "reading.svg").exists()


# Stopped, and gone on with


def in_a_process(*arguments):
    """Run `unroll ARGUMENTS` in a fresh process that has TensorFlow imported, and starts at once."""
    texts = [str(argument) for argument in arguments]
    started = process._context().Process(target=run_and_exit, args=(texts, tempfile.gettempdir()), daemon=True)
    started.start()
    return started


def run_and_exit(arguments, temporary):
    tempfile.tempdir = temporary
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(cli.main(arguments))


def long_training(folder, name, *more):
    options = [*SMALL, "--steps-per-call", 10, "--save", folder / name, "--results", folder / f"{name}-results"]
    return in_a_process("train", *options, *more)


def wait_for_update(results, update, started):
    """Wait until the history holds this update."""
    deadline, path = time.monotonic() + 60, results / "training.jsonl"
    while time.monotonic() < deadline and started.is_alive():
        if path.exists() and f'"update": {update},' in path.read_text():
            return
        time.sleep(0.005)
    raise AssertionError(f"it came to no update {update}")


def test_stopped_by_ctrl_c_and_killed_and_gone_on_with_it_ends_with_the_same_weights_bit_for_bit(
    tmp_path, tmp_path_factory, capsys, monkeypatch
):
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))  # of the processes that are started here, too
    path, results, endless = tmp_path / "stopped", tmp_path / "stopped-results", ["--updates", 10**6]

    stopped = long_training(tmp_path, "stopped", *endless, "--save-every", 10**6)
    wait_for_update(results, 100, stopped)
    assert train(tmp_path, "--save", path, "--resume") == cli.BAD_INPUT
    assert f"on which process {stopped.pid} of" in capsys.readouterr().err
    os.kill(stopped.pid, signal.SIGINT)
    stopped.join()
    assert stopped.exitcode == cli.INTERRUPTED == 130
    first = read_checkpoint(path).update
    assert first >= 100  # saved when it was stopped, for before that it was not

    killed = long_training(tmp_path, "stopped", *endless, "--save-every", 50, "--resume")
    wait_for_update(results, first + 200, killed)
    killed.kill()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL and any(temporary.rglob("*.py"))  # which TensorFlow made
    second = read_checkpoint(path).update
    assert second > first

    last = ["--updates", second + 100]
    for started in (long_training(tmp_path, "stopped", *last, "--resume"), long_training(tmp_path, "whole", *last)):
        started.join()
        assert started.exitcode == 0
    expected, found = read_checkpoint(tmp_path / "whole"), read_checkpoint(path)
    assert found.update == expected.update == second + 100
    for name, weight in expected.weights.items():
        np.testing.assert_array_equal(found.weights[name], weight, strict=True)
    for one, other in zip(found.optimiser, expected.optimiser, strict=True):
        np.testing.assert_array_equal(one, other)

    with warnings.catch_warnings(action="ignore"):  # the kill may have torn a line
        (training,), (uninterrupted,) = read_trainings(results), read_trainings(tmp_path / "whole-results")
    assert len(training.resumed) == 2
    seen = [
        point[:3] for point in training.points if point.update <= second + 100
    ]  # the killed one may have been ahead
    assert seen == [point[:3] for point in uninterrupted.points]
    assert training.result[:3] == uninterrupted.result[:3]
    assert sorted(os.listdir(tmp_path)) == ["stopped", "stopped-results", "whole", "whole-results"]
    left = [path.name for path in temporary.iterdir() if f"-{os.getpid()}-" not in path.name]
    assert left == []  # the next start has removed what the kill left; this process itself still runs


def test_what_is_gone_on_with_by_the_other_unroll_is_another_training(two_unrolls, tmp_path, capsys):
    path = tmp_path / "saved"
    path.write_bytes((two_unrolls / "static").read_bytes())
    more = ["--unroll", "dynamic", "--updates", 30, "--save", path, "--resume"]
    assert train(tmp_path, *more) == 0
    (training,) = read_trainings(tmp_path)
    assert training.id != read_trainings(two_unrolls)[0].id
    assert [point.update for point in training.points] == [30]


# Bad input


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--tutorial", "005"], "got the tutorial '005'; want one of 000 (Input layer"),
        (["--data", "/nowhere"], "/nowhere: got a path that does not exist"),
        (["--data", __file__], "got a file that is no .npz"),
        (["--batch", "1438"], "got --batch 1438; scikit-learn's digits, 8x8 scaled into 28x28 has 1437"),
        (["--steps", "56"], "got --steps 56; the images have 28 rows"),
        (["--learning-rate", "0"], "got --learning-rate 0; want a number above 0"),
        (["--learning-rate", "nan"], "got --learning-rate nan; want a number above 0"),
        (["--hidden", "many"], "got --hidden many; want a whole number from 1 up"),
        (["--save-every", "0"], "got --save-every 0; want a whole number from 1 up"),
        (["--digit", "360"], "got --digit 360; want the number of a test image, from 0 to 359, or none"),
        (["--rows", "14,x"], "got --rows 14,x; want whole numbers from 1 to 1024 with commas between"),
        (["--resume"], "got --resume without --save"),
        (["--resume", "--save", "/nowhere"], "there is no checkpoint /nowhere"),
        (["--resume", "--save", __file__], "is no training checkpoint of unroll"),
        (["--save", __file__], "which exists; to go on from it add --resume"),
        (["--save", "/nowhere/saved"], "cannot write the checkpoint /nowhere/saved: No such file or directory"),
        (["--learning-rate", "1e38"], "nothing was saved, for want of --save: begin anew with a smaller learning rate"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(tmp_path, capsys, more, message):
    options = ["--updates", "3", *([] if "--tutorial" in more else SMALL), "--no-deterministic", *more]
    assert cli.main(["train", "--results", str(tmp_path / "new"), *options]) == cli.BAD_INPUT
    out, err = capsys.readouterr()
    said = [line for line in err.splitlines() if line.startswith("unroll: ")]
    assert len(said) == 1 and message in said[0]
    assert "Traceback" not in err
    assert not out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--hidden", "5"], "cannot go on with a training that has hidden 4, not 5; ask for the same again"),
        (["--seed", "1"], "cannot go on with a training that has seed 0, not 1"),
        (["--updates", "24"], "got --updates 24; 25 are done already: want more"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused_and_left_as_it_was(two_unrolls, tmp_path, capsys, more, message):
    before = (two_unrolls / "static").read_bytes()
    options = ["--unroll", "static", "--updates", 25, "--save", two_unrolls / "static", "--resume"]
    assert train(tmp_path, *options, *more) == cli.BAD_INPUT
    assert message in capsys.readouterr().err
    assert (two_unrolls / "static").read_bytes() == before


def test_without_tensorboards_package_its_extra_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert train(tmp_path, "--tensorboard", tmp_path / "board") == cli.BAD_INPUT
    assert 'tensorboard is not installed; pip install "unroll-lstm[tensorboard]"' in capsys.readouterr().err


@needs_tensorboard
def test_tensorboard_finds_scalars_and_both_graphs(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert train(tmp_path, "--updates", 5, "--tensorboard", tmp_path / "board") == 0
    boards = {}
    for unroll in ("static", "dynamic"):
        boards[unroll] = EventAccumulator(str(tmp_path / "board" / unroll))
        boards[unroll].Reload()
    graphs = {unroll: str(board.Graph()) for unroll, board in boards.items()}
    assert graphs["static"].count('op: "Tanh"') == 4 * 2
    assert 'While"' in graphs["dynamic"] and 'While"' not in graphs["static"]
    assert {"loss", "accuracy", "test_loss", "test_accuracy"} <= set(boards["dynamic"].Tags()["tensors"])

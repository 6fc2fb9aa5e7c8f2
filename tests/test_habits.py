"""What people are used to from pytest, pytest-benchmark and the shell works with the main job, or is refused."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from unroll.measure.journal import FILE_NAME, read_journal

ROOT = Path(__file__).parents[1]
ASKED = ["-k", "build and train and not grow and not grid"]
SMALL = ["--preset", "tiny", "--variants", "static", "--no-report", "-q"]

one_worker = pytest.mark.xdist_group("habits")  # or each of xdist's workers would make the fixture anew


def start(folder, *arguments, **options):
    # In a worker of xdist, pytest-benchmark would take itself for another and switch itself off.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    storage = f"--benchmark-storage=file://{folder / 'storage'}"
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "--benchmark-only", *SMALL, storage, *arguments],
        cwd=ROOT,
        env=environment | {"HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def run(folder, *arguments, **options):
    started = start(folder, *arguments, **options)
    output, _ = started.communicate()
    return started.returncode, output


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Run into a folder below home and save the run, with nothing there yet to compare it with."""
    folder = tmp_path_factory.mktemp("home")
    asked = ["-k", "graph and train", "--results=~/mine", "--benchmark-compare", "--benchmark-save=one"]
    return folder, *run(folder, *asked)


@one_worker
def test_a_path_below_home_is_found_though_the_shell_left_it_as_it_was(saved):
    folder, status, output = saved
    assert status == 0, output
    assert (folder / "mine" / FILE_NAME).exists()
    assert not (ROOT / "~").exists()


@one_worker
def test_with_nothing_to_compare_with_there_is_a_warning_and_no_more(saved):
    _, status, output = saved
    assert status == 0 and "Can't compare" in output and "INTERNALERROR" not in output


@one_worker
def test_a_count_is_played_back_as_what_it_is(saved):
    folder, _, output = saved
    nodes = read_journal(folder / "mine")[-1].find("nodes", "train", "static").median
    assert "benchmark 'count the graph, train: nodes, shown as seconds'" in output
    assert re.search(rf"graph, train: nodes.*\nName .*\n-+\nstatic +{nodes:.4f} ", output)


@one_worker
def test_what_is_saved_says_what_was_measured_and_on_what(saved):
    (path,) = (saved[0] / "storage").rglob("*_one.json")
    told = json.loads(path.read_text())["unroll"]
    assert told["sizes"] == {"steps": 4, "batch": 8, "hidden": 8, "input": 28, "valid": None}
    assert told["preset"] == "tiny" and told["processor"] and told["versions"]["tensorflow"]


@one_worker
def test_where_a_comparison_fails_what_was_measured_is_written_and_the_status_kept(saved):
    folder = saved[0]
    (path,) = (folder / "storage").rglob("*_one.json")
    fewer = json.loads(path.read_text())
    for stats in (benchmark["stats"] for benchmark in fewer["benchmarks"]):
        stats["median"] /= 2
    fewer["unroll"]["sizes"]["hidden"] = 9
    path.write_text(json.dumps(fewer))
    compared = ["--benchmark-compare", "--benchmark-compare-fail=median:50%", f"--results={folder / 'again'}"]
    status, output = run(folder, "-k", "graph and train", *compared)
    assert status == 1 and "Performance has regressed" in output and "Traceback" not in output, output
    assert f"wrote {folder / 'again' / FILE_NAME}; to draw it: unroll report" in output
    differs = r"compared with the run of .*, whose sizes is .*'hidden': 9.*; here it is .*'hidden': 8"
    assert re.search(differs, " ".join(output.split()))
    told = output.partition("\ncompared with the run of ")[2].partition("\nwrote ")[0]
    assert told and max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--benchmark-warmup=on", "got --benchmark-warmup, which has no effect here"),
        ("--benchmark-min-rounds=3", "got --benchmark-min-rounds, which has no effect here"),
    ],
)
def test_an_option_that_could_have_no_effect_is_refused_before_anything_is_measured(tmp_path, option, message):
    status, output = run(tmp_path, option, f"--results={tmp_path / 'mine'}")
    assert status == 2 and message in output
    assert not (tmp_path / "mine").exists()


def wait_for_records(path, count, started):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and started.poll() is None:
        if path.exists() and path.read_bytes().count(b'"quantity"') >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"there came no {count} records: {started.communicate()[0]}")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_run_that_is_stopped_says_how_to_go_on(tmp_path, name):
    as_in_a_terminal = partial(signal.signal, getattr(signal, name), signal.SIG_DFL)  # where these tests may not run
    stopped = start(tmp_path, *ASKED, f"--results={tmp_path / 'mine'}", preexec_fn=as_in_a_terminal)
    wait_for_records(tmp_path / "mine" / FILE_NAME, 3, stopped)
    stopped.send_signal(getattr(signal, name))
    output, _ = stopped.communicate(timeout=60)
    assert stopped.returncode == 2 and "Traceback" not in output
    assert "stopped: the same command with --resume goes on" in output


@pytest.mark.parametrize(
    "where",
    [["pytest_terminal_summary"], ["pytest_sessionfinish"], ["pytest_runtest_logfinish", "pytest_keyboard_interrupt"]],
)
def test_a_run_that_is_stopped_while_it_is_shown_or_twice_ends_at_once_in_one_line(tmp_path, monkeypatch, where):
    stop = "    os.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / "stopping.py").write_text("import os, signal\n" + "".join(f"def {name}():\n{stop}" for name in where))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    status, output = run(tmp_path, "-p", "stopping", "-k", "graph and train", f"--results={tmp_path / 'mine'}")
    assert status == 2 and "Traceback" not in output, output
    assert output.endswith("\nstopped: the same command with --resume goes on, and measures nothing twice\n")
    assert read_journal(tmp_path / "mine")[-1].records


def test_under_nohup_a_run_outlives_its_terminal(tmp_path):
    under_nohup = partial(signal.signal, signal.SIGHUP, signal.SIG_IGN)
    started = start(tmp_path, "-k", "graph and train", f"--results={tmp_path / 'mine'}", preexec_fn=under_nohup)
    wait_for_records(tmp_path / "mine" / FILE_NAME, 0, started)
    started.send_signal(signal.SIGHUP)
    output, _ = started.communicate(timeout=60)
    assert started.returncode == 0, output


def test_where_the_disk_is_full_the_run_ends_in_one_line_and_goes_on_once_there_is_room(tmp_path):
    asked = [*ASKED, f"--results={tmp_path / 'mine'}"]
    small_disk = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
    status, output = run(tmp_path, *asked, preexec_fn=small_disk)
    assert status == 2 and "Traceback" not in output, output
    assert re.search(r"cannot write .*journal.jsonl: .* what was measured before is kept: make room there", output)
    before = read_journal(tmp_path / "mine")[-1].records
    assert before
    assert run(tmp_path, *asked, "--resume")[0] == 0
    records = read_journal(tmp_path / "mine")[-1].records
    assert records[: len(before)] == before
    answers = [(*record.key, record.round) for record in records]
    assert len(answers) == len(set(answers)) > len(before)

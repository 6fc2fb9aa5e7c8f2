"""The main job itself, at a tiny size: `pytest --benchmark-only`, as a user runs it."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from unroll.measure.config import Sizes
from unroll.measure.journal import FILE_NAME, Record, read_journal
from unroll.measure.metrics import metrics_of
from unroll.measure.presets import PRESETS
from unroll.report.page.answer import answer

ROOT = Path(__file__).parents[1]
TINY = ["--steps", "3", "--batch", "4", "--hidden", "5"]
VARIANTS = ("static", "dynamic", "faults:raising")
QUANTITIES = [(quantity, phase) for quantity in ("build", "first_call", "step") for phase in ("forward", "train")]
QUANTITIES += [(quantity, phase) for quantity in metrics_of("memory") for phase in ("forward", "train")]
QUANTITIES += [(quantity, "forward") for kind in ("export", "retraces") for quantity in metrics_of(kind)]


def command(*arguments):
    return [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "--benchmark-only", *arguments]


def environment():
    # In a worker of xdist, pytest-benchmark would take itself for another and switch itself off.
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}


def main_job(*arguments):
    return subprocess.run(command(*arguments), cwd=ROOT, env=environment(), capture_output=True, text=True)


one_worker = pytest.mark.xdist_group("main job")  # or each of xdist's workers would do it anew


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    given = ["--variants", ",".join(VARIANTS), "--modes", "eager", "--results", str(folder), "-k", "not growth"]
    return main_job(*TINY, *given, "--benchmark-json", str(folder / "benchmark.json")), folder


@one_worker
def test_every_variant_is_measured_in_every_way(done):
    (run,) = read_journal(done[1])
    assert {record.sizes for record in run.records} == {Sizes(steps=3, batch=4, hidden=5)}
    for variant in ("static", "dynamic"):
        for quantity, phase in QUANTITIES:
            measured = run.find(quantity, phase, variant)
            static_takes_no_unknown_length = (variant, quantity) == ("static", "retraces_signature")
            assert bool(measured.samples) != static_takes_no_unknown_length, (variant, quantity)
        assert len(run.find("step", "train", variant).rounds) == PRESETS["default"].rounds
        assert run.find("step", "train", variant, "eager").samples


@one_worker
def test_a_variant_of_ones_own_that_fails_is_named_with_its_reason_and_fails_its_benchmarks(done):
    job, folder = done
    (run,) = read_journal(folder)
    assert job.returncode == 1
    for quantity, phase in QUANTITIES:
        assert "the encoder has no eyes" in run.find(quantity, phase, "faults:raising").note
    assert {line.split("[")[1].split("]")[0] for line in job.stdout.splitlines() if line.startswith("FAILED")} == {
        f"{phase}-faults:raising{mode}" for phase in ("forward", "train") for mode in ("", "-eager")
    }


@one_worker
def test_both_graphs_are_kept_for_drawing(done):
    (run,) = read_journal(done[1])
    for variant in ("static", "dynamic"):
        nodes = sum(len(nodes) for nodes in run.outlines[variant].values())
        assert run.find("nodes", "forward", variant).median == nodes


@one_worker
def test_figures_tables_and_the_page_are_written(done):
    _, folder = done
    for name in ("costs.png", "costs.svg", "graphs.png", "graphs.svg", "ratios.png", "tables.md", "report.html"):
        assert (folder / name).stat().st_size


@one_worker
def test_it_ends_with_the_answer_the_ratios_that_decide_and_the_page_to_open(done):
    job, folder = done
    ending = job.stdout.partition(" static against dynamic =")[2].splitlines()[1:]
    assert any(line.split()[:2] == ["static", "/"] for line in ending)
    assert any(set(line.split()[1:]) <= {"faster", "slower", "the", "same", "too", "close"} for line in ending)
    figures = len([path for path in folder.iterdir() if path.suffix == ".png"])
    wrote = f"wrote {figures} figures, each as PNG and SVG, and tables.md to {folder}"
    last = ending.index(f"open {folder / 'report.html'}")
    assert ending[last - 1] == wrote
    assert max(map(len, ending[: last - 1])) <= 80 and "Legend:" not in job.stdout
    (run,) = read_journal(folder)
    assert ending[0].split()[:3] == " ".join(answer(run)).split()[:3]


@one_worker
def test_pytest_benchmarks_tables_fit_a_terminal(done):
    lines = re.split("\n=+ ", done[0].stdout.partition(" benchmark '")[2])[0].splitlines()
    assert len(lines) > 50
    assert [line for line in lines if len(line) > 80 and "shown as" not in line] == []


@one_worker
def test_pytest_benchmarks_own_json_holds_the_same_samples(done):
    _, folder = done
    (run,) = read_journal(folder)
    written = json.loads((folder / "benchmark.json").read_text())["benchmarks"]
    benchmarks = {benchmark["fullname"].rpartition("::")[2]: benchmark for benchmark in written}
    step = benchmarks["test_step[train-static]"]
    assert step["group"] == "one step, train"
    assert step["stats"]["data"] == run.find("step", "train", "static").samples
    assert benchmarks["test_graph[train-static]"]["extra_info"]["nodes"] == run.find("nodes", "train", "static").median


@one_worker
def test_the_tests_stay_out_of_the_main_job_and_questions_that_are_not_asked_too(done):
    assert " skipped" not in done[0].stdout.splitlines()[-1]


@one_worker
def test_it_says_how_long_it_may_take(done):
    assert re.search(r"default: 1\d processes, about \d:\d\d min", done[0].stdout)


def test_a_log_gets_a_line_of_progress_every_half_minute(capfd, monkeypatch, request):
    spec = importlib.util.spec_from_file_location("main_job", ROOT / "benchmarks" / "conftest.py")
    main_job = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(main_job)
    clock = iter([0, 10, 29, 31, 31, 40, 62, 62])  # twice where a line is written
    monkeypatch.setattr(main_job, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    writer = SimpleNamespace(line=lambda _: None)
    bar = main_job.Bar(SimpleNamespace(get_terminal_writer=lambda: writer))
    request.addfinalizer(bar.console.file.close)
    wants = [SimpleNamespace(kind="turns", case=SimpleNamespace(rounds=10))]
    bar.start([SimpleNamespace(requests=wants, seconds=62)], SimpleNamespace(settings={"preset": "quick"}), [])
    for _ in range(5):
        bar.on_record(Record("step", "train", "static", "graph", Sizes(), "s", [1.0]))
    lines = capfd.readouterr().err.splitlines()
    assert [line for line in lines if line] == [
        "30%: step train static T=28, B=128, I=28, H=128, about 0:43 min left",
        "50%: step train static T=28, B=128, I=28, H=128, about 0:31 min left",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "abc"], "got --steps abc; want a whole number from 1 up"),
        (["--batch", "5000"], "got --batch 5000; the data have 1437 training images"),
        (["--data", "/nowhere"], "/nowhere: got a path that does not exist"),
        (["--results", "/dev/null/x"], "cannot write /dev/null/x/journal.jsonl"),
        (["--resume"], "cannot read"),
        (["--device", "gpu"], "got --device gpu, but TensorFlow sees no GPU; want --device cpu, or a driver"),
        (
            ["--preset", "gpu"],
            "got --preset gpu, B=2048; the data have 1437 training images: want fewer, or --data mnist",
        ),
    ],
)
def test_bad_input_gets_one_clear_error_and_nothing_is_written(tmp_path, arguments, message):
    folder = tmp_path / "results"
    job = main_job("--results", str(folder), *arguments)
    assert job.returncode == 2
    assert message in job.stdout + job.stderr
    assert "Traceback" not in job.stdout + job.stderr
    assert not folder.exists()


def test_a_killed_run_goes_on_with_resume_and_measures_nothing_again(tmp_path):
    quick = [*TINY, "--preset", "quick", "--variants", "static,dynamic", "--results", str(tmp_path)]
    with subprocess.Popen(command(*quick), cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL) as job:
        while not (tmp_path / FILE_NAME).exists() or len((tmp_path / FILE_NAME).read_bytes().splitlines()) < 5:
            assert job.poll() is None
            time.sleep(0.02)
        job.send_signal(signal.SIGKILL)
    (before,) = read_journal(tmp_path)
    again = main_job(*quick, "--resume")
    assert again.returncode == 0, again.stdout + again.stderr
    (run,) = read_journal(tmp_path)
    assert run.records[: len(before.records)] == before.records
    assert len(run.find("step", "train", "dynamic").rounds) == PRESETS["quick"].rounds
    questions = [(record.key, record.round) for record in run.records]
    assert len(questions) == len(set(questions))
    other = main_job(*quick, "--resume", "--intra-op", "1")
    assert other.returncode == 2
    assert "it was started with threads" in other.stdout + other.stderr

"""The main job itself, at a tiny size: `pytest --benchmark-only`, as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from unroll.measure.config import VARIANT_LABELS, Sizes
from unroll.measure.journal import read_journal

ROOT = Path(__file__).parents[1]
TIMES = {(quantity, phase) for quantity in ("build", "first_call", "step") for phase in ("forward", "train")}
MEASURED_IN_FULL = ("static", "dynamic")
SIZES = {("nodes", "forward"), ("nodes", "train"), ("graph_bytes", "forward"), ("graph_bytes", "train")}


def main_job(*arguments):
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "--benchmark-only", *arguments]
    # In a worker of xdist, pytest-benchmark would take itself for another and switch itself off.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    tiny = ["--steps", "3", "--batch", "4", "--hidden", "5", "--results", str(folder)]
    # Every variant has its graph counted and checked; two of them, measured in every way, stand for the others.
    chosen = "test_graph or test_ratio or (static] or dynamic]) and not tf1"
    job = main_job(*tiny, "-k", chosen, "--benchmark-json", str(folder / "benchmark.json"))
    assert job.returncode == 0, job.stdout + job.stderr
    return job, folder


def test_every_variant_is_measured(done):
    (run,) = read_journal(done[1])
    assert {record.sizes for record in run.records} == {Sizes(steps=3, batch=4, hidden=5)}
    alone = {variant: set() for variant in VARIANT_LABELS}
    for record in run.records:
        if not record.rounds:
            alone[record.variant].add((record.quantity, record.phase))
    assert all(found >= SIZES for found in alone.values())
    for variant in MEASURED_IN_FULL:
        assert alone[variant] == TIMES | SIZES | {("export", "forward"), ("process", "train"), ("tensors", "train")}
        assert run.find("tensors", "train", variant).median > 0


def test_the_headline_variants_take_turns(done):
    (run,) = read_journal(done[1])
    records = [record for record in run.records if record.rounds]
    assert {record.variant for record in records} == {
        "static", "static-traced", "dynamic", "keras-unrolled", "keras-loop"
    }  # fmt: skip
    assert all(len(record.samples) % record.rounds == 0 for record in records)


def test_both_graphs_are_kept_for_drawing(done):
    (run,) = read_journal(done[1])
    for variant in MEASURED_IN_FULL:
        nodes = sum(len(nodes) for nodes in run.outlines[variant].values())
        assert run.find("nodes", "forward", variant).median == nodes


def test_figures_and_tables_are_written_and_their_paths_printed(done):
    job, folder = done
    for name in ("costs.png", "costs.svg", "graphs.png", "graphs.svg", "tables.md"):
        assert (folder / name).stat().st_size
        assert f"wrote {folder / name}" in job.stdout


def test_pytest_benchmarks_own_json_holds_the_same_samples(done):
    _, folder = done
    (run,) = read_journal(folder)
    benchmarks = {b["name"]: b for b in json.loads((folder / "benchmark.json").read_text())["benchmarks"]}
    step = benchmarks["test_step[train-static]"]
    assert step["group"] == "one step, train"
    assert step["stats"]["data"] == run.find("step", "train", "static").samples
    assert benchmarks["test_graph[train-static]"]["extra_info"]["nodes"] == run.find("nodes", "train", "static").median


def test_the_tests_stay_out_of_the_main_job(done):
    assert "skipped" not in done[0].stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "0"], "got --steps 0; want a whole number from 1 up"),
        (["--batch", "-1"], "got --batch -1; want a whole number from 1 up"),
        (["--batch", "1000000"], "got --batch 1000000"),
        (["--data", "/nowhere"], "/nowhere: got a path that does not exist"),
        (["--results", "/dev/null/x"], "cannot write /dev/null/x/journal.jsonl"),
    ],
)
def test_bad_input_gets_one_clear_error_and_nothing_is_written(tmp_path, arguments, message):
    folder = tmp_path / "results"
    job = main_job("--results", str(folder), *arguments)
    assert job.returncode == 2
    assert message in job.stdout + job.stderr
    assert "Traceback" not in job.stdout + job.stderr
    assert not folder.exists()


def test_an_unequal_variant_is_not_measured(tmp_path, monkeypatch):
    """A fault seeded into one variant: its benchmarks fail, the others' results are kept."""
    plugin = tmp_path / "fault.py"
    plugin.write_text(
        "from unroll.measure import workloads\n"
        "good = workloads.init_network\n"
        "def init_network(reader, *sizes, seed):\n"
        "    return good(reader, *sizes, seed=seed + (reader is workloads.READERS['tf1-static']))\n"
        "workloads.init_network = init_network\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    tiny = ["--steps", "2", "--batch", "2", "--hidden", "3", "--results", str(tmp_path / "results")]
    job = main_job("-p", "fault", "-k", "test_graph and tf1", *tiny)
    assert job.returncode == 1
    assert "not the same network, so not measured" in job.stdout
    (run,) = read_journal(tmp_path / "results")
    assert {record.variant for record in run.records} == {"tf1-dynamic"}

"""As on a system without forkserver, fcntl and resource: what is measured, reported and trained there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SITE = """import builtins
import multiprocessing
import multiprocessing.context
import sys

import_here = builtins.__import__


def import_there(name, globals=None, *more, **named):
    importing = getattr((globals or {}).get("__spec__"), "name", "").partition(".")[0]
    if name in ("fcntl", "resource") and importing in ("unroll", "lacks"):  # on Linux, psutil needs resource
        raise ImportError(f"No module named {name!r}", name=name)
    return import_here(name, globals, *more, **named)


builtins.__import__ = import_there
for name in ("multiprocessing.forkserver", "multiprocessing.popen_forkserver"):
    sys.modules[name] = None
for name in ("fork", "forkserver"):
    multiprocessing.context._concrete_contexts.pop(name)
multiprocessing.get_all_start_methods = lambda: ["spawn"]
multiprocessing.set_start_method("spawn")
"""
LACKS = """import multiprocessing
import sys

for lacking in ("fcntl", "resource", "multiprocessing.forkserver"):
    try:
        exec(f"import {lacking}")
    except ImportError:
        continue
    sys.exit(f"got {lacking}")
try:
    multiprocessing.get_context("forkserver")
except ValueError:
    print(multiprocessing.get_start_method())
"""
MEASURED = "(bench_step and train or bench_memory and forward) and not xla and not mixed"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run a module of Python in a folder of its own, where the system lacks all that; return what it printed."""
    site, folder = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("spawn")
    (site / "sitecustomize.py").write_text(SITE)
    paths = os.pathsep.join(map(str, (site, ROOT)))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    environment = kept | {"PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": "-1"}

    def output(*arguments):
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout

    output.folder = folder
    return output


@pytest.fixture(scope="module")
def journal(run):
    """The lines of the journal that the benchmarks wrote there."""
    run("unroll", "bench", "--preset", "tiny", "--variants=static,dynamic", "--results=mine", "-q", "-k", MEASURED)
    return [json.loads(line) for line in (run.folder / "mine" / "journal.jsonl").read_text().splitlines()]


def test_the_system_lacks_what_it_shall_lack(run):
    (run.folder / "lacks.py").write_text(LACKS)
    assert run("lacks") == "spawn\n"


def test_every_round_is_recorded_and_the_run_says_how_processes_start(journal):
    assert journal[0]["environment"]["start_method"] == "spawn"
    steps = [line for line in journal if line.get("quantity") == "step"]
    rounds = {(variant, number) for variant in ("static", "dynamic") for number in (1, 2, 3)}
    assert {(line["variant"], line["round"]) for line in steps if line["samples"]} == rounds
    assert [line["samples"] for line in journal if line.get("quantity") == "process"]
    assert not [line for line in journal if "failed" in json.dumps(line)]


def test_the_results_are_reported_judged_and_compared(run, journal):
    assert "report.html" in run("unroll", "report", "mine")
    assert run("unroll", "claims", "mine")
    assert run("unroll", "compare", "mine", "mine")
    assert re.search("processes +spawn", run("unroll", "doctor"))


def test_a_network_is_trained_and_its_history_is_kept(run):
    run("unroll", "train", "--updates", "6", "--hidden", "8", "--results=trained")
    assert list((run.folder / "trained").rglob("*"))

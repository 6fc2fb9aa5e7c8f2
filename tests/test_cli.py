import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from unroll import cli
from unroll.measure.config import Sizes
from unroll.measure.journal import Journal, Record
from unroll.report.figures.costs import COSTS

ROOT = Path(__file__).parents[1]


def unroll(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "unroll", *arguments], capture_output=True, text=True, **options)


def test_help_is_answered():
    done = unroll("--help")
    assert done.returncode == 0
    assert "report" in done.stdout


def test_the_door_imports_no_tensorflow():
    code = "import sys, unroll.cli; sys.exit('tensorflow' in sys.modules or 'matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required"),
        (["dance"], "invalid choice: 'dance'"),
        (["report", "/nowhere"], "unroll: cannot read /nowhere/journal.jsonl"),
        (["fill", "/nowhere.md", "/nowhere"], "unroll: cannot read /nowhere/journal.jsonl"),
        (["compare", "/nowhere"], "SECOND"),
        (["compare", "/nowhere", "/there"], "unroll: cannot read /nowhere/journal.jsonl"),
        (["compare", "/nowhere#2026", "/there"], "unroll: cannot read /nowhere/journal.jsonl"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(arguments, message):
    done = unroll(*arguments)
    assert done.returncode == cli.BAD_INPUT
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


@pytest.mark.parametrize("bug", [lambda: np.ones(3) + np.ones(4), lambda: os.pipe2(-1)], ids=["ValueError", "OSError"])
def test_a_bug_of_our_own_is_no_bad_input_and_shows_its_traceback(bug, tmp_path, monkeypatch):
    Journal(tmp_path, {}, {"sizes": asdict(Sizes())})
    monkeypatch.setattr(COSTS, "draw", lambda run: bug())
    with pytest.raises((ValueError, OSError), match=r"broadcast|Invalid argument"):
        cli.main(["report", str(tmp_path)])


def test_compare_prints_two_runs_or_names_the_known_ones(tmp_path):
    journals = []
    for cost in (1.0, 2.0):
        journals.append(Journal(tmp_path, {}, {"sizes": asdict(Sizes())}))
        journals[-1].append(Record("step", "train", "static", "graph", Sizes(), "s", [cost], 1))
    done = unroll("compare", f"{tmp_path}#{journals[0].run}", str(tmp_path))
    assert done.returncode == 0
    assert f"first   {journals[0].run}" in done.stdout and f"second  {journals[1].run}" in done.stdout
    assert "2.00 one round" in done.stdout
    refused = unroll("compare", f"{tmp_path}#nobody", str(tmp_path))
    assert refused.returncode == cli.BAD_INPUT
    assert journals[0].run in refused.stderr and refused.stderr.count("\n") == 1


def test_doctor_shows_the_environment_and_what_spoils_a_measurement(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/nowhere")
    done = unroll("doctor")
    assert done.returncode == 0
    assert not done.stderr  # what TensorFlow says at its start
    assert "\ntensorflow   2." in done.stdout
    assert "\nflags        " in done.stdout
    assert "\nwarning: --xla_dump_to=/nowhere in XLA_FLAGS writes files" in done.stdout


def test_doctor_prints_json_for_programs():
    done = unroll("doctor", "--json")
    described = json.loads(done.stdout)
    assert done.returncode == 0 and not done.stderr
    assert described["versions"]["tensorflow"].startswith("2.")
    assert {"processor", "cores", "onednn", "warnings"} <= set(described)


def test_report_takes_the_main_jobs_results_by_default_and_names_the_page_last(tmp_path):
    journal = Journal(tmp_path / "results" / "local", {}, {"sizes": asdict(Sizes())})
    journal.append(Record("step", "train", "static", "graph", Sizes(), "s", [1.0], 1))
    done = unroll("report", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "results/local/report.html"
    assert (tmp_path / "results" / "local" / "report.html").stat().st_size
    refused = unroll("report", cwd=tmp_path / "results")
    assert refused.returncode == cli.BAD_INPUT
    assert refused.stderr.startswith("unroll: cannot read results/local/journal.jsonl")


@pytest.mark.parametrize(
    "command",
    [
        ["claims", "results/reference"],
        ["advise", "--steps", "28", "--batch", "128", "--hidden", "128"],
        ["compare", "results/gpu-first", "results/gpu"],
        ["doctor", "--help"],
    ],
    ids=lambda command: command[0],
)
def test_commands_that_print_text_load_nothing_that_draws(command):
    heavy = {"matplotlib", "scipy", "sklearn", "tensorflow", "keras"}
    code = f"""
import sys
from unroll import cli
try:
    assert cli.main({command!r}) == 0
except SystemExit:
    pass
print("loaded", {heavy!r} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "loaded set()", done.stderr

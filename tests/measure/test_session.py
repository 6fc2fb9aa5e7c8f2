"""A session keeps what it measures and names what fails: crashes, hangs, hunger, and its own sudden death."""

import importlib.util
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import warnings
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from unroll.measure.config import Case, Sizes
from unroll.measure.journal import FILE_NAME, JournalError, read_journal
from unroll.measure.metrics import METRICS, metrics_of
from unroll.measure.plan import Request
from unroll.measure.process import Limits
from unroll.measure.session import Session, threads_variables
from unroll.measure.tasks import time_cold_start
from unroll.models import data

IMAGES, LABELS = data.load("digits").train
SIZES = Sizes(steps=3, batch=4, hidden=5)
ROOT = Path(__file__).parents[2]


def settings(seconds=60.0, memory=None, **changes):
    more = {"steps": 2, "rounds": 2, "threads": {}, "limits": {"seconds": seconds, "bytes": memory}}
    return {"preset": "test", "sizes": asdict(SIZES), "data": "digits", "seed": 0} | more | changes


def wants(*variants, quantities=("build", "first_call", "step"), phases=("train",), **more):
    cases = [Case(variant, "graph", SIZES, rounds=2, **more) for variant in variants]
    return [Request(quantity, phase, case) for case in cases for phase in phases for quantity in quantities]


def measure(folder, asked, chosen=None, **more):
    with closing(Session(folder, chosen or settings(), asked, IMAGES, LABELS, **more)) as session:
        for want in asked:
            assert session.records(want)
    (*_, run) = read_journal(folder)
    return run


def missing_onnx() -> bool:
    return not all(importlib.util.find_spec(name) for name in ("tf2onnx", "onnxruntime"))


def found(run):
    return {(r.variant, r.quantity): r.note for r in run.records if not r.samples}


def test_every_kind_of_want_is_measured(tmp_path):
    train_only = ("fit", "fit_memory", "replicas")
    absent = {"kernels"} | ({"onnx", "layer_onnx"} if missing_onnx() else set())  # a GPU has the first
    here = [row for row in METRICS.values() if row.kind not in absent]
    phases = {row.name: "train" if row.kind in train_only else "forward" for row in here}
    asked = [want for name in phases for want in wants("dynamic", quantities=(name,), phases=(phases[name],))]
    run = measure(tmp_path, asked)
    for quantity, phase in phases.items():
        measured = run.find(quantity, phase, "dynamic")
        if "no more devices" in measured.note and quantity in metrics_of("replicas")[1:]:
            continue  # than there are cores, or rows
        assert measured.samples, quantity
        assert measured.median > 0, quantity
    assert run.find("export", "forward", "dynamic").note == "any T"
    assert run.find("retraces", "forward", "dynamic").median == 3
    assert run.find("retraces_signature", "forward", "dynamic").median == 1
    assert (
        sum(len(nodes) for nodes in run.outlines["dynamic"].values()) == run.find("nodes", "forward", "dynamic").median
    )


def test_a_cold_start_has_a_process_of_its_own_in_every_round_and_yet_has_ratios(tmp_path, monkeypatch):
    started, apart = [], Session._apart

    def watched(self, work, *arguments, **more):
        if work == time_cold_start:
            started.append((more["share"].first, *(case.variant for case in arguments[0])))
        return apart(self, work, *arguments, **more)

    monkeypatch.setattr(Session, "_apart", watched)
    asked = wants("static", "dynamic", quantities=metrics_of("cold"))
    run = measure(tmp_path, asked)
    assert sorted(started) == [(1, "dynamic"), (1, "static"), (2, "dynamic"), (2, "static")]
    assert run.ratio("cold_build", "train", asked[0].case, asked[-1].case).rounds == 2


def test_the_graphs_of_few_steps_and_of_the_runs_own_are_recorded(tmp_path):
    all_sizes = [SIZES, *(replace(SIZES, steps=steps) for steps in (1, 2)), replace(SIZES, steps=1, batch=5)]
    asked = [Request("nodes", "forward", Case("dynamic", "graph", sizes)) for sizes in all_sizes]
    run = measure(tmp_path, asked)
    assert list(run.outlines) == list(run.outlines_at[1]) == ["dynamic"]
    assert list(run.outlines_at) == [1]
    for sizes in all_sizes[:2]:
        nodes = sum(map(len, run.outline("dynamic", sizes.steps).values()))
        assert nodes == run.find("nodes", "forward", "dynamic", sizes=sizes).median


def test_a_static_network_serves_its_own_length_and_traces_each(tmp_path):
    quantities = ("export", "retraces", "retraces_signature")
    run = measure(tmp_path, wants("static", quantities=quantities, phases=("forward",)))
    assert run.find("export", "forward", "static").note == "T=3 only"
    assert run.find("retraces", "forward", "static").median == 3
    assert not run.find("retraces_signature", "forward", "static").samples
    assert "want a known T" in run.find("retraces_signature", "forward", "static").note


@pytest.mark.parametrize(
    ("fault", "limits", "reason"),
    [
        ("crashing", {}, "failed: its process was ended by SIGSEGV"),
        ("hanging", {"seconds": 4.0}, "stopped: took more than 4 s"),
        ("hungry", {"memory": 4 << 30}, "stopped: "),
        ("raising", {}, "failed: RuntimeError: the encoder has no eyes"),
        ("unequal", {}, "failed: Unequal: not the same network"),
        ("late", {}, "failed: it changed run_functions_eagerly from False to True"),
    ],
)
def test_a_variant_that_fails_is_a_record_with_its_reason_and_the_rest_completes(tmp_path, fault, limits, reason):
    run = measure(tmp_path, wants("static", f"faults:{fault}", "dynamic"), settings(**limits))
    notes = {note for (variant, quantity), note in found(run).items() if quantity == "step"}
    assert len(notes) == 1
    assert notes.pop().startswith(reason)
    for variant in ("static", "dynamic"):
        for quantity in ("build", "first_call", "step"):
            assert len(run.find(quantity, "train", variant).rounds) == 2
    assert run.ratio("step", "train", *[Case(variant, "graph", SIZES) for variant in ("static", "dynamic")])
    assert not run.find("step", "train", f"faults:{fault}").samples


def test_memory_of_a_variant_that_crashes_is_a_record_with_its_reason(tmp_path):
    run = measure(tmp_path, wants("faults:crashing", quantities=("process", "tensors", "nodes")))
    assert set(found(run).values()) == {"failed: its process was ended by SIGSEGV"}


def test_a_finished_run_is_gone_on_with_without_measuring(tmp_path):
    asked = wants("static", "dynamic") + wants("dynamic", quantities=("process",))
    before = measure(tmp_path, asked)
    again = measure(tmp_path, asked, resume=True)
    assert again.id == before.id
    assert again.records == before.records
    assert len(again.resumed) == 1


def test_a_stopped_run_goes_on_at_the_round_that_it_was_in(tmp_path):
    asked = wants("static", "dynamic")
    whole = measure(tmp_path, asked)
    path = tmp_path / FILE_NAME
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-4]) + lines[-4][:20])  # within round 2, and within a line
    with pytest.warns(UserWarning, match="left out, a run was stopped while writing it"):
        run = measure(tmp_path, asked, resume=True)
    first_round = [record for record in whole.records if record.round == 1]
    assert len(first_round) == 6
    assert [record for record in run.records if record.round == 1] == first_round
    for want in asked:
        assert len(run.find(want.quantity, want.phase, want.case.variant).rounds) == 2


@pytest.mark.parametrize("changes", [{"rounds": 3}, {"threads": {"intra_op": 1}}, {"steps": 5}, {"device": "cpu"}])
def test_a_run_is_not_gone_on_with_under_other_settings(tmp_path, changes):
    measure(tmp_path, wants("dynamic", quantities=("nodes",)))
    (name,) = changes
    before = (tmp_path / FILE_NAME).read_text()
    with pytest.raises(JournalError, match=rf"cannot resume .*: it was started with {name} .*; go on as it was begun"):
        Session(tmp_path, settings(**changes), [], IMAGES, LABELS, resume=True)
    assert (tmp_path / FILE_NAME).read_text() == before


@pytest.mark.parametrize(
    ("name", "other"), [("commit", "another"), ("versions", {"numpy": "0"}), ("flags", {"XLA_FLAGS": "another"})]
)
def test_a_run_is_not_gone_on_with_in_another_environment(tmp_path, name, other):
    measure(tmp_path, wants("dynamic", quantities=("nodes",)))
    path = tmp_path / FILE_NAME
    head, *lines = path.read_text().splitlines(keepends=True)
    changed = json.loads(head)
    changed["environment"][name] = other
    path.write_text(json.dumps(changed) + "\n" + "".join(lines))
    with pytest.raises(
        JournalError, match=rf"cannot resume .*: it was started with {name} {re.escape(str(other))}, got "
    ):
        Session(tmp_path, settings(), [], IMAGES, LABELS, resume=True)


def test_what_was_stopped_is_measured_again_under_other_limits(tmp_path):
    asked = wants("faults:slow", quantities=("build", "first_call"))
    stopped = measure(tmp_path, asked, settings(seconds=0.5))
    assert stopped.find("build", "train", "faults:slow").note.startswith("stopped: took more than")
    again = measure(tmp_path, asked, settings(seconds=60.0), resume=True)
    assert len(again.find("build", "train", "faults:slow").rounds) == 2


def test_a_journal_that_is_not_ours_is_refused_before_anything_is_measured(tmp_path):
    (tmp_path / FILE_NAME).write_text('{"schema": 1, "run": "old"}\n')
    with pytest.raises(JournalError, match="written in schema 1"):
        Session(tmp_path, settings(), [], IMAGES, LABELS)
    assert (tmp_path / FILE_NAME).read_text() == '{"schema": 1, "run": "old"}\n'


def test_where_tensorflow_does_not_start_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("unroll.measure.session.ENOUGH", Limits(seconds=0.01))
    with pytest.raises(JournalError, match=r"nothing can be measured here, TensorFlow does not start: stopped: took"):
        Session(tmp_path, settings(), [], IMAGES, LABELS)
    assert not list(tmp_path.iterdir())


def test_nothing_to_resume_is_said(tmp_path):
    with pytest.raises(JournalError, match="cannot read"):
        Session(tmp_path, settings(), [], IMAGES, LABELS, resume=True)


def test_threads_are_set_by_variables():
    assert threads_variables({"intra_op": 2, "inter_op": 0}) == {"TF_NUM_INTRAOP_THREADS": "2", "OMP_NUM_THREADS": "2"}
    assert threads_variables({"intra_op": 0, "inter_op": 1}) == {"TF_NUM_INTEROP_THREADS": "1"}


KILLED = """
from test_session import *
if __name__ == "__main__":
    measure(Path(sys.argv[1]), wants("static", "dynamic"), resume=Path(sys.argv[1], FILE_NAME).exists())
"""


def test_a_run_that_is_killed_at_any_moment_goes_on_and_measures_nothing_again(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    moments, kept = random.Random(0), []
    for _ in range(3):
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and not (tmp_path / FILE_NAME).exists():
                time.sleep(0.01)
            time.sleep(moments.uniform(0, 2))
            process.send_signal(signal.SIGKILL)
        with warnings.catch_warnings(action="ignore"):
            (run,) = read_journal(tmp_path)
        assert run.records[: len(kept)] == kept
        kept = run.records
    with warnings.catch_warnings(action="ignore"):
        run = measure(tmp_path, wants("static", "dynamic"), resume=True)
    assert run.records[: len(kept)] == kept
    for variant in ("static", "dynamic"):
        for quantity in ("build", "first_call", "step"):
            assert len(run.find(quantity, "train", variant).rounds) == 2

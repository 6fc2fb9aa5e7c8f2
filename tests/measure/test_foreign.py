"""PyTorch's and JAX's networks in a process without TensorFlow, of this interpreter or another."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from unroll.measure import foreign
from unroll.measure.batch import Batch, Data
from unroll.measure.config import Case, Sizes
from unroll.measure.device import Device
from unroll.measure.foreign import ForeignRounds, Start, run_foreign_rounds
from unroll.measure.interpreter import package_versions
from unroll.measure.journal import Record, read_journal
from unroll.measure.plan import Request
from unroll.measure.process import ROUND_OVER, CaseFailed, Limits, WorkerDied, work_apart
from unroll.measure.rounds import Share
from unroll.measure.session import Session
from unroll.measure.workloads import new_network, starting_point
from unroll.models import data

IMAGES, LABELS = data.load("digits").train
DATA = Data(IMAGES, LABELS, 0)
SIZES = Sizes(steps=3, batch=4, hidden=5)
LIMITS = Limits(seconds=60)


class Numbers:
    """Another package's network in a test: TensorFlow's own, without its name."""

    builds, precision = True, "float32"

    def __init__(self, weights, batch, learning_rate):
        from unroll.measure.workloads import TensorFlowWorkload

        sizes = replace(SIZES, steps=batch.images.shape[1], hidden=len(weights[1]))
        network = new_network("static", sizes, 0)
        for variable, value in zip(network.variables, weights, strict=True):
            variable.assign(value)
        self._inner = TensorFlowWorkload(network, "graph", batch)
        self.learning_rate = learning_rate
        self.build, self.values, self.reset = self._inner.build, self._inner.values, self._inner.reset


@pytest.fixture
def stand_in(monkeypatch):
    """Let a network of our own stand in for PyTorch's, which may not be installed."""

    def made(case, batch, weights, rate, device):
        return Numbers(weights, batch, rate)

    monkeypatch.setattr(foreign, "new_foreign_workload", made)


def events(phase="train", **more):
    batch, start = starting_point(SIZES, DATA)
    cases = [Case("torch", "eager", SIZES, rounds=3)]
    given = {"steps": 2, "share": Share(2, 3, "a name"), **more}
    return list(run_foreign_rounds(cases, phase, batch, start, 0, **given))


def test_a_share_of_the_rounds_is_taken_under_its_name(stand_in):
    records = [event for event in events() if isinstance(event, Record)]
    assert {record.round for record in records} == {2, 3}
    assert {record.turns for record in records} == {"a name"}
    assert [len(record.samples) for record in records if record.quantity == "step"] == [2, 2]


def test_starting_weights_that_are_not_the_others_are_found(stand_in):
    batch, start = starting_point(SIZES, DATA)
    wrong = Start([weight * 1.5 for weight in start.weights], *start[1:])
    found = list(
        run_foreign_rounds(
            [Case("torch", "eager", SIZES)], "train", batch, wrong, 0, steps=1, share=Share(1, 1, "name")
        )
    )
    assert any(isinstance(event, CaseFailed) and "not the same network" in event.reason for event in found)


def test_it_never_waits_for_tensorflows_device(stand_in):
    class Absent(Device):
        def wait(self):
            raise AssertionError("asked TensorFlow, which is not there")

    assert not [event for event in events(device=Absent()) if isinstance(event, CaseFailed)]


def test_what_measures_another_package_imports_no_tensorflow():
    code = "import sys, unroll.measure.foreign; print('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_a_batch_and_a_start_can_be_sent():
    batch, start = next(work_apart(starting_point, SIZES, DATA, limits=LIMITS))
    assert isinstance(batch, Batch)
    assert [weight.shape for weight in start.weights] == [(28, 20), (5, 20), (20,), (5, 10), (10,)]


# Another interpreter: here, this one, started anew


def test_another_interpreter_yields_what_it_makes():
    made = list(work_apart(range, 2, 5, limits=LIMITS, python=sys.executable))
    assert made == [range(2, 5)]


def test_an_interpreter_that_fails_says_why():
    with pytest.raises(WorkerDied, match="failed: ValueError: invalid literal for int"):
        list(work_apart(int, "no number", limits=LIMITS, python=sys.executable))


def test_an_interpreter_that_ends_before_its_work_says_how(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'no such luck' >&2\nexit 3\n")
    python.chmod(0o755)
    with pytest.raises(WorkerDied, match="its process ended with status 3: no such luck"):
        list(work_apart(int, "1", limits=LIMITS, python=str(python)))


def test_the_versions_are_those_of_the_other_interpreter(tmp_path):
    python = tmp_path / "python"
    python.write_text("""#!/bin/sh\necho '{"torch": "9.9", "numpy": "2", "scipy": "1", "psutil": "6"}'\n""")
    python.chmod(0o755)
    assert package_versions(str(python)) == {"torch": "9.9"}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("exit 1", "which does not run; want the path of a Python that has PyTorch or JAX, and numpy, scipy, psutil"),
        ("""echo '{"torch": "9.9", "numpy": "2"}'""", "which has no scipy, psutil; want the path"),
    ],
)
def test_an_interpreter_that_will_not_do_is_refused(said, message, tmp_path):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{said}\n")
    python.chmod(0o755)
    with pytest.raises(ValueError, match=message):
        package_versions(str(python))


def test_a_session_lets_a_package_apart_take_the_same_rounds_beside_the_others(tmp_path, monkeypatch):
    """Each share of the rounds has one name, so that ratios can be taken across the two processes."""
    shares = []

    def apart(work, *arguments, **more):
        if work != run_foreign_rounds:
            yield from work_apart(work, *arguments, **more)
            return
        assert more["python"] == sys.executable
        (case,), share = arguments[0], more["share"]
        shares.append(share)
        for number in range(share.first, share.last + 1):
            for quantity in ("build", "first_call", "step"):
                yield Record.of(case, quantity, "train", "s", [1.0], round=number, turns=share.process)
            yield ROUND_OVER

    monkeypatch.setattr("unroll.measure.session.work_apart", apart)
    monkeypatch.setattr("unroll.measure.session.package_versions", lambda python: {"torch": "9.9"})
    settings = {
        "preset": "test",
        "sizes": vars(SIZES),
        "data": "digits",
        "seed": 0,
        "steps": 1,
        "rounds": 4,
        "threads": {},
        "limits": {"seconds": 60.0, "bytes": None},
        "peers_python": sys.executable,
    }
    cases = [Case("dynamic", "graph", SIZES, rounds=4), Case("torch", "eager", SIZES, rounds=4)]
    wants = [Request("step", "train", case) for case in cases]
    session = Session(tmp_path, settings, wants, IMAGES, LABELS)
    for want in wants:
        assert len(session.records(want)) == 4
    (run,) = read_journal(tmp_path)
    assert run.environment["versions"]["torch"] == "9.9"
    assert len({share.process for share in shares}) == len(shares) == 4
    ratio = run.ratio("step", "train", *cases)
    assert ratio is not None
    assert ratio.rounds == 4


def test_every_round_has_a_process_of_its_own(tmp_path):
    settings = {
        "preset": "test",
        "sizes": vars(SIZES),
        "data": "digits",
        "seed": 0,
        "steps": 1,
        "rounds": 6,
        "threads": {},
        "limits": {"seconds": 60.0, "bytes": None},
    }
    want = Request("step", "train", Case("dynamic", "graph", SIZES, rounds=6))
    names = [record.turns for record in Session(tmp_path, settings, [want], IMAGES, LABELS).records(want)]
    assert [names.count(name) for name in dict.fromkeys(names)] == [1] * 6


def test_weights_of_any_kind_do_to_warm_up(stand_in):
    batch, start = starting_point(SIZES, DATA)
    turns = ForeignRounds([Case("torch", "eager", SIZES)], "train", batch, start.expected, 0, 1)
    turns.beginning = start
    small = Batch(np.ones([2, 2, 28], np.float32), LABELS[:2])
    shapes = [value.shape for value in turns.new_workload(Case("torch", "eager", Sizes(2, 2, 2)), small).values()]
    assert shapes == [(28, 8), (2, 8), (8,), (2, 10), (10,)]

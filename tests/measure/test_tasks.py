"""Every kind of task has its function, and the process that plans stays without TensorFlow."""

import subprocess
import sys

import pytest

from unroll.measure.metrics import METRICS, metrics_of
from unroll.measure.tasks import KINDS


def test_every_quantity_has_a_kind_of_task_and_every_kind_a_quantity():
    assert {row.kind for row in METRICS.values()} == set(KINDS)
    assert all(metrics_of(kind) for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_its_function_can_be_found_by_another_process(kind):
    assert getattr(sys.modules[kind.work.__module__], kind.work.__qualname__) is kind.work


def test_what_is_measured_again_and_again_is_measured_in_rounds():
    assert all(KINDS[row.kind].in_rounds for row in METRICS.values() if row.repeated)


def test_whoever_plans_imports_no_tensorflow():
    code = "import sys, unroll.measure.session, unroll.measure.tasks\nsys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

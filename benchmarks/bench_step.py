"""How long does one later step take, on a batch of real digits?"""

import pytest

from unroll.measure.workloads import call

ROUNDS = 30
WARMUP_ROUNDS = 5
pytestmark = pytest.mark.cost(1)


def test_step(job, benchmark, phase, variant):
    function = job.graphs(variant)[phase]
    benchmark.group = f"one step, {phase}"
    benchmark.pedantic(call, args=(function, phase, job.batch), rounds=ROUNDS, warmup_rounds=WARMUP_ROUNDS)
    job.record("step", phase, variant, "s", benchmark.stats.stats.data)

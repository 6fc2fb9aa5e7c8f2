"""How long does the first call take, in which TensorFlow optimises the graph and starts it?"""

import pytest

from unroll.measure.workloads import build, call

ROUNDS = 3
pytestmark = pytest.mark.cost(2)


def test_first_call(job, benchmark, phase, variant):
    job.graphs(variant)
    benchmark.group = f"first call, {phase}"

    def fresh():
        return (build(job.network(variant), phase, job.batch), phase, job.batch), {}

    benchmark.pedantic(call, setup=fresh, rounds=ROUNDS)
    job.record("first_call", phase, variant, "s", benchmark.stats.stats.data)

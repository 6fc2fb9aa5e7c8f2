"""How long does the first call take, in which TensorFlow optimises the graph and starts it?"""

import pytest

from unroll.measure.workloads import call

ROUNDS = 3
pytestmark = pytest.mark.cost(2)


def test_first_call(job, benchmark, phase, variant):
    job.graphs(variant)
    benchmark.group = f"first call, {phase}"

    def unused():
        return (job.unused_graph(variant, phase), phase, job.batch), {}

    benchmark.pedantic(call, setup=unused, rounds=ROUNDS)
    job.record("first_call", phase, variant, "s", benchmark.stats.stats.data)

"""How long does it take to build the graph, forward only and for training?"""

import gc

import pytest

from unroll.measure.workloads import build

ROUNDS = 3
pytestmark = pytest.mark.cost(1.5)


def test_build(job, benchmark, phase, variant):
    job.graphs(variant)
    benchmark.group = f"build the graph, {phase}"

    def fresh():
        gc.collect()
        return (job.network(variant), phase, job.batch), {}

    def build_and_keep(*arguments):
        job.unused[variant, phase].append(build(*arguments))  # for the benchmark of the first call

    benchmark.pedantic(build_and_keep, setup=fresh, rounds=ROUNDS)
    job.record("build", phase, variant, "s", benchmark.stats.stats.data)

"""By what factor do the variants differ, when they take turns and share the machine's every mood?"""

import pytest

from unroll.measure.alternate import alternate

VARIANTS = ["static", "static-traced", "dynamic", "keras-unrolled", "keras-loop"]
ROUNDS = 5
STEPS = 12
pytestmark = pytest.mark.cost(30)


def test_ratio(job, benchmark):
    for variant in VARIANTS:
        job.graphs(variant)
    benchmark.group = "take turns at building, first calling and stepping, train"
    sizes = {"rounds": ROUNDS, "steps": STEPS}
    samples = benchmark.pedantic(alternate, args=(VARIANTS, job.sizes, job.batch, job.seed), kwargs=sizes, rounds=1)
    for variant, turns in samples.items():
        for quantity, seconds in turns.items():
            job.record(quantity, "train", variant, "s", seconds, rounds=ROUNDS)

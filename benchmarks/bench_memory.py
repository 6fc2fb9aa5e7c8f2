"""What does training hold in memory, each case in fresh processes? (The time is that of the processes.)"""

import pytest

from unroll.measure.memory import NotAvailable, measure_memory

pytestmark = pytest.mark.cost(6)


def test_memory(job, benchmark, variant):
    job.graphs(variant)
    benchmark.group = "measure memory in fresh processes, train"
    images, labels = job.batch.images.numpy(), job.batch.labels.numpy()
    arguments = (variant, "train", job.sizes, images, labels, job.seed)
    for scope, result in benchmark.pedantic(measure_memory, args=arguments, rounds=1).items():
        if isinstance(result, NotAvailable):
            job.record(scope, "train", variant, "bytes", [], note=str(result))
        else:
            benchmark.extra_info[scope] = result
            job.record(scope, "train", variant, "bytes", [result])

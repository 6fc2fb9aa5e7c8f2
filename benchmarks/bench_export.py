"""How large is the SavedModel? (The time is that of saving it.)"""

import pytest

from unroll.measure.graph import folder_bytes, save_model

pytestmark = pytest.mark.cost(0.5)


def test_export(job, benchmark, variant, tmp_path):
    job.graphs(variant)
    benchmark.group = "save as a SavedModel"
    network = job.network(variant)
    benchmark.pedantic(save_model, args=(network, job.sizes.steps, job.sizes.input, tmp_path), rounds=1)
    benchmark.extra_info["bytes"] = folder_bytes(tmp_path)
    job.record("export", "forward", variant, "bytes", [benchmark.extra_info["bytes"]])

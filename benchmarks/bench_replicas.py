"""Does training go faster on several devices? One batch on one device, and on several that share the cores."""

import pytest

from unroll.measure.metrics import metrics_of


@pytest.mark.asks(*metrics_of("replicas"), of="cases_for_replicas", phases=["train"])
def test_step_on_replicas(answer):
    answer("a training step on one device; on several: see extra_info")

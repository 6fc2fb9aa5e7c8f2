"""What do more cells in an iteration of the loop cost and gain: unroll=k, from 1 to T?"""

import pytest


@pytest.mark.asks("step", "build", "first_call", of="cases_for_unroll")
def test_unroll(answer, phase):
    answer(f"unroll=k, {phase}")


@pytest.mark.asks("process", "tensors", "nodes", "graph_bytes", of="cases_for_unroll")
def test_memory_of_unroll(answer, phase):
    answer(f"memory of unroll=k, {phase}")

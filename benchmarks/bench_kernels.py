"""How many kernels does a step launch on a GPU, what does it copy, and how long is the GPU busy with that?"""

import pytest


@pytest.mark.asks("kernels", "copies", "busy", of="cases_for_kernels")
def test_kernels(answer, phase):
    answer(f"profile a step, {phase}")

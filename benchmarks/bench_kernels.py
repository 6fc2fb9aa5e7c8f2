"""How many kernels does a step launch on a GPU, what does it copy, and how long is the GPU busy with that?"""

import pytest


@pytest.mark.asks("kernels", "copies", "busy", of="profiled")
def test_kernels(answer, phase):
    answer(f"profile a step, {phase}")

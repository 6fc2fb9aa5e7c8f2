"""How long does the first call take, in which TensorFlow optimises the graph and starts it, and XLA compiles it?"""

import pytest


@pytest.mark.asks("first_call", of="cases_for_steps")
def test_first_call(answer, phase):
    answer(f"first call, {phase}")

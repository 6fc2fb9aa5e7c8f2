"""How long does one later step take, on a batch of real digits?"""

import pytest


@pytest.mark.asks("step", of="cases_for_steps")
def test_step(answer, phase):
    answer(f"one step, {phase}")

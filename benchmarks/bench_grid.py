"""Who is faster at which batch and hidden size?"""

import pytest


@pytest.mark.asks("step", "build", "first_call", of="cases_for_grid")
def test_grid(answer, phase):
    answer(f"batch x hidden, {phase}")

"""How long does XLA compile many steps, in the first call?"""

import pytest


@pytest.mark.asks("first_call", of="cases_for_compile")
def test_compile(answer, phase):
    answer(f"first call under XLA, {phase}")

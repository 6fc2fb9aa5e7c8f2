"""How long do the first build and the first call take in a process that has done nothing else?"""

import pytest


@pytest.mark.asks("cold_build", "cold_first_call", of="cases_for_cold_start", phases=["train"])
def test_cold_start(answer, phase):
    answer(f"cold start, {phase}")

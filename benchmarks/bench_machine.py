"""How fast does this machine multiply matrices and move memory, at most? What a step takes is held against that."""

import pytest


@pytest.mark.asks("matrix_rate", "bandwidth", of="cases_for_machine", phases=["forward"])
def test_machine(answer):
    answer("multiply and move, the machine itself")

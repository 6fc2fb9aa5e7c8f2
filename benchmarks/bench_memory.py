"""What is held in memory? (The time is that of building and of the first steps, in a fresh process.)"""

import pytest


@pytest.mark.asks("process", "tensors", of="cases_for_memory")
def test_memory(answer, phase):
    answer(f"measure memory, {phase}")


@pytest.mark.asks("tensors", of="cases_for_serial", phases=["train"])
def test_memory_of_overlapping_iterations(answer):
    answer("measure memory with and without overlap, train")

"""How does each cost grow with the number of steps, up to T = 1024?"""

import pytest


@pytest.mark.asks("step", "build", "first_call", of="cases_for_growth")
def test_growth_of_time(answer, phase):
    answer(f"grow with T, {phase}")


@pytest.mark.asks("process", "tensors", "nodes", "graph_bytes", of="cases_for_growth_of_memory")
def test_growth_of_memory(answer, phase):
    answer(f"memory as T grows, {phase}")


@pytest.mark.asks("save", "load", "served", "export", of="cases_for_growth_of_memory", phases=["forward"])
def test_growth_of_export(answer):
    answer("SavedModel as T grows")

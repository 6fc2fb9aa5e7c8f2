"""How large is the graph, its function library included? (The time is that of writing it out and counting.)"""

import pytest


@pytest.mark.asks("nodes", "graph_bytes", of="cases_for_memory")
def test_graph(answer, phase):
    answer(f"count the graph, {phase}")


@pytest.mark.asks("nodes", of="cases_for_drawing", phases=["forward"])
def test_graph_to_draw(answer):
    answer("count the graph that is drawn")

"""How large is the graph, its function library included? (The time is that of writing it out and counting.)"""

import pytest


@pytest.mark.asks("nodes", "graph_bytes", of="cases_for_memory")
def test_graph(answer, phase):
    answer(f"count the graph, {phase}")

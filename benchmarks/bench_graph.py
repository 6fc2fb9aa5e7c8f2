"""How large is the graph, its function library included? (The time is that of writing it out.)"""

import pytest

from unroll.measure.graph import count_bytes, count_nodes, graph_def, outline

DRAWN = ("static", "dynamic")
pytestmark = pytest.mark.cost(0.1)


def test_graph(job, benchmark, phase, variant):
    function = job.graphs(variant)[phase]
    benchmark.group = f"write the graph out, {phase}"
    benchmark.pedantic(graph_def, args=(function,), rounds=1)
    for quantity, unit, count in (("nodes", "nodes", count_nodes), ("graph_bytes", "bytes", count_bytes)):
        benchmark.extra_info[quantity] = count(function)
        job.record(quantity, phase, variant, unit, [benchmark.extra_info[quantity]])
    if phase == "forward" and variant in DRAWN:
        job.journal.append_outline(variant, outline(function))

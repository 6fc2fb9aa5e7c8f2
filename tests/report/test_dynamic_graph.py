"""The loop's body is laid out so that no line hides a node, and its parts have the names that the graph gives them."""

from itertools import combinations

import numpy as np
import pytest
from drawn import REFERENCE
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from unroll.measure.journal import read_journal
from unroll.report.figures.graphs import dynamic as dynamic_graph
from unroll.report.figures.graphs.dynamic import SIGMA
from unroll.report.figures.graphs.nodes import LINE_COLOUR, read_outline, without_constants
from unroll.report.figures.layout import BEND, Node, apart, components, layout_with_bends


@pytest.fixture(scope="module")
def outline():
    return read_outline(read_journal(REFERENCE)[-1].outlines["dynamic"])


@pytest.fixture(scope="module")
def body(outline):
    return outline[dynamic_graph.find_parts(outline)[0]]


def test_arguments_are_named_by_what_reads_them(outline, body):
    roles = dynamic_graph.Body.of(body).roles
    # tf.while_loop's own names for what dynamic_unroll gives it to carry, in this order
    carried = [roles[f"while_placeholder{end}"] for end in ("", "_1", "_2", "_3")]
    assert carried == ["t", "h", "c", "outputs"]
    assert {"rows", "kernel", "recurrent kernel", "bias", "count", "limit"} <= set(roles.values())


def test_the_gates_and_the_results_are_named_by_how_they_are_joined(body):
    facts = dynamic_graph.Body.of(body)
    words = [word for node in without_constants(body) if (word := facts.word(node))]
    assert sorted(words) == sorted(
        ["read row", "split", *(f"{gate}: {SIGMA}" for gate in "fio"), "g: tanh", "tanh", "write"]
    )
    results = [result for node in body if (result := facts.result(node))]
    assert sorted(results) == sorted(["h", "c", "outputs", "t + 1", "count + 1", "limit"])


def test_another_cell_has_no_gates():
    nodes = [Node("read", "TensorListGetItem", ["rows", "t"]), Node("tanh", "Tanh", ["read"])]
    assert [dynamic_graph.Body.of(nodes).word(node) for node in nodes] == ["read row", "tanh"]


def test_long_lines_pass_between_the_nodes(body):
    cell = max(components(without_constants(body)), key=len)
    bent, positions = layout_with_bends(cell)
    assert any(node.operation == BEND for node in bent)
    for node in bent:
        for source in set(node.sources) & set(positions):
            assert positions[node.name][0] - positions[source][0] == 1
    for one, other in combinations(positions.values(), 2):
        assert one[0] != other[0] or abs(one[1] - other[1]) > 1 - 1e-9


def test_what_a_node_is_given_is_drawn_beside_it_in_the_box(outline):
    axes = Figure().subplots()
    loop = dynamic_graph.lay_loop(outline)
    dynamic_graph.draw_loop(axes, loop, dynamic_graph.HEIGHT)
    facts = dynamic_graph.Body.of(loop.body)
    rings = [line.get_xydata()[0] for line in axes.lines if line.get_markerfacecolor() == "white"]
    assert len(rings) == sum(len(facts.arguments(node)) for node in without_constants(loop.body))
    assert all(loop.left < x < loop.right for x, _ in rings)
    dots = np.concatenate([kind.get_offsets() for kind in axes.collections])
    assert min(np.hypot(*(dots - ring).T).min() for ring in rings) > 0.1


def test_below_the_cell_the_nodes_that_count_the_steps_are_joined_and_named(outline):
    def is_lines(patch):
        return isinstance(patch, PathPatch) and to_hex(patch.get_edgecolor()) == to_hex(LINE_COLOUR)

    def drawn(left_out):
        axes = Figure().subplots()
        body = [node for node in loop.body if node not in left_out]
        dynamic_graph.draw_loop(axes, loop._replace(body=body), dynamic_graph.HEIGHT)
        joins = sum((patch.get_path().codes == Path.MOVETO).sum() for patch in axes.patches if is_lines(patch))
        return joins, {text.get_text() for text in axes.texts}

    loop = dynamic_graph.lay_loop(outline)
    nodes = without_constants(loop.body)
    cell = max(components(nodes), key=len)
    counters = [node for node in nodes if node not in cell]
    constants = {node.name for node in loop.body if node not in nodes}
    read = [source for node in counters for source in node.sources if source not in constants]
    (whole, words), (without, fewer) = drawn([]), drawn(counters)
    assert whole - without == len(read) > 1
    assert dynamic_graph.COUNTING in words - fewer


def test_labels_move_apart_as_little_as_can_be():
    assert apart([1.0, 1.1, 5.0], 0.5).tolist() == pytest.approx([0.8, 1.3, 5.0])

"""The two graphs are drawn node by node, and what is missing or not drawn is named."""

from copy import deepcopy
from dataclasses import asdict, replace

import numpy as np
import pytest
from drawn import REFERENCE, assert_legible, static, words

from unroll.measure.config import Sizes
from unroll.measure.journal import read_journal
from unroll.report.figures.graphs.side_by_side import draw_graphs


@pytest.fixture(scope="module")
def reference():
    return read_journal(REFERENCE)[-1]


def recorded(run, steps, *variants):
    """Return a run with the graphs that another recorded at some T."""
    outlines = {variant: deepcopy(run.outline(variant, steps)) for variant in variants}
    return replace(run, settings=run.settings | {"sizes": asdict(Sizes(steps=steps))}, outlines=outlines)


def dots(figure, kind=None):
    """Return the places of all dots, or of those of a kind."""
    collections = [collection for axes in figure.axes for collection in axes.collections]
    chosen = [collection for collection in collections if kind in (None, collection.get_label())]
    return [tuple(place) for collection in chosen for place in collection.get_offsets()]


def counted(outline):
    """Return all nodes of a graph and its functions, and how many of them are constants."""
    nodes = [node for part in outline.values() for node in part]
    return nodes, sum(operation == "Const" for _, operation, _ in nodes)


@pytest.mark.parametrize("steps", [1, 4, 28])
def test_static_graph_shows_every_node_and_t_cells(steps, reference):
    run = recorded(reference, steps, "static")
    figure = draw_graphs(run)
    nodes, constants = counted(run.outlines["static"])
    assert len(dots(figure)) == len(set(dots(figure))) == len(nodes) - constants
    assert len(dots(figure, "matrix multiplication")) == 2 * steps + 1
    assert f"{len(nodes)} nodes; {constants} of them are constants, not drawn; read it from below" in words(figure)
    title = "static: 1 cell in the graph" if steps == 1 else f"static: {steps} cells side by side in the graph"
    assert title in words(figure)
    activations = np.array(sorted(dots(figure, "activation"))).reshape(steps, 5, 2)
    moves = activations[1:] - activations[:-1]
    np.testing.assert_allclose(moves, np.broadcast_to(moves[:1, :1], moves.shape), atol=1e-9)
    assert (moves[..., 0] > 0).all()
    assert_legible(figure)


def test_dynamic_graph_shows_every_node_and_one_cell_with_its_loop(reference):
    run = recorded(reference, 28, "dynamic")
    outline = run.outlines["dynamic"]
    figure = draw_graphs(run)
    nodes, constants = counted(outline)
    assert len(dots(figure)) == len(set(dots(figure))) == len(nodes) - constants
    assert len(dots(figure, "matrix multiplication")) == 2 + 1
    assert {"T = 28 times", "StatelessWhile"} <= set(words(figure))
    sizes = [next(len(part) for name, part in outline.items() if role in name) for role in ("main", "_body", "_cond")]
    split = "{} in the graph, {} in the loop's body, {} in its condition".format(*sizes)
    caption = f"{len(nodes)} nodes: {split}; {constants} of them are constants, not drawn; read it from the left"
    assert caption in words(figure)
    assert_legible(figure)


@pytest.mark.parametrize(("known", "missing"), [("static", "dynamic"), ("dynamic", "static")])
def test_a_missing_graph_is_named(known, missing, reference):
    text = words(draw_graphs(recorded(reference, 28, known)))
    assert f"{missing}: not measured" in text and f"{known}: not measured" not in text
    assert draw_graphs(recorded(reference, 28)) is None


@pytest.mark.parametrize("broken", ["Unpack", "Pack", "StatelessWhile"])
def test_a_graph_of_another_form_is_drawn_all_the_same(broken, reference):
    run = recorded(reference, 4, "static", "dynamic")
    for outline in run.outlines.values():
        outline["main"] = [node for node in outline["main"] if node[1] != broken]
    drawn = sum(len(nodes) - constants for nodes, constants in map(counted, run.outlines.values()))
    assert len(dots(draw_graphs(run))) == drawn


def test_functions_that_are_not_drawn_are_counted(reference):
    run = recorded(reference, 28, "static")
    run.outlines["static"]["cell"] = [["a", "Mul", []], ["b", "Mul", ["a"]]]
    assert any("2 in other functions, not drawn" in text for text in words(draw_graphs(run)))


def test_many_cells_are_legible(reference):
    logits = [["dense", "MatMul", ["out"]], ["bias", "AddV2", ["dense"]], ["logits", "Identity", ["bias"]]]
    outline = {"main": [*static(120)["main"], *logits]}
    figure = draw_graphs(replace(recorded(reference, 120), outlines={"static": outline}))
    assert "static: 120 cells side by side in the graph" in words(figure)
    assert_legible(figure)

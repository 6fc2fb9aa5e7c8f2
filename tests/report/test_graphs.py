"""The two graphs are drawn node by node, and what is missing or not drawn is named."""

from dataclasses import replace

import numpy as np
import pytest
from drawn import assert_legible, words

from unroll.measure.config import Sizes
from unroll.report.figures.graphs.side_by_side import draw_graphs


def cell(prefix, inputs, kernels, state):
    """Return the nodes of an LSTM cell as TensorFlow writes them, and the names of its next state."""
    h, c = state
    nodes = [
        ["x", "MatMul", [inputs, kernels[0]]],
        ["r", "MatMul", [h, kernels[1]]],
        ["sum", "AddV2", [f"{prefix}x", f"{prefix}r"]],
        ["biased", "AddV2", [f"{prefix}sum", kernels[2]]],
        ["axis", "Const", []],
        ["split", "Split", [f"{prefix}axis", f"{prefix}biased"]],
        ["f", "Sigmoid", [f"{prefix}split"]],
        ["kept", "Mul", [f"{prefix}f", c]],
        ["i", "Sigmoid", [f"{prefix}split"]],
        ["g", "Tanh", [f"{prefix}split"]],
        ["new", "Mul", [f"{prefix}i", f"{prefix}g"]],
        ["c", "AddV2", [f"{prefix}kept", f"{prefix}new"]],
        ["o", "Sigmoid", [f"{prefix}split"]],
        ["tanh", "Tanh", [f"{prefix}c"]],
        ["h", "Mul", [f"{prefix}o", f"{prefix}tanh"]],
    ]
    return [[prefix + name, operation, sources] for name, operation, sources in nodes], (f"{prefix}h", f"{prefix}c")


def weights(*names):
    return [
        node for name in names for node in ([f"{name}/r", "Placeholder", []], [name, "ReadVariableOp", [f"{name}/r"]])
    ]


def before():
    transpose = [["images", "Placeholder", []], ["perm", "Const", []], ["time", "Transpose", ["images", "perm"]]]
    return [*weights("k", "rk", "b"), *transpose, ["zeros", "Fill", []]]


def after(hidden):
    dense = [["logits", "MatMul", [hidden, "dk"]], ["add", "AddV2", ["logits", "db"]]]
    # As TensorFlow does it, the last node stands before the one that it waits for.
    end = [["Identity", "Identity", ["add", "NoOp"]], ["NoOp", "NoOp", ["k", "rk", "b", "dk", "db"]]]
    return [*weights("dk", "db"), *dense, *end]


def static_outline(steps):
    nodes, state, outputs = [["unstack", "Unpack", ["time"]]], ("zeros", "zeros"), []
    for t in range(steps):
        more, state = cell(f"{t}/", "unstack", ("k", "rk", "b"), state)
        nodes += more
        outputs.append(state[0])
    return {"main": [*before(), *nodes, ["stack", "Pack", outputs], *after(state[0])]}


def dynamic_outline():
    body, (h, _) = cell("", "read", ("k_0", "rk_0", "b_0"), ("h_0", "c_0"))
    body = [["read", "TensorListGetItem", ["list_0", "t_0"]], *body, ["write", "TensorListSetItem", ["out_0", h]]]
    body += [["t/y", "Const", []], ["t", "AddV2", ["t_0", "t/y"]], ["t/Identity", "Identity", ["t"]]]
    lists = [["list", "TensorListFromTensor", ["time"]], ["out", "TensorListReserve", []]]
    loop = ["while", "StatelessWhile", ["zeros", "list", "out", "k", "rk", "b"]]
    return {
        "main": [*before(), *lists, loop, ["stack", "TensorListStack", ["while"]], *after("while")],
        "while_cond_1": [["end", "Const", []], ["Less", "Less", ["t_0", "end"]], ["go", "Identity", ["Less"]]],
        "while_body_2": body,
    }


@pytest.fixture
def make_run(run_of, settings):
    """Return a function that makes a run of outlines alone."""

    def make_run(steps=28, variants=("static", "dynamic")):
        outlines = {"static": static_outline(steps), "dynamic": dynamic_outline()}
        sizes = {"sizes": vars(Sizes(steps=steps))}
        return replace(run_of(), settings=settings | sizes, outlines={name: outlines[name] for name in variants})

    return make_run


def dots(figure, kind=None):
    """Return the places of all dots, or of those of a kind."""
    collections = [collection for axes in figure.axes for collection in axes.collections]
    chosen = [collection for collection in collections if kind in (None, collection.get_label())]
    return [tuple(place) for collection in chosen for place in collection.get_offsets()]


@pytest.mark.parametrize("steps", [1, 2, 5, 28, 60])
def test_static_graph_shows_every_node_and_t_cells(steps, make_run):
    run = make_run(steps, ("static",))
    figure = draw_graphs(run)
    nodes = run.outlines["static"]["main"]
    constants = sum(operation == "Const" for _, operation, _ in nodes)
    assert len(dots(figure)) == len(set(dots(figure))) == len(nodes) - constants
    assert len(dots(figure, "matrix multiplication")) == 2 * steps + 1
    assert len(dots(figure, "activation")) == 5 * steps
    assert f"{len(nodes)} nodes; {constants} of them are constants, not drawn; read it from below" in words(figure)
    title = "static: 1 cell in the graph" if steps == 1 else f"static: {steps} cells side by side in the graph"
    assert title in words(figure)


def test_cells_are_alike_and_evenly_spaced(make_run):
    figure = draw_graphs(make_run(28, variants=("static",)))
    activations = np.array(sorted(dots(figure, "activation"))).reshape(28, 5, 2)
    moves = activations[1:] - activations[:-1]
    np.testing.assert_allclose(moves, np.broadcast_to(moves[0, 0], moves.shape), atol=1e-9)
    assert moves[0, 0, 0] > 0


def test_dynamic_graph_shows_every_node_and_one_cell_with_its_loop(make_run):
    run = make_run(28, variants=("dynamic",))
    figure = draw_graphs(run)
    nodes = [node for part in run.outlines["dynamic"].values() for node in part]
    constants = sum(operation == "Const" for _, operation, _ in nodes)
    assert len(dots(figure)) == len(set(dots(figure))) == len(nodes) - constants
    assert len(dots(figure, "matrix multiplication")) == 2 + 1
    assert "T = 28 times" in words(figure)
    assert "StatelessWhile" in words(figure)
    sizes = [len(run.outlines["dynamic"][part]) for part in ("main", "while_body_2", "while_cond_1")]
    split = "{} in the graph, {} in the loop's body, {} in its condition".format(*sizes)
    caption = f"{len(nodes)} nodes: {split}; {constants} of them are constants, not drawn; read it from the left"
    assert caption in words(figure)


@pytest.mark.parametrize("missing", ["static", "dynamic"])
def test_a_missing_graph_is_named(missing, make_run):
    (known,) = {"static", "dynamic"} - {missing}
    figure = draw_graphs(make_run(variants=(known,)))
    assert f"{missing}: not measured" in words(figure)
    assert f"{known}: not measured" not in words(figure)


@pytest.mark.parametrize("broken", ["Unpack", "Pack", "StatelessWhile"])
def test_a_graph_of_another_form_is_drawn_all_the_same(broken, make_run):
    run = make_run(5)
    for outline in run.outlines.values():
        outline["main"] = [node for node in outline["main"] if node[1] != broken]
    nodes = [node for outline in run.outlines.values() for part in outline.values() for node in part]
    assert len(dots(draw_graphs(run))) == sum(operation != "Const" for _, operation, _ in nodes)


def test_functions_that_are_not_drawn_are_counted(make_run):
    run = make_run(variants=("static",))
    run.outlines["static"]["cell"] = [["a", "Mul", []], ["b", "Mul", ["a"]]]
    assert any("2 in other functions, not drawn" in text for text in words(draw_graphs(run)))


@pytest.mark.parametrize(("steps", "variants"), [(1, ("static",)), (120, ("static", "dynamic")), (28, ("dynamic",))])
def test_a_graph_is_legible_at_any_t(steps, variants, make_run):
    assert_legible(draw_graphs(make_run(steps, variants)))


def test_without_an_outline_there_is_nothing_to_draw(make_run):
    assert draw_graphs(make_run(variants=())) is None

"""The figure of the growing graphs draws what was recorded node by node, and only counts the rest."""

from dataclasses import replace

import pytest
from drawn import AROUND, DYNAMIC, DYNAMIC_NODES, EACH, record, static, words
from matplotlib.patches import Rectangle

from unroll.measure.config import Sizes
from unroll.report.figures.graphs.growing import NOT_RECORDED, draw_graphs_growing


def counted(variant, all_steps):
    nodes = {"static": lambda steps: AROUND + EACH * steps, "dynamic": lambda _: DYNAMIC_NODES}[variant]
    return [record("nodes", variant, [nodes(steps)], "forward", sizes=Sizes(steps=steps)) for steps in all_steps]


@pytest.fixture
def run(run_of):
    """Return a run that counted at seven T, and recorded at two besides its own."""
    all_steps = (1, 2, 4, 16, 28, 64, 1024)
    made = run_of(*counted("static", all_steps), *counted("dynamic", all_steps))
    recorded = {steps: {"static": static(steps), "dynamic": DYNAMIC} for steps in (1, 4, 28)}
    return replace(made, outlines=recorded.pop(28), outlines_at=recorded)


def rows(figure):
    """Return the axes of each row's drawings: static, then dynamic."""
    (page,) = figure.axes
    drawings = page.child_axes
    return list(zip(drawings[::2], drawings[1::2], strict=True))


def count_dots(axes):
    return sum(len(dots.get_offsets()) for dots in axes.collections)


def boxes(axes):
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def test_what_was_recorded_is_drawn_node_by_node_with_its_count(run):
    figure = draw_graphs_growing(run)
    drawings = rows(figure)
    for (left, right), steps in zip(drawings, (1, 4, 28), strict=False):
        assert count_dots(left) == AROUND + EACH * steps
        assert count_dots(right) == DYNAMIC_NODES
        assert {f"T = {steps}", f"{AROUND + EACH * steps} nodes"} <= set(words(figure))
    assert {"each step adds 3 nodes", f"the same {DYNAMIC_NODES} nodes at every T"} <= set(words(figure))
    assert words(figure).count(f"{DYNAMIC_NODES} nodes") == len(drawings) == 4


def test_the_static_graph_widens_by_the_same_for_each_cell_and_the_loop_does_not(run):
    drawings = rows(draw_graphs_growing(run))[:3]
    spans = []
    for left, _ in drawings:
        dots = [x for kind in left.collections if kind.get_label() == "activation" for x, _ in kind.get_offsets()]
        spans.append((max(dots) - min(dots), len(dots)))
    (none, _), (few, cells), (many, all_cells) = spans
    assert none == 0
    assert many / (all_cells - 1) == pytest.approx(few / (cells - 1))
    loops = [sorted(map(tuple, right.collections[0].get_offsets())) for _, right in drawings]
    assert loops[0] == loops[1] == loops[2]


def test_what_was_only_counted_is_empty_and_says_so(run):
    drawings = rows(draw_graphs_growing(replace(run, outlines_at={})))
    (left, right), *_ = drawings
    assert count_dots(left) == count_dots(right) == 0
    assert len(boxes(left)) == 1
    assert len(boxes(drawings[1][0])) == 4
    assert count_dots(drawings[2][0]) == AROUND + EACH * 28
    text = words(draw_graphs_growing(replace(run, outlines_at={})))
    assert text.count(NOT_RECORDED) == 2 * 2 + 1
    assert words(draw_graphs_growing(run)).count(NOT_RECORDED) == 1


def test_what_is_wider_than_the_page_says_by_how_much(run):
    figure = draw_graphs_growing(run)
    (wide,) = [text for text in words(figure) if text.startswith("1024 cells: ")]
    times = int(wide.split(": ")[1].split()[0])
    last, _ = rows(figure)[-1]
    (first, second, *_) = boxes(last)
    assert times == round(1024 * (second.get_x() - first.get_x()) / last.get_xlim()[1])


@pytest.mark.parametrize("lost", ["static", "dynamic"])
def test_a_variant_that_was_not_measured_is_named(run, lost):
    records = [record for record in run.records if record.variant != lost]
    outlines_at = {t: {v: o for v, o in found.items() if v != lost} for t, found in run.outlines_at.items()}
    kept = replace(run, records=records, outlines={v: o for v, o in run.outlines.items() if v != lost})
    text = words(draw_graphs_growing(replace(kept, outlines_at=outlines_at)))
    assert text.count("not counted") == 4
    assert text.count(NOT_RECORDED) == (lost == "static")  # at the largest T, where static says its width, too
    assert "not measured" in text


def test_one_t_does_not_grow(run_of):
    assert draw_graphs_growing(run_of(*counted("static", (28,)))) is None

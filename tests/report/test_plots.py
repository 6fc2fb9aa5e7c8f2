"""The figures say what the records say: bars, labels and dots are counted and measured, and no text hides another."""

import struct
import subprocess
import sys
from functools import cache
from itertools import combinations

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text

from unroll.measure.config import VARIANT_LABELS, Sizes
from unroll.measure.journal import Record, Run
from unroll.measure.statistics import ratio
from unroll.report import graphs, plots, style
from unroll.report.tables import PAIRS, TURNS, significant

HOSTILE = "<script>alert('$x^$')</script>\n\x1b[31m \u4e2d"  # no valid formula: as one, it would raise
ROUNDS = 6
PANELS = [panel for band in plots.BANDS for panel in band]
DRAW = {"costs": plots.draw_costs, "ratios": plots.draw_ratios, "graphs": graphs.draw_graphs}


def cell(prefix, inputs, kernels, state):
    """Give the nodes of an LSTM cell as TensorFlow writes them, and the names of its next state."""
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


def alternated(quantity, variant, sizes):
    """Let every variant take so long that the ratios are 1.5 to some power, but make all training steps alike."""
    number = 0 if quantity == "step" else list(VARIANT_LABELS).index(variant)
    noise = np.random.default_rng(len(quantity) + number + len(variant)).uniform(0.97, 1.03, ROUNDS)
    return Record(quantity, "train", variant, sizes, "s", list(0.1 * 1.5**number * noise), ROUNDS)


def make_run(steps=28, variants=tuple(VARIANT_LABELS), processor="A processor", outlines=("static", "dynamic")):
    sizes = Sizes(steps=steps)
    records = []
    for row, variant in enumerate(variants):
        for column, panel in enumerate(PANELS):
            median = panel.scale * (column + 1) * (row + 1.25)
            samples = [0.9 * median, median, 1.2 * median]
            records.append(Record(panel.quantity, panel.phase, variant, sizes, "unit", samples))
        records += [alternated(turn.quantity, variant, sizes) for turn in TURNS]
    known = {"static": static_outline(steps), "dynamic": dynamic_outline()}
    environment = {"processor": processor, "cores": 2, "versions": {"tensorflow": "2.99.0"}}
    drawn = {variant: known[variant] for variant in outlines}
    return Run("id", "2026-11-22T10:11:12+00:00", environment, "some digits", records, drawn)


def unavailable(run):
    records = [Record(r.quantity, r.phase, r.variant, r.sizes, r.unit, [], r.rounds, note=HOSTILE) for r in run.records]
    return Run(run.id, run.started, run.environment, run.data, records, {})


RUNS = {
    "all": make_run(),
    "one step": make_run(1, outlines=("static",)),
    "many steps": make_run(120),
    "two variants": make_run(variants=("static", "keras-loop"), outlines=("dynamic",)),
    "one record": Run("id", "2026", {}, "", [Record("build", "train", "dynamic", Sizes(), "s", [1.5])]),
    "nothing": Run("id", "", {}, "", []),
    "not available": unavailable(make_run()),
    "hostile": make_run(processor=HOSTILE, outlines=()),
    "wide": make_run(processor="W" * 500, outlines=()),
}


LOOKED_AT = [
    *(("costs", run) for run in ("all", "two variants", "nothing", "not available", "wide")),
    *(("ratios", run) for run in ("all", "one record", "not available", "hostile")),
    *(("graphs", run) for run in ("all", "one step", "many steps", "two variants", "nothing", "wide")),
]


@cache
def drawn(name, run) -> Figure:
    return DRAW[name](RUNS[run])


def texts(figure) -> list[Text]:
    """Give every text that is seen, ticks included."""
    found = list(figure.texts)
    for axes in figure.axes:
        found += [*axes.texts, axes._left_title]
        found += axes.get_xticklabels() if axes.axison else []
    return [text for text in found if text and text.get_visible() and text.get_text().strip()]


def words(figure) -> list[str]:
    return [text.get_text() for text in texts(figure)]


def panel_axes(figure, question):
    """Find the axes of the panel that asks a question."""
    return next(axes for axes in figure.axes if question in [text.get_text() for text in axes.texts])


def bars(axes) -> list:
    """Give the bars of a panel, from the top."""
    return [container.patches[0] for container in axes.containers if isinstance(container, BarContainer)]


def numbers(axes) -> list[str]:
    return [text.get_text() for text in axes.texts][2:]  # after question and unit


def dots(figure, kind=None) -> list[tuple[float, float]]:
    """Give the places of all dots, or of those of a kind."""
    collections = [collection for axes in figure.axes for collection in axes.collections]
    chosen = [collection for collection in collections if kind in (None, collection.get_label())]
    return [tuple(place) for collection in chosen for place in collection.get_offsets()]


def test_every_variant_has_its_own_colour():
    assert list(style.COLOURS) == list(VARIANT_LABELS)
    assert len({to_hex(colour) for colour in style.COLOURS.values()}) == len(VARIANT_LABELS)


@pytest.mark.parametrize(
    ("one", "other"), [("static", "dynamic"), ("static", "static-traced"), ("keras-unrolled", "keras-loop")]
)
def test_colours_differ_in_grey(one, other):
    first, second = (np.dot(to_rgb(style.COLOURS[variant]), [0.299, 0.587, 0.114]) for variant in (one, other))
    assert abs(first - second) > 0.15


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.quantity)
def test_bars_and_labels_are_the_medians(panel):
    run, axes = RUNS["all"], panel_axes(drawn("costs", "all"), panel.question)
    records = [run.find(panel.quantity, panel.phase, variant) for variant in VARIANT_LABELS]
    medians = [record.median / panel.scale for record in records]
    np.testing.assert_allclose([bar.get_width() for bar in bars(axes)], medians)
    assert [to_hex(bar.get_facecolor()) for bar in bars(axes)] == [to_hex(c) for c in style.COLOURS.values()]
    assert {bar.get_x() for bar in bars(axes)} == {0}
    assert numbers(axes) == [significant(median) for median in medians]
    spreads = [line.get_xdata() for line in axes.lines if len(set(line.get_ydata())) == 1]
    np.testing.assert_allclose(spreads, [np.array(record.quartiles) / panel.scale for record in records])


def test_variants_stand_in_rows_from_the_top():
    figure = drawn("costs", "all")
    rows = [bar.get_y() + bar.get_height() / 2 for bar in bars(panel_axes(figure, PANELS[0].question))]
    labels = {text.get_text(): text.get_position()[1] for text in figure.axes[0].texts}
    assert labels == pytest.approx(dict(zip(VARIANT_LABELS.values(), rows, strict=True)))
    assert rows == sorted(rows)


def test_what_was_not_measured_has_no_bar_but_says_so():
    figure = drawn("costs", "two variants")
    for panel in PANELS:
        axes = panel_axes(figure, panel.question)
        assert len(bars(axes)) == 2
        assert numbers(axes).count("not measured") == len(VARIANT_LABELS) - 2


@pytest.mark.parametrize("samples", [[], [float("nan")], [float("inf")]])
def test_what_is_not_available_has_no_bar_but_says_so(samples):
    record = Record("tensors", "train", "dynamic", Sizes(), "bytes", samples, note="the allocator is blind")
    panel = next(panel for panel in PANELS if panel.quantity == "tensors")
    axes = panel_axes(plots.draw_costs(Run("id", "2026", {}, "", [record])), panel.question)
    assert bars(axes) == []
    assert numbers(axes).count("not available") == 1
    assert numbers(axes).count("not measured") == len(VARIANT_LABELS) - 1


def test_ratios_stand_where_they_are_and_are_filled_where_they_are_decided():
    run, figure = RUNS["all"], drawn("ratios", "all")
    panels = [axes for axes in figure.axes if axes.axison]
    filled = set()
    for turn, axes in zip(TURNS, panels, strict=True):
        points = [line for line in axes.lines if line.get_marker() == "o"]
        intervals = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2][1:]  # after the line at 1
        for (over, under), point, interval in zip(PAIRS, points, intervals, strict=True):
            samples = [run.find(turn.quantity, "train", variant, alternated=True).samples for variant in (over, under)]
            expected = ratio(*samples, ROUNDS)
            assert point.get_xdata()[0] == expected.value
            assert tuple(interval) == (expected.low, expected.high)
            assert to_hex(point.get_markeredgecolor()) == to_hex(style.COLOURS[over])
            hollow = to_hex(point.get_markerfacecolor()) == "#ffffff"
            assert hollow == (not expected.decided)
            assert f"{expected.value:.2f}" in words(figure)
            assert f"{expected.low:.2f} to {expected.high:.2f}" in words(figure)
            filled.add(not hollow)
        assert axes.get_xlim()[0] * axes.get_xlim()[1] == pytest.approx(1)
    assert filled == {True, False}
    assert words(figure).count("← faster") == words(figure).count("slower →") == len(TURNS)


def test_every_ratio_lies_on_the_axis():
    run = make_run(variants=("static", "dynamic"))
    slow = Record("build", "train", "static", Sizes(), "s", [1000.0] * ROUNDS, ROUNDS)
    run.records.append(slow)
    axes = next(axes for axes in plots.draw_ratios(run).axes if axes.axison)
    low, high = axes.get_xlim()
    assert all(low < x < high for line in axes.lines for x in line.get_xdata() if line.get_marker() == "o")
    ticks = axes.get_xticks()
    assert len(ticks) <= 2 * plots.MOST_TICKS + 1
    assert 1 in ticks


@pytest.mark.parametrize(
    ("samples", "rounds", "said"),
    [
        ([1.0] * ROUNDS, 0, "not measured"),
        ([], ROUNDS, "not available"),
        ([1.0] * (ROUNDS + 1), ROUNDS, "not comparable"),
    ],
)
def test_a_ratio_that_does_not_exist_says_why(samples, rounds, said):
    run = make_run()
    run.records.append(Record("build", "train", "dynamic", Sizes(), "s", samples, rounds))
    if not rounds:
        run = Run(run.id, run.started, run.environment, run.data, [r for r in run.records if not r.rounds])
    assert said in words(plots.draw_ratios(run))


def test_a_single_round_has_a_hollow_dot_and_no_interval():
    records = [Record("build", "train", variant, Sizes(), "s", [1.0], 1) for variant in ("static", "dynamic")]
    figure = plots.draw_ratios(Run("id", "2026", {}, "", records))
    assert "one round" in words(figure)


@pytest.mark.parametrize("steps", [1, 2, 5, 28, 60])
def test_static_graph_shows_every_node_and_t_cells(steps):
    run = make_run(steps, outlines=("static",))
    figure = graphs.draw_graphs(run)
    nodes = run.outlines["static"]["main"]
    constants = sum(operation == "Const" for _, operation, _ in nodes)
    assert len(dots(figure)) == len(set(dots(figure))) == len(nodes) - constants
    assert len(dots(figure, "matrix multiplication")) == 2 * steps + 1
    assert len(dots(figure, "activation")) == 5 * steps
    assert f"{len(nodes)} nodes; {constants} of them are constants, not drawn" in words(figure)
    title = "static: 1 cell in the graph" if steps == 1 else f"static: {steps} cells side by side in the graph"
    assert title in words(figure)


def test_cells_are_alike_and_evenly_spaced():
    figure = graphs.draw_graphs(make_run(28, outlines=("static",)))
    activations = np.array(sorted(dots(figure, "activation"))).reshape(28, 5, 2)
    moves = activations[1:] - activations[:-1]
    np.testing.assert_allclose(moves, np.broadcast_to(moves[0, 0], moves.shape), atol=1e-9)
    assert moves[0, 0, 0] > 0


def test_dynamic_graph_shows_every_node_and_one_cell_with_its_loop():
    run = make_run(28, outlines=("dynamic",))
    figure = graphs.draw_graphs(run)
    nodes = [node for part in run.outlines["dynamic"].values() for node in part]
    constants = sum(operation == "Const" for _, operation, _ in nodes)
    assert len(dots(figure)) == len(set(dots(figure))) == len(nodes) - constants
    assert len(dots(figure, "matrix multiplication")) == 2 + 1
    assert "T = 28 times" in words(figure)
    assert "StatelessWhile" in words(figure)
    sizes = [len(run.outlines["dynamic"][part]) for part in ("main", "while_body_2", "while_cond_1")]
    split = "{} in the graph, {} in the loop's body, {} in its condition".format(*sizes)
    assert f"{len(nodes)} nodes: {split}; {constants} of them are constants, not drawn" in words(figure)


@pytest.mark.parametrize("missing", ["static", "dynamic"])
def test_a_missing_graph_is_named(missing):
    (known,) = {"static", "dynamic"} - {missing}
    figure = graphs.draw_graphs(make_run(outlines=(known,)))
    assert f"{missing}: not measured" in words(figure)
    assert f"{known}: not measured" not in words(figure)


@pytest.mark.parametrize("broken", ["Unpack", "Pack", "StatelessWhile"])
def test_a_graph_of_another_form_is_drawn_all_the_same(broken):
    run = make_run(5)
    for outline in run.outlines.values():
        outline["main"] = [node for node in outline["main"] if node[1] != broken]
    nodes = [node for outline in run.outlines.values() for part in outline.values() for node in part]
    assert len(dots(graphs.draw_graphs(run))) == sum(operation != "Const" for _, operation, _ in nodes)


def test_functions_that_are_not_drawn_are_counted():
    run = make_run(outlines=("static",))
    run.outlines["static"]["cell"] = [["a", "Mul", []], ["b", "Mul", ["a"]]]
    assert any("2 in other functions, not drawn" in text for text in words(graphs.draw_graphs(run)))


@pytest.mark.parametrize(("name", "run"), LOOKED_AT)
def test_no_text_hides_another_or_leaves_the_figure_or_is_tiny(name, run):
    figure = drawn(name, run)
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    boxes = {text: text.get_window_extent(canvas.get_renderer()) for text in texts(figure)}
    for text, box in boxes.items():
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, text
        assert text.get_fontsize() >= style.SMALL
    for (one, box), (other, other_box) in combinations(boxes.items(), 2):
        width, height = (
            min(getattr(box, side + "1"), getattr(other_box, side + "1"))
            - max(getattr(box, side + "0"), getattr(other_box, side + "0"))
            for side in "xy"
        )
        # Two pixels of a line's height are the space between lines.
        assert width <= 0 or height <= 2, (one, other)


@pytest.mark.parametrize("name", DRAW)
def test_small_print_names_machine_versions_sizes_data_and_date(name):
    expected = ["A processor, 2 cores", "TensorFlow 2.99.0", "T=28, B=128, I=28, H=128", "some digits", "2026-11-22"]
    assert " · ".join(expected) in words(drawn(name, "all"))


def test_hostile_text_is_shown_as_it_is_on_one_line(tmp_path):
    figure = drawn("graphs", "hostile")
    _, svg = style.save_figure(figure, tmp_path, "graphs")
    assert any("<script>alert('$x^$')</script> ?[31m ?, 2 cores" in text for text in words(figure))
    assert "<script" not in svg.read_text()


@pytest.mark.parametrize("name", DRAW)
def test_both_files_are_written_and_always_the_same(name, tmp_path):
    first = style.save_figure(drawn(name, "all"), tmp_path / "new" / "one", name)
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "axes.facecolor": "red"}):
        second = style.save_figure(DRAW[name](RUNS["all"]), tmp_path / "two", name)
    assert [path.name for path in first] == [f"{name}.png", f"{name}.svg"]
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
    width, height = struct.unpack(">II", first[0].read_bytes()[16:24])
    assert (width, height > 400) == (1600, True)
    assert "<svg" in first[1].read_text()


def test_nothing_is_half_written_when_saving_fails(tmp_path, monkeypatch):
    figure = drawn("graphs", "nothing")
    for name in ("ratios.png", "ratios.svg"):
        (tmp_path / name).write_text("as it was")

    def fail(self, path, *, format, **options):
        path.write_text("half")
        if format == "svg":
            raise OSError("no space left on device")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="no space"):
        style.save_figure(figure, tmp_path, "ratios")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "ratios.png": "as it was",
        "ratios.svg": "as it was",
    }


def test_neither_tensorflow_nor_pyplot_is_imported():
    code = "import sys, unroll.report.plots; print({'tensorflow', 'keras', 'matplotlib.pyplot'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

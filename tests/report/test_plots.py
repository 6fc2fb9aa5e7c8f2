"""The figures say what the records say: bars, labels and dots are counted and measured, and no text hides another."""

import struct
import subprocess
import sys
from dataclasses import asdict, replace
from functools import cache

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text

from unroll.measure.config import Case, Sizes
from unroll.measure.journal import Record, Run
from unroll.measure.variants import NEUTRAL, VARIANTS, label, own_mode, variant_of
from unroll.report.figures import frame, plots
from unroll.report.figures.graphs import side_by_side
from unroll.report.tables import NOTHING, PAIRS, TURNS, factor, significant

HOSTILE = "<script>alert('$x^$')</script>\n\x1b[31m \u4e2d"  # no valid formula: as one, it would raise
ROUNDS = 6
OWN = ("mine:gru", f"{'my.very.long.module.' * 9}:{HOSTILE}")  # readers of the user's own
PANELS = [panel for band in plots.BANDS for panel in band]
STEP = next(panel for panel in PANELS if panel.quantity == "step")
DRAW = {"costs": plots.draw_costs, "ratios": plots.draw_ratios, "graphs": side_by_side.draw_graphs}


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


def record(quantity, phase, variant, sizes, samples, **more) -> Record:
    return Record(quantity, phase, variant, own_mode(variant), sizes, "unit", samples, **more)


def in_turns(quantity, phase, variant, sizes) -> list[Record]:
    """Let every variant take so long that the ratios are 1.5 to some power, but make all training steps alike."""
    number = 0 if (quantity, phase) == ("step", "train") else [*VARIANTS, *OWN].index(variant)
    noise = np.random.default_rng(len(quantity) + number + len(variant)).uniform(0.97, 1.03, ROUNDS)
    times = 0.1 * 1.5**number * noise
    return [
        record(quantity, phase, variant, sizes, [time], round=i, turns=f"all {i}")
        for i, time in enumerate(times, start=1)
    ]


def run_of(records, steps=28, environment=None, started="2026", outlines=None) -> Run:
    settings = {"sizes": asdict(Sizes(steps=steps)), "data": "some digits"}
    return Run("id", started, environment or {}, settings, list(records), outlines or {})


def make_run(steps=28, variants=tuple(VARIANTS), processor="A processor", outlines=("static", "dynamic")):
    sizes = Sizes(steps=steps)
    records = []
    taking_turns = {(turn.quantity, turn.phase) for turn in TURNS}
    for row, variant in enumerate(variants):
        for quantity, phase in taking_turns & set(known_quantities(variant)):
            records += in_turns(quantity, phase, variant, sizes)
        for column, panel in enumerate(PANELS):
            if (panel.quantity, panel.phase) in set(known_quantities(variant)) - taking_turns:
                median = panel.scale * (column + 1) * (row + 1.25)
                samples = [0.9 * median, median, 1.2 * median]
                records.append(record(panel.quantity, panel.phase, variant, sizes, samples))
    known = {"static": static_outline(steps), "dynamic": dynamic_outline()}
    environment = {"processor": processor, "cores": 2, "versions": {"tensorflow": "2.99.0"}}
    drawn = {variant: known[variant] for variant in outlines}
    return run_of(records, steps, environment, "2026-11-22T10:11:12+00:00", drawn)


def known_quantities(variant) -> list[tuple[str, str]]:
    """Give what can be measured of a variant: other packages build no graph and export nothing."""
    without = {"build", "nodes", "export"} if variant_of(variant).package else set()
    return [(column.quantity, column.phase) for column in (*TURNS, *PANELS) if column.quantity not in without]


def unavailable(run):
    return replace(run, records=[replace(made, samples=[], note=HOSTILE) for made in run.records], outlines={})


RUNS = {
    "all": make_run(),
    "one step": make_run(1, outlines=("static",)),
    "many steps": make_run(120),
    "two variants": make_run(variants=("static", "keras-loop"), outlines=("dynamic",)),
    "one record": run_of([record("build", "train", "dynamic", Sizes(), [1.5])]),
    "one round": run_of(
        record("build", "train", v, Sizes(), [1.0], round=1, turns="all 1") for v in ("static", "dynamic")
    ),
    "nothing": run_of([]),
    "own variants": make_run(variants=("static", *OWN)),
    "not available": unavailable(make_run()),
    "hostile": make_run(processor=HOSTILE, outlines=()),
    "wide": make_run(processor="W" * 500, outlines=()),
}


LOOKED_AT = [
    *(
        ("costs", run)
        for run in ("all", "two variants", "one record", "nothing", "not available", "wide", "own variants")
    ),
    *(("ratios", run) for run in ("all", "two variants", "one round", "nothing", "not available", "hostile")),
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


def test_every_variant_has_its_own_colour_and_the_users_own_a_neutral_one():
    assert len({row.colour for row in (*VARIANTS.values(), variant_of("own:encoder"))}) == len(VARIANTS) + 1
    assert frame.colour("torch") == VARIANTS["torch"].colour
    assert frame.colour("mine:gru") == NEUTRAL


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("static", "dynamic"),
        ("static", "static-traced"),
        ("keras-unrolled", "keras-loop"),
        ("tf1-static", "block"),
        ("jax-loop", "jax-unrolled"),
    ],
)
def test_colours_differ_in_grey(one, other):
    first, second = (np.dot(to_rgb(frame.colour(variant)), [0.299, 0.587, 0.114]) for variant in (one, other))
    assert abs(first - second) > 0.15


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.quantity)
def test_bars_and_labels_are_the_medians(panel):
    run, axes = RUNS["all"], panel_axes(drawn("costs", "all"), panel.heading)
    found = {variant: panel.find(run, variant) for variant in VARIANTS}
    shown = {variant: measured for variant, measured in found.items() if measured}
    medians = [measured.median / panel.scale for measured in shown.values()]
    np.testing.assert_allclose([bar.get_width() for bar in bars(axes)], medians)
    assert [to_hex(bar.get_facecolor()) for bar in bars(axes)] == [to_hex(frame.colour(variant)) for variant in shown]
    assert {bar.get_x() for bar in bars(axes)} == {0}
    numbered = {variant: significant(measured.median / panel.scale) for variant, measured in shown.items()}
    assert numbers(axes) == [numbered.get(variant, "not measured") for variant in found]
    spreads = [line.get_xdata() for line in axes.lines if len(set(line.get_ydata())) == 1]
    np.testing.assert_allclose(spreads, [np.array(measured.quartiles) / panel.scale for measured in shown.values()])


def test_variants_stand_in_rows_from_the_top():
    figure = drawn("costs", "all")
    rows = [bar.get_y() + bar.get_height() / 2 for bar in bars(panel_axes(figure, STEP.heading))]
    labels = {text.get_text(): text.get_position()[1] for text in figure.axes[0].texts}
    assert labels == pytest.approx(dict(zip(map(label, VARIANTS), rows, strict=True)))
    assert rows == sorted(rows)


def test_only_measured_variants_have_a_row():
    figure = drawn("costs", "two variants")
    assert [text.get_text() for text in figure.axes[0].texts] == ["static", "Keras, unroll=False"]
    for panel in PANELS:
        axes = panel_axes(figure, panel.heading)
        assert len(bars(axes)) == len(numbers(axes)) == 2


def test_the_users_own_variants_have_rows_below_in_a_neutral_colour():
    figure = drawn("costs", "own variants")
    static, mine, long = (text.get_text() for text in figure.axes[0].texts)
    assert (static, mine) == ("static", "mine:gru")
    assert long.startswith("my.very.long")
    assert long.endswith("...")
    colours = [to_hex(bar.get_facecolor()) for bar in bars(panel_axes(figure, STEP.heading))]
    assert colours == [to_hex(colour) for colour in (frame.BLUE, NEUTRAL, NEUTRAL)]


@pytest.mark.parametrize("samples", [[], [float("nan")], [float("inf")]])
def test_what_is_not_available_or_not_measured_has_no_bar_but_says_so(samples):
    tensors = record("tensors", "train", "dynamic", Sizes(), samples, note="the allocator is blind")
    figure = plots.draw_costs(run_of([tensors]))
    for panel in PANELS:
        axes = panel_axes(figure, panel.heading)
        assert bars(axes) == []
        assert numbers(axes) == ["not available" if panel.quantity == "tensors" else "not measured"]


def test_the_costs_say_how_the_variants_were_measured():
    (how_to_read,) = (text for text in words(drawn("costs", "all")) if "Bar and number" in text)
    assert "the variants took turns,\nand every round builds anew" in how_to_read


@pytest.mark.parametrize("name", ["costs", "ratios"])
def test_a_run_without_anything_to_draw_says_so(name):
    assert NOTHING in words(drawn(name, "nothing"))


def test_ratios_stand_where_they_are_and_are_filled_where_they_are_decided():
    run, figure = RUNS["all"], drawn("ratios", "all")
    panels = [axes for axes in figure.axes if axes.axison]
    filled = set()
    for turn, axes in zip(TURNS, panels, strict=True):
        pairs = [pair for pair in PAIRS if turn.quantity != "build" or not any(variant_of(one).package for one in pair)]
        points = [line for line in axes.lines if line.get_marker() == "o"]
        intervals = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2][1:]  # after the line at 1
        for (over, under), point, interval in zip(pairs, points, intervals, strict=True):
            cases = [Case(variant, own_mode(variant), run.sizes) for variant in (over, under)]
            expected = run.ratio(turn.quantity, turn.phase, *cases)
            assert point.get_xdata()[0] == expected.value
            assert tuple(interval) == (expected.low, expected.high)
            assert to_hex(point.get_markeredgecolor()) == to_hex(frame.colour(over))
            hollow = to_hex(point.get_markerfacecolor()) == "#ffffff"
            assert hollow == (not expected.decided)
            said = [text for text in axes.texts if text.xy[1] == pytest.approx(point.get_ydata()[0], abs=0.3)]
            value, low_to_high = said
            assert value.get_text() == factor(expected.value)
            assert value.get_fontweight() == ("normal" if hollow else "bold")
            assert low_to_high.get_text() == f"{factor(expected.low)} to {factor(expected.high)}"
            filled.add(not hollow)
        assert axes.get_xlim()[0] < 0.5
        assert axes.get_xlim()[1] > 2
    assert filled == {True, False}
    assert words(figure).count("← faster") == words(figure).count("slower →") == len(TURNS) == 4


def test_ratios_are_drawn_of_measured_pairs_beside_their_names():
    run = make_run(variants=("static", "dynamic", "block"))
    figure = plots.draw_ratios(run)
    names = figure.axes[0].texts
    assert [text.get_text() for text in names] == [
        "static",
        "/ dynamic",
        "static",
        "/ BlockLSTMV2",
        "dynamic",
        "/ BlockLSTMV2",
    ]
    rows = np.reshape([text.get_position()[1] for text in names], (-1, 2)).mean(axis=1)
    for axes in (axes for axes in figure.axes if axes.axison):
        assert axes.get_ylim() == figure.axes[0].get_ylim()
        points = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "o"]
        np.testing.assert_allclose(points, rows)


def test_every_ratio_lies_on_the_axis():
    run = make_run(variants=("static", "dynamic"))
    slow = [
        record("build", "train", "static", Sizes(), [1000.0], round=i, turns=f"all {i}") for i in range(1, ROUNDS + 1)
    ]
    run.records.extend(slow)
    axes = next(axes for axes in plots.draw_ratios(run).axes if axes.axison)
    low, high = axes.get_xlim()
    (dot,) = (line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o")
    assert low < dot < high
    assert dot > 1000
    ticks = axes.get_xticks()
    assert 3 <= len(ticks) <= 5
    assert 1 in ticks


def test_ticks_below_1_are_written_as_fractions():
    assert plots._ratio_ticks(-2.5, 3.5) == ([0.25, 1.0, 4.0], ["1/4", "1", "4"])
    assert plots._ratio_ticks(-1.1, 1.1) == ([0.5, 1.0, 2.0], ["1/2", "1", "2"])


@pytest.mark.parametrize(
    ("variants", "samples", "turns", "said"),
    [
        (("static", "dynamic"), [], "all", "not available"),
        (("static", "dynamic"), [1.0], "others", "took no turns"),
        (("static", "torch"), [1.0], "all", "not measured"),
    ],
)
def test_a_ratio_that_does_not_exist_says_why(variants, samples, turns, said):
    run = make_run(variants=variants)
    records = [made for made in run.records if (made.quantity, made.variant) != ("build", "static")]
    build = record("build", "train", "static", Sizes(), samples, round=1, turns=turns)
    figure = plots.draw_ratios(replace(run, records=[*records, build]))
    assert said not in words(plots.draw_ratios(RUNS["two variants"]))
    assert words(figure).count(said) == 1


def test_a_single_round_has_a_hollow_dot_and_no_interval():
    figure = drawn("ratios", "one round")
    (dot,) = (line for axes in figure.axes for line in axes.lines if line.get_marker() == "o")
    assert to_hex(dot.get_markerfacecolor()) == "#ffffff"
    assert words(figure).count("one round") == 1


@pytest.mark.parametrize("steps", [1, 2, 5, 28, 60])
def test_static_graph_shows_every_node_and_t_cells(steps):
    run = make_run(steps, outlines=("static",))
    figure = side_by_side.draw_graphs(run)
    nodes = run.outlines["static"]["main"]
    constants = sum(operation == "Const" for _, operation, _ in nodes)
    assert len(dots(figure)) == len(set(dots(figure))) == len(nodes) - constants
    assert len(dots(figure, "matrix multiplication")) == 2 * steps + 1
    assert len(dots(figure, "activation")) == 5 * steps
    assert f"{len(nodes)} nodes; {constants} of them are constants, not drawn; read it from below" in words(figure)
    title = "static: 1 cell in the graph" if steps == 1 else f"static: {steps} cells side by side in the graph"
    assert title in words(figure)


def test_cells_are_alike_and_evenly_spaced():
    figure = side_by_side.draw_graphs(make_run(28, outlines=("static",)))
    activations = np.array(sorted(dots(figure, "activation"))).reshape(28, 5, 2)
    moves = activations[1:] - activations[:-1]
    np.testing.assert_allclose(moves, np.broadcast_to(moves[0, 0], moves.shape), atol=1e-9)
    assert moves[0, 0, 0] > 0


def test_dynamic_graph_shows_every_node_and_one_cell_with_its_loop():
    run = make_run(28, outlines=("dynamic",))
    figure = side_by_side.draw_graphs(run)
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
def test_a_missing_graph_is_named(missing):
    (known,) = {"static", "dynamic"} - {missing}
    figure = side_by_side.draw_graphs(make_run(outlines=(known,)))
    assert f"{missing}: not measured" in words(figure)
    assert f"{known}: not measured" not in words(figure)


@pytest.mark.parametrize("broken", ["Unpack", "Pack", "StatelessWhile"])
def test_a_graph_of_another_form_is_drawn_all_the_same(broken):
    run = make_run(5)
    for outline in run.outlines.values():
        outline["main"] = [node for node in outline["main"] if node[1] != broken]
    nodes = [node for outline in run.outlines.values() for part in outline.values() for node in part]
    assert len(dots(side_by_side.draw_graphs(run))) == sum(operation != "Const" for _, operation, _ in nodes)


def test_functions_that_are_not_drawn_are_counted():
    run = make_run(outlines=("static",))
    run.outlines["static"]["cell"] = [["a", "Mul", []], ["b", "Mul", ["a"]]]
    assert any("2 in other functions, not drawn" in text for text in words(side_by_side.draw_graphs(run)))


@pytest.mark.parametrize(("name", "run"), LOOKED_AT)
def test_no_text_hides_another_or_leaves_the_figure_or_is_tiny(name, run, assert_looks_right):
    assert_looks_right(drawn(name, run))


@pytest.mark.parametrize("name", DRAW)
def test_small_print_names_machine_versions_sizes_data_and_date(name):
    expected = ["A processor, 2 cores", "TensorFlow 2.99.0", "T=28, B=128, I=28, H=128", "some digits", "2026-11-22"]
    assert " · ".join(expected) in words(drawn(name, "all"))


@pytest.mark.parametrize(("tf32", "switch"), [(False, "off"), (True, "on")])
def test_small_print_names_the_gpu_that_was_measured(tf32, switch):
    run = make_run(variants=("static",))
    run.settings.update(device="gpu", tf32=tf32)
    run.environment["gpus"] = [{"name": "A card"}]
    said = " · ".join(frame.small_print(run))
    assert f"2 cores · A card, TF32 {switch}; process memory is the host's · TensorFlow 2.99.0" in said
    run.environment.pop("gpus")
    assert " · unknown GPU, TF32" in " · ".join(frame.small_print(run))


def test_hostile_text_is_shown_as_it_is_on_one_line(tmp_path):
    figure = drawn("graphs", "hostile")
    _, svg = frame.save_figure(figure, tmp_path, "graphs")
    assert any("<script>alert('$x^$')</script> ?[31m ?, 2 cores" in text for text in words(figure))
    assert "<script" not in svg.read_text()


@pytest.mark.parametrize("name", DRAW)
def test_both_files_are_written_and_always_the_same(name, tmp_path):
    first = frame.save_figure(drawn(name, "all"), tmp_path / "new" / "one", name)
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "axes.facecolor": "red"}):
        second = frame.save_figure(DRAW[name](RUNS["all"]), tmp_path / "two", name)
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

    def fail(self, file, *, format, **options):
        file.write(b"half")
        if format == "svg":
            raise OSError("no space left on device")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="no space"):
        frame.save_figure(figure, tmp_path, "ratios")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "ratios.png": "as it was",
        "ratios.svg": "as it was",
    }


def test_neither_tensorflow_nor_pyplot_is_imported():
    unwanted = "{'tensorflow', 'keras', 'matplotlib.pyplot'}"
    code = f"import sys, unroll.report.figures.plots; print({unwanted} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

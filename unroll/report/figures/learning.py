"""What training came to: both unrolls' learning curves and their drift, a digit read row by row, and the tables."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from unroll.files import write_whole
from unroll.measure.journal import Run
from unroll.models.history import Reading, Training, read_trainings
from unroll.models.tutorials import CUTS, TUTORIALS, calls_table
from unroll.report.figures.frame import (
    BLUE,
    DPI,
    FAINT,
    GREY,
    INK,
    MARGIN,
    ORANGE,
    QUIET,
    SMALL,
    WIDTH,
    add_axes,
    colour,
    empty_figure,
    print_height,
    save_figure,
    small_print,
    styled,
    text_width,
    write_small_print,
    write_title,
)
from unroll.report.tables import NOTHING, markdown

UNROLLS = ("static", "dynamic")
EARLY = 200  # updates, over which the drift is told
HOW_NOT_WHAT = ("unroll", "steps_per_call", "deterministic")  # settings that a pair may differ in
TITLE_HEIGHT = 0.7


class Pair(NamedTuple):
    """Two trainings that differ in their unroll alone; None for one that there is not."""

    static: Training | None
    dynamic: Training | None

    @property
    def settings(self) -> dict:
        """What both were asked for."""
        return self.first.settings

    @property
    def first(self) -> Training:
        """The one that there is, static before dynamic."""
        found = self.static or self.dynamic
        assert found
        return found

    @property
    def drift(self) -> dict[int, float]:
        """By how much the two losses differ at each update that both know."""
        losses = [{point.update: point.loss for point in one.points} if one else {} for one in self]
        shared = losses[0].keys() & losses[1].keys()
        return {update: abs(losses[0][update] - losses[1][update]) for update in sorted(shared)}


def pairs(trainings: Iterable[Training]) -> list[Pair]:
    """Return trainings in pairs, in the order of the first of each; of equal ones the last counts."""
    found: dict[str, dict[str, Training]] = {}
    for training in trainings:
        key = json.dumps({k: v for k, v in training.settings.items() if k not in HOW_NOT_WHAT}, sort_keys=True)
        found.setdefault(key, {})[training.settings["unroll"]] = training
    return [Pair(*(members.get(name) for name in UNROLLS)) for members in found.values()]


def write_learning(folder: Path) -> list[Path]:
    """Draw the figures and write the tables of a folder's trainings; gives the paths written.

    Raises:
        HistoryError: the folder holds no history of trainings that can be read.
    """
    trainings = read_trainings(folder)
    paths = save_figure(draw_learning(trainings), folder, "learning")
    if any(training.readings for training in trainings):
        paths += save_figure(draw_reading(trainings), folder, "reading")
    page = tables_page(trainings)
    return [*paths, write_whole(Path(folder) / "tables.md", lambda file: file.write(page.encode()))]


def tables_page(trainings: Sequence[Training]) -> str:
    """Write all tables of trainings into one Markdown page, those left out that would be empty."""
    parts = {
        "What the documents printed, and what came out here": tutorials_table(trainings),
        "Same seed, same network": drift_table(trainings),
        "Other numbers of rows": served_table(trainings),
        "The five networks": designs_table(),
        "What stands here now for the calls of TensorFlow 1": calls_table(),
        "Where": where_table(trainings),
    }
    shown = [f"## {title}\n\n{table}" for title, table in parts.items() if NOTHING not in table]
    return "# The tutorials, trained with both unrolls\n\n" + "\n".join(shown)


# Tables


def tutorials_table(trainings: Iterable[Training]) -> str:
    """Format what each document printed beside what came out here with both unrolls: mean, and range over the seeds."""
    tested = [training for training in trainings if training.result and training.settings["dtype"] == "float32"]
    keys = dict.fromkeys((name_of(one.settings), one.settings["unroll"], one.settings["updates"]) for one in tested)
    rows = []
    for key in sorted(keys, key=lambda key: (key[0], UNROLLS[::-1].index(key[1]))):
        name, unroll, updates = key
        alike = [t for t in tested if (name_of(t.settings), t.settings["unroll"], t.settings["updates"]) == key]
        results = [training.result for training in alike if training.result]
        tutorial, accuracies = TUTORIALS.get(name), [result.test_accuracy for result in results]
        rows.append(
            [
                name,
                unroll,
                _updates_text(name, updates),
                str(len({training.settings["seed"] for training in alike})),
                _printed(tutorial.test_accuracy if tutorial else None, tutorial is not None),
                _spread(accuracies),
                _placed(tutorial.test_accuracy if tutorial else None, accuracies),
                _printed(tutorial.test_loss if tutorial else None, tutorial is not None),
                _spread([result.test_loss for result in results]),
                f"{np.mean([result.examples_per_second for result in results]):.0f}",
            ]
        )
    header = ["tutorial", "unroll", "updates", "seeds", "test accuracy, printed", "ours", "printed, beside ours"]
    header += ["test loss, printed", "ours", "examples/s"]
    return markdown(header, rows, align=["---", "---", *["---:"] * 8])


def drift_table(trainings: Iterable[Training]) -> str:
    """Format the largest difference between the losses of both unrolls, after 200 updates and in all."""
    rows = []
    for pair in pairs(trainings):
        if drift := pair.drift:
            early = [value for update, value in drift.items() if update <= EARLY]
            settings = pair.settings
            rows.append(
                [
                    name_of(settings),
                    settings["dtype"],
                    str(settings["seed"]),
                    f"{max(early):.1e}",
                    f"{max(drift.values()):.1e}",
                    str(max(drift)),
                ]
            )
    header = ["tutorial", "dtype", "seed", f"largest difference in {EARLY} updates", "in all", "updates"]
    return markdown(header, rows, align=["---", "---", *["---:"] * 4])


def served_table(trainings: Iterable[Training]) -> str:
    """Format how the weights of one training serve other numbers of rows, exported with either unroll."""
    rows = [
        [
            f"{name_of(training.settings)}, trained {training.settings['unroll']}",
            served.unroll,
            str(served.rows),
            "" if served.test_accuracy is None else f"{served.test_accuracy:.4f}",
            f"refused: {served.refused}" if served.refused else "",
        ]
        for training in trainings
        for served in training.served
    ]
    return markdown(
        ["weights", "export", "rows", "test accuracy", ""], rows, align=["---", "---", "---:", "---:", "---"]
    )


def designs_table() -> str:
    """Format how each tutorial's network is put together and trained, and what its document leaves open."""
    rows = [
        [
            tutorial.name,
            tutorial.title,
            "28 -> 128" if tutorial.design.input_layer else "none",
            f"{tutorial.design.cut}: {CUTS[tutorial.design.cut]}",
            tutorial.unroll,
            tutorial.initial_state,
            tutorial.design.reads,
            f"kernels {tutorial.design.kernels}, biases {tutorial.design.biases}",
            f"Adam {tutorial.learning_rate:g}, {tutorial.schedule} of {tutorial.batch}",
            tutorial.notes,
        ]
        for tutorial in TUTORIALS.values()
    ]
    header = ["tutorial", "title", "input layer", "cuts the sequence by", "unroll", "initial state", "reads"]
    header += ["first values of its dense layers", "schedule", "notes"]
    return markdown(header, rows, align=["---"] * len(header))


def where_table(trainings: Sequence[Training]) -> str:
    """Format the machines, packages and dates of the trainings."""
    rows = [list(row) for row in dict.fromkeys(_where(training) for training in trainings)]
    header = ["processor", "TensorFlow", "data", "training images", "commit", "day"]
    return markdown(header, rows, align=["---"] * len(header))


def _where(training: Training) -> tuple[str, ...]:
    environment, settings = training.environment, training.settings
    return (
        f"{environment.get('processor', 'unknown')}, {environment.get('cores', '?')} cores",
        str(environment.get("versions", {}).get("tensorflow", "?")),
        str(settings.get("data", "unknown")),
        str(settings.get("examples", "unknown")),
        str(environment.get("commit", "unknown")),
        training.started[:10],
    )


def name_of(settings: dict) -> str:
    """Name a training: its tutorial, or that it has sizes of its own."""
    return settings["tutorial"] or "own sizes"


def _updates_text(name: str, updates: int) -> str:
    tutorial = TUTORIALS.get(name)
    asked = tutorial.updates if tutorial else None
    return f"{updates} of {asked:,}" if asked and asked != updates else str(updates)


def _printed(value: float | None, is_tutorial: bool) -> str:
    return "" if not is_tutorial else "none" if value is None else f"{value:.4f}"


def _placed(printed: float | None, ours: Sequence[float]) -> str:
    """Return whether what was printed lies within the range of ours, or by how much beside it."""
    if printed is None or len(ours) < 2:
        return ""
    low, high = round(min(ours), 4), round(max(ours), 4)
    if low <= printed <= high:
        return "within"
    return f"{low - printed:.4f} below" if printed < low else f"{printed - high:.4f} above"


def _spread(values: Sequence[float]) -> str:
    mean = f"{np.mean(values):.4f}"
    return f"{mean} [{min(values):.4f}, {max(values):.4f}]" if len(values) > 1 else mean


# The learning curves

LEARNING_TITLE = "How it learnt"
PLOT_HEIGHT, DRIFT_HEIGHT, BETWEEN = 2.3, 1.25, 0.3
HEAD_HEIGHT, TICKS_HEIGHT, TICKS_WIDTH, COLUMN_GAP = 0.3, 0.36, 0.45, 0.22
MOST_COLUMNS = 5
STROKES = {"dynamic": 3.2, "static": 0.9}  # the wide one below, so that both are seen where they are equal
DRIFT_INKS = {"float32": INK, "float64": GREY}
NO_PAIR = "trained with one unroll only"
TOGETHER = "static and dynamic, from the same first weights and in the same order of batches"
ABOVE = "The loss of single batches after so many updates, and the test accuracy in the end."
BELOW = " Below: by how much the two losses differ; a gap is no difference."


@styled
def draw_learning(trainings: Sequence[Training]) -> Figure:
    """Draw both unrolls' losses over one another, a column each tutorial, and below by how much they differ."""
    columns = _columns(trainings)
    if not columns:
        return _empty(trainings, LEARNING_TITLE)
    first, *_ = columns[0]
    drifts = any(pair.drift for column in columns for pair in column)
    print_lines = small_print(as_run(first.first))
    below = BETWEEN + DRIFT_HEIGHT if drifts else 0
    height = TITLE_HEIGHT + HEAD_HEIGHT + PLOT_HEIGHT + below + TICKS_HEIGHT + print_height(print_lines)
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    write_title(figure, LEARNING_TITLE, TOGETHER if drifts else NO_PAIR)
    _explain(figure, ABOVE + BELOW if drifts else ABOVE)
    _draw_columns(figure, columns, height - TITLE_HEIGHT - HEAD_HEIGHT, drifts)
    write_small_print(figure, print_lines)
    return figure


def _columns(trainings: Sequence[Training]) -> list[list[Pair]]:
    """Return a pair of each dtype for each tutorial, float32 first: the history's first, but of one's own the last."""
    found: dict[str, dict[str, Pair]] = {}
    for pair in pairs(trainings):
        if any(one and one.points for one in pair):
            shown = found.setdefault(name_of(pair.settings), {})
            is_first = pair.settings["dtype"] not in shown
            if is_first or not pair.settings["tutorial"]:
                shown[pair.settings["dtype"]] = pair
    return [[shown[dtype] for dtype in sorted(shown)] for _, shown in sorted(found.items())][:MOST_COLUMNS]


def _draw_columns(figure: Figure, columns: list[list[Pair]], top: float, drifts: bool) -> None:
    slot = (WIDTH - 2 * MARGIN - TICKS_WIDTH + COLUMN_GAP) / len(columns)
    losses = [point.loss for pair, *_ in columns for one in pair if one for point in one.points]
    differences = [value for column in columns for pair in column for value in pair.drift.values()]
    for number, column in enumerate(columns):
        left, width = MARGIN + TICKS_WIDTH + number * slot, slot - COLUMN_GAP
        last = max(point.update for one in column[0] if one for point in one.points)
        upper = add_axes(figure, left, top - PLOT_HEIGHT, width, PLOT_HEIGHT, ticks=True)
        _axes(upper, losses, last, first=number == 0)
        _draw_losses(upper, column[0])
        if drifts:
            upper.tick_params(labelbottom=False)
            lower = add_axes(figure, left, top - PLOT_HEIGHT - BETWEEN - DRIFT_HEIGHT, width, DRIFT_HEIGHT, ticks=True)
            _axes(lower, differences, last, first=number == 0)
            _draw_drifts(lower, column)


def _draw_losses(axes: Axes, pair: Pair) -> None:
    _above(axes, name_of(pair.settings), fontweight="bold")
    shown = {name: one for name, one in zip(UNROLLS, pair, strict=True) if one}
    for name, width in STROKES.items():
        if name in shown:
            updates, losses, *_ = zip(*shown[name].points, strict=True)
            stroke = width if len(shown) > 1 else 1.4
            axes.plot(updates, losses, color=colour(name), linewidth=stroke, solid_joinstyle="round")
    for row, (name, one) in enumerate(shown.items()):
        _key(axes, row, f"{name} {one.result.test_accuracy:.4f}" if one.result else name, name)


def _key(axes: Axes, row: int, text: str, name: str) -> None:
    """Write a line of the legend at the upper right, with a piece of the curve before it."""
    width = axes.get_position().width * WIDTH
    y = 1 - (0.11 + 0.17 * row) / PLOT_HEIGHT
    place = axes.transAxes
    axes.text(1, y, text, fontsize=SMALL, ha="right", va="center_baseline", transform=place)
    end = 1 - (text_width(text, SMALL) + 0.06) / width
    axes.plot([end - 0.16 / width, end], [y, y], color=colour(name), linewidth=STROKES[name], transform=place)


def _draw_drifts(axes: Axes, column: list[Pair]) -> None:
    drifts = {pair.settings["dtype"]: pair.drift for pair in column}
    if not any(drifts.values()):
        place = axes.transAxes
        axes.text(0.5, 0.5, NO_PAIR, transform=place, ha="center", fontsize=SMALL, color=QUIET, style="italic")
    for dtype, drift in drifts.items():
        seen = {update: value for update, value in drift.items() if value > 0}
        ink = DRIFT_INKS[dtype]
        axes.plot(list(drift), [seen.get(update, np.nan) for update in drift], color=ink, linewidth=0.9)
        if drift:
            largest = max(drift.values())
            y = largest or axes.get_ylim()[0]
            said = f"{dtype}: at most {_rounded(largest)}" if largest else f"{dtype}: no difference"
            place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
            axes.annotate(said, (1, y), (0, 3), **place, fontsize=SMALL, color=ink, ha="right", annotation_clip=False)


def _axes(axes: Axes, values: Sequence[float], last: int, *, first: bool) -> None:
    """Widen an axis of updates to the last, or a logarithmic one to whole decades, and mark at most five of them."""
    powers = np.log10([value for value in values if value > 0] or [1.0])
    low = int(np.floor(powers.min()))
    high = max(int(np.ceil(powers.max())), low + 1)
    decades = [10.0**power for power in range(low, high + 1, int(np.ceil((high - low) / 4)))]
    axes.set_yscale("log")
    axes.set_ylim(10.0**low, 10.0**high)
    axes.set_yticks(decades, [_decade(decade) for decade in decades] if first else [""] * len(decades))
    axes.set_yticks([], minor=True)
    axes.tick_params(axis="y", length=0, labelsize=SMALL, labelcolor=QUIET, pad=3)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    ticks = [tick for tick in MaxNLocator(3, integer=True).tick_values(0, last) if tick <= last]
    axes.set_xlim(0, last)
    axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
    axes.tick_params(axis="x", length=2, width=0.6, color=QUIET, pad=2)


def _decade(number: float) -> str:
    return f"{number:g}" if number >= 0.001 else _rounded(number)


def _rounded(number: float) -> str:
    """Write a small number with one digit, as 2e-7."""
    digit, _, power = f"{number:.0e}".partition("e")
    return f"{digit}e{int(power)}"


def _above(axes: Axes, text: str, **style) -> None:
    axes.annotate(text, (0, 1), (0, 6), "axes fraction", "offset points", **style)


def _explain(figure: Figure, text: str) -> None:
    figure.text(MARGIN / WIDTH, 1 - 0.52 / figure.get_size_inches()[1], text, fontsize=SMALL, color=QUIET)


def _empty(trainings: Sequence[Training], title: str) -> Figure:
    return empty_figure(as_run(trainings[-1]), title, NOTHING)


def as_run(training: Training) -> Run:
    """Return a training as a run, whose machine, sizes and data the small print names."""
    return Run(training.id, training.started, training.environment, training.settings)


# A digit, row by row

READING_TITLE = "One digit, read row by row"
DIGIT_HEIGHT, NAMED_WIDTH, CLASS_WIDTH, PANEL_GAP, COUNTS_WIDTH = 3.5, 0.5, 0.125, 0.14, 0.22
LEAST_ROW = 0.115  # inches, below which not every row has room for a number
CLASSES = 10
SIGNED = LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE])
INKED = LinearSegmentedColormap.from_list("inked", ["white", INK])


@styled
def draw_reading(trainings: Sequence[Training]) -> Figure:
    """Draw a digit, what is named after every row of it, and h and c after every row from both unrolls."""
    training = next((training for training in reversed(trainings) if training.readings), None)
    if training is None:
        return _empty(trainings, READING_TITLE)
    readings = {reading.unroll: reading for reading in training.readings}  # of several, the last
    shown = [readings[name] for name in UNROLLS if name in readings]
    print_lines = small_print(as_run(training))
    height = TITLE_HEIGHT + HEAD_HEIGHT + 0.17 + DIGIT_HEIGHT + 0.3 + print_height(print_lines)
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    write_title(figure, READING_TITLE, f"a {shown[0].label}, and what the network holds after every row of it")
    _explain(figure, _how_far(shown))
    _draw_rows(figure, shown, height - TITLE_HEIGHT - HEAD_HEIGHT - 0.17 - DIGIT_HEIGHT)
    write_small_print(figure, print_lines)
    return figure


def _how_far(shown: list[Reading]) -> str:
    units = len(shown[0].hidden[0])
    differs = max(reading.differs for reading in shown)
    both = f"by at most {_rounded(differs)}" if differs else "by nothing"
    said = f"the two unrolls differ {both}" if len(shown) > 1 else "read with one unroll only"
    return f"{units} units, in the order of their last h; {said}."


def _draw_rows(figure: Figure, shown: list[Reading], bottom: float) -> None:
    """Draw the panels side by side, all with one row for each row of the digit."""
    first = shown[0]
    place = MARGIN + COUNTS_WIDTH

    def panel(width: float, heading: str, unit: str = "") -> Axes:
        nonlocal place
        axes = add_axes(figure, place, bottom, width, DIGIT_HEIGHT)
        axes.set(xlim=(0, 1), ylim=(len(first.image), 0))
        _above(axes, f"{heading}\n", fontweight="bold", linespacing=1.4)
        _above(axes, unit, fontsize=SMALL, color=QUIET)
        place += width + PANEL_GAP
        return axes

    square = min(DIGIT_HEIGHT, DIGIT_HEIGHT * len(first.image[0]) / len(first.image))
    _draw_digit(panel(square, "The digit", f"{len(first.image)} rows, from the top"), first)
    _draw_named(panel(NAMED_WIDTH, "Named", "by then"), first)
    _draw_probabilities(panel(CLASSES * CLASS_WIDTH, "How sure", "0 to 9, up to 1"), first)
    order = np.argsort(first.hidden[-1])
    width = (WIDTH - MARGIN - place + PANEL_GAP) / (2 * len(shown)) - PANEL_GAP
    for leaf, letter in (("hidden", "h"), ("cell", "c")):
        states = [np.array(getattr(reading, leaf))[:, order] for reading in shown]  # [T, H]
        limit = max(float(np.abs(state).max()) for state in states) or 1.0
        for reading, state in zip(shown, states, strict=True):
            axes = panel(width, f"{letter}, {reading.unroll}", f"-{limit:.2g} to {limit:.2g}")
            _image(axes, state, SIGNED, -limit, limit)


def _draw_digit(axes: Axes, reading: Reading) -> None:
    _image(axes, np.array(reading.image), INKED, 0, 1)
    stride = int(np.ceil(LEAST_ROW * len(reading.image) / DIGIT_HEIGHT))
    for row in range(0, len(reading.image), stride):
        style = {"fontsize": SMALL, "color": QUIET, "ha": "right", "va": "center_baseline"}
        axes.annotate(str(row + 1), (0, row + 0.5), (-4, 0), "data", "offset points", annotation_clip=False, **style)


def _draw_named(axes: Axes, reading: Reading) -> None:
    """Write which digit is named after every row, in bold where it is the right one."""
    stride = int(np.ceil(LEAST_ROW * len(reading.image) / DIGIT_HEIGHT))
    for row, named in list(enumerate(reading.predictions))[::stride]:
        is_right = named == reading.label
        ink, weight = (INK, "bold") if is_right else (QUIET, "normal")
        style = {"fontsize": SMALL, "color": ink, "fontweight": weight, "ha": "center", "va": "center_baseline"}
        axes.annotate(str(named), (0.4, row + 0.5), **style)


def _draw_probabilities(axes: Axes, reading: Reading) -> None:
    _image(axes, np.array(reading.probabilities), INKED, 0, 1)
    for number in range(CLASSES):
        style = {"fontsize": SMALL, "color": QUIET, "ha": "center", "va": "top"}
        place = ((number + 0.5) / CLASSES, 0)
        axes.annotate(str(number), place, (0, -3), "axes fraction", "offset points", **style)


def _image(axes: Axes, values: np.ndarray, colours: LinearSegmentedColormap, low: float, high: float) -> None:
    rows = len(values)
    axes.imshow(values, cmap=colours, vmin=low, vmax=high, extent=(0, 1, rows, 0), aspect="auto", interpolation="none")
    axes.add_patch(Rectangle((0, 0), 1, rows, fill=False, edgecolor=FAINT, linewidth=0.6, clip_on=False))

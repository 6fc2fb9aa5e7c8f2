"""What training came to: both unrolls' learning curves and their drift, a digit read row by row, and the tables."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from unroll.files import write_whole
from unroll.measure.journal import Run
from unroll.models.history import Reading, Training, read_trainings
from unroll.models.tutorials import CUTS, TUTORIALS, calls_table
from unroll.report.figures.frame import (
    BLUE,
    FAINT,
    GREY,
    HEADING,
    INK,
    ORANGE,
    QUIET,
    SMALL,
    Drawing,
    colour,
    head,
    hide,
    label_decades,
    note,
    save_figure,
    small_print,
    value_axis,
)
from unroll.report.table import NOTHING, Table

UNROLLS = ("static", "dynamic")
EARLY = 200  # updates, over which the drift is told
HOW_NOT_WHAT = ("unroll", "steps_per_call", "deterministic")  # settings that a pair may differ in


class Pair(NamedTuple):
    """Two trainings that differ in their unroll alone; None for a training that is not there."""

    static: Training | None
    dynamic: Training | None

    @property
    def settings(self) -> dict:
        """What both were asked for."""
        return self.first.settings

    @property
    def first(self) -> Training:
        """The training that there is, of static before that of dynamic."""
        training = self.static or self.dynamic
        assert training
        return training

    @property
    def drift(self) -> dict[int, float]:
        """By how much the two losses differ at each update that both know."""
        losses = [{point.update: point.loss for point in training.points} if training else {} for training in self]
        shared = losses[0].keys() & losses[1].keys()
        return {update: abs(losses[0][update] - losses[1][update]) for update in sorted(shared)}


def pairs(trainings: Iterable[Training]) -> list[Pair]:
    """Return trainings in pairs, in the order of the first of each; of equal ones the last counts."""
    pairs: dict[str, dict[str, Training]] = {}
    for training in trainings:
        key = json.dumps({k: v for k, v in training.settings.items() if k not in HOW_NOT_WHAT}, sort_keys=True)
        pairs.setdefault(key, {})[training.settings["unroll"]] = training
    return [Pair(*(members.get(name) for name in UNROLLS)) for members in pairs.values()]


def write_learning(folder: Path) -> list[Path]:
    """Draw the figures and write the tables of a folder's trainings; gives the paths written.

    Raises:
        HistoryError: the folder holds no history of trainings that can be read.
    """
    trainings = read_trainings(folder)
    drawn = {drawing.name: drawing.draw(trainings) for drawing in (LEARNING, READING)}
    paths = [path for name, figure in drawn.items() for path in save_figure(figure, folder, name)]
    page = tables_page(trainings)
    return [*paths, write_whole(Path(folder) / "tables.md", lambda file: file.write(page.encode()))]


def tables_page(trainings: Sequence[Training]) -> str:
    """Write all tables of trainings into one Markdown page, without those that would be empty."""
    parts = {
        "What the documents printed, and what came out here": tutorials_table(trainings),
        "Same seed, same network": drift_table(trainings),
        "Other numbers of rows": served_table(trainings),
        "The five networks": designs_table(),
        "What stands here now for the calls of TensorFlow 1": calls_table(),
        "Where": where_table(trainings),
    }
    tables = [f"## {title}\n\n{table}" for title, table in parts.items() if NOTHING not in table]
    return "# The tutorials, trained with both unrolls\n\n" + "\n".join(tables)


# Tables


def tutorials_table(trainings: Iterable[Training]) -> Table:
    """Format what each document printed beside what came out here with both unrolls: mean, and range over the seeds."""
    tested = [training for training in trainings if training.result and training.settings["dtype"] == "float32"]
    groups: dict[tuple[str, str, int], list[Training]] = {}
    for training in tested:
        key = name_of(training.settings), training.settings["unroll"], training.settings["updates"]
        groups.setdefault(key, []).append(training)
    rows = []
    for name, unroll, updates in sorted(groups, key=lambda key: (key[0], UNROLLS[::-1].index(key[1]))):
        alike = groups[name, unroll, updates]
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
    return Table(header, rows, "ll" + "r" * 8)


def drift_table(trainings: Iterable[Training]) -> Table:
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
    return Table(header, rows, "ll" + "r" * 4)


def served_table(trainings: Iterable[Training]) -> Table:
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
    return Table(["weights", "export", "rows", "test accuracy", ""], rows, "llrrl")


def designs_table() -> Table:
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
    return Table(header, rows, "l" * len(header))


def where_table(trainings: Sequence[Training]) -> Table:
    """Format the machines, packages and dates of the trainings."""
    rows = [list(row) for row in dict.fromkeys(_where(training) for training in trainings)]
    header = ["processor", "TensorFlow", "data", "training images", "commit", "day"]
    return Table(header, rows, "l" * len(header))


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
    planned = tutorial.updates if tutorial else None
    return f"{updates} of {planned:,}" if planned and planned != updates else str(updates)


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

LOSS_HEIGHT, DRIFT_HEIGHT, TICKS = 2.5, 1.35, 0.3
MOST_COLUMNS = 5
STROKES = {"dynamic": 3.2, "static": 0.9}  # the wide one below, so that both are seen where they are equal
DRIFT_INKS = {"float32": INK, "float64": GREY}
NO_PAIR = "trained with one unroll only"
TOGETHER = "static and dynamic, from the same first weights and in the same order of batches"
ABOVE = "The loss of single batches after so many updates, and the test accuracy in the end."
BELOW = (
    " Below: by how much the two losses differ; a gap is no difference.\n"
    "The two sum their gradients in different orders, so float32 rounds differently. "
    "Each update passes that on, and in some networks it grows."
)

LEARNING = Drawing(
    "learning",
    "How it learnt",
    lambda _: "Loss against updates: where both unrolls learn the same, one line lies upon the other.",
    TOGETHER,
    ABOVE + BELOW,
)


@LEARNING.drawn_by
def draw_learning(trainings: Sequence[Training]) -> Figure | None:
    """Draw both unrolls' losses over one another, a column each tutorial, and below by how much they differ."""
    columns = _columns(trainings)
    if not columns:
        return None
    drifts = any(pair.drift for column in columns for pair in column)
    lines, heights = small_print(as_run(columns[0][0].first)), [LOSS_HEIGHT, *([DRIFT_HEIGHT] if drifts else [])]
    words = {} if drifts else {"beside": NO_PAIR, "explanation": ABOVE}
    figure = LEARNING.frame(lines, sum(heights) + 0.3 * len(heights) + TICKS, **words)
    rows = {"sharex": "col", "sharey": "row", "squeeze": False, "height_ratios": heights}
    upper, *lower = figure.subplots(len(heights), len(columns), **rows)
    trainings = [training for pair, *_ in columns for training in pair if training]
    label_decades(upper[0], [point.loss for training in trainings for point in training.points])
    for axes, (pair, *_) in zip(upper, columns, strict=True):
        _draw_losses(axes, pair)
    for row in lower:
        label_decades(row[0], [value for column in columns for pair in column for value in pair.drift.values()])
        for axes, column in zip(row, columns, strict=True):
            _draw_drifts(axes, column)
    return figure


def _columns(trainings: Sequence[Training]) -> list[list[Pair]]:
    """Return a pair of each dtype for each tutorial, float32 first: the history's first, but of one's own the last."""
    columns: dict[str, dict[str, Pair]] = {}
    for pair in pairs(trainings):
        if any(training and training.points for training in pair):
            by_dtype = columns.setdefault(name_of(pair.settings), {})
            is_first = pair.settings["dtype"] not in by_dtype
            if is_first or not pair.settings["tutorial"]:
                by_dtype[pair.settings["dtype"]] = pair
    return [[by_dtype[dtype] for dtype in sorted(by_dtype)] for _, by_dtype in sorted(columns.items())][:MOST_COLUMNS]


def _draw_losses(axes: Axes, pair: Pair) -> None:
    axes.set_title(name_of(pair.settings))
    value_axis(axes.yaxis)
    trained = {name: training for name, training in zip(UNROLLS, pair, strict=True) if training}
    for name, width in STROKES.items():
        if name in trained:
            updates, losses, *_ = zip(*trained[name].points, strict=True)
            stroke = width if len(trained) > 1 else 1.4
            axes.plot(updates, losses, color=colour(name), linewidth=stroke, solid_joinstyle="round")
    last = max(point.update for training in trained.values() for point in training.points)
    ticks = [tick for tick in MaxNLocator(3, integer=True).tick_values(0, last) if tick <= last]
    axes.set_xlim(0, last)
    axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
    names = {
        name: f"{name} {training.result.test_accuracy:.4f}" if training.result else name
        for name, training in trained.items()
    }
    handles = [Line2D([], [], color=colour(name), linewidth=STROKES[name]) for name in trained]
    style = {"handlelength": 1.2, "borderpad": 0, "borderaxespad": 0.3, "edgecolor": "none", "framealpha": 1}
    axes.legend(handles, list(names.values()), loc="upper right", facecolor="white", fancybox=False, **style)


def _draw_drifts(axes: Axes, column: list[Pair]) -> None:
    value_axis(axes.yaxis)
    drifts = {pair.settings["dtype"]: pair.drift for pair in column}
    if not any(drifts.values()):
        note(axes, NO_PAIR, (0.5, 0.5), coords="axes fraction", ha="center", color=QUIET, style="italic")
    for dtype, drift in drifts.items():
        ink = DRIFT_INKS[dtype]
        axes.plot(list(drift), [value or np.nan for value in drift.values()], color=ink, linewidth=0.9)
        if drift:
            largest = max(drift.values())
            text = f"{dtype}: at most {_rounded(largest)}" if largest else f"{dtype}: no difference"
            at = (1, largest or axes.get_ylim()[0])
            note(axes, text, at, (0, 3), ("axes fraction", "data"), color=ink, ha="right", va="baseline")


def _rounded(number: float) -> str:
    """Format a small number with one digit, as 2e-7."""
    digit, _, power = f"{number:.0e}".partition("e")
    return f"{digit}e{int(power)}"


def as_run(training: Training) -> Run:
    """Return a training as a run, whose machine, sizes and data the small print names."""
    return Run(training.id, training.started, training.environment, training.settings)


# A digit, read row by row

DIGIT_HEIGHT = 3.5
BLANK = "#ABABAB"  # the ink of what is named before there is any ink in the digit
LEAST_ROW = 0.115  # inches that a line of text needs beside a row of the digit
CLASSES = 10
NAMED_WIDTH, CLASSES_WIDTH, STATES_WIDTH = 0.56, 1.25, 3.7
SIGNED = LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE])
INKED = LinearSegmentedColormap.from_list("inked", ["white", INK])

READING = Drawing(
    "reading",
    "One digit, read row by row",
    lambda _: "The digit that the network names and its h and c after every row of one digit, static beside dynamic.",
)


@READING.drawn_by
def draw_reading(trainings: Sequence[Training]) -> Figure | None:
    """Draw a digit, what is named after every row of it, and h and c after every row from both unrolls."""
    training = next((training for training in reversed(trainings) if training.readings), None)
    if training is None:
        return None
    by_unroll = {reading.unroll: reading for reading in training.readings}  # of several, the last
    readings = [by_unroll[name] for name in UNROLLS if name in by_unroll]
    first = readings[0]
    beside = f"a {first.label}, and what the network holds after every row of it"
    body = HEADING + DIGIT_HEIGHT + 0.35
    figure = READING.frame(small_print(as_run(training)), body, beside=beside, explanation=_difference(readings))
    square = DIGIT_HEIGHT * min(1, len(first.image[0]) / len(first.image))
    widths = [square, NAMED_WIDTH, CLASSES_WIDTH, *[STATES_WIDTH / len(readings) / 2] * 2 * len(readings)]
    digit, named, sure, *states = figure.subplots(1, len(widths), width_ratios=widths)
    _draw_digit(digit, first)
    _draw_named(named, first)
    _draw_probabilities(sure, first)
    _draw_states(states, readings)
    return figure


def _difference(readings: list[Reading]) -> str:
    """Return a sentence about the order of the units, and by how much the two unrolls differ."""
    units, differs = len(readings[0].hidden[0]), max(reading.differs for reading in readings)
    both = f"by at most {_rounded(differs)}" if differs else "by nothing"
    compared = f"the two unrolls differ {both}" if len(readings) > 1 else "read with one unroll only"
    return f"{units} units, in the order of their last h; {compared}. Grey: nothing was read yet but blank rows."


def _draw_states(panels: list[Axes], readings: list[Reading]) -> None:
    """Draw h and c after every row, of each unroll, with one scale of colours for both."""
    order = np.argsort(readings[0].hidden[-1])
    for leaf, letter, row in (("hidden", "h", panels[: len(readings)]), ("cell", "c", panels[len(readings) :])):
        states = [np.array(getattr(reading, leaf))[:, order] for reading in readings]  # [T, H]
        limit = max(float(np.abs(state).max()) for state in states) or 1.0
        for axes, reading, state in zip(row, readings, states, strict=True):
            head(axes, f"{letter}, {reading.unroll}", f"-{limit:.2g} to {limit:.2g}")
            _image(axes, state, SIGNED, -limit, limit)


def _draw_digit(axes: Axes, reading: Reading) -> None:
    head(axes, "The digit", f"{len(reading.image)} rows, from the top")
    _image(axes, np.array(reading.image), INKED, 0, 1)
    rows = _labelled_rows(reading)
    axes.set_yticks([row + 0.5 for row in rows], [str(row + 1) for row in rows])
    axes.tick_params(axis="y", length=0, pad=4, labelsize=SMALL)


def _labelled_rows(reading: Reading) -> range:
    """Return the rows that there is room to write beside."""
    return range(0, len(reading.image), int(np.ceil(LEAST_ROW * len(reading.image) / DIGIT_HEIGHT)))


def _draw_named(axes: Axes, reading: Reading) -> None:
    """Write which digit is named after every row: in bold if it is right, faint while no ink was read."""
    head(axes, "Named", "by then")
    axes.set_axis_off()
    axes.set_ylim(len(reading.image), 0)
    first_ink = next((row for row, pixels in enumerate(reading.image) if any(pixels)), len(reading.image))
    for row in _labelled_rows(reading):
        is_right = reading.predictions[row] == reading.label and row >= first_ink
        ink, weight = (INK, "bold") if is_right else (QUIET if row >= first_ink else BLANK, "normal")
        note(axes, str(reading.predictions[row]), (0.4, row + 0.5), color=ink, fontweight=weight, ha="center")


def _draw_probabilities(axes: Axes, reading: Reading) -> None:
    head(axes, "How sure", "0 to 9, up to 1")
    _image(axes, np.array(reading.probabilities), INKED, 0, 1)
    axes.set_xticks([(number + 0.5) / CLASSES for number in range(CLASSES)], [str(number) for number in range(CLASSES)])
    axes.tick_params(axis="x", length=0)


def _image(axes: Axes, values: np.ndarray, colours: LinearSegmentedColormap, low: float, high: float) -> None:
    """Draw values [rows, columns] as a picture in a faint frame."""
    extent = (0, 1, len(values), 0)
    axes.imshow(values, cmap=colours, vmin=low, vmax=high, extent=extent, aspect="auto", interpolation="none")
    hide(axes)
    for spine in axes.spines.values():
        spine.set(visible=True, color=FAINT)

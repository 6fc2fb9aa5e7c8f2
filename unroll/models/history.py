"""The history of trainings: every loss and every test is appended the moment it is known. Without TensorFlow."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from unroll.errors import UnrollError
from unroll.files import Environment, JSONLines
from unroll.models.settings import Settings, SettingsError

SCHEMA = 1
FILE_NAME = "training.jsonl"
HOW = "run `unroll train` to write one"
T = TypeVar("T", bound=NamedTuple)


class HistoryError(UnrollError):
    """A history of trainings that cannot be read or written; the message says which one and why."""


class Point(NamedTuple):
    """One update: the loss and the accuracy of its batch, before the weights changed; seconds trained by then."""

    update: int  # from 1 up
    loss: float
    accuracy: float | None
    seconds: float


class Evaluation(NamedTuple):
    """What the weights after so many updates are worth on the test images, and how fast it was trained so far.

    `examples_per_second` leaves the first call out, which builds the graph.
    """

    update: int
    test_loss: float
    test_accuracy: float
    seconds: float
    examples_per_second: float


@dataclass(frozen=True)
class Reading:
    """One digit, read row by row with an unroll: the state and the prediction after every row.

    Attributes:
        unroll: "static" or "dynamic".
        label: what the digit is.
        image: [T, I], from 0 (background) to 1 (ink).
        hidden, cell: h and c after every row, [T, H], rounded.
        probabilities: what the dense layer makes of h after every row, [T, 10], rounded.
        differs: by how much h or c differ at most from those of the other unroll, before rounding.
    """

    unroll: str
    label: int
    image: list[list[float]]
    hidden: list[list[float]]
    cell: list[list[float]]
    probabilities: list[list[float]]
    differs: float

    @property
    def predictions(self) -> list[int]:
        """The digit that is named after every row, [T]."""
        return [max(range(len(row)), key=row.__getitem__) for row in self.probabilities]


class Served(NamedTuple):
    """How the weights, exported with an unroll, serve the test images read for another number of rows.

    `test_accuracy` is None where they do not, and `refused` is what the export says then.
    """

    unroll: str
    rows: int
    test_accuracy: float | None
    refused: str = ""


@dataclass(frozen=True)
class Training:
    """One training: when it started, in which environment, with which settings, and what became of it.

    Attributes:
        settings: tutorial (or None), network, unroll, data, seed, sizes (steps, batch, hidden, input), updates,
            learning_rate, dtype, steps_per_call and more, as `unroll.models.settings.Settings` has them.
        points: in order; of an update that was taken twice, because the training was killed and gone on with, the last.
        tests: in order; the last one is the training's result.
        resumed: when it was gone on with after it had been stopped.
    """

    id: str
    started: str
    environment: dict
    settings: dict
    points: list[Point] = field(default_factory=list)
    tests: list[Evaluation] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)

    @property
    def result(self) -> Evaluation | None:
        """What it came to; None if it has not been tested."""
        return self.tests[-1] if self.tests else None


class History:
    """Appends one training to `folder`/training.jsonl, one JSON object a line; or goes on with one by its id."""

    def __init__(self, folder: Path, environment: dict, settings: dict, training: str | None = None):
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._file = _file(folder)
        self.training = training or f"{now}-{uuid.uuid4().hex[:8]}"
        when = {"resumed": now} if training else {"started": now}
        head = {"schema": SCHEMA, "training": self.training, **when, "environment": environment, "settings": settings}
        try:
            self._file.begin(lambda: read_trainings(folder))
            self._file.append(head)
        except OSError as error:
            raise HistoryError(f"cannot write {self._file.path}: {error.strerror}; choose another folder") from error

    @property
    def path(self) -> Path:
        """The file that is written."""
        return self._file.path

    def append(self, *points: Point | Evaluation) -> None:
        """Write what became known. Points may come many times a second, and are left to the system to put on disk."""
        lines = [point._asdict() for point in points]
        self._append(*lines, sync=any(isinstance(point, Evaluation) for point in points))

    def append_readings(self, *readings: Reading) -> None:
        """Write how a digit was read."""
        self._append(*({"reading": vars(reading)} for reading in readings))

    def append_served(self, *served: Served) -> None:
        """Write how the exported weights serve other numbers of rows."""
        self._append(*({"served": answer._asdict()} for answer in served))

    def _append(self, *lines: dict, sync: bool = True) -> None:
        if not lines:
            return
        try:
            self._file.append(*({"training": self.training, **line} for line in lines), sync=sync)
        except OSError as error:
            raise HistoryError(f"cannot write {self.path}: {error.strerror}; make room there") from error


@dataclass(frozen=True)
class _Head:
    """The line with which a training begins, or goes on."""

    training: str
    environment: Environment
    settings: dict
    started: str = ""
    resumed: str = ""


def read_trainings(folder: Path) -> list[Training]:
    """Read every training of `folder`/training.jsonl, oldest first; a torn line is left out with a warning.

    Raises:
        HistoryError: there is no history, it is empty, not ours, or of another schema.
    """
    file = _file(folder)
    trainings: dict[str, Training] = {}
    for number, line in file.read():
        if "schema" in line:
            file.check_schema(number, line, SCHEMA)
            file.as_type(number, line, _Head)
            _check_settings(file, number, line["settings"])
            _read_head(line, trainings)
        else:
            _read_line(file, number, line, trainings)
    if not trainings:
        raise HistoryError(f"{file.path} is empty; {HOW}")
    return [_in_order(training) for training in trainings.values()]


def _file(folder: Path) -> JSONLines:
    return JSONLines.in_folder(folder, FILE_NAME, "training history", HistoryError, HOW)


def _check_settings(file: JSONLines, number: int, settings: dict) -> None:
    try:
        Settings.from_dict(settings)
    except SettingsError as error:
        raise file.not_ours(number, str(error)) from None


def _read_head(line: dict, trainings: dict[str, Training]) -> None:
    """Begin a training, or note that it was gone on with; in a folder of its own, what was gone on with begins."""
    when = line.get("started") or line.get("resumed", "")
    if line["training"] in trainings:
        trainings[line["training"]].resumed.append(when)
    else:
        trainings[line["training"]] = Training(line["training"], when, line["environment"], line["settings"])


def _read_line(file: JSONLines, number: int, line: dict, trainings: dict[str, Training]) -> None:
    """Add a line to its training."""
    training = trainings.get(str(line.get("training")))
    names = tuple(line.keys() - {"training"})
    if training is None:
        raise file.not_ours(number)
    if names == ("reading",):
        training.readings.append(file.as_type(number, line["reading"], Reading))
    elif names == ("served",):
        training.served.append(_of_fields(file, number, line["served"], Served))
    elif "loss" in line:
        training.points.append(_of_fields(file, number, line, Point))
    else:
        training.tests.append(_of_fields(file, number, line, Evaluation))


def _of_fields(file: JSONLines, number: int, values: Any, kind: type[T]) -> T:
    """Read a named tuple, which the file holds by the names of its fields."""
    names = kind._fields
    if not isinstance(values, dict) or values.keys() - {"training"} != set(names):
        raise file.not_ours(number)
    return file.as_type(number, [values[name] for name in names], kind)


def _in_order(training: Training) -> Training:
    """Leave one of each update, the last that was written."""
    for series in (training.points, training.tests):
        series[:] = _last_of_each(series)
    return training


def _last_of_each(series: Sequence) -> list:
    return [point for _, point in sorted({point.update: point for point in series}.items())]

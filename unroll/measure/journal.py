"""The journal: every measurement is appended the moment it exists, so a run that is killed keeps what it has."""

import uuid
import zlib
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, Required, TypedDict

import numpy as np

from unroll.errors import UnrollError
from unroll.files import Environment, JSONLines, claimed, sweep
from unroll.measure.config import Case, Key, Sizes
from unroll.measure.statistics import BreakEven, Ratio, break_even, ratio
from unroll.measure.variants import own_mode

SCHEMA = 2
FILE_NAME = "journal.jsonl"
START = "start"  # no record's quantity: it is computed of what was recorded of a round
NOT_CHECKED = "its first call was stopped, so that its result could not be checked"


class JournalError(UnrollError):
    """A journal that cannot be read or written; the message says which one and why."""


@dataclass(frozen=True)
class Record:
    """One quantity, measured on one variant in one round, with its raw samples. docs/record.md describes the file.

    Attributes:
        quantity: what was measured, such as "step".
        phase: "forward" or "train": the graph or the step it was measured on.
        variant: how the network was unrolled, a key of `unroll.measure.variants.VARIANTS` or the user's own.
        mode: "graph", "xla", "eager" or "mixed".
        sizes: T, B, I and H.
        unit: "s", "bytes", "nodes", "traces", "flop/s", "bytes/s", "launches" or "copies".
        samples: every raw sample in order; none if the quantity is not available, and then `note` says why.
        round: 0 for what has no rounds. Else from 1 up; each round builds its graphs anew.
        turns: the process in which variants took turns: records of one `turns` and one `round` ran side by side. ""
            where it was measured alone.
        note: why samples are missing, or what else is worth knowing of them.
        took: seconds that measuring it took in all.
        run: the run it belongs to; the journal fills it in.
    """

    quantity: str
    phase: str
    variant: str
    mode: str
    sizes: Sizes
    unit: str
    samples: list[float]
    round: int = 0
    turns: str = ""
    note: str = ""
    took: float = 0.0
    run: str = ""

    @classmethod
    def of(cls, case: Case, quantity: str, phase: str, unit: str, samples: list[float], **more) -> "Record":
        """Make the record of a case."""
        return cls(quantity, phase, case.variant, case.mode, case.sizes, unit, samples, **more)

    @property
    def key(self) -> Key:
        """What was measured, whatever the round."""
        return Key(self.quantity, self.phase, self.variant, self.mode, self.sizes)

    def is_of(self, case: Case) -> bool:
        """Return whether it was measured on this case."""
        return (self.variant, self.mode, self.sizes) == (case.variant, case.mode, case.sizes)


@dataclass(frozen=True)
class Measurement:
    """All that a run measured of one quantity on one variant: the records of its rounds, put together."""

    unit: str
    rounds: dict[int, list[float]]  # the samples of each round
    turns: dict[int, str]  # which process each round ran in: see Record
    note: str

    @property
    def samples(self) -> list[float]:
        return [sample for samples in self.rounds.values() for sample in samples]

    @property
    def median(self) -> float:
        return float(np.median(self.samples)) if self.samples else float("nan")

    @property
    def quartiles(self) -> tuple[float, float]:
        low, high = np.percentile(self.samples, [25, 75]) if self.samples else (np.nan, np.nan)
        return float(low), float(high)


class SharedRounds(NamedTuple):
    """The rounds that several quantities share: the samples of each quantity by round, and each round's process."""

    samples: list[list[list[float]]]
    processes: list[str]

    def ratio(self) -> Ratio:
        """Return the ratio of the first of two quantities to the second."""
        over, under = self.samples
        return ratio(over, under, self.processes)


@dataclass(frozen=True)
class Run:
    """One run: when it started, in which environment, with which settings, and its records in order."""

    id: str
    started: str
    environment: dict
    settings: dict  # preset, sizes, data, and whatever else was chosen
    records: list[Record] = field(default_factory=list)
    outlines: dict[str, dict] = field(default_factory=dict)  # by variant: see unroll.measure.graph.outline
    resumed: list[str] = field(default_factory=list)  # when it was gone on with after it had been stopped
    outlines_at: dict[int, dict[str, dict]] = field(default_factory=dict)  # those of other T: by T, then by variant

    @property
    def sizes(self) -> Sizes:
        """The sizes at which the variants took turns, from which a sweep varies one."""
        return Sizes(**self.settings["sizes"])

    @property
    def device(self) -> str:
        """What it was measured on, "cpu" or "gpu"; before there was a choice, TensorFlow took the GPU if it saw one."""
        on_gpu = "GPU" in self.environment.get("devices", [])
        return self.settings.get("device") or ("gpu" if on_gpu else "cpu")

    @property
    def variants(self) -> list[str]:
        """Every variant that was measured, in the order of the journal."""
        return list(dict.fromkeys(record.variant for record in self.records))

    def find(
        self, quantity: str, phase: str, variant: str, mode: str | None = None, sizes: Sizes | None = None
    ) -> Measurement | None:
        """Return what was measured of a quantity, by default in the variant's own mode at the run's sizes, or None."""
        return self.look_up(Key(quantity, phase, variant, mode or own_mode(variant), sizes or self.sizes))

    def look_up(self, key: Key) -> Measurement | None:
        """Return what was measured, or None. Of a round that was stopped and measured again, the last counts."""
        if key.quantity == START:
            return self._start_net(key)
        by_round = {record.round: record for record in self._by_key.get(key, [])}
        if not by_round:
            return None
        samples = {number: record.samples for number, record in sorted(by_round.items()) if record.samples}
        turns = {number: by_round[number].turns for number in samples}
        records = list(by_round.values())
        return Measurement(records[-1].unit, samples, turns, next((r.note for r in reversed(records) if r.note), ""))

    def _start_net(self, key: Key) -> Measurement | None:
        """Return what starting takes beyond a later step, round by round: a first call does a step's work, too."""
        keys = [*self._parts_of_start(key), key._replace(quantity="step")]
        parts = [part for part in map(self.look_up, keys) if part]
        if len(parts) < len(keys):
            return None
        *starts, step = parts
        seconds = {
            number: [sum(start.rounds[number][0] for start in starts) - float(np.median(step.rounds[number]))]
            for number in _common_rounds(parts)
        }
        note = next((part.note for part in parts if part.note), "")
        return Measurement("s", seconds, {number: step.turns[number] for number in seconds}, note)

    def _parts_of_start(self, key: Key) -> list[Key]:
        """Return the keys of what starting consists of: what runs eagerly, as PyTorch does, is not built."""
        build, first_call = (key._replace(quantity=quantity) for quantity in ("build", "first_call"))
        built = self.look_up(build)
        return [build, first_call] if built and built.samples else [first_call]

    def outline(self, variant: str, steps: int) -> dict:
        """Return the bare graph of a variant at some T; empty if it was not recorded."""
        return (self.outlines if steps == self.sizes.steps else self.outlines_at.get(steps, {})).get(variant) or {}

    def ratio(self, quantity: str, phase: str, over: Case, under: Case) -> Ratio | None:
        """Return the ratio of two cases that took turns; None if they did not."""
        key = (quantity, phase, over, under)
        if key not in self._ratios:
            rounds = self.side_by_side(over.key(quantity, phase), under.key(quantity, phase))
            self._ratios[key] = rounds.ratio() if rounds else None
        return self._ratios[key]

    def break_even(self, phase: str, late: Case, early: Case) -> BreakEven | None:
        """Return the steps after which the case that starts later has caught up; None if the two took no turns."""
        late_step, early_step = late.key("step", phase), early.key("step", phase)
        late_start, early_start = self._parts_of_start(late_step), self._parts_of_start(early_step)
        rounds = self.side_by_side(*late_start, *early_start, late_step, early_step)
        if not rounds:
            return None
        *starts, step, other_step = rounds.samples
        count = len(late_start)
        return break_even(_added(starts[:count]), step, _added(starts[count:]), other_step, rounds.processes)

    def sweep(
        self, size: str, quantity: str, phase: str, variant: str, mode: str | None = None
    ) -> dict[int, Measurement]:
        """Return what was measured while one size, such as "steps", varied and the others were the run's."""
        base = self.sizes
        alike = [at for at in self.all_sizes if asdict(at) | {size: 0} == asdict(base) | {size: 0}]
        values = sorted(getattr(at, size) for at in alike)
        swept = {value: self.find(quantity, phase, variant, mode, replace(base, **{size: value})) for value in values}
        return {value: measured for value, measured in swept.items() if measured}

    @cached_property
    def all_sizes(self) -> set[Sizes]:
        """Every set of sizes that something was measured at."""
        return {record.sizes for record in self.records}

    @cached_property
    def _ratios(self) -> dict[tuple, Ratio | None]:
        """Keep what was computed: a report asks for one ratio in several places."""
        return {}

    @cached_property
    def _by_key(self) -> dict[Key, list[Record]]:
        table: dict[Key, list[Record]] = {}
        for record in self.records:
            table.setdefault(record.key, []).append(record)
        return table

    def side_by_side(self, *keys: Key) -> SharedRounds | None:
        """Return the samples of the rounds that all the keys share, if all took turns with one another."""
        measurements = [measurement for measurement in map(self.look_up, keys) if measurement and measurement.samples]
        if len(measurements) < len(keys):
            return None
        processes = measurements[0].turns
        shared = [number for number in _common_rounds(measurements) if processes[number]]
        if not shared:
            return None
        samples = [[measurement.rounds[number] for number in shared] for measurement in measurements]
        return SharedRounds(samples, [processes[number] for number in shared])


def device_name(run: Run) -> str:
    """Name the GPU or the processor that a run was measured on."""
    if run.device == "gpu":
        return str(next(iter(run.environment.get("gpus", [])), {}).get("name", "unknown GPU"))
    return str(run.environment.get("processor", "unknown processor"))


def _common_rounds(measurements: list[Measurement]) -> list[int]:
    """Return the rounds that all have, each in one process."""
    processes = [measurement.turns for measurement in measurements]
    return [number for number, process in processes[0].items() if all(p.get(number) == process for p in processes)]


def _added(quantities: list[list[list[float]]]) -> list[list[float]]:
    """Add up quantities round by round; each has one sample a round."""
    return [[sum(samples[0] for samples in together)] for together in zip(*quantities, strict=True)]


class Journal:
    """Appends the records of one run to `folder`/journal.jsonl; several runs may share the file, even at once.

    With `resume`, a run that is in the file already, its records go on. Until the journal is closed, or its process has
    ended, no other one can go on with the run.

    Attributes:
        path: the file.
        run: the run's id.
        before: the records that the run had when it was gone on with.

    Raises:
        JournalError: the folder cannot be written.
        UnrollError: another process is measuring the run that shall go on.
    """

    def __init__(self, folder: Path, environment: dict, settings: dict, resume: Run | None = None):
        self._file = _file(folder)
        self.path = self._file.path
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.run = resume.id if resume else f"{now}-{uuid.uuid4().hex[:8]}"
        head = {"schema": SCHEMA, "run": self.run, "environment": environment, "settings": settings}
        runs: list[Run] = []
        with ExitStack() as closing:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                sweep(self.path.parent)
                closing.enter_context(self._claimed())
                self._file.begin(lambda: runs.extend(read_journal(folder)))  # refuses what is not ours
                self._file.append(head | ({"resumed": now} if resume else {"started": now}))
            except OSError as error:
                raise JournalError(f"cannot write {self.path}: {error.strerror}; choose another folder") from error
            self._open = closing.pop_all()
        self.before = next((run.records for run in runs if run.id == self.run), [])

    def close(self) -> None:
        """Release the run, so that others may go on with it."""
        self._open.close()

    def _claimed(self) -> AbstractContextManager:
        """Claim the run for this process, by a name that any file system takes."""
        name = f"{FILE_NAME}.{zlib.crc32(self.run.encode()):08x}"
        what = f"{self.path} (--resume of its run {self.run})"
        return claimed(self.path.with_name(name), what, "leave out --resume to begin another run")

    def append(self, *records: Record) -> None:
        """Write records that belong together, all in one, and see them on the disk before returning.

        Raises:
            JournalError: they cannot be written, such as on a full disk. None of them is in the file then.
        """
        self._append(*(asdict(record) | {"run": self.run} for record in records))

    def append_outline(self, variant: str, steps: int, outline: dict) -> None:
        """Write the bare graph of a variant at some T, for drawing."""
        self._append({"outline": outline, "variant": variant, "steps": steps, "run": self.run})

    def _append(self, *lines: dict) -> None:
        try:
            self._file.append(*lines)
        except OSError as error:
            raise JournalError(
                f"cannot write {self.path}: {error.strerror}; what was measured before is kept: make room there, and "
                "go on by the same command with --resume"
            ) from error


def read_journal(folder: Path) -> list[Run]:
    """Read every run of `folder`/journal.jsonl, oldest first; a torn line is left out with a warning.

    Raises:
        JournalError: there is no journal, it is empty, not ours, or of another schema.
    """
    file = _file(folder)
    runs: dict[str, Run] = {}
    names = {field.name for field in fields(Record)}
    for number, line in file.read():
        if "schema" in line:
            file.check_schema(number, line, SCHEMA)
            head = file.as_type(number, line, _Head)
            if line["settings"]["sizes"].keys() - asdict(head.settings["sizes"]):
                raise file.not_ours(number, "its sizes have unknown names")
            _read_head(line, runs)
            continue
        run = runs.get(str(line.get("run")))
        if run and "outline" in line:
            file.as_type(number, line, _Outlined)
            _read_outline(line, run)
        elif run and line.keys() == names:
            run.records.append(file.as_type(number, line, Record))
        else:
            raise file.not_ours(number)
    if not runs:
        raise JournalError(f"{file.path} is empty; run `unroll bench` to fill it")
    return list(runs.values())


class _Settings(TypedDict, total=False):
    """What a run's first line says of what was chosen, in so far as it is looked at again."""

    preset: str
    sizes: Required[Sizes]
    variants: list[str]
    modes: list[str]
    rounds: int
    steps: int
    data: str
    seed: int
    device: Literal["cpu", "gpu"]
    tf32: bool
    peers_python: str | None
    threads: dict[str, int]
    limits: dict[str, float | None]


@dataclass(frozen=True)
class _Head:
    """The line with which a run begins, or goes on."""

    run: str
    environment: Environment
    settings: _Settings
    started: str = ""
    resumed: str = ""


@dataclass(frozen=True)
class _Outlined:
    """The line that holds the bare graph of a variant."""

    outline: dict[str, list[tuple[str, str, list[str]]]]
    variant: str
    steps: int | None = None


def _read_head(line: dict, runs: dict[str, Run]) -> None:
    if "resumed" in line and line["run"] in runs:
        run = runs[line["run"]]
        run.resumed.append(line["resumed"])
        warned = run.environment.setdefault("warnings", [])
        warned += [warning for warning in line["environment"].get("warnings", []) if warning not in warned]
    else:
        when = line.get("started") or line.get("resumed", "")
        runs[line["run"]] = Run(line["run"], when, line["environment"], line["settings"])


def _read_outline(line: dict, run: Run) -> None:
    """Keep an outline; one that names no T is of the run's own, as all were at first."""
    steps = line.get("steps")
    if steps is None or steps == run.settings.get("sizes", {}).get("steps"):
        run.outlines[line["variant"]] = line["outline"]
    else:
        run.outlines_at.setdefault(steps, {})[line["variant"]] = line["outline"]


def _file(folder: Path) -> JSONLines:
    return JSONLines.in_folder(folder, FILE_NAME, "journal", JournalError, "run `unroll bench` to write one")

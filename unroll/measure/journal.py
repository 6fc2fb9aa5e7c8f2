"""The journal: every measurement is appended the moment it exists, so a run that is killed keeps what it has."""

import json
import os
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from unroll.measure.config import Sizes

SCHEMA = 1
FILE_NAME = "journal.jsonl"


class JournalError(ValueError):
    """A journal that cannot be read or written; the message says which one and why."""


@dataclass(frozen=True)
class Record:
    """One quantity, measured on one variant, with its raw samples.

    Attributes:
        quantity: what was measured, a key of `unroll.report.tables.QUANTITIES`, such as "step".
        phase: "forward" or "train": the graph or the step it was measured on.
        variant: how the network was unrolled, a key of `unroll.measure.config.VARIANT_LABELS`.
        sizes: T, B, I and H.
        unit: "s", "bytes" or "nodes".
        samples: every raw sample in order; none if the quantity is not available, and then `note` says why.
        rounds: 0 where the variant was measured alone. Where several took turns, how many rounds they took: the
            samples of one round stand together, and round i of one variant ran beside round i of the others.
        mode: "graph", "xla" or "eager".
        note: why samples are missing.
        run: the run it belongs to; the journal fills it in.
    """

    quantity: str
    phase: str
    variant: str
    sizes: Sizes
    unit: str
    samples: list[float]
    rounds: int = 0
    mode: str = "graph"
    note: str = ""
    run: str = ""

    @property
    def median(self) -> float:
        return float(np.median(self.samples)) if self.samples else float("nan")

    @property
    def quartiles(self) -> tuple[float, float]:
        low, high = np.percentile(self.samples, [25, 75]) if self.samples else (np.nan, np.nan)
        return float(low), float(high)


@dataclass(frozen=True)
class Run:
    """One run: when it started, in which environment, and its records in order."""

    id: str
    started: str
    environment: dict
    data: str
    records: list[Record] = field(default_factory=list)
    outlines: dict[str, dict] = field(default_factory=dict)  # by variant: see unroll.measure.graph.outline

    def find(self, quantity, phase, variant, *, alternated=False) -> Record | None:
        """Give the last record of a quantity, measured alone or in alternation; None if there is none."""
        for record in reversed(self.records):
            found = (record.quantity, record.phase, record.variant, bool(record.rounds))
            if found == (quantity, phase, variant, alternated):
                return record
        return None


class Journal:
    """Appends the records of one run to `folder`/journal.jsonl; several runs may share the file, even at once.

    Raises:
        JournalError: the folder cannot be written.
    """

    def __init__(self, folder: Path, environment: dict, data: str):
        self.path = Path(folder) / FILE_NAME
        started = datetime.now(UTC).isoformat(timespec="seconds")
        self.run = f"{started}-{uuid.uuid4().hex[:8]}"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._end_torn_line()
            self._append(
                {"schema": SCHEMA, "run": self.run, "started": started, "environment": environment, "data": data}
            )
        except OSError as error:
            raise JournalError(f"cannot write {self.path}: {error.strerror}; choose another folder") from error

    def append(self, record: Record) -> None:
        """Write one record, complete or not at all, before returning."""
        self._append(asdict(record) | {"run": self.run})

    def append_outline(self, variant: str, outline: dict) -> None:
        """Write the bare graph of a variant, for drawing."""
        self._append({"outline": outline, "variant": variant, "run": self.run})

    def _append(self, line: dict) -> None:
        # One write to a file opened for appending: lines of runs that share the journal do not mix.
        with open(self.path, "ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")
            os.fsync(file.fileno())

    def _end_torn_line(self) -> None:
        """Close the line that a killed run left unfinished, so that the next one starts on its own."""
        if self.path.exists() and self.path.stat().st_size:
            with open(self.path, "r+b") as file:
                file.seek(-1, os.SEEK_END)
                if file.read() != b"\n":
                    file.write(b"\n")


def read_journal(folder: Path) -> list[Run]:
    """Read every run of `folder`/journal.jsonl, oldest first; a torn line is left out with a warning.

    Raises:
        JournalError: there is no journal, it is empty, not ours, or of another schema.
    """
    path = Path(folder) / FILE_NAME
    runs: dict[str, Run] = {}
    for number, line in _lines(path):
        if "schema" in line:
            if line["schema"] != SCHEMA:
                raise JournalError(
                    f"{path}, line {number}: written in schema {line['schema']}, this version reads schema {SCHEMA}"
                )
            run = Run(line["run"], line["started"], line["environment"], line["data"])
            runs[run.id] = run
        elif line.get("run") in runs and "outline" in line:
            runs[line["run"]].outlines[line["variant"]] = line["outline"]
        elif line.get("run") in runs and set(line) == {field.name for field in fields(Record)}:
            runs[line["run"]].records.append(Record(**{**line, "sizes": Sizes(**line["sizes"])}))
        else:
            raise JournalError(f"{path}, line {number}: not a record of this journal; want one that unroll wrote")
    if not runs:
        raise JournalError(f"{path} is empty; run `make bench` to fill it")
    return list(runs.values())


def _lines(path: Path) -> Iterator[tuple[int, dict]]:
    try:
        text = path.read_bytes().decode(errors="replace")
    except OSError as error:
        raise JournalError(f"cannot read {path}: {error.strerror}; run `make bench` to write one") from error
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            value = json.loads(line)
        except ValueError:
            if number == 1:
                raise JournalError(f"{path} is not a journal of unroll: its first line is no JSON") from None
            warnings.warn(f"{path}, line {number}: left out, a run was stopped while writing it", stacklevel=3)
            continue
        if not isinstance(value, dict):
            raise JournalError(f"{path}, line {number}: not a record of this journal; want one that unroll wrote")
        yield number, value

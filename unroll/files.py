"""Files that outlive the program that writes them: lines that are appended, and files that are replaced as a whole."""

import errno
import glob
import itertools
import json
import math
import os
import platform
import shutil
import sys
import tempfile
import time
import uuid
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypedDict, TypeVar

import psutil

from unroll.errors import UnrollError, printable

DRAFT, CLAIM, OLD_S = ".draft", ".claim", 86_400.0
TICK_S = 0.05  # longer than the tick by which a file system dates its files
MOST_LINE_BYTES = 1 << 26
T = TypeVar("T")
CLOCK_S = 2.0  # by which the clock of a file system and that of the processes may differ


class Environment(TypedDict, total=False):
    """What a file of results says of the machine and its software, in so far as it is shown to people."""

    processor: str
    cores: int
    memory_bytes: int
    devices: list[str]
    gpus: list[dict[str, str | int]]
    cuda: dict[str, str]
    onednn: bool | None
    vector_instructions: str | None
    threads: dict[str, int]
    system: str
    start_method: str
    python: str
    versions: dict[str, str]
    flags: dict[str, str]
    commit: str
    warnings: list[str]


@dataclass(frozen=True)
class JSONLines:
    """A file with one JSON object a line, to which lines are appended and of which none is changed.

    Attributes:
        kind: what messages call the file, such as "journal".
        error: what is raised where it cannot be read or written: it says which file and why.
        how: what to do to have such a file, for the message that there is none.
    """

    path: Path
    kind: str
    error: type[UnrollError]
    how: str

    @classmethod
    def in_folder(cls, folder: Path, name: str, kind: str, error: type[UnrollError], how: str) -> "JSONLines":
        """Return the file of a name in a folder; the file itself may be given in the folder's place."""
        folder = Path(folder)
        return cls(folder if folder.name == name else folder / name, kind, error, how)

    def append(self, *lines: dict, sync: bool = True) -> None:
        """Write lines in one, so that programs may share the file; with `sync`, see them on the disk first.

        Raises:
            OSError: they cannot be written whole, such as on a full disk. None of them is in the file then.
        """
        text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        with open(self.path, "ab", buffering=0) as file:
            written = file.write(text)
            if written < len(text):
                if os.fstat(file.fileno()).st_size == file.tell():  # nobody has written behind it
                    file.truncate(file.tell() - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            if sync:
                os.fsync(file.fileno())

    def begin(self, check: Callable[[], object]) -> None:
        """Make ready to append: make the folder, check the file where there is one, and end its torn line.

        Raises:
            the kind's error, by `check`: what is there is not ours.
            OSError: the folder or the file cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size:
            with warnings.catch_warnings(action="ignore"):
                check()
            self._end_torn_line()

    def read(self) -> Iterator[tuple[int, dict]]:
        """Return each line with its number, from 1 up; a torn line is left out with a warning.

        Raises:
            the kind's error: the file cannot be read, or is none of JSON objects.
        """
        if self.path.exists() and not self.path.is_file():  # reading a pipe would wait for ever
            raise self.error(f"{self.path} is no file; want a {self.kind}; {self.how}")
        try:
            with open(self.path, "rb") as file:
                yield from self._values(file)
        except OSError as error:
            raise self.error(f"cannot read {self.path}: {error.strerror}; {self.how}") from error

    def _values(self, file: IO[bytes]) -> Iterator[tuple[int, dict]]:
        for number in itertools.count(1):
            line = file.readline(MOST_LINE_BYTES)
            if not line:
                return
            if len(line) == MOST_LINE_BYTES:
                raise self.not_ours(number, f"it is longer than {MOST_LINE_BYTES >> 20} MiB")
            try:
                value = json.loads(line.decode(errors="replace"))
            except RecursionError:
                raise self.not_ours(number, "it is nested too deeply") from None
            except ValueError:
                if number == 1:
                    raise self.error(f"{self.path} is not a {self.kind} of unroll: its first line is no JSON") from None
                warnings.warn(f"{self.path}, line {number}: left out, a run was stopped while writing it", stacklevel=3)
                continue
            if not isinstance(value, dict):
                raise self.not_ours(number)
            yield number, _printable_value(value) if b"\\" in line or not line.isascii() else value

    def as_type(self, number: int, value: Any, wanted: type[T]) -> T:
        """Return what a line holds as a type, such as a dataclass, after checking each of its parts.

        Raises:
            the kind's error: it is none, by the file and the line.
        """
        import msgspec  # here, because another interpreter that measures PyTorch or JAX writes and never reads

        try:
            return msgspec.convert(value, wanted)
        except (msgspec.ValidationError, RecursionError) as error:
            raise self.not_ours(number, str(error)) from None

    def check_schema(self, number: int, line: dict, schema: int) -> None:
        """Check that a line that begins a run is of the schema that this version reads.

        Raises:
            the kind's error: it is of another.
        """
        if line["schema"] != schema:
            raise self.error(
                f"{self.path}, line {number}: written in schema {line['schema']}, this version reads schema "
                f"{schema}; read it with the version that wrote it, or write into another folder"
            )

    def not_ours(self, number: int, why: str = "") -> UnrollError:
        """Make the error that a line is none that such a file has."""
        why = f" ({why})" if why else ""
        return self.error(
            f"{self.path}, line {number}: not a record of this {self.kind}{why}; want one that unroll wrote"
        )

    def _end_torn_line(self) -> None:
        """Close the line that a killed run left unfinished, so that the next one starts on its own."""
        with open(self.path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            torn = file.read() != b"\n"
        if torn:
            with open(self.path, "ab") as file:
                file.write(b"\n")


def _printable_value(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_printable_value(part) for part in value]
    if isinstance(value, dict):
        return {printable(key): _printable_value(part) for key, part in value.items()}
    return value


def user_path(text: str | os.PathLike) -> Path:
    """Return a path as a person typed it: ~ is the home folder, also where the shell left it (`--results=~/x`)."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # there is no such user
        return Path(text)


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> Path:
    """Write one file through `write`, as `write_together` does."""
    (path,) = write_together({path: write})
    return path


def write_together(writes: Mapping[Path, Callable[[IO[bytes]], object]]) -> list[Path]:
    """Write each file under a new name first, so that none is seen half written, then put all in place.

    What stood at the paths stays if anything fails while they are written, and if the machine does. Who may read and
    write a file stays as it was. A program that is killed meanwhile leaves its drafts, hidden files, which the next one
    that writes there removes.

    Raises:
        OSError: a file cannot be written, such as on a full disk.
    """
    paths = [*map(Path, writes)]
    drafts: dict[Path, Path] = {}
    try:
        for path, write in zip(paths, writes.values(), strict=True):
            _others(path, DRAFT)
            draft = _own_name(path, DRAFT)
            with open(draft, "xb") as file:  # a new file: never what a link of this name leads to
                drafts[draft] = path
                write(file)
                file.flush()
                os.fsync(file.fileno())
            if path.is_file() and not path.is_symlink():  # a link is replaced, and what it leads to says nothing
                shutil.copymode(path, draft)
        for draft in list(drafts):
            os.replace(draft, drafts[draft])
            del drafts[draft]
    except BaseException:
        for draft in drafts:
            with suppress(OSError):
                os.unlink(draft)
        raise
    for folder in {path.parent for path in paths}:
        _sync_folder(folder)
    return paths


@contextmanager
def claimed(path: Path, what: str, instead: str = "choose another path") -> Iterator[None]:
    """Keep a path for this process while it works on it. A killed program's claim ends with it.

    Where no claim can be written, there is none: whoever writes the path will be told why.

    Args:
        path: what is kept. There need be no file of this name.
        what: what it is, for the message: "FILE (a training)".
        instead: what else to do than to wait for the other process or to stop it.

    Raises:
        UnrollError: another process has it; the message names that process.
    """
    path = Path(path)
    mine = _own_name(path, CLAIM)
    with suppress(OSError):
        mine.touch(exist_ok=False)
    time.sleep(TICK_S)  # so that of two claims of one tick both programs see both, and agree whose is the first
    try:
        first = min([mine, *_others(path, CLAIM)], key=lambda claim: (_age_key(claim), claim.name))
        if first != mine:
            machine, process, _ = _parts(first, CLAIM)
            raise UnrollError(
                f"got {what}, on which process {process} of {machine} is working; "
                f"want one program at a time: wait for it, stop it, or {instead}"
            )
        yield
    finally:
        mine.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove the drafts and claims that killed programs left behind in a folder."""
    for kind in (DRAFT, CLAIM):
        _still_running(folder.glob(f".*{kind}"), kind)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder for this process's temporary files, and remove it with all that is in it.

    A program that is killed meanwhile leaves its folder, which the next one that asks for one removes.
    """
    _sweep_temporary_folders()
    with tempfile.TemporaryDirectory(prefix=f"{_TEMPORARY}{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def temporary_files() -> Iterator[None]:
    """Have `tempfile` make its files in such a folder: TensorFlow leaves some behind when its process is killed."""
    with temporary_folder() as folder:
        outside, tempfile.tempdir = tempfile.tempdir, str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = outside


def _sweep_temporary_folders() -> None:
    for left in Path(tempfile.gettempdir()).glob(f"{_TEMPORARY}*-*"):
        with suppress(OSError, ValueError):  # another program was quicker, or the name is not one of ours
            process = int(left.name.removeprefix(_TEMPORARY).partition("-")[0])
            if not _runs_since(process, left.lstat().st_mtime):
                shutil.rmtree(left)


def _age_key(claim: Path) -> float:
    try:
        return claim.lstat().st_mtime
    except OSError:  # it has ended just now
        return math.inf


def _own_name(path: Path, kind: str) -> Path:
    """Return a name beside a path that nobody can foresee, and that says whose it is: this process of this machine."""
    return path.with_name(f".{path.name}.{_machine()}.{os.getpid()}.{uuid.uuid4().hex}{kind}")


def _parts(path: Path, kind: str) -> tuple[str, int, str]:
    """Return the machine, process and number that such a name holds."""
    _, machine, process, number = path.name.removesuffix(kind).rsplit(".", 3)
    return machine, int(process), number


def _others(path: Path, kind: str) -> list[Path]:
    """Return the drafts or claims of a path whose programs still run, and remove those that were left behind.

    On another machine, what is a day old counts as left behind.
    """
    return _still_running(path.parent.glob(f".{glob.escape(path.name)}.*{kind}"), kind)


def _still_running(paths: Iterable[Path], kind: str) -> list[Path]:
    running = []
    for other in paths:
        with suppress(OSError, ValueError):  # another program was quicker, or the name is not one of ours
            machine, process, _ = _parts(other, kind)
            since = other.lstat().st_mtime
            if _runs_since(process, since) if machine == _machine() else time.time() - since < OLD_S:
                running.append(other)
            else:
                os.unlink(other)
    return running


def _runs_since(process: int, since: float) -> bool:
    """Return whether a process of this machine was there at that time, and is: numbers are given anew."""
    try:
        return psutil.Process(process).create_time() <= since + CLOCK_S
    except psutil.Error:
        return False


def _machine() -> str:
    """Return this machine's name, without what separates the parts of a draft's name."""
    return platform.node().replace(".", "-").replace("/", "-")


# A container has a name of its own: in a /tmp that several share, their processes are not taken for one another's.
_TEMPORARY = f"unroll-{zlib.crc32(_machine().encode()):08x}-"


def _sync_folder(folder: Path) -> None:
    """See a folder's new names on the disk, where the system has a way to."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

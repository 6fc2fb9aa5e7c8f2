"""A process of its own for what may crash, hang or take all the memory: it dies alone, and its reason is known."""

import atexit
import importlib
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, _ConnectionBase
from pathlib import Path
from typing import Any, NamedTuple

from unroll.files import temporary_folder
from unroll.measure.config import Case

if sys.platform != "win32":
    from unroll.measure.guard import go_on_under_guard

PRELOADED = ["unroll.measure.preload"]
END_S = 5.0  # in which a guard ends all that it guards, unless the machine is very busy
RUN_VARIABLE = "UNROLL_RUN_PROCESS"  # tells the server whose it is, also where that process has ended already
START_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"  # as on Windows
MAY_LIMIT_MEMORY = sys.platform == "linux"
SOURCE = Path(__file__).parents[2]  # where `unroll` is imported from
MESSAGE_LENGTH = 300
ROUND_OVER = "round over"  # what a work that goes through rounds yields after each
ROUND_SPOILED = "round spoiled"  # what it yields instead where a round does not count, and is gone through again
FAILED, STOPPED = "failed", "stopped"  # how the reasons begin: something is wrong, or the limits were passed
OUT_OF_MEMORY = ("bad_alloc", "out of memory", "OOM", "Cannot allocate memory", "RESOURCE_EXHAUSTED")


@dataclass(frozen=True)
class Limits:
    """What a process may take: seconds for one thing that it says it is doing, and bytes of memory (None: no limit).

    A process that says nothing new is stopped after `seconds` at the earliest and twice as many at the latest.
    """

    seconds: float
    bytes: int | None = None


class NotAvailable(Exception):
    """What cannot be measured of a variant or on this machine; the message says why."""


class CaseFailed(NamedTuple):
    """A case that can be measured no further, and why."""

    case: Case
    reason: str


class WorkerDied(Exception):
    """A process that ended before its work did; the message says why.

    `doing` is what it last said it was doing, or "".
    """

    def __init__(self, reason: str, doing: str):
        super().__init__(reason)
        self.doing = doing


def work_apart(
    work: Callable, *arguments, limits: Limits, variables: dict | None = None, python: str | None = None, **more
) -> Iterator[Any]:
    """Run a function of a module in a fresh process and yield what it gives; a generator's as it comes.

    The process is forked from one that has imported TensorFlow and started nothing of it: fresh, and ready at once.
    Where the system does not fork, it is spawned, and imports TensorFlow first: the same, seconds later. It ends when
    this process does, however this one ends.

    Args:
        variables: environment variables to set in it before TensorFlow starts.
        python: the Python interpreter that shall run it, started anew: nothing has been imported there.

    Raises:
        WorkerDied: the process raised an exception, crashed, or passed its limits.
    """
    here, there = multiprocessing.Pipe()
    with temporary_folder() as folder:
        task = ((folder, limits.bytes, variables or {}), work, arguments, more)
        process = _Interpreter(python, there, folder) if python else _started(there, task)
        there.close()
        try:
            if python:
                with suppress(OSError):  # it has ended already: how, is told below
                    here.send(task)
            yield from _received(here, process, limits, folder)
        finally:
            here.close()  # on which its guard ends it, and all that it has started
            process.join(0 if sys.platform == "win32" else END_S)
            process.kill()
            process.join()


def work_for(descriptor: int) -> None:
    """Do, in an interpreter that was started for it, the work that is sent through an inherited connection."""
    connection = Connection(descriptor)
    _run(connection, *connection.recv())


def function_named(name: str) -> Any:
    """Return what a user named as module:name."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def doing(what: object) -> None:
    """Note, in a process that works apart, what is being done now: if it dies, it died of that."""
    if _doing is not None:
        os.lseek(_doing, 0, os.SEEK_SET)
        os.write(_doing, f"{next(_said)} {what}".ljust(MESSAGE_LENGTH)[:MESSAGE_LENGTH].encode())


def reason_of(error: BaseException) -> str:
    """Format an exception as one line; of TensorFlow's long ones, the line that matters."""
    if isinstance(error, NotAvailable):
        return str(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no message"]
    line = next((line for line in lines if "OOM" in line), lines[0])
    if isinstance(error, MemoryError) or "OOM" in line:
        return f"{STOPPED}: out of memory: {line}"[:MESSAGE_LENGTH]
    return f"{FAILED}: {type(error).__name__}: {line}"[:MESSAGE_LENGTH]


_doing: int | None = None  # the file that this process says it in
_said = itertools.count()
_starting = threading.Lock()
_until_the_end = ExitStack()
atexit.register(_until_the_end.close)


class _Interpreter:
    """A process of another Python interpreter, seen as multiprocessing shows its own."""

    def __init__(self, python: str, connection: _ConnectionBase, folder: Path):
        number = connection.fileno()
        own = os.environ.get("PYTHONPATH", "") if python == sys.executable else ""  # another has other packages
        command = [python, "-c", f"from unroll.measure.process import work_for; work_for({number})"]
        with (folder / "stderr").open("ab") as messages:
            self._process = subprocess.Popen(
                command,
                pass_fds=[number],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (str(SOURCE), own)))},
                stdin=subprocess.DEVNULL,
                stdout=messages,
                stderr=messages,
            )

    @property
    def exitcode(self) -> int:
        return self._process.wait()

    def kill(self) -> None:
        self._process.kill()

    def join(self, timeout: float | None = None) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)


def _started(connection: _ConnectionBase, task: tuple) -> Any:
    """Start a process that is fresh but for its imports."""
    with _starting, quiet():
        process = _context().Process(target=_run, args=(connection, *task), daemon=True)
        process.start()
    return process


def _context() -> Any:
    """Return what starts processes; where there is a server to fork them from, it has imported TensorFlow by then."""
    context: Any = multiprocessing.get_context(START_METHOD)
    if START_METHOD == "forkserver":
        from multiprocessing import forkserver  # here, because Windows has none

        _keep_the_socket_where_it_is_swept()
        context.set_forkserver_preload(PRELOADED)
        os.environ[RUN_VARIABLE] = str(os.getpid())
        forkserver.ensure_running()
    return context


def _keep_the_socket_where_it_is_swept() -> None:
    """Set the folder of the socket of multiprocessing to one that the next program removes if this one is killed."""
    config = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    if "tempdir" not in config:
        config["tempdir"] = str(_until_the_end.enter_context(temporary_folder()))


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what is started within: TensorFlow greets whoever imports it, whatever its log level."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _received(here: _ConnectionBase, process, limits: Limits, folder: Path) -> Iterator[Any]:
    while True:
        before = _last_said(folder)
        while not here.poll(limits.seconds):
            if _last_said(folder) == before:
                raise WorkerDied(f"{STOPPED}: took more than {limits.seconds:g} s", _last_doing(folder))
            before = _last_said(folder)
        try:
            kind, value = here.recv()
        except (EOFError, OSError):
            process.join()
            raise WorkerDied(_how_it_ended(process.exitcode, limits, folder), _last_doing(folder)) from None
        if kind == "done":
            return
        if kind == "raised":
            raise WorkerDied(value, _last_doing(folder))
        yield value


def _how_it_ended(status: int, limits: Limits, folder: Path) -> str:
    if status >= 0:
        return f"{FAILED}: its process ended with status {status}: {_last_line(folder)}"
    name = signal.Signals(-status).name
    if limits.bytes and any(word in _text(folder / "stderr") for word in OUT_OF_MEMORY):
        return f"{STOPPED}: out of memory: {name} at a limit of {limits.bytes / (1 << 30):.3g} GiB"
    return f"{FAILED}: its process was ended by {name}"


def _last_said(folder: Path) -> str:
    return _text(folder / "doing").strip()


def _last_doing(folder: Path) -> str:
    return _last_said(folder).partition(" ")[2]


def _last_line(folder: Path) -> str:
    lines = _text(folder / "stderr").strip().splitlines()
    return lines[-1][:MESSAGE_LENGTH] if lines else "no message"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _run(connection: _ConnectionBase, options, work: Callable, arguments, more) -> None:
    """Do the work in the new process, and send what it yields."""
    folder, memory_limit, variables = options
    if sys.platform != "win32":
        go_on_under_guard(connection)
    else:
        threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    os.environ.update(variables)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # if a person ends the run, that is no failure of the variant's
    tempfile.tempdir = str(folder)  # which is removed even if this process is killed
    _redirect(folder)
    _limit_memory(memory_limit)
    try:
        result = work(*arguments, **more)
        for value in result if isinstance(result, Iterator) else [result]:
            connection.send(("value", value))
        connection.send(("done", None))
    except Exception as error:
        connection.send(("raised", reason_of(error)))
    # Threads of TensorFlow, PyTorch or JAX may not agree on the order in which to end.
    os._exit(0)


def _redirect(folder: Path) -> None:
    global _doing
    _doing = os.open(folder / "doing", os.O_CREAT | os.O_RDWR)
    messages = os.open(folder / "stderr", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    sys.stdout.flush()
    os.dup2(messages, 1)
    os.dup2(messages, 2)


def _limit_memory(limit: int | None) -> None:
    if limit is None or sys.platform == "win32":
        return
    with suppress(ImportError, OSError, ValueError):  # where the system knows no such limit
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, most))


def _end_with(connection: _ConnectionBase) -> None:
    """End this process when the other end of the connection is gone: nothing must go on measuring unseen."""
    with suppress(EOFError, OSError):
        connection.recv()
    os._exit(1)

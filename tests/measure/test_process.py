"""A process of its own: what it yields arrives, and however it ends, the reason is known."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from unroll.measure.process import Limits, WorkerDied, doing, quiet, work_apart

LIMITS = Limits(seconds=30)


def count(numbers):
    yield from range(numbers)


def tell(variable):
    return os.environ[variable]


def crash():
    yield 1
    doing("crashing")
    os.kill(os.getpid(), signal.SIGSEGV)


def hang():
    doing("hanging")
    time.sleep(1000)
    yield 1


def work_slowly():
    for number in range(8):
        doing(number)
        time.sleep(0.3)
    yield "done"


def leave():
    sys.stderr.write("good\nbye\n")
    sys.stderr.flush()
    os._exit(7)
    yield


def fail():
    raise ValueError("no good\nat all")
    yield


def take(gib):
    yield len(bytearray(gib << 30))


def apart(name, *arguments, limits=LIMITS, **more):
    return work_apart(globals()[name], *arguments, limits=limits, **more)


def test_what_a_generator_yields_comes_one_by_one_and_what_a_function_gives_at_once():
    assert list(apart("count", 3)) == [0, 1, 2]
    assert list(apart("tell", "A_VARIABLE", variables={"A_VARIABLE": "set"})) == ["set"]
    assert "A_VARIABLE" not in os.environ


@pytest.mark.parametrize(
    ("name", "reason", "was_doing"),
    [
        ("crash", "failed: its process was ended by SIGSEGV", "crashing"),
        ("hang", "stopped: took more than 0.5 s", "hanging"),
        ("leave", "failed: its process ended with status 7: bye", ""),
        ("fail", "failed: ValueError: no good", ""),
    ],
)
def test_the_reason_of_its_end_is_known(name, reason, was_doing):
    with pytest.raises(WorkerDied) as death:
        list(apart(name, limits=Limits(0.5 if name == "hang" else 30)))
    assert str(death.value) == reason
    assert death.value.doing == was_doing


def test_the_limit_is_for_one_thing_that_is_being_done_and_not_for_all():
    assert list(apart("work_slowly", limits=Limits(1.0))) == ["done"]


def test_what_came_before_the_end_is_kept():
    got = apart("crash")
    assert next(got) == 1
    with pytest.raises(WorkerDied):
        next(got)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems set no such limit")
def test_memory_is_limited():
    assert list(apart("take", 1)) == [1 << 30]
    with pytest.raises(WorkerDied, match="stopped: out of memory"):
        list(apart("take", 2, limits=Limits(30, bytes=2 << 30)))


def end_of(processes):
    """Wait until these processes are gone; gives those that are there after ten seconds."""
    end = time.monotonic() + 10
    while any(map(psutil.pid_exists, processes)) and time.monotonic() < end:
        time.sleep(0.05)
    return [number for number in processes if psutil.pid_exists(number)]


def parent_of(work):
    code = (
        "from unroll.measure.process import *\nimport test_process\n"
        "if __name__ == '__main__':\n"
        f"    for value in work_apart(test_process.{work}, limits=Limits(60)):\n"
        "        print(*value, flush=True)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.path.dirname(__file__)}
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)


def children_of(parent, word=""):
    """List a process's children that have a word in their command."""
    children = psutil.Process(parent.pid).children()
    with suppress(psutil.Error):  # one has ended meanwhile
        return [child.pid for child in children if word in str(child.cmdline())]
    return []


def report_and_hang():
    yield [os.getpid(), os.getppid()]
    time.sleep(1000)


def report_and_hold_the_interpreter():
    yield [os.getpid(), os.getppid()]
    ctypes.PyDLL(None).sleep(1000)


def report_family_and_hang():
    yield [os.getpid(), os.getppid(), *start_family()]
    time.sleep(1000)


def start_family():
    """Start a child, and a grandchild in a session of its own, whose parent ends."""
    child = subprocess.Popen(["sleep", "1000"])
    grandchild = subprocess.run(
        ["sh", "-c", "setsid sleep 1000 >/dev/null & echo $!"], stdout=subprocess.PIPE, text=True
    )
    return child.pid, int(grandchild.stdout)


def fork_and_crash():
    """Leave a child that holds the pipe, and crash."""
    if os.fork() == 0:
        time.sleep(1000)
    os.kill(os.getpid(), signal.SIGSEGV)
    yield


@pytest.mark.parametrize(
    ("work", "name"),
    [
        ("report_and_hold_the_interpreter", "SIGKILL"),
        *(("report_family_and_hang", name) for name in ("SIGKILL", "SIGTERM", "SIGHUP")),
    ],
)
def test_it_ends_with_its_parent_and_takes_along_what_it_started(work, name):
    with parent_of(work) as parent:
        processes = [*map(int, parent.stdout.readline().split()), *children_of(parent)]
        assert all(map(psutil.pid_exists, processes)) and len(processes) >= 3
        parent.send_signal(getattr(signal, name))
    assert end_of(processes) == []


def test_the_server_that_is_killed_with_its_parent_as_it_starts_is_gone():
    with parent_of("report_and_hang") as parent:
        while not (processes := children_of(parent, "forkserver")):
            time.sleep(0.01)
        parent.kill()
    assert end_of(processes) == []


def test_what_it_started_ends_with_its_work():
    (family,) = apart("start_family")
    assert end_of(family) == []


def test_a_child_that_holds_the_pipe_does_not_hide_how_it_ended():
    with pytest.raises(WorkerDied, match="failed: its process was ended by SIGSEGV"):
        list(apart("fork_and_crash"))


def test_only_what_is_started_within_is_quiet(capfd):
    with quiet():
        os.write(2, b"hidden\n")
    os.write(2, b"seen\n")
    assert capfd.readouterr().err == "seen\n"

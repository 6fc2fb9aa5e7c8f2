"""A process of its own: what it yields arrives, and however it ends, the reason is known."""

import os
import signal
import subprocess
import sys
import time

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


def test_it_ends_with_its_parent_however_that_ends():
    code = (
        "from unroll.measure.process import *\nfrom test_process import report_and_hang\n"
        "if __name__ == '__main__':\n"
        "    for value in work_apart(report_and_hang, limits=Limits(60)):\n"
        "        print(value, flush=True)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.path.dirname(__file__)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        parent.kill()
    end = time.monotonic() + 10
    while psutil.pid_exists(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not psutil.pid_exists(child)


def report_and_hang():
    yield os.getpid()
    time.sleep(1000)


def test_only_what_is_started_within_is_quiet(capfd):
    with quiet():
        os.write(2, b"hidden\n")
    os.write(2, b"seen\n")
    assert capfd.readouterr().err == "seen\n"

"""The guard of a process that measures: it ends with the run, and takes whatever it started along.

The process forks: the child does the work, and the parent stays to guard it. The guard has no Python thread and no
TensorFlow to wait for, so nothing that the work does can hold it up.
"""

import contextlib
import ctypes
import os
import select
import signal
import socket
import sys
from multiprocessing.connection import _ConnectionBase

import psutil

assert sys.platform != "win32"  # which cannot fork: nobody imports this there

DEATH_SIGNAL, SUBREAPER = 1, 36  # options of Linux's prctl
_TOLD = (signal.SIGTERM, signal.SIGHUP)


def go_on_under_guard(connection: _ConnectionBase) -> None:
    """Fork, and go on in the child; the parent guards it, and ends as it does.

    The guard ends the child, its children and theirs, when the child has ended, when the other end of the connection is
    gone, or when it is told to by a signal.
    """
    os.setpgid(0, 0)  # so that a signal to all of a terminal's processes leaves the guard to do its work
    _prctl(SUBREAPER, 1)  # what loses its parent becomes the guard's, also where it has left the process group
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGCHLD, *_TOLD)}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wake_before = signal.set_wakeup_fd(waker.fileno())
    guard, child = os.getpid(), os.fork()
    if child:
        status = _wait(child, connection, woken)
        _end_all(child)
        _end_as(status)
    signal.set_wakeup_fd(wake_before)
    for number, handler in before.items():
        signal.signal(number, handler)
    woken.close()
    waker.close()
    os.setpgid(0, 0)
    _prctl(DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != guard:  # it has ended already
        os._exit(1)


def _wait(child: int, connection: _ConnectionBase, woken: socket.socket) -> int | None:
    """Wait until the child has ended, and return its status; None if the run is gone or a signal came first."""
    while True:
        ready, _, _ = select.select([connection, woken], [], [])
        if connection in ready:  # nothing more is sent this way: the other end is gone
            return None
        signals = woken.recv(64)
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if any(number in _TOLD for number in signals):
            return None


def _end_all(child: int) -> None:
    """End the child and all that it started, until nothing is left: what was started meanwhile is found, too."""
    me = psutil.Process()
    while True:
        with contextlib.suppress(OSError):
            os.killpg(child, signal.SIGKILL)
        left = me.children(recursive=True)
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, 0):
                pass
        if not left:
            return


def _end_as(status: int | None) -> None:
    """End this process with a status, or by the signal that a negative one stands for."""
    if status is None or status >= 0:
        os._exit(1 if status is None else status)
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the child has left a core already, where cores are wanted
    with contextlib.suppress(OSError):
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
    signal.pause()


def _prctl(option: int, value: int) -> None:
    """Set an option of this process, where there is Linux's call for it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)

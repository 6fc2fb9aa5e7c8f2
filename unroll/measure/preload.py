"""What the server imports that processes are forked from; only it imports this.

Importing TensorFlow takes seconds, in which the server does not hear that the run is gone. So it looks for itself.
"""

import importlib
import os
import signal
import sys

from unroll.measure.process import RUN_VARIABLE

assert sys.platform != "win32"  # which has no such server

LOOK_S = 0.5
IMPORTED = [f"unroll.measure.{name}" for name in ("steps", "memory", "export", "fit", "replicas")]


def import_while_the_run_lives() -> None:
    """Import what measuring needs, and end this process if its parent ends meanwhile."""
    parent = os.environ.get(RUN_VARIABLE)

    def look(*_) -> None:
        if parent not in (None, str(os.getppid())):
            os._exit(1)

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, LOOK_S, LOOK_S)
    try:
        look()
        for name in IMPORTED:
            importlib.import_module(name)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


import_while_the_run_lives()

#!/usr/bin/env python3
"""Measure on a machine that has a GPU, its driver and Python, and no network: in calls of a few minutes each.

    python3 tools/gpu_run.py --site SITE --out OUT --data FOLDER --seconds 500

SITE is a folder of installed packages, made by tools/parts.py. What is not in it, and not in this Python either, is
taken from --wheels. Each call does the stages that are left, in order, until the seconds are over, and copies the
journals and the log into OUT. What was measured stays, whenever it is stopped: the next call goes on from there.

The stages: the packages, the tests on a GPU, `unroll doctor`, and then the parts of docs/gpu.md, what matters most
first. With --rehearse all of it is done on the CPU, with the preset `tiny`.
"""

import argparse
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DEV = Path("/dev")
# By the name that each is imported by: what the benchmarks and tests need besides TensorFlow.
PACKAGES = {
    "tensorflow": "tensorflow",
    "matplotlib": "matplotlib",
    "msgspec": "msgspec",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "psutil": "psutil",
    "PIL": "pillow",
    "rich": "rich",
    "pytest": "pytest",
    "pytest_benchmark": "pytest-benchmark",
    "xdist": "pytest-xdist",
    "hypothesis": "hypothesis",
}
DONE = "done"  # how a stage ended; any other is tried again in the next call
NOTHING_ASKED = 5  # pytest's status where no benchmark was selected
TESTERS = "8"  # processes that test at once
STOP_S = 20  # that a stage is given to end after it was told to
OURS = "static or dynamic or keras-loop or cudnn or torch or jax-loop"


class Stage(NamedTuple):
    """One thing to do: its name, the command, and the folder of results that it writes."""

    name: str
    command: list[str]
    folder: str = ""


class RunError(Exception):
    """What keeps the run from starting; the message says what to do."""


def stages(options) -> list[Stage]:
    """Return the stages in order: first that it is right, then what matters most."""
    pytest = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "pytest_benchmark.plugin"]
    test = [*pytest, "-p", "xdist.plugin", "--benchmark-disable", "-q", "-rs", "-n", TESTERS]

    def measure(name: str, asked: str, folder: str = "gpu", *more: str) -> Stage:
        chosen = ["--preset", "tiny", "--device", "cpu"] if options.rehearse else ["--preset", "gpu", "--device", "gpu"]
        if options.peers_python:
            chosen += ["--peers-python", options.peers_python]
        given = ["--benchmark-only", "--no-report", "-q", "--data", options.data, "-k", asked, *more]
        return Stage(name, [*pytest, *given, *chosen], folder)

    tf32 = [] if options.rehearse else ["--tf32", "on"]
    few = f"train and ({OURS}) and not tf1 and not traced and not xla and not mixed"
    held = "(kernels or test_memory) and train and not mixed and not tf1"
    long = "growth_of_time and train and not xla and not static and not unrolled and (T512 or T1024)"
    corners = "grid and train and not xla and (B2048 or H1024) and not 512"
    laid_out = "growth_of_time and train and not xla and (static or unrolled) and (T128 or T512)"
    long_held = "growth_of_memory and train and (T128 or T1024) and (dynamic or cudnn)"
    return [
        Stage("equality", [*test, "tests/gpu/test_equality.py"]),
        Stage("doctor", [sys.executable, "-m", "unroll", "doctor"]),
        measure("training steps", "machine or (test_step and train and not xla and not tf1)"),
        measure("kernels and memory", held),
        measure("XLA and the largest sizes", f"(test_step and train and xla) or ({corners}) or ({long})"),
        measure("training steps again", f"test_step and {few}", "gpu-again"),
        measure("forward steps", "test_step and forward and not mixed and not tf1 and not traced"),
        measure("TF32", f"machine or (test_step and {few})", "gpu-tf32", *tf32),
        Stage("other tests", [*test, "tests/gpu/test_measuring.py"]),
        measure("longer", f"({laid_out}) or ({long_held})"),
        measure("the rest of the grid", "grid and train"),
        measure("the rest", "not fit and not replicas"),
    ]


def main() -> int:
    """Do what is left of the stages; bad input gets one line and exit status 2."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site", type=Path, required=True, help="the folder of installed packages")
    parser.add_argument("--wheels", type=Path, help="a folder of wheels, for what is installed neither there nor here")
    parser.add_argument("--out", type=Path, required=True, help="the folder that the journals and the log are put into")
    parser.add_argument("--work", type=Path, default=Path("/tmp/unroll-gpu"), help="where results grow (%(default)s)")
    parser.add_argument("--data", default="digits", help="as the benchmarks take it (%(default)s)")
    parser.add_argument("--peers-python", help="the interpreter that has PyTorch or JAX")
    parser.add_argument("--seconds", type=float, default=500, help="when to stop (%(default)s)")
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, with the preset `tiny`")
    options = parser.parse_args()
    try:
        _check(options)
        _resolve(options)
        return _run(options)
    except RunError as error:
        print(error, file=sys.stderr)
        return 2


def _resolve(options) -> None:
    """Make each path whole, because the stages work in another folder."""
    for name in ("site", "wheels", "out", "work", "data"):
        given = getattr(options, name)
        if given is not None and (name != "data" or Path(given).exists()):
            setattr(options, name, type(given)(Path(given).resolve()))


def _check(options) -> None:
    """Refuse options that cannot be before anything is done.

    Raises:
        RunError: one of them; the message says what is wanted.
    """
    if not 0 < options.seconds < float("inf"):
        raise RunError(f"got --seconds {options.seconds:g}; want a number above 0")
    for name in ("site", "wheels"):
        folder = getattr(options, name)
        if folder and not folder.is_dir():
            raise RunError(f"got --{name} {folder}, which is no folder; want a folder of packages")
    for name in ("out", "work"):
        folder = getattr(options, name)
        if folder.exists() and not folder.is_dir():
            raise RunError(f"got --{name} {folder}, which is a file; want a folder")
    if options.data == "digits" and not options.rehearse:
        raise RunError(
            "got --data digits, which has fewer images than the preset gpu's largest batch; want MNIST's files"
        )


def _done_before(state: Path) -> dict[str, str]:
    """Return how the stages of earlier calls ended."""
    if not state.exists():
        return {}
    try:
        done = json.loads(state.read_text(encoding="utf-8"))
    except ValueError:
        done = None
    if not isinstance(done, dict):
        raise RunError(f"got {state}, which is damaged; want what this program wrote: remove it to begin anew")
    return done


def _run(options) -> int:
    end = time.monotonic() + options.seconds
    if not options.rehearse and not any(DEV.glob("nvidia[0-9]*")):
        raise RunError("got no NVIDIA GPU with a driver here; want one, or --rehearse to try everything on the CPU")
    options.work.mkdir(parents=True, exist_ok=True)
    options.out.mkdir(parents=True, exist_ok=True)
    environment = _environment(options)
    if not options.rehearse:
        _see_gpu(environment)
    state = options.work / "done.json"
    done = _done_before(state)
    try:
        for stage in stages(options):
            if done.get(stage.name) != DONE and time.monotonic() < end:
                before = time.monotonic()
                ended = _do(stage, options, environment, end)
                _say(options, f"{stage.name}: {ended}, {time.monotonic() - before:.0f} s")
                if not ended.startswith("stopped"):
                    done[stage.name] = ended
                    state.write_text(json.dumps(done))
    finally:
        left = [stage.name for stage in stages(options) if done.get(stage.name) != DONE]
        _say(options, f"left: {', '.join(left)}" if left else "all stages are done")
        _collect(options)
    return 1 if any(ended.startswith("failed") for ended in done.values()) else 0


def _environment(options) -> dict[str, str]:
    """Return the variables of an environment of the site, the wheels and this Python; nothing must be lacking."""
    extra = options.work / "packages"
    places = [ROOT, options.site, *([extra] if options.wheels else [])]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, places)),
        # TensorFlow's wheel finds CUDA's libraries beside it, all but this one.
        "LD_LIBRARY_PATH": f"{options.site}/nvidia/cusolver/lib:{os.environ.get('LD_LIBRARY_PATH', '')}",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    sys.path[:0] = map(str, places)
    lacking = [name for module, name in PACKAGES.items() if not importlib.util.find_spec(module)]
    if lacking and options.wheels:
        install = ["install", "-q", "--no-index", "--no-compile", "--find-links", options.wheels, "--target", extra]
        told = subprocess.run([sys.executable, "-m", "pip", *install, *lacking], capture_output=True, text=True)
        if told.returncode:
            last = (told.stderr.strip().splitlines() or ["no message"])[-1]
            raise RunError(f"the wheels in {options.wheels} do not install: {last}; want all of {', '.join(lacking)}")
    elif lacking:
        raise RunError(
            f"got no {', '.join(lacking)} in {options.site} nor in {sys.executable}; want --wheels with them"
        )
    return environment


def _see_gpu(environment: dict[str, str]) -> None:
    """See that TensorFlow finds a GPU: else every test would be skipped.

    Raises:
        RunError: it finds none; the message names the libraries that it could not load.
    """
    look = "import tensorflow as tf; print('GPUs', len(tf.config.list_physical_devices('GPU')))"
    loudly = environment | {"TF_CPP_MIN_LOG_LEVEL": "0", "TF_CPP_MAX_VLOG_LEVEL": "1"}
    told = subprocess.run([sys.executable, "-c", look], env=loudly, capture_output=True, text=True)
    if "GPUs" in told.stdout and "GPUs 0" not in told.stdout:
        return
    lost = sorted(set(re.findall(r"Could not load dynamic library '([^']+)'", told.stderr)))
    last = (told.stderr.strip().splitlines() or ["no message"])[-1]
    why = f"it could not load {', '.join(lost)}" if lost else f"it said last: {last}"
    raise RunError(f"TensorFlow sees no GPU: {why}; want a site that holds TensorFlow with CUDA")


def _do(stage: Stage, options, environment: dict[str, str], end: float) -> str:
    """Do one stage, and say how it ended: done, failed, or stopped because the time is over."""
    command = list(stage.command)
    if stage.folder:
        results = options.work / stage.folder
        command += ["--results", str(results)]
        if (results / "journal.jsonl").exists():
            command.append("--resume")
    with (options.work / "log.txt").open("a") as log:
        log.write(f"\n== {stage.name}: {' '.join(command)}\n")
        log.flush()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            status = process.wait(timeout=max(1.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            _stop(process)
            return "stopped: the time is over"
    return DONE if status in (0, NOTHING_ASKED) else f"failed with status {status}: see the log"


def _stop(process: subprocess.Popen) -> None:
    """Tell a stage to end, and see that all its processes do."""
    for kind in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, kind)
            process.wait(timeout=STOP_S)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _collect(options) -> None:
    """Copy the journals, each in a folder of its own as `unroll report` reads them, and the log."""
    for journal in options.work.glob("*/journal.jsonl"):
        folder = options.out / journal.parent.name
        folder.mkdir(exist_ok=True)
        shutil.copyfile(journal, folder / journal.name)
    for name in ("log.txt", "done.json"):
        if (options.work / name).exists():
            shutil.copyfile(options.work / name, options.out / name)


def _say(options, text: str) -> None:
    print(text, flush=True)
    with (options.work / "log.txt").open("a") as log:
        log.write(f"-- {text}\n")


if __name__ == "__main__":
    sys.exit(main())

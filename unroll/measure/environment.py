"""The environment that a run was measured in, and what in it spoils a measurement."""

import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from unroll.errors import how_to_install
from unroll.measure.device import CPU, Device, switch_text
from unroll.measure.gpus import cuda_versions, describe_gpus, find_load, gpu_text
from unroll.measure.process import MAY_LIMIT_MEMORY, START_METHOD
from unroll.measure.variants import PEER_PACKAGES

PACKAGES = ("tensorflow", "keras", "numpy", "unroll-lstm", "torch", "jax", "jaxlib")  # where installed
FLAG_PREFIXES = (
    *("TF_CPP_", "TF_CPU_", "TF_DETERMINISTIC_", "TF_ENABLE_", "TF_FORCE_", "TF_GPU_", "TF_NUM_", "TF_XLA_"),
    *("XLA_", "JAX_", "OMP_", "MKL_", "ONEDNN_", "NVIDIA_TF32_"),
    *("CUDA_VISIBLE_", "CUDA_LAUNCH_", "CUDA_CACHE_"),
)
INSTALL_PEERS = f"not installed: {how_to_install('peers')}"

SAMPLED_S = 0.3
SYSCTL_S = 10
MOST_OTHER_LOAD = 0.2  # cores
MOST_STOLEN = 0.05  # of the processors' time
MOST_GPU_LOAD = 0.05  # of the time
LEAST_FREE_BYTES = 1 << 30
MOST_SWAPPED_BYTES = 256 << 20  # a little is swapped out at leisure, and stays there
OFF = ("", "0", "false")
SLOW_SWITCHES = {
    "TF_CPP_MAX_VLOG_LEVEL": "makes TensorFlow log every operation",
    "TF_CPP_VMODULE": "makes TensorFlow log every operation",
    "TF_CPU_ALLOCATOR_USE_BFC": "replaces the CPU's allocator by one that counts",
    "NVIDIA_TF32_OVERRIDE": "overrules --tf32",
    "CUDA_LAUNCH_BLOCKING": "makes the host wait for every kernel",
    "JAX_DISABLE_JIT": "leaves JAX without its compiler",
    "JAX_DEBUG_NANS": "makes JAX look for NaNs after every step",
    "JAX_COMPILATION_CACHE_DIR": "lets JAX take compiled programs from an earlier run",
}
SLOW_COMPILER_FLAGS = {
    "--xla_backend_optimization_level=0": "leaves the compiled code slow",
    "--xla_dump_": "writes files at every compilation",
    "--xla_hlo_profile": "times every instruction",
    "--tf_xla_clustering_debug": "writes files at every compilation",
    "--tf_xla_persistent_cache_directory": "lets XLA take compiled programs from an earlier run",
}
TURBO_FILES = {  # and what is in them while turbo is on
    "sys/devices/system/cpu/intel_pstate/no_turbo": "0",
    "sys/devices/system/cpu/cpufreq/boost": "1",
}
VERBOSE, INSTRUCTIONS = "ONEDNN_VERBOSE", re.compile(r"info,cpu,isa:(.*)")
ROOT = Path("/")


@dataclass(frozen=True)
class Readings:
    """What was read off the machine and this process; None where there is no such file or sensor."""

    cores: int
    variables: Mapping[str, str]  # the environment's
    other_load: float | None = None  # cores that other processes keep busy
    stolen: float | None = None  # share of the processors' time that the host gave to other virtual machines
    governor: str | None = None
    turbo_file: str | None = None  # the file that holds turbo on
    quota: float | None = None  # cores that the cgroup grants
    free_bytes: int | None = None
    swapped_bytes: int | None = None
    on_battery: bool = False
    dev_mode: bool = False
    tracer: str | None = None  # what watches every line or call, such as coverage or a debugger
    runs_eagerly: bool = False  # tf.config.run_functions_eagerly
    op_callbacks: bool = False  # tf.debugging.enable_check_numerics and its like
    gpu_load: float | None = None  # share of the time that other processes keep the GPU busy
    gpu_processes: int = 0  # of others, that hold the GPU
    tf32: bool = False  # whether the GPU rounds float32 products
    may_limit_memory: bool = True  # whether the system keeps a process to a limit of memory


def environment(seed: int, *, device: Device = CPU) -> dict:
    """Describe where and how a run is measured: machine, cores, GPUs, threads, versions, flags, seed, commit, warnings.

    Importing this module does not import TensorFlow; calling this does. It takes a third of a second to look about.
    """
    import tensorflow as tf

    readings = read_machine(device)
    return {
        "processor": _processor(),
        "vector_instructions": _vector_instructions(),
        "onednn": _onednn(),
        "cores": readings.cores,
        "memory_bytes": psutil.virtual_memory().total,
        "devices": [listed.device_type for listed in tf.config.list_physical_devices()],
        "gpus": describe_gpus(),
        "cuda": cuda_versions(),
        "threads": {
            "inter_op": tf.config.threading.get_inter_op_parallelism_threads(),
            "intra_op": tf.config.threading.get_intra_op_parallelism_threads(),
        },
        "system": f"{platform.system()} {platform.release()}",
        "start_method": START_METHOD,
        "python": platform.python_version(),
        "versions": _versions(),
        "flags": {name: value for name, value in sorted(os.environ.items()) if name.startswith(FLAG_PREFIXES)},
        "seed": seed,
        "commit": _commit(),
        "load": _reading(lambda: os.getloadavg()[0]) if sys.platform != "win32" else None,
        "warnings": warnings_of(readings),
    }


def diagnosis(environment: dict) -> list[str]:
    """Format an environment as aligned lines for people, and below them what in it spoils a measurement."""
    threads, versions, load = environment["threads"].items(), environment["versions"], environment["load"]
    rows = {
        "processor": environment["processor"],
        "vectors": environment.get("vector_instructions") or "unknown",
        "oneDNN": switch_text(environment.get("onednn")),
        "cores": environment["cores"],
        "memory": f"{environment['memory_bytes'] / (1 << 30):.1f} GiB",
        "devices": ", ".join(environment["devices"]),
        **{f"GPU:{number}": gpu_text(gpu) for number, gpu in enumerate(environment.get("gpus", []))},
        "built for": ", ".join(f"{name} {version}" for name, version in environment.get("cuda", {}).items())
        or "no CUDA",
        "threads": ", ".join(f"{name} {count or 'automatic'}" for name, count in threads),
        "system": environment["system"],
        "processes": environment.get("start_method", "forkserver"),
        "python": environment["python"],
        **versions,
        **{name: INSTALL_PEERS for name in PEER_PACKAGES if name not in versions},
        "flags": ", ".join(f"{name}={value}" for name, value in environment["flags"].items()) or "none",
        "commit": environment["commit"],
        "load": "unknown" if load is None else f"{load:.1f}",
    }
    width = max(map(len, rows))
    lines = [f"warning: {warning}" for warning in environment["warnings"]]
    return [
        *(f"{name:{width}}  {value}" for name, value in rows.items()),
        "",
        *(lines or ["nothing found that spoils a measurement"]),
    ]


def warnings_of(readings: Readings) -> list[str]:
    """Return what spoils a measurement: of each, what was found and what to do."""
    return [
        *_neighbour_warnings(readings),
        *_clock_warnings(readings),
        *_core_warnings(readings),
        *_memory_warnings(readings),
        *_gpu_warnings(readings),
        *_debugging_warnings(readings),
        *_flag_warnings(readings.variables),
    ]


def read_machine(device: Device = CPU) -> Readings:
    """Read all that a warning may come from; takes `SAMPLED_S` to see how busy others are."""
    busy = _reading(_neighbours)
    memory, swap = _reading(psutil.virtual_memory), _reading(psutil.swap_memory)
    battery = _reading(lambda: psutil.sensors_battery())
    gpu = find_load() if device.is_gpu else None
    return Readings(
        cores=_cores(),
        variables=dict(os.environ),
        other_load=busy[0] if busy else None,
        stolen=busy[1] if busy else None,
        governor=_text(ROOT / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        turbo_file=_turbo_file(ROOT),
        quota=_reading(lambda: _quota(ROOT)),
        free_bytes=memory.available if memory else None,
        swapped_bytes=swap.used if swap else None,
        on_battery=battery is not None and battery.power_plugged is False,
        dev_mode=sys.flags.dev_mode,
        tracer=_tracer(),
        runs_eagerly=bool(_reading(_runs_eagerly)),
        op_callbacks=bool(_reading(_op_callbacks)),
        gpu_load=gpu.share if gpu else None,
        gpu_processes=gpu.processes if gpu else 0,
        tf32=device.is_gpu and bool(_reading(_tf32)),
        may_limit_memory=MAY_LIMIT_MEMORY,
    )


def _neighbour_warnings(readings: Readings) -> Iterator[str]:
    if (readings.other_load or 0) > MOST_OTHER_LOAD:
        yield (
            f"other processes keep {readings.other_load:.1f} of {readings.cores} cores busy; "
            "stop them, or wait until they are done"
        )
    if (readings.stolen or 0) > MOST_STOLEN:
        yield (
            f"this is a virtual machine, and its host took {readings.stolen:.0%} of the processors' time away; "
            "measure at another time, or on a machine of your own"
        )


def _clock_warnings(readings: Readings) -> Iterator[str]:
    if readings.governor not in (None, "performance"):
        yield (
            f"the clock follows the load (governor {readings.governor}); "
            "as root: cpupower frequency-set --governor performance"
        )
    if readings.turbo_file:
        off = {"0": "1", "1": "0"}[TURBO_FILES[readings.turbo_file.removeprefix("/")]]
        yield f"turbo is on, so the clock follows the heat; as root: echo {off} > {readings.turbo_file}"
    if readings.on_battery:
        yield "the machine runs on its battery, and saves power; plug it in"


def _core_warnings(readings: Readings) -> Iterator[str]:
    if readings.cores == 1:
        yield "there is one core only, and whatever else runs takes it; measure on two or more"
    if readings.quota is not None and readings.quota < readings.cores:
        yield (
            f"the container may use {readings.quota:g} of {readings.cores} cores, and is halted when it uses more; "
            "raise its CPU limit, or bind it to whole cores instead"
        )
    threads = readings.variables.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if threads.isdecimal() and int(threads) < readings.cores:
        yield f"OMP_NUM_THREADS={threads} leaves some of {readings.cores} cores idle; unset it"


def _memory_warnings(readings: Readings) -> Iterator[str]:
    if readings.free_bytes is not None and readings.free_bytes < LEAST_FREE_BYTES:
        yield f"only {readings.free_bytes >> 20} MiB of memory are free; close other programs"
    if (readings.swapped_bytes or 0) > MOST_SWAPPED_BYTES:
        yield f"{(readings.swapped_bytes or 0) >> 20} MiB are swapped out; close other programs, or turn swap off"
    if not readings.may_limit_memory:
        yield (
            f"{platform.system()} sets no limit to the memory of a process, so --limit-gib has no effect; "
            "choose sizes that leave memory free"
        )


def _gpu_warnings(readings: Readings) -> Iterator[str]:
    if readings.gpu_load is not None and (readings.gpu_load > MOST_GPU_LOAD or readings.gpu_processes):
        yield (
            f"{readings.gpu_processes} other processes hold the GPU, busy {readings.gpu_load:.0%} of the time; "
            "stop them, or wait until they are done"
        )
    if readings.tf32:
        yield "TF32 is on: the GPU rounds what float32 products read to 10 bits; leave out --tf32 on, if not meant"


def _debugging_warnings(readings: Readings) -> Iterator[str]:
    if readings.dev_mode:
        yield "Python runs in development mode, with checks at every call; unset PYTHONDEVMODE, leave out -X dev"
    if readings.tracer:
        yield f"{readings.tracer} watches what Python does; measure without coverage, profiler and debugger"
    if readings.runs_eagerly:
        yield "tf.config.run_functions_eagerly is on, so no graph is run; turn it off"
    if readings.op_callbacks:
        yield "tf.debugging watches every operation; leave out enable_check_numerics and enable_dump_debug_info"


def _flag_warnings(variables: Mapping[str, str]) -> Iterator[str]:
    for name, harm in SLOW_SWITCHES.items():
        if variables.get(name, "").lower() not in OFF:
            yield f"{name}={variables[name]} {harm}; unset it"
    if variables.get("TF_ENABLE_ONEDNN_OPTS", "1").lower() in OFF[1:]:
        yield f"TF_ENABLE_ONEDNN_OPTS={variables['TF_ENABLE_ONEDNN_OPTS']} takes fast kernels away; unset it"
    for name in ("XLA_FLAGS", "TF_XLA_FLAGS"):
        for flag in variables.get(name, "").split():
            for start, harm in SLOW_COMPILER_FLAGS.items():
                if flag.startswith(start) and not flag.endswith("=false"):
                    yield f"{flag} in {name} {harm}; take it out"


def _reading(read: Callable[[], Any]) -> Any:
    """Read a sensor; None where there is none, or where it fails."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return read()
    except (
        OSError,
        AttributeError,
        ImportError,
        NotImplementedError,
        ValueError,
        psutil.Error,
        subprocess.SubprocessError,
    ):
        return None


def _text(path: Path) -> str | None:
    return _reading(lambda: path.read_text(encoding="utf-8").strip())


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # of Linux
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _neighbours() -> tuple[float, float]:
    """Watch for a moment how many cores other processes keep busy, and what share of the time the host takes."""
    process = psutil.Process()
    start, before, own_before = time.perf_counter(), psutil.cpu_times(), process.cpu_times()
    time.sleep(SAMPLED_S)
    seconds, after, own_after = time.perf_counter() - start, psutil.cpu_times(), process.cpu_times()
    own = sum(own_after[:2]) - sum(own_before[:2])  # user and system
    return _others(before._asdict(), after._asdict(), own, seconds)


def _others(before: Mapping, after: Mapping, own: float, seconds: float) -> tuple[float, float]:
    """Return what others used, in cores, and what share was stolen, from the counts of all processors' time."""
    spent = {name: after[name] - before[name] for name in after if not name.startswith("guest")}  # guest is in user
    idle = sum(spent.get(name, 0) for name in ("idle", "iowait", "steal"))
    total = sum(spent.values())
    return max(0.0, (total - idle - own) / seconds), spent.get("steal", 0) / total if total else 0.0


def _turbo_file(root: Path) -> str | None:
    """Name the file that holds turbo on; None if it is off or cannot be told."""
    return next((f"/{name}" for name, on in TURBO_FILES.items() if _text(root / name) == on), None)


def _quota(root: Path) -> float | None:
    """Return how many cores this process's cgroup, or one above it, grants; None without a limit."""
    top = root / "sys/fs/cgroup"
    lines = (_text(root / "proc/self/cgroup") or "").splitlines()
    own = top / next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    limits = [_text(folder / "cpu.max") for folder in (own, *own.parents) if folder.is_relative_to(top)]
    quotas = [limit.split() for limit in limits if limit and not limit.startswith("max")]
    return min((int(quota) / int(period) for quota, period in quotas), default=None)


def _tracer() -> str | None:
    """Name what watches every line or call of this process."""
    watcher = sys.gettrace() or sys.getprofile()
    if watcher:
        return getattr(watcher, "__module__", None) or type(watcher).__module__
    monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on
    tools = [monitoring.get_tool(number) for number in range(6)] if monitoring else []
    return next(filter(None, tools), None)


def _runs_eagerly() -> bool:
    import tensorflow as tf

    return tf.config.functions_run_eagerly()


def _tf32() -> bool:
    import tensorflow as tf

    return tf.config.experimental.tensor_float_32_execution_enabled()


def _op_callbacks() -> bool:
    from tensorflow.python.framework import op_callbacks  # TensorFlow has no public way to ask

    return bool(op_callbacks.should_invoke_op_callbacks())


def _versions() -> dict[str, str]:
    """Return the versions of the packages that are installed."""
    installed = {name for distribution in metadata.distributions() if (name := distribution.name)}
    return {package: metadata.version(package) for package in PACKAGES if package in installed}


def _processor() -> str:
    """Name the processor as the system does, or as Python does where that is not known."""
    for line in (_text(ROOT / "proc/cpuinfo") or "").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    named = {"darwin": _processor_of_macos, "win32": _processor_of_windows}.get(sys.platform)
    return (named and _reading(named)) or platform.processor() or platform.machine()


def _processor_of_macos() -> str:
    """Ask the kernel: Python itself says no more than `arm` on Apple silicon."""
    command = ["sysctl", "-n", "machdep.cpu.brand_string"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=SYSCTL_S).stdout.strip()


def _processor_of_windows() -> str | None:
    """Read the registry: Python itself says no more than the family and the model's number."""
    if sys.platform != "win32":
        return None
    import winreg

    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"HARDWARE\DESCRIPTION\System\CentralProcessor\0") as key:
        return str(winreg.QueryValueEx(key, "ProcessorNameString")[0]).strip()


def _onednn() -> bool | None:
    """Return whether TensorFlow uses oneDNN's operations on this processor; None where it cannot be told."""
    from tensorflow.python.util import _pywrap_util_port  # TensorFlow has no public way to ask

    return _reading(lambda: bool(_pywrap_util_port.IsMklEnabled()))


def _vector_instructions() -> str | None:
    """Return which vector instructions TensorFlow's products use, as oneDNN says when it makes its first.

    oneDNN makes TensorFlow's products with its other operations on or off. None if it says nothing: it is missing, or
    has made a product in this process before.
    """
    import tensorflow as tf

    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as told:
        kept, before = os.dup(1), os.environ.get(VERBOSE)
        sys.stdout.flush()
        os.dup2(told.fileno(), 1)
        os.environ[VERBOSE] = "1"
        try:
            with tf.device("CPU:0"):
                tf.matmul(tf.ones([64, 64]), tf.ones([64, 64]))
        finally:
            os.dup2(kept, 1)
            os.close(kept)
            os.environ.pop(VERBOSE) if before is None else os.environ.update({VERBOSE: before})
        told.seek(0)
        match = INSTRUCTIONS.search(told.read())
    return match[1].strip() if match else None


def _commit() -> str:
    """Return the commit that the code stands at, with a + if files have changed since.

    Outside of a checkout of its own it is what UNROLL_COMMIT says, for a copy of the files that came without their
    history: installed inside somebody else's repository, the commit there is not the project's.
    """
    root, elsewhere = Path(__file__).resolve().parents[2], os.environ.get("UNROLL_COMMIT", "unknown")

    def git(*arguments):
        arguments = ["git", *arguments]
        return subprocess.run(arguments, cwd=root, capture_output=True, encoding="utf-8", check=True).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != root:
            return elsewhere
        changed = git("status", "--porcelain", "--", ":/unroll", ":/benchmarks")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return elsewhere

import json
import os
import platform
import subprocess
import sys
import threading
from collections import namedtuple

import psutil
import pytest
from fakes import FakeGpu

from unroll.measure import environment as module
from unroll.measure.device import CPU
from unroll.measure.environment import Readings, diagnosis, environment, read_machine, warnings_of
from unroll.measure.gpus import Load
from unroll.measure.variants import PEER_PACKAGES

GIB = 1 << 30
CALM = {"cores": 4, "variables": {}, "other_load": 0.05, "stolen": 0.0, "governor": "performance", "quota": 4.0}
CALM |= {"free_bytes": 8 * GIB, "swapped_bytes": 0, "gpu_load": 0.02}
CPU_TIMES = {"user": 10.0, "system": 5.0, "idle": 100.0, "iowait": 1.0, "steal": 2.0, "guest": 3.0}


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_environment_says_where_and_how(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/somewhere")
    monkeypatch.setenv("TF_API_TOKEN", "secret")
    found = environment(seed=7)
    assert found["cores"] >= 1
    assert found["memory_bytes"] > 1 << 28
    assert "CPU" in found["devices"]
    assert found["versions"]["tensorflow"].startswith("2.")
    assert found["flags"]["XLA_FLAGS"] == "--xla_dump_to=/somewhere"
    assert "secret" not in str(found)
    assert found["seed"] == 7
    assert any("--xla_dump_to=/somewhere in XLA_FLAGS writes files" in warning for warning in found["warnings"])


def described_apart(**variables):
    """Describe the environment in a process of its own: TensorFlow reads the variables when it is imported."""
    code = "import json; from unroll.measure.environment import environment; print(json.dumps(environment(0)))"
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | variables, capture_output=True, text=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="oneDNN's names of instructions are an x86's here")
def test_it_says_whether_onednn_is_on_and_which_vector_instructions_are_used():
    best, plain = described_apart(), described_apart(ONEDNN_MAX_CPU_ISA="SSE41", TF_ENABLE_ONEDNN_OPTS="0")
    assert plain["onednn"] is False
    assert "SSE4.1" in plain["vector_instructions"]
    assert best["vector_instructions"] != plain["vector_instructions"]
    assert "ONEDNN_VERBOSE" not in best["flags"]


def test_the_module_imports_no_tensorflow():
    code = "import sys, unroll.measure.environment; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_calm_machine_gets_no_warning():
    assert warnings_of(Readings(**CALM)) == []


def test_what_cannot_be_read_is_no_warning():
    assert warnings_of(Readings(cores=4, variables={})) == []


@pytest.mark.parametrize(
    ("readings", "start"),
    [
        ({"other_load": 1.34}, "other processes keep 1.3 of 4 cores busy; stop them"),
        ({"stolen": 0.12}, "this is a virtual machine, and its host took 12% of the processors' time away; measure"),
        ({"governor": "powersave"}, "the clock follows the load (governor powersave); as root: cpupower"),
        (
            {"turbo_file": "/sys/devices/system/cpu/cpufreq/boost"},
            "turbo is on, so the clock follows the heat; as root: echo 0 > /sys/devices/system/cpu/cpufreq/boost",
        ),
        (
            {"turbo_file": "/sys/devices/system/cpu/intel_pstate/no_turbo"},
            "turbo is on, so the clock follows the heat; as root: echo 1 > /sys/devices/system/cpu/intel_pstate/",
        ),
        ({"on_battery": True}, "the machine runs on its battery, and saves power; plug it in"),
        ({"cores": 1, "quota": None}, "there is one core only"),
        ({"quota": 1.5}, "the container may use 1.5 of 4 cores, and is halted when it uses more; raise"),
        ({"free_bytes": GIB // 2}, "only 512 MiB of memory are free; close other programs"),
        ({"swapped_bytes": GIB}, "1024 MiB are swapped out; close other programs, or turn swap off"),
        ({"dev_mode": True}, "Python runs in development mode"),
        ({"tracer": "coverage.tracer"}, "coverage.tracer watches what Python does; measure without coverage"),
        ({"runs_eagerly": True}, "tf.config.run_functions_eagerly is on"),
        ({"op_callbacks": True}, "tf.debugging watches every operation"),
        ({"gpu_load": 0.37, "gpu_processes": 1}, "1 other processes hold the GPU, busy 37% of the time; stop them"),
        ({"gpu_load": 0.0, "gpu_processes": 2}, "2 other processes hold the GPU, busy 0% of the time; stop them"),
        ({"gpu_load": 0.5}, "0 other processes hold the GPU, busy 50% of the time; stop them"),
        ({"tf32": True}, "TF32 is on: the GPU rounds what float32 products read to 10 bits; leave out --tf32 on"),
        ({"variables": {"NVIDIA_TF32_OVERRIDE": "1"}}, "NVIDIA_TF32_OVERRIDE=1 overrules --tf32; unset it"),
        ({"variables": {"CUDA_LAUNCH_BLOCKING": "1"}}, "CUDA_LAUNCH_BLOCKING=1 makes the host wait for every kernel"),
        ({"variables": {"OMP_NUM_THREADS": "2"}}, "OMP_NUM_THREADS=2 leaves some of 4 cores idle; unset it"),
        ({"variables": {"OMP_NUM_THREADS": "3,1"}}, "OMP_NUM_THREADS=3 leaves some of 4 cores idle; unset it"),
        ({"variables": {"TF_CPP_MAX_VLOG_LEVEL": "1"}}, "TF_CPP_MAX_VLOG_LEVEL=1 makes TensorFlow log"),
        ({"variables": {"TF_CPU_ALLOCATOR_USE_BFC": "true"}}, "TF_CPU_ALLOCATOR_USE_BFC=true replaces"),
        ({"variables": {"TF_ENABLE_ONEDNN_OPTS": "0"}}, "TF_ENABLE_ONEDNN_OPTS=0 takes fast kernels away; unset it"),
        ({"variables": {"JAX_COMPILATION_CACHE_DIR": "/c"}}, "JAX_COMPILATION_CACHE_DIR=/c lets JAX take"),
        (
            {"variables": {"XLA_FLAGS": "--harmless --xla_backend_optimization_level=0"}},
            "--xla_backend_optimization_level=0 in XLA_FLAGS leaves the compiled code slow; take it out",
        ),
        (
            {"variables": {"TF_XLA_FLAGS": "--tf_xla_clustering_debug"}},
            "--tf_xla_clustering_debug in TF_XLA_FLAGS writes files at every compilation; take it out",
        ),
    ],
)
def test_each_thing_that_spoils_a_measurement_gets_one_warning(readings, start):
    (warning,) = warnings_of(Readings(**(CALM | readings)))
    assert warning.startswith(start)


@pytest.mark.parametrize(
    "variables",
    [
        {"TF_CPP_MAX_VLOG_LEVEL": "0", "TF_CPU_ALLOCATOR_USE_BFC": "false", "JAX_DISABLE_JIT": ""},
        {"TF_ENABLE_ONEDNN_OPTS": "1", "OMP_NUM_THREADS": "4"},
        {"TF_ENABLE_ONEDNN_OPTS": "", "OMP_NUM_THREADS": "many"},
        {"XLA_FLAGS": "--xla_backend_optimization_level=3 --xla_dump_hlo_as_text=false"},
    ],
)
def test_a_switch_that_is_off_is_no_warning(variables):
    assert warnings_of(Readings(**(CALM | {"variables": variables}))) == []


def test_what_others_use_is_all_but_idle_stolen_and_our_own():
    after = {"user": 11.5, "system": 5.25, "idle": 100.5, "iowait": 1.25, "steal": 2.5, "guest": 4.0}
    used, stolen = module._others(CPU_TIMES, after, own=0.5, seconds=0.5)
    assert used == pytest.approx((1.5 + 0.25 - 0.5) / 0.5)
    assert stolen == pytest.approx(0.5 / 3.0)
    assert module._others(CPU_TIMES, CPU_TIMES, own=0.01, seconds=0.5) == (0.0, 0.0)


def test_our_own_load_is_not_other_load(monkeypatch):
    others = {"user": 0.0, "system": 0.0, "idle": 0.0}
    times = namedtuple("times", others)
    process = psutil.Process()
    # A machine on which this process alone works: all time that is counted is its own.
    monkeypatch.setattr(psutil, "cpu_times", lambda: times(sum(process.cpu_times()[:2]), 0.0, 0.0))
    stop = threading.Event()
    worker = threading.Thread(target=lambda: [None for _ in iter(stop.is_set, True)])
    worker.start()
    used, _ = module._neighbours()
    stop.set()
    worker.join()
    assert used < 0.1


@pytest.mark.parametrize(
    ("cgroup", "files", "quota"),
    [
        ("0::/\n", {"cpu.max": "150000 100000"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000"}, None),
        ("0::/\n", {}, None),
        ("0::/slice/job\n", {"slice/cpu.max": "100000 100000", "slice/job/cpu.max": "300000 100000"}, 1.0),
        ("12:cpu:/old\n", {}, None),
        (None, {"cpu.max": "50000 100000"}, 0.5),
    ],
)
def test_the_quota_is_the_least_of_the_cgroups_above(cgroup, files, quota, tmp_path):
    if cgroup is not None:
        write(tmp_path / "proc/self/cgroup", cgroup)
    for name, text in files.items():
        write(tmp_path / "sys/fs/cgroup" / name, text)
    assert module._quota(tmp_path) == quota


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("intel_pstate/no_turbo", "0\n", True),
        ("intel_pstate/no_turbo", "1\n", False),
        ("cpufreq/boost", "1\n", True),
        ("cpufreq/boost", "0\n", False),
    ],
)
def test_turbo_is_read(name, text, found, tmp_path):
    write(tmp_path / "sys/devices/system/cpu" / name, text)
    assert module._turbo_file(tmp_path) == (f"/sys/devices/system/cpu/{name}" if found else None)


def test_a_machine_without_files_and_sensors_can_be_read(monkeypatch, tmp_path):
    def missing():
        raise FileNotFoundError("no such sensor")

    monkeypatch.setattr(module, "ROOT", tmp_path)
    write(tmp_path / "sys/fs/cgroup/cpu.max", "nonsense")
    for name in ("cpu_times", "virtual_memory", "swap_memory"):
        monkeypatch.setattr(psutil, name, missing)
    monkeypatch.delattr(psutil, "sensors_battery", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    found = read_machine()
    assert found.cores >= 1
    assert {found.other_load, found.stolen, found.governor, found.turbo_file, found.quota, found.free_bytes} == {None}
    assert not found.on_battery


def test_a_battery_in_use_is_read(monkeypatch):
    battery = namedtuple("battery", ["power_plugged"])
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery(False), raising=False)
    assert read_machine().on_battery
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery(None), raising=False)
    assert not read_machine().on_battery


def test_what_watches_python_is_named():
    def tracer(*_):
        return None

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        named = module._tracer()
    finally:
        sys.settrace(before)
    assert named == __name__
    if before is None and sys.getprofile() is None:
        assert module._tracer() is None


def test_tensorflows_debugging_is_read():
    import tensorflow as tf

    assert (module._runs_eagerly(), module._op_callbacks()) == (False, False)
    tf.config.run_functions_eagerly(True)
    tf.debugging.enable_check_numerics()
    try:
        assert (module._runs_eagerly(), module._op_callbacks()) == (True, True)
    finally:
        tf.config.run_functions_eagerly(False)
        tf.debugging.disable_check_numerics()


@pytest.mark.parametrize(("device", "load"), [(CPU, None), (FakeGpu(), 0.25)])
def test_the_gpus_load_is_read_only_where_it_is_measured(device, load, monkeypatch):
    monkeypatch.setattr(module, "find_load", lambda: Load(0.25, 3))
    found = read_machine(device)
    assert (found.gpu_load, found.gpu_processes) == (load, 3 if load else 0)
    assert found.tf32 == device.is_gpu  # as TensorFlow has it, unless told otherwise


def described(**changes):
    found = {"processor": "P", "cores": 2, "memory_bytes": 3 * GIB, "devices": ["CPU"], "system": "S", "python": "3.11"}
    found |= {"threads": {"inter_op": 0, "intra_op": 3}, "versions": {"tensorflow": "2.20", "jax": "0.5"}, "flags": {}}
    return diagnosis(found | {"commit": "abc", "load": None, "warnings": []} | changes)


def test_a_diagnosis_is_aligned():
    *rows, _, last = described()
    column = rows[0].index("P")
    assert all(row[column - 1] == " " != row[column] for row in rows)
    assert "memory      3.0 GiB" in rows
    assert "threads     inter_op automatic, intra_op 3" in rows
    assert last == "nothing found that spoils a measurement"


def test_a_diagnosis_says_how_to_install_the_peers_that_are_not():
    rows = described()
    assert 'torch       not installed: pip install "unroll-lstm[peers]"' in rows
    assert "jax         0.5" in rows
    assert set(PEER_PACKAGES) <= {row.split(" ")[0] for row in rows}


def test_a_diagnosis_names_each_gpu_and_what_tensorflow_was_built_for():
    card = {"name": "A card", "compute_capability": "9.0", "memory_bytes": 80 * GIB, "driver": "580.1"}
    rows = described(gpus=[card, {"name": "Another"}], cuda={"cuda": "12.5.1", "cudnn": "9"})
    assert "GPU:0       A card, 80.0 GiB, compute capability 9.0, driver 580.1" in rows
    assert "GPU:1       Another" in rows
    assert "built for   cuda 12.5.1, cudnn 9" in rows
    assert "built for   no CUDA" in described()


def test_a_diagnosis_says_whether_onednn_is_on_and_what_it_uses():
    rows = described(onednn=False, vector_instructions="Intel AVX2")
    assert "vectors     Intel AVX2" in rows
    assert "oneDNN      off" in rows
    assert "oneDNN      unknown" in described()


def test_a_diagnosis_ends_with_the_warnings():
    assert described(warnings=["a; do b", "c; do d"])[-3:] == ["", "warning: a; do b", "warning: c; do d"]


@pytest.mark.parametrize("package", [".", ".venv/lib/site-packages"], ids=["a checkout", "installed in somebody's"])
def test_the_commit_is_that_of_the_checkout_and_of_no_repository_around_it(package, tmp_path, monkeypatch):
    monkeypatch.delenv("UNROLL_COMMIT", raising=False)
    copy = tmp_path / package / "unroll" / "measure" / "environment.py"
    copy.parent.mkdir(parents=True)
    copy.touch()
    name = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], [*name, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=tmp_path, capture_output=True, text=True)
    monkeypatch.setattr(module, "__file__", str(copy))
    assert module._commit() == (head.stdout.strip() if package == "." else "unknown")
    monkeypatch.setenv("UNROLL_COMMIT", "abc")
    assert module._commit() == (head.stdout.strip() if package == "." else "abc")

"""What pytest runs: the tests, or with --benchmark-only the benchmarks; and the options that the benchmarks take.

Loaded by pyproject.toml: pytest must know an option before it takes the option's value for a path to look into.
"""

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil
import pytest

from unroll.errors import UnrollError, how_to_install
from unroll.measure.config import MODES, Sizes
from unroll.measure.device import DEVICES, SWITCH, Device, choose_device
from unroll.measure.gpus import find_gpus
from unroll.measure.interpreter import package_versions
from unroll.measure.presets import PRESETS, Preset, find_preset
from unroll.measure.variants import VARIANTS, known_variant, label, missing_package, variant_of
from unroll.models.settings import GIB, bytes_of_training

DEFAULT_RESULTS = Path("results", "local")
SEED = 0
PEERS = {"torch_peer.py": "torch", "jax_peer.py": "jax-loop"}  # what needs a package that is an extra: a variant of it
LEAST_GIB, LONGEST_S = 1, 86_400.0


def pytest_addoption(parser):
    """Add what is measured, on what, and within which limits, to pytest's command line."""
    sizes = Sizes()
    group = parser.getgroup("unroll", "static against dynamic unrolling (with --benchmark-only)")

    def add(name: str, text: str, default=None):
        group.addoption(f"--{name}", default=default, help=text)  # numbers are read below, where errors are ours

    add("preset", "; ".join(f"{name}: {preset.about}" for name, preset in PRESETS.items()), "default")
    add("steps", f"T, rows an image is read for ({sizes.steps})")
    add("batch", f"B, images a batch ({sizes.batch})")
    add("hidden", f"H, hidden units ({sizes.hidden})")
    add("variants", f"what takes turns, in place of the preset's: {', '.join(VARIANTS)}; or module:encoder")
    add("modes", f"modes to measure in besides a variant's own: {', '.join(MODES[1:])}")
    add("data", "digits (offline), mnist, or a path to MNIST's files (digits)", "digits")
    add("device", f"what to measure on: {' or '.join(DEVICES)} (the GPU if TensorFlow sees one)")
    add("tf32", f"{' or '.join(SWITCH)}: whether a GPU may round what float32 products read (off)", SWITCH[0])
    add("peers-python", "the Python interpreter that measures PyTorch and JAX, if it is another (this one)")
    add("results", f"folder of the journal and the figures ({DEFAULT_RESULTS})", DEFAULT_RESULTS)
    add("intra-op", "threads within one operation (0: automatic); JAX keeps its own", 0)
    add("inter-op", "threads for several operations (0: automatic)", 0)
    add("limit-seconds", "seconds that one result may take before its process is stopped (the preset's)")
    add("limit-gib", "GiB of private memory that a process may take, without shared mappings (3/4 of the machine's)")
    group.addoption("--no-report", action="store_true", help="keep the journal only; `unroll report` draws it later")
    group.addoption("--resume", action="store_true", help="go on with the last run in the results folder")


@dataclass(frozen=True)
class Chosen:
    """What the options ask for.

    Raises:
        UnrollError: an option has a value that makes no sense, or sizes that this machine's memory cannot hold.
    """

    preset: Preset
    sizes: Sizes
    settings: dict

    @classmethod
    def by(cls, options) -> "Chosen":
        peers = package_versions(options.peers_python) if options.peers_python else None
        preset = replace(_chosen_preset(options, peers), peers=peers)
        sizes = _chosen_sizes(options, preset)
        seconds, gib = (_above_zero(options, name) for name in ("limit-seconds", "limit-gib"))
        if gib and gib < LEAST_GIB:
            raise UnrollError(
                f"got --limit-gib {gib:g}; want {LEAST_GIB} or more, which TensorFlow needs to start at all"
            )
        threads = {name: _whole(options, name.replace("_", "-"), 0) for name in ("intra_op", "inter_op")}
        device = _chosen_device(options, preset)
        preset = replace(preset, kernels=device.is_gpu) if options.variants else preset.on(device.kind)
        _check_memory(preset, sizes, device)
        total = psutil.virtual_memory().total
        settings = {
            "preset": options.preset,
            "sizes": asdict(sizes),
            "variants": [variant for variant in preset.variants if variant not in preset.missing],
            "modes": list(preset.modes),
            "rounds": preset.rounds,
            "steps": preset.steps,
            "data": options.data,
            "seed": SEED,
            "device": device.kind,
            "tf32": device.tf32,
            "peers_python": options.peers_python,
            "threads": threads,
            "limits": {
                "seconds": min(seconds or preset.limit_s, LONGEST_S),
                "bytes": int(min(gib * GIB, total)) if gib else total * 3 // 4,
            },
        }
        return cls(preset, sizes, settings)


def _chosen_preset(options, peers: Collection[str] | None) -> Preset:
    preset = find_preset(options.preset)
    if options.variants:
        variants = tuple(dict.fromkeys(known_variant(name.strip()) for name in options.variants.split(",")))
        for variant in variants:
            if package := missing_package(variant, peers):
                where = f"in {options.peers_python}" if peers is not None else f"; {how_to_install('peers')}"
                raise UnrollError(
                    f"got --variants {variant}, but {package} is not installed {where}".replace(" ;", ";")
                )
        mode_variants = tuple(name for name in variants if not variant_of(name).package)
        kept = {
            field: tuple(name for name in variants if name in getattr(preset, field))
            for field in ("sweep_variants", "fit_variants", "replica_variants", "convert_variants", "compile_variants")
        }
        preset = replace(preset, variants=variants, mode_variants=mode_variants, **kept)
    if options.modes:
        modes = tuple(mode.strip() for mode in options.modes.split(","))
        for mode in modes:
            if mode not in MODES[1:]:
                raise UnrollError(f"got --modes {mode!r}; want {', '.join(MODES[1:])}, or several with commas between")
        preset = replace(preset, modes=modes)
    return preset


def _chosen_sizes(options, preset: Preset) -> Sizes:
    sizes = {name: _whole(options, name, 1) for name in ("steps", "batch", "hidden")}
    sizes = {name: value for name, value in sizes.items() if value is not None}
    if sizes and preset.sizes:
        raise UnrollError(f"got --{next(iter(sizes))} with --preset {options.preset}, which has sizes of its own")
    return preset.sizes or Sizes(**sizes)


def _chosen_device(options, preset: Preset) -> Device:
    device = choose_device(options.device, options.tf32, find_gpus)
    for variant in preset.variants if options.variants else ():
        if variant_of(variant).gpu_only and not device.is_gpu:
            raise UnrollError(f"got --variants {variant}, and the CPU to measure on; {label(variant)} needs a GPU")
    return device


def _check_memory(preset: Preset, sizes: Sizes, device: Device) -> None:
    largest = max((sizes, *(case.sizes for case in preset.cases_for_grid(sizes))), key=_bytes_of_training)
    needed = _bytes_of_training(largest)
    where, total = "this machine", psutil.virtual_memory().total
    if device.is_gpu:
        where, total = "the GPU", find_gpus()[0]["memory_bytes"]
    if total and needed > total:
        raise UnrollError(
            f"got {largest}: a training step would hold about {needed / GIB:.3g} GiB, and {where} has "
            f"{total / GIB:.3g}; want smaller --steps, --batch or --hidden, or another --preset"
        )


def _bytes_of_training(sizes: Sizes) -> int:
    return bytes_of_training(sizes.steps, sizes.batch, sizes.hidden, sizes.input)


def _whole(options, name: str, least: int) -> int | None:
    """Read an option's whole number; None where the option is not given."""
    text = getattr(options, name.replace("-", "_"))
    if text is None:
        return None
    if not str(text).isdecimal() or int(text) < least:
        raise UnrollError(f"got --{name} {text}; want a whole number from {least} up")
    return int(text)


def _above_zero(options, name: str) -> float | None:
    """Read an option's number above 0; None where the option is not given."""
    text = getattr(options, name.replace("-", "_"))
    if text is None:
        return None
    try:
        if 0 < float(text) < math.inf:
            return float(text)
    except ValueError:
        pass
    raise UnrollError(f"got --{name} {text}; want a number above 0")


def _is_measuring(config) -> bool:
    """Return whether the benchmarks are asked for: by --benchmark-only, or by naming what to run."""
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    return config.getoption("benchmark_only") or (named and not config.getoption("benchmark_disable"))


def pytest_ignore_collect(collection_path, config):
    """Run tests and benchmarks apart: benchmarks take minutes, and want the machine for themselves."""
    if missing_package(PEERS.get(collection_path.name, "")):
        return True  # its docstrings cannot be looked into for examples
    if collection_path.is_relative_to(config.rootpath / "benchmarks"):
        return None if _is_measuring(config) else True
    return True if config.getoption("benchmark_only") else None

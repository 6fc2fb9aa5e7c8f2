"""What pytest runs: the tests, or with --benchmark-only the benchmarks; and the options that the benchmarks take.

Loaded by pyproject.toml: pytest must know an option before it takes the option's value for a path to look into.
"""

from pathlib import Path

import pytest

from unroll.measure.config import Sizes

DEFAULT_RESULTS = Path("results", "local")


def pytest_addoption(parser):
    """Add the sizes, the data and the results folder to pytest's command line."""
    sizes = Sizes()
    group = parser.getgroup("unroll", "static against dynamic unrolling (with --benchmark-only)")
    group.addoption("--steps", type=int, default=sizes.steps, help=f"T, rows an image is read for ({sizes.steps})")
    group.addoption("--batch", type=int, default=sizes.batch, help=f"B, images a batch ({sizes.batch})")
    group.addoption("--hidden", type=int, default=sizes.hidden, help=f"H, hidden units ({sizes.hidden})")
    group.addoption("--data", default="digits", help="digits (offline), mnist, or a path to MNIST's files (digits)")
    group.addoption(
        "--results",
        type=Path,
        default=DEFAULT_RESULTS,
        help=f"folder of the journal and the figures ({DEFAULT_RESULTS})",
    )


def _is_measuring(config) -> bool:
    """Say whether the benchmarks are asked for: by --benchmark-only, or by naming what to run."""
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    return config.getoption("benchmark_only") or (named and not config.getoption("benchmark_disable"))


def pytest_ignore_collect(collection_path, config):
    """Run tests and benchmarks apart: benchmarks take minutes, and want the machine for themselves."""
    if collection_path.is_relative_to(config.rootpath / "benchmarks"):
        return None if _is_measuring(config) else True
    return True if config.getoption("benchmark_only") else None

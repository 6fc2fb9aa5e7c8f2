"""`unroll bench`: runs the benchmarks that ship with the package, as `pytest --benchmark-only` does in a checkout."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from unroll.errors import UnrollError, how_to_install
from unroll.shipped import shipped

NEEDED = {"pytest": "pytest", "pytest_benchmark": "pytest-benchmark", "sklearn": "scikit-learn"}


def run_benchmarks(arguments: Sequence[str]) -> int:
    """Run pytest on the benchmarks with its own options and theirs; return its exit status.

    Raises:
        UnrollError: a package that measuring needs is not installed.
    """
    if missing := [name for module, name in NEEDED.items() if find_spec(module) is None]:
        raise UnrollError(f"got bench, but {', '.join(missing)} is not installed; want {how_to_install('bench')}")
    import pytest

    options = shipped("pyproject.toml")
    # Its cache lies where it is run, because where the package is installed people may not write.
    own = [f"-c{options}", f"--rootdir={options.parent}", f"--override-ini=cache_dir={Path.cwd() / '.pytest_cache'}"]
    return int(pytest.main([*own, "--benchmark-only", *arguments, str(shipped("benchmarks"))]))

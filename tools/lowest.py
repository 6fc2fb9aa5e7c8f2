"""Tests old versions: the lowest that pyproject.toml allows, and those of Colab, each in an environment of its own.

python tools/lowest.py [lowest] [colab] [--python python3.12 ...]    # without a name: both
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
COLAB = ["tensorflow==2.20.0", "keras==3.13.2", "numpy==2.1.3", "matplotlib==3.10.0", "pytest==8.4.2"]
TESTS = [
    "tests/rnn",
    "tests/keras",
    "tests/measure/test_journal.py",
    "tests/report/test_tables.py",
    "tests/test_cli.py",
]
TESTS_NEED = ["pytest-xdist", "hypothesis>=6.130", "dm-sonnet", "mypy", "pyright[nodejs]"]


def lowest_versions(requirements: list[str]) -> list[str]:
    """Return each requirement of the form `name>=version` with that very version."""
    return [re.sub(r"^([\w.-]+)>=([\w.]+).*", r"\1==\2.*", requirement) for requirement in requirements]


def wanted_versions(name: str) -> list[str]:
    """Return the versions of "colab" or "lowest"."""
    if name == "colab":
        return COLAB
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return lowest_versions([*project["dependencies"], *project["optional-dependencies"]["bench"]])


def check(name: str, python: str, folder: Path) -> int:
    """Install the versions of a name, test with them, and return pytest's status."""
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    own = str(folder / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    wanted = wanted_versions(name)
    pip = [own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *wanted, *TESTS_NEED, "--editable", f"{ROOT}[bench]"], check=True)
    print(f"{name}, {python}: {', '.join(wanted)}", flush=True)
    test = [own, "-m", "pytest", "-c", "pyproject.toml", "--benchmark-disable", "-q", "-n", str(os.cpu_count()), *TESTS]
    return subprocess.run(test, cwd=ROOT, check=False).returncode


def main() -> int:
    """Check what is named, and return the first status other than 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=["lowest", "colab", []], help="by default both")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to test with (this one)")
    options = parser.parse_args()
    statuses = []
    for name in options.names or ["lowest", "colab"]:
        with tempfile.TemporaryDirectory(prefix=f"unroll-{name}-") as folder:
            statuses.append(check(name, options.python, Path(folder)))
    return next(filter(None, statuses), 0)


if __name__ == "__main__":
    sys.exit(main())

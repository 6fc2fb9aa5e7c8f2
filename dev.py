"""Work in a checkout, on every system: makes .venv, installs what the command needs, and runs it. make calls this.

    python dev.py bench --preset quick      # options after the command go on to what it runs

It runs under a Python that has nothing installed.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
WANTED = (3, 11), (3, 14)
PIP = "-m", "pip", "install", "--quiet", "--disable-pip-version-check"
SYSTEMS = "Linux", "Darwin", "Windows"
PYTEST = "-m", "pytest", "-c", "pyproject.toml"
ALL = "dev,docs,browser,tensorboard"  # extras that constraints.txt speaks of
HEAD = (
    "# What the main job, the tests and the docs are known to work with, on Python 3.11, 3.12 and 3.13. Made by: {}\n"
)


def run(*arguments):
    """Run the .venv's Python; a failure ends this program with its status."""
    status = subprocess.run([str(PYTHON), *map(str, arguments)], cwd=str(ROOT)).returncode
    if status:
        sys.exit(status)


def install(extra, constraints):
    """Make .venv if there is none that works, and install an extra, unless that was done since its list changed."""
    lists = [ROOT / name for name in ("pyproject.toml", constraints)]
    if not lists[1].is_file():
        sys.exit(f"got constraints {constraints}, which is no file; want one such as constraints.txt")
    if not works():
        make_venv()
    if not any(is_current(VENV / f"installed-{name}", lists) for name in {extra, "dev" if extra == "bench" else extra}):
        run(*PIP, "--constraint", constraints, "--editable", f".[{extra}]")
        (VENV / f"installed-{extra}").write_text(str(lists[1]), encoding="utf-8")


def is_current(stamp, lists):
    """Return whether a stamp is newer than the lists that were installed from, and of these constraints."""
    return (
        stamp.exists()
        and stamp.read_text(encoding="utf-8") == str(lists[1])
        and stamp.stat().st_mtime >= max(path.stat().st_mtime for path in lists)
    )


def works():
    """Return whether .venv has a Python that runs, with pip; a Python without pip is given the one it came with."""
    pip = "-m", "pip", "--version"
    return succeeds(*pip) or (succeeds("-m", "ensurepip") and succeeds(*pip))


def succeeds(*arguments):
    """Return whether the .venv's Python runs this without an error."""
    try:
        return not subprocess.run(
            [str(PYTHON), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ).returncode
    except OSError:  # it is not there, or is no program
        return False


def make_venv():
    """Make .venv with the Python that runs this, in place of one that does not work: a mixture of two might not."""
    if not WANTED[0] <= sys.version_info[:2] < WANTED[1]:
        sys.exit(
            "got Python {}.{}; want 3.11, 3.12 or 3.13: make PYTHON=python3.12 ..., or python3.12 dev.py ...".format(
                *sys.version_info[:2]
            )
        )
    status = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)]).returncode
    if status:
        sys.exit(status)


def bench(options):
    """Measure every variant and draw the figures."""
    install("bench", options.constraints)
    run(*PYTEST, "--benchmark-only", *options.arguments)


def test(options):
    """Prove that the variants are equal, and test everything else."""
    install("dev", options.constraints)
    run(*PYTEST, "--benchmark-disable", "--numprocesses", "auto", "--dist", "loadgroup", *options.arguments)


def lint(options):
    """Check style, format, and types as each system has them."""
    install("dev", options.constraints)
    run("-m", "ruff", "check")
    run("-m", "ruff", "format", "--check")
    for system in SYSTEMS:
        run("-m", "pyright", "--pythonplatform", system)


def readme(options):
    """Fill the tables of README.md and docs/ in from the committed results."""
    install("dev", options.constraints)
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for page in pages:
        if "\n<!-- unroll: " in page.read_text(encoding="utf-8"):
            run("-m", "unroll", "fill", page.relative_to(ROOT), "results/reference")


def notebooks(options):
    """Execute the notebooks in full, with their outputs."""
    install("dev", options.constraints)
    run("notebooks/execute.py", *options.arguments)


def docs(options):
    """Build the site into docs/_build/html; warnings are errors."""
    install("dev", options.constraints)
    install("docs", options.constraints)
    run("-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")
    print("wrote docs/_build/html/index.html")


def wheel(options):
    """Build the wheel and try it where no checkout is."""
    install("bench", options.constraints)
    run("tools/check_wheel.py", *options.arguments)


def lowest(options):
    """Test with the lowest versions that pyproject.toml allows, and with Colab's."""
    install("bench", options.constraints)
    run("tools/lowest.py", *options.arguments)


def constraints(options):
    """Write constraints.txt anew, from what pip chooses for all that the project's own work needs."""
    fresh = VENV / "new"
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(fresh)], check=True)
    python = str(fresh / PYTHON.relative_to(VENV))
    subprocess.run([python, *PIP, "--editable", f".[{ALL}]"], cwd=str(ROOT), check=True)
    frozen = subprocess.run([python, "-m", "pip", "freeze", "--exclude-editable"], stdout=subprocess.PIPE, check=True)
    Path(ROOT, options.constraints).write_bytes(HEAD.format("make constraints").encode() + frozen.stdout)
    shutil.rmtree(str(fresh))


def clean(options):
    """Remove .venv, caches and the built site."""
    for name in (".venv", ".pytest_cache", ".ruff_cache", ".hypothesis", "docs/_build"):
        shutil.rmtree(str(ROOT / name), ignore_errors=True)


COMMANDS = (bench, test, lint, readme, notebooks, docs, wheel, lowest, constraints, clean)


def main(given):
    """Run one command."""
    told = "\n".join(f"  {command.__name__:12} {command.__doc__}" for command in COMMANDS)
    parser = argparse.ArgumentParser(
        prog="dev.py", description=told, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--constraints", default=os.environ.get("CONSTRAINTS", "constraints.txt"), help="of pip")
    parser.add_argument("command", choices=[command.__name__ for command in COMMANDS])
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="for pytest, or whatever the command runs")
    options = parser.parse_args(given)
    next(command for command in COMMANDS if command.__name__ == options.command)(options)


if __name__ == "__main__":
    main(sys.argv[1:])

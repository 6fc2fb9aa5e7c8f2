"""dev.py and the Makefile, with Pythons that only write down what they are told: nothing is installed."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECORDING = """#!/bin/sh
echo "{name} $*" >> {log}
{more}
"""
MAKES_VENV = """case "$*" in *"-m venv"*) mkdir -p {folder}/bin; cp {new} {folder}/bin/python;; esac"""
NO_PIP = """case "$*" in *"pip --version"*) test -e {folder}/pip;; *ensurepip*) touch {folder}/pip;; esac"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the Pythons are shell scripts")


@pytest.fixture
def checkout(tmp_path):
    """A folder with dev.py, the Makefile and the lists that they install from."""
    for name in ("dev.py", "Makefile"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("pyproject.toml", "constraints.txt", "other.txt"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.fixture
def recorded(checkout):
    """Return what was run since the last call, one line a command: the name of its Python, and the arguments."""
    log = checkout / "log"

    def lines():
        text = log.read_text() if log.exists() else ""
        log.unlink(missing_ok=True)
        return text.splitlines()

    return lines


def python(path, name, checkout, more="exit 0"):
    """Write a Python of a name that records its arguments."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(RECORDING.format(name=name, log=checkout / "log", more=more))
    path.chmod(0o755)
    return path


@pytest.fixture
def venv_python(checkout):
    return python(checkout / ".venv" / "bin" / "python", "venv", checkout)


@pytest.fixture
def base_python(checkout, monkeypatch):
    """The Python that runs dev.py: it makes a .venv whose Python records, too."""
    new = python(checkout / "new", "venv", checkout)
    makes = MAKES_VENV.format(folder=checkout / ".venv", new=new)
    base = python(checkout / "base", "base", checkout, makes)
    monkeypatch.setattr(sys, "executable", str(base))
    return base


@pytest.fixture
def dev(checkout, monkeypatch):
    """Run dev.py in this process, where sys.executable can be another."""
    monkeypatch.delenv("CONSTRAINTS", raising=False)
    specification = importlib.util.spec_from_file_location("dev_of_a_test", checkout / "dev.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return lambda *arguments: module.main([*arguments])


def installed(lines):
    return [line.partition("--constraint ")[2] for line in lines if "pip install" in line]


def test_a_venv_keeps_its_python_and_arguments_reach_pytest(dev, venv_python, base_python, recorded):
    before = venv_python.read_text()
    dev("bench", "--steps", "56", "-k", "static or dynamic")
    lines = recorded()
    assert venv_python.read_text() == before
    assert not any(line.startswith("base") for line in lines)
    assert installed(lines) == ["constraints.txt --editable .[bench]"]
    assert lines[-1] == "venv -m pytest -c pyproject.toml --benchmark-only --steps 56 -k static or dynamic"


@pytest.mark.parametrize(
    "broken", ["missing", "empty folder", "dangling link", "no program", "not executable", "fails"]
)
def test_a_venv_that_does_not_work_is_made_again(broken, dev, checkout, base_python, recorded):
    link = checkout / ".venv" / "bin" / "python"
    if broken != "missing":
        link.parent.mkdir(parents=True)
    if broken == "dangling link":
        link.symlink_to(checkout / "removed")
    if broken in ("no program", "not executable"):
        link.write_bytes(b"\0")
        link.chmod(0o755 if broken == "no program" else 0o644)
    if broken == "fails":
        python(link, "old", checkout, "exit 1")
    base_python.write_text(base_python.read_text().replace("mkdir", f"rm -rf {checkout / '.venv'}; mkdir"))
    dev("test")
    lines = recorded()
    assert [line for line in lines if line.startswith("base")] == [f"base -m venv --clear {checkout / '.venv'}"]
    assert installed(lines) == ["constraints.txt --editable .[dev]"]
    assert lines[-1].startswith("venv -m pytest -c pyproject.toml --benchmark-disable")


def test_a_python_without_pip_is_given_pip_and_kept(dev, checkout, base_python, recorded):
    python(checkout / ".venv" / "bin" / "python", "uv", checkout, NO_PIP.format(folder=checkout))
    dev("lint")
    lines = recorded()
    assert "uv -m ensurepip" in lines
    assert not any(line.startswith("base") for line in lines)
    assert installed(lines) == ["constraints.txt --editable .[dev]"]


def test_it_is_installed_again_only_when_a_list_has_changed(dev, checkout, venv_python, recorded):
    def packages(*arguments):
        dev(*arguments)
        return installed(recorded())

    assert packages("bench") == ["constraints.txt --editable .[bench]"]
    assert packages("bench") == []
    assert packages("--constraints", "other.txt", "bench") == ["other.txt --editable .[bench]"]
    assert packages("test") == ["constraints.txt --editable .[dev]"]
    assert packages("bench") == []  # dev brings it
    later = os.stat(checkout / ".venv" / "installed-dev").st_mtime + 5
    os.utime(checkout / "pyproject.toml", (later, later))
    assert packages("test") == ["constraints.txt --editable .[dev]"]


def test_a_failure_ends_it_with_the_status_and_without_a_stamp(dev, checkout, recorded):
    python(checkout / ".venv" / "bin" / "python", "venv", checkout, 'case "$*" in *"pip install"*) exit 7;; esac')
    with pytest.raises(SystemExit) as ended:
        dev("bench")
    assert ended.value.code == 7
    assert not any("pytest" in line for line in recorded())
    assert not list((checkout / ".venv").glob("installed-*"))


def test_constraints_that_are_no_file_are_named(dev, venv_python):
    with pytest.raises(SystemExit, match=r"^got constraints none\.txt, which is no file; want .*constraints\.txt$"):
        dev("--constraints", "none.txt", "bench")


def make(checkout, *arguments):
    given = {"ARGS", "CONSTRAINTS", "PYTHON"}  # of the make that runs these tests, which hands them on
    kept = {name for name in os.environ if not name.startswith("MAKE")} - given
    environment = {name: os.environ[name] for name in kept}
    return subprocess.run(["make", *arguments], cwd=checkout, env=environment, capture_output=True, text=True)


def test_make_hands_on_python_constraints_and_args(checkout, recorded):
    given = python(checkout / "given", "given", checkout)
    done = make(checkout, "bench", f"PYTHON={given}", "CONSTRAINTS=other.txt", "ARGS=--steps 56 -k 'static or dynamic'")
    assert done.returncode == 0, done.stderr
    assert recorded() == ["given dev.py --constraints other.txt bench --steps 56 -k static or dynamic"]


def test_make_needs_no_python_where_there_is_a_venv(checkout, venv_python, recorded):
    done = make(checkout, "test", "PYTHON=/does/not/exist")
    assert done.returncode == 0, done.stderr
    assert recorded() == ["venv -c pass", "venv dev.py --constraints constraints.txt test"]


def test_make_takes_the_given_python_where_the_venv_is_broken(checkout, recorded):
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to(checkout / "removed")
    make(checkout, "test", f"PYTHON={python(checkout / 'given', 'given', checkout)}")
    assert recorded() == ["given dev.py --constraints constraints.txt test"]


def test_every_command_of_dev_is_a_target_of_make(checkout, recorded):
    given = python(checkout / "given", "given", checkout)
    told = subprocess.run([sys.executable, "dev.py", "--help"], cwd=checkout, capture_output=True, text=True).stdout
    commands = told.partition("{")[2].partition("}")[0].split(",")
    assert "bench" in commands
    assert make(checkout, f"PYTHON={given}", *commands).returncode == 0
    assert [line.split()[-1] for line in recorded()] == commands

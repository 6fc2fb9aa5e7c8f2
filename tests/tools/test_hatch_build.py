"""What a wheel ships beside the package: in a checkout what git knows, in an archive's folder all that matches."""

import importlib.util
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMITTED = ["benchmarks/bench_one.py", "pyproject.toml", "results/mine/journal.jsonl", "results/mine/training.jsonl"]
OTHERS = ["benchmarks/notes.txt", "results/mine/report.html", "results/deep/er/journal.jsonl", "journal.jsonl"]


@pytest.fixture
def hatch_build(monkeypatch):
    """The module, without hatchling, which only pip's own environment for building has."""
    for name, plugin in (("builders.hooks", "BuildHookInterface"), ("metadata", "MetadataHookInterface")):
        interface = types.ModuleType(f"hatchling.{name}.plugin.interface")
        vars(interface)[plugin] = object
        monkeypatch.setitem(sys.modules, interface.__name__, interface)
    specification = importlib.util.spec_from_file_location("hatch_build_of_a_test", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(specification)
    for parent in ("", ".builders", ".builders.hooks", ".builders.hooks.plugin", ".metadata", ".metadata.plugin"):
        monkeypatch.setitem(sys.modules, f"hatchling{parent}", types.ModuleType(f"hatchling{parent}"))
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def hook(hatch_build):
    return hatch_build.ShippedFiles


def write(root, names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def git(root, *arguments):
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def included(hook, root, version="standard"):
    built = {"force_include": {}}
    instance = hook()
    instance.root = str(root)
    instance.initialize(version, built)
    assert all(Path(path).is_file() for path in built["force_include"])
    return sorted(built["force_include"].values())


def test_a_checkout_ships_what_git_knows(hook, tmp_path):
    write(tmp_path, [*COMMITTED, *OTHERS, "results/gone/journal.jsonl"])
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    (tmp_path / "results/gone/journal.jsonl").unlink()
    write(tmp_path, ["results/uncommitted/journal.jsonl", "results/local/journal.jsonl", "benchmarks/bench_new.py"])
    assert included(hook, tmp_path) == [f"unroll/{name}" for name in COMMITTED]


def test_the_folder_of_an_archive_ships_all_that_matches(hook, tmp_path):
    write(tmp_path, [*COMMITTED, *OTHERS])
    assert included(hook, tmp_path) == [f"unroll/{name}" for name in COMMITTED]


def test_an_editable_install_ships_nothing(hook, tmp_path):
    write(tmp_path, COMMITTED)
    assert included(hook, tmp_path, "editable") == []


def test_a_checkout_that_git_cannot_read_ships_nothing_by_chance(hook, tmp_path):
    write(tmp_path, COMMITTED)
    (tmp_path / ".git").write_text("gitdir: /does/not/exist\n")
    with pytest.raises(subprocess.CalledProcessError):
        included(hook, tmp_path)


def test_this_checkout_ships_the_results_that_commands_answer_from(hook):
    names = included(hook, ROOT)
    assert {"unroll/results/reference/journal.jsonl", "unroll/benchmarks/bench_step.py"} <= set(names)


def test_a_package_index_is_given_the_readme_without_pictures_and_links_to_files(hatch_build, tmp_path):
    (tmp_path / "README.md").write_text(
        "# It\n\n![a card](card.png)\n\nSee [the docs](docs/a.md#b), [keras](https://keras.io) and ![x](https://x/y.png).\n"
    )
    hook, metadata = hatch_build.StandaloneReadme(), {}
    hook.root = str(tmp_path)
    hook.update(metadata)
    assert metadata["readme"]["text"] == "# It\n\nSee the docs, [keras](https://keras.io) and ![x](https://x/y.png).\n"

"""Data flows one way: rnn -> keras -> models -> measure -> report. A floor imports from itself and those before it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "unroll"
FLOORS = ["rnn", "keras", "models", "measure", "report"]


def imported_floors(path: Path) -> set[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return {
        floor for floor in FLOORS for name in names if name == f"unroll.{floor}" or name.startswith(f"unroll.{floor}.")
    }


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_imports_only_from_those_before_it(floor):
    allowed = set(FLOORS[: FLOORS.index(floor) + 1])
    paths = list((PACKAGE / floor).glob("*.py"))
    assert paths
    for path in paths:
        assert imported_floors(path) <= allowed, path


def test_a_module_that_looks_back_is_found(tmp_path):
    (tmp_path / "x.py").write_text("def f():\n    from unroll.report import plots\n")
    assert imported_floors(tmp_path / "x.py") == {"report"}

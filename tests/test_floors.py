"""Data flows one way: rnn -> keras -> models -> measure -> report. A floor imports from itself and those before it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "unroll"
FLOORS = ["rnn", "keras", "models", "measure", "report"]


def imported(path: Path) -> list[str]:
    """Name all that a file imports, within its functions, too."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names


def imported_floors(path: Path) -> set[str]:
    names = imported(path)
    return {
        floor for floor in FLOORS for name in names if name == f"unroll.{floor}" or name.startswith(f"unroll.{floor}.")
    }


def circle_of(imports: dict[str, set[str]]) -> list[str]:
    """Find modules that import one another in a circle; an empty list if there are none."""
    left = dict(imports)
    while left:
        free = [module for module, others in left.items() if not others & left.keys() - {module}]
        if not free:
            return sorted(left)
        for module in free:
            del left[module]
    return []


def imports_within(floor: str) -> dict[str, set[str]]:
    paths = {
        ".".join(("unroll", *path.relative_to(PACKAGE).with_suffix("").parts)): path
        for path in (PACKAGE / floor).rglob("*.py")
        if path.name != "__init__.py"
    }
    return {module: set(imported(path)) & paths.keys() for module, path in paths.items()}


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_imports_only_from_those_before_it(floor):
    allowed = set(FLOORS[: FLOORS.index(floor) + 1])
    paths = list((PACKAGE / floor).rglob("*.py"))
    assert paths
    for path in paths:
        assert imported_floors(path) <= allowed, path


def test_a_module_that_looks_back_is_found(tmp_path):
    (tmp_path / "x.py").write_text("def f():\n    from unroll.report import plots\n")
    assert imported_floors(tmp_path / "x.py") == {"report"}


@pytest.mark.parametrize("floor", FLOORS)
def test_no_modules_of_a_floor_import_one_another_in_a_circle(floor):
    assert circle_of(imports_within(floor)) == []


def test_a_circle_is_found():
    assert circle_of({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]


def test_the_report_has_few_rooms():
    rooms = [path for path in (PACKAGE / "report").iterdir() if path.name not in ("__init__.py", "__pycache__")]
    assert len(rooms) <= 10


PRIVATE_WORDS = ("Give", "Say", "Let", "Put", "Set out")  # with which docstrings began that now say Return, Run, Write


def begins_privately(path: Path) -> list[str]:
    kinds = (ast.FunctionDef, ast.ClassDef, ast.Module)
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]
    found = [ast.get_docstring(node) or "" for node in nodes]
    return [text for text in found if text.startswith(tuple(f"{word} " for word in PRIVATE_WORDS))]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_docstrings_begin_with_the_fields_own_verbs(path):
    assert begins_privately(path) == []


def test_a_private_word_is_found(tmp_path):
    (tmp_path / "x.py").write_text('def f():\n    """Give a number."""\n')
    assert begins_privately(tmp_path / "x.py") == ["Give a number."]

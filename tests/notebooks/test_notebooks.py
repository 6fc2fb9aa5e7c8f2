"""The notebooks are still true: each runs with its answers, and the committed outputs are those of its cells."""

import os
import re

import execute
import nbformat
import pytest

os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")  # or jupyter_core warns, and a warning is an error here

LARGEST_BYTES = 1 << 20
ANSWER = re.compile(r"<details><summary>Answer</summary>\n\n(.*?)\n\n</details>", re.DOTALL)
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
ANSWERED, FOLD = "with answer():", "<details><summary>What you saw</summary>"
REFERENCE = execute.FOLDER.parent / "docs" / "reference"
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)\)")
MEASURED = re.compile(r"\d(?:[\d.,]*)\s*(?:ms|s|seconds|minutes|[KMG]i?B|percent|times (?:faster|slower|as))\b|\d\s*%")

each = pytest.mark.parametrize("source", execute.SOURCES, ids=lambda source: source.stem)


def with_answers(notebook):
    """Put the code of every hidden answer behind the cell that it stands in, to be run as if a reader had typed it."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            cells += [nbformat.v4.new_code_cell(code) for code in CODE.findall(cell.source)]
    notebook.cells = cells
    return notebook


def prose(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


@each
def test_it_runs_with_its_answers(source):
    executed = execute.execute(with_answers(execute.read_source(source)), tiny=True)
    assert faults(executed) == []


@each
def test_the_committed_notebook_has_the_cells_of_its_source(source):
    committed, wanted = execute.read_executed(source), execute.read_source(source)
    assert execute.cells_of(committed) == execute.cells_of(wanted), "run `make notebooks`"
    assert committed.metadata == wanted.metadata


@each
def test_a_changed_cell_is_found(source, tmp_path):
    changed = tmp_path / source.name
    changed.write_text(source.read_text().replace("# **You will learn**", "# **You will see**", 1))
    assert execute.cells_of(execute.read_source(changed)) != execute.cells_of(execute.read_executed(source))


@each
def test_the_committed_outputs_are_of_one_run_from_top_to_bottom_without_a_fault(source):
    assert faults(execute.read_executed(source)) == []


def faults(notebook):
    """List what is wrong with a notebook's outputs: a cell out of order, an error, a warning."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = [
        f"cell {n} was number {cell.execution_count}" for n, cell in enumerate(code, 1) if cell.execution_count != n
    ]
    for cell in code:
        found += [output.evalue for output in cell.outputs if output.output_type == "error"]
        found += [output.text for output in cell.outputs if output.get("name") == "stderr"]
    return found


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda cell: cell.update(execution_count=7), "cell 1 was number 7"),
        (lambda cell: cell.update(outputs=[nbformat.v4.new_output("error", evalue="oh")]), "oh"),
        (lambda cell: cell.update(outputs=[nbformat.v4.new_output("stream", name="stderr", text="hm")]), "hm"),
    ],
)
def test_faulty_outputs_are_found(fault, said):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", execution_count=1)])
    assert faults(notebook) == []
    fault(notebook.cells[0])
    assert faults(notebook) == [said]


@each
def test_it_opens_with_what_one_learns_and_ends_with_exercises_whose_answers_are_hidden(source):
    first, *_, last = prose(execute.read_source(source))
    assert first.startswith("# ") and "**You will learn**" in first
    exercises = re.findall(r"^\*\*(\d)\.\*\*", last, re.MULTILINE)
    assert len(exercises) >= 3 and exercises == [str(n) for n in range(1, len(exercises) + 1)]
    assert last.startswith("## Exercises") and len(ANSWER.findall(last)) == len(exercises)


@each
def test_its_first_code_installs_what_is_missing(source):
    first = next(cell.source for cell in execute.read_source(source).cells if cell.cell_type == "code")
    assert 'if importlib.util.find_spec("unroll") is None:' in first
    assert '"..[notebooks]"' in first and '"unroll-lstm[notebooks]"' in first and "%pip" not in first


@each
def test_no_answer_is_seen_before_it_is_asked_for(source):
    assert spoilt(execute.read_executed(source).cells) == []


def spoilt(cells):
    """List what gives an answer away: a question without a folded answer, an answer seen, what it means right below."""
    found = []
    for number, cell in enumerate(cells):
        if cell.cell_type == "markdown" and "**Predict.**" in cell.source:
            until = next((n for n in range(number + 1, len(cells)) if cells[n].cell_type == "markdown"), len(cells))
            if not any(ANSWERED in after.source for after in cells[number + 1 : until]):
                found.append(f"no folded answer to: {cell.source[-60:]}")
        if cell.cell_type == "code" and ANSWERED in cell.source:
            shown = ["".join(output.get("data", {}).get("text/html", "")) for output in cell.outputs]
            if [text.startswith("<details><summary>Answer</summary>") for text in shown] != [True]:
                found.append(f"not folded, or not alone: {cell.source[:60]}")
            if "assert" in cell.source:
                found.append(f"an assert says what comes out: {cell.source[:60]}")
            following = cells[number + 1]
            if following.cell_type != "markdown" or not following.source.startswith((FOLD, "## ", "# ")):
                found.append(f"what it means is not folded: {following.source[:60]}")
    return found


@pytest.mark.parametrize("spoil", ["open", "plain", "assert", "told", "unasked"])
def test_an_answer_that_is_given_away_is_found(spoil):
    new = nbformat.v4
    html = f"<details{' open' * (spoil == 'open')}><summary>Answer</summary></details>"
    outputs = [new.new_output("display_data", data={"text/html": html})]
    outputs += [new.new_output("stream", text="4")] * (spoil == "plain")
    code = f"{ANSWERED}\n    print(2 + 2)" + "\nassert 2 + 2 == 4" * (spoil == "assert")
    cells = [
        new.new_markdown_cell("**Predict.** What is 2 + 2?"),
        new.new_code_cell("print(2 + 2)" if spoil == "unasked" else code, outputs=outputs),
        new.new_markdown_cell("Four." if spoil == "told" else f"{FOLD}\n\nFour.\n\n</details>"),
    ]
    assert len(spoilt(cells)) == 1


@each
def test_only_public_names_of_the_project_are_used(source):
    text = source.read_text()
    modules = set(re.findall(r"from (unroll[\w.]*) import", text)) | set(re.findall(r"import (unroll[\w.]*)", text))
    reference = "\n".join(page.read_text() for page in REFERENCE.glob("*.md"))
    assert modules <= set(re.findall(r"automodule:: ([\w.]+)", reference))
    assert not re.search(r"from unroll.* import .*\b_", text)


@each
def test_no_measured_number_is_typed_by_hand(source):
    assert MEASURED.findall(FENCED.sub("", "\n".join(prose(execute.read_source(source))))) == []


def test_a_measured_number_typed_by_hand_is_found():
    for text in ("it takes 12 ms", "and 3.5 MiB", "95 % of", "a 30% gain", "2 times faster"):
        assert MEASURED.search(text), text
    assert not MEASURED.search("28 rows of 28 pixels, 4 steps")


@each
def test_its_links_lead_somewhere(source):
    for target in LINK.findall("\n".join(prose(execute.read_source(source)))):
        if not target.startswith("https://"):
            assert (source.parent / target).exists(), target


@each
def test_it_is_not_too_large(source):
    assert source.with_suffix(".ipynb").stat().st_size <= LARGEST_BYTES


def test_executing_writes_the_notebook_whole(tmp_path, monkeypatch, capsys):
    source = tmp_path / "09_small.py"
    source.write_text("# %% [markdown]\n# # Small\n\n# %%\n1 + 1\n")
    monkeypatch.setattr(execute, "SOURCES", [source])
    assert execute.main(["09_small"]) == 0
    executed = execute.read_executed(source)
    assert executed.cells[1].outputs[0].data["text/plain"] == "2"
    assert execute.cells_of(executed) == execute.cells_of(execute.read_source(source))
    assert "09_small.ipynb" in capsys.readouterr().out


def test_a_cell_that_fails_is_named_and_the_old_notebook_stays(tmp_path, monkeypatch, capsys):
    source = tmp_path / "09_small.py"
    source.write_text("# %%\nraise ValueError('no eyes')\n")
    source.with_suffix(".ipynb").write_text("as it was")
    monkeypatch.setattr(execute, "SOURCES", [source])
    assert execute.main([]) == 1
    assert "no eyes" in capsys.readouterr().err
    assert source.with_suffix(".ipynb").read_text() == "as it was"


def test_an_unknown_notebook_is_refused(capsys):
    with pytest.raises(SystemExit) as refused:
        execute.main(["06_nothing"])
    assert refused.value.code == 2
    assert "got the notebook '06_nothing'; want one of 01_transpose_reshape_split" in capsys.readouterr().err

"""The documentation is still true: its tables, its examples, its links, and the commands that it names."""

import functools
import json
import re
import shutil
from pathlib import Path

import pytest
from help_texts import parsers, pytest_parser

from unroll.report.figures.every import DRAWINGS
from unroll.report.figures.learning import write_learning
from unroll.report.writing import MARKED, fill_page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
RESULTS = ROOT / "results" / "reference"
TUTORIALS = ROOT / "results" / "tutorials"
PAGES = sorted(
    page for page in DOCS.rglob("*.md") if not page.is_relative_to(DOCS / "notebooks") and "_build" not in page.parts
)
GENERATED = [page for page in PAGES if MARKED.search(page.read_text())]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+")
LINK = re.compile(r"\]\(([^)\s]+)\)")
PUBLISHED = DOCS / "related.md"  # figures of others, each with its source
NOT_MEASURED = ("95% interval", "256 KiB", "within 5%")  # what is chosen, or known of TensorFlow
MEASURED = re.compile(r"\d(?:[\d.,]*)\s*(?:ms|s|seconds|minutes|[KMG]i?B|percent|times (?:faster|slower|as))\b|\d\s*%")


def name(page):
    return str(page.relative_to(DOCS))


def blocks(page, language):
    return [code for found, code in BLOCK.findall(page.read_text()) if found == language]


@pytest.mark.parametrize("page", GENERATED, ids=name)
def test_its_tables_show_what_the_committed_results_say(page):
    assert fill_page(page, RESULTS) == page.read_text(), "run `make readme`"


def test_the_tutorials_tables_are_those_of_their_trainings(tmp_path):
    shutil.copy(TUTORIALS / "training.jsonl", tmp_path)
    write_learning(tmp_path)
    assert (tmp_path / "tables.md").read_text() == (TUTORIALS / "tables.md").read_text()


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=name)
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's, of NumPy, as it loads
def test_its_examples_run(page, monkeypatch, tmp_path, capsys):
    (tmp_path / "results").symlink_to(ROOT / "results")
    monkeypatch.chdir(tmp_path)
    names = {}
    for code in blocks(page, "python"):
        exec(code, names)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_its_links_lead_somewhere(page):
    text = page.read_text()
    for target in LINK.findall(text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in headings(file), target


def headings(page):
    """Give the anchors of a page's headings, as GitHub and MyST make them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_a_dead_link_would_be_found():
    assert "turns" not in headings(DOCS / "design.md") and "measuring" in headings(DOCS / "design.md")


@pytest.mark.parametrize("page", [page for page in PAGES if page != PUBLISHED], ids=name)
def test_no_measured_number_is_typed_by_hand(page):
    prose = " ".join(BLOCK.sub("", MARKED.sub("", page.read_text())).split())
    for known in NOT_MEASURED:
        prose = prose.replace(known, "")
    assert MEASURED.findall(prose) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_commands_and_options_that_it_names_exist(page):
    known = {parser.prog for parser in parsers()}
    for command in re.findall(r"^(unroll [a-z]+)", "\n".join(shell_lines(page)), re.MULTILINE):
        assert command in known, command
    for option in OPTION.findall(page.read_text()):
        assert option in known_options(), option


def shell_lines(page):
    """Give what a page offers for the shell: its bash blocks, and what stands in backticks."""
    return [*blocks(page, "bash"), *re.findall(r"`([^`\n]+)`", page.read_text())]


@functools.cache
def known_options():
    ours = "".join(parser.format_help() for parser in (*parsers(), pytest_parser()))
    ours += "".join(path.read_text() for path in (ROOT / "tools").glob("*.py"))
    pytests = {"--benchmark-only", "--benchmark-disable", "--benchmark-json", "--benchmark-compare"}
    pips = {"--editable", "--constraint", "--only-binary", "--dest", "--find-links", "--target"}
    others = {*pytests, *pips, "--help"}
    return set(OPTION.findall(ours)) | others


def test_an_option_that_does_not_exist_would_be_found():
    assert {"--preset", "--resume", "--data"} <= known_options()
    assert not {"--presets", "--no-such"} & known_options()


def test_every_figure_is_in_the_gallery():
    pictures = set(re.findall(r"!\[([\w-]+)\]\(\.\./results/\w+/\1\.png\)", (DOCS / "gallery.md").read_text()))
    assert pictures == set(DRAWINGS)


def test_every_notebook_is_in_the_tutorial():
    tutorial = (DOCS / "tutorial.md").read_text()
    for source in (ROOT / "notebooks").glob("[0-9][0-9]_*.py"):
        assert f"\nnotebooks/{source.stem}\n" in tutorial
        assert f"(../notebooks/{source.stem}.ipynb)" in tutorial
        assert json.loads(source.with_suffix(".ipynb").read_text())["nbformat"] == 4

import subprocess
import sys
from pathlib import Path

import pytest

from unroll.measure.config import Sizes
from unroll.measure.journal import Journal, JournalError, Record
from unroll.report.writing import FIGURES, PageError, fill_page, update_page, write_report

ENVIRONMENT = {
    "processor": "some processor",
    "cores": 2,
    "memory_bytes": 8 << 30,
    "system": "Linux",
    "python": "3.11.7",
    "versions": {"tensorflow": "2.21.0"},
    "threads": {"inter_op": 0, "intra_op": 0},
    "flags": {},
    "commit": "abc",
}


@pytest.fixture
def results(tmp_path) -> Path:
    journal = Journal(tmp_path / "results", ENVIRONMENT, "digits")
    journal.append(Record("step", "train", "static", Sizes(), "s", [0.0123]))
    return tmp_path / "results"


def page_with(tmp_path, text) -> Path:
    (tmp_path / "page.md").write_text(text)
    return tmp_path / "page.md"


def test_a_report_is_figures_and_tables_beside_the_journal(results):
    paths = write_report(results)
    names = [f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")]
    assert [path.name for path in paths] == [*names, "tables.md"]
    assert all(path.parent == results and path.stat().st_size for path in paths)
    assert "| 12.3 |" in paths[-1].read_text()


def test_a_page_is_filled_and_keeps_what_is_written_by_hand(results, tmp_path):
    page = page_with(tmp_path, "before\n<!-- unroll: times -->\nold\n<!-- /unroll -->\nafter\n")
    update_page(page, results)
    text = page.read_text()
    assert text.startswith("before\n<!-- unroll: times -->\n\n| variant |")
    assert text.endswith("<!-- /unroll -->\nafter\n")
    assert "| 12.3 |" in text
    assert "old" not in text
    assert fill_page(page, results) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing\n", "got no generated part"),
        ("<!-- unroll: weather -->\n<!-- /unroll -->\n", "got the part 'weather'; want one of ratios, times"),
    ],
)
def test_a_page_that_cannot_be_filled_stays_as_it_was(results, tmp_path, text, message):
    page = page_with(tmp_path, text)
    with pytest.raises(PageError, match=message):
        update_page(page, results)
    assert page.read_text() == text


def test_without_a_journal_there_is_no_report(tmp_path):
    with pytest.raises(JournalError, match="cannot read"):
        write_report(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_report_imports_no_tensorflow():
    code = "import sys, unroll.report.writing; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from unroll.measure.config import PHASES, Sizes
from unroll.measure.journal import Journal, JournalError, Record
from unroll.report.writing import PAGE, TABLES, PageError, fill_page, update_page, write_report


@pytest.fixture
def results(tmp_path, environment, settings) -> Path:
    journal = Journal(tmp_path / "results", environment, settings)
    journal.append(Record("step", "train", "static", "graph", Sizes(), "s", [0.0123]))
    journal.append(Record("export", "forward", "static", "graph", Sizes(), "bytes", [2048], note="any T"))
    return tmp_path / "results"


def page_with(tmp_path, text) -> Path:
    (tmp_path / "page.md").write_text(text)
    return tmp_path / "page.md"


def test_a_report_is_figures_tables_and_last_the_page_beside_the_journal(results):
    paths = write_report(results)
    names = [f"{name}.{kind}" for name in ("costs", "trick") for kind in ("png", "svg")]  # the others show nothing
    assert [path.name for path in paths] == [*names, "tables.md", PAGE]
    assert all(path.parent == results and path.stat().st_size for path in paths)
    page = paths[-2].read_text()
    assert "| 12.3 |" in page
    assert [line for line in page.splitlines() if line.startswith("## ")] == [f"## {n.capitalize()}" for n in TABLES]


@pytest.mark.parametrize("name", TABLES)
def test_every_table_can_be_asked_for_on_a_page(name, results, tmp_path):
    page = page_with(tmp_path, f"<!-- unroll: {name} -->\n<!-- /unroll -->\n")
    filled = update_page(page, results).read_text()
    expected = {"times": "| static |", "export": "| 2 | any T |", "environment": "| commit | abc |"}
    expected["stopped"] = "Nothing was stopped, nothing failed."
    assert expected.get(name, "Not measured in this run.") in filled


def test_a_page_is_filled_and_keeps_what_is_written_by_hand(results, tmp_path):
    page = page_with(tmp_path, "before\n<!-- unroll: times -->\nold\n<!-- /unroll -->\nafter\n")
    update_page(page, results)
    text = page.read_text()
    assert text.startswith("before\n<!-- unroll: times -->\n\n| variant |")
    assert text.endswith("<!-- /unroll -->\nafter\n")
    assert "| 12.3 |" in text
    assert "old" not in text
    assert fill_page(page, results) == text


def test_filling_keeps_a_pages_link_mode_and_line_ends(results, tmp_path):
    page = tmp_path / "page.md"
    page.write_bytes(b"before\r\n<!-- unroll: times -->\r\nold\r\n<!-- /unroll -->\r\nafter\r\n")
    page.chmod(0o640)
    link = tmp_path / "link.md"
    link.symlink_to(page.name)
    assert update_page(link, results) == link
    assert link.is_symlink()
    assert stat.S_IMODE(page.stat().st_mode) == 0o640
    text = page.read_bytes()
    assert b"| 12.3 |" in text
    assert text.count(b"\n") == text.count(b"\r\n")


def test_a_part_can_be_made_from_a_folder_beside_the_results(results, tmp_path, environment, settings):
    journal = Journal(tmp_path / "other", environment, settings)
    journal.append(Record("step", "train", "static", "graph", Sizes(), "s", [0.0987]))
    page = page_with(tmp_path, "<!-- unroll: times of other -->\n<!-- /unroll -->\n")
    text = update_page(page, results).read_text()
    assert "| 98.7 |" in text
    assert "| 12.3 |" not in text
    assert fill_page(page, results) == text


def test_claims_of_a_gpu_are_judged_by_the_run_on_one_beside_the_results(results, tmp_path, environment, settings):
    card = environment | {"gpus": [{"name": "A card"}]}
    journal = Journal(tmp_path / "gpu", card, settings | {"device": "gpu"})
    for number in range(1, 7):
        for variant, seconds in (("keras-unrolled", 0.3), ("keras-cudnn", 0.1)):
            for phase in PHASES:
                at = {"round": number, "turns": f"process {number}"}
                journal.append(Record("step", phase, variant, "graph", Sizes(), "s", [seconds], **at))
    page = page_with(tmp_path, "<!-- unroll: claims -->\n<!-- /unroll -->\n")
    text = fill_page(page, results).split("## no-cudnn\n")[1].split("## ")[0]
    assert "**holds**" in text
    assert "A card: Training step" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing\n", "got no generated part"),
        (
            "<!-- unroll: weather -->\n<!-- /unroll -->\n",
            "got the part 'weather'; want one of answer, deciding, ratios",
        ),
    ],
)
def test_a_page_that_cannot_be_filled_stays_as_it_was(results, tmp_path, text, message):
    page = page_with(tmp_path, text)
    with pytest.raises(PageError, match=message):
        update_page(page, results)
    assert page.read_text() == text


def test_a_part_of_results_that_are_not_there_stays_as_it_was(results, tmp_path):
    page = page_with(tmp_path, "<!-- unroll: times of nowhere -->\nold\n<!-- /unroll -->\n")
    before = page.read_text()
    with pytest.raises(JournalError, match=r"cannot read .*nowhere"):
        update_page(page, results)
    assert page.read_text() == before


def test_without_a_journal_there_is_no_report(tmp_path):
    with pytest.raises(JournalError, match="cannot read"):
        write_report(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_report_imports_no_tensorflow():
    code = "import sys, unroll.report.writing; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

"""What the README says is still true: its tables, its pictures, its example and its links."""

import re
from pathlib import Path

import numpy as np
import pytest

from unroll.measure.journal import read_journal
from unroll.report.writing import fill_page

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
ALL_RESULTS = ROOT / "docs" / "results.md"
RESULTS = ROOT / "results" / "reference"
MOST_WORDS = 1500


@pytest.mark.parametrize("page", [README, ALL_RESULTS, ROOT / "docs" / "gpu.md"], ids=lambda page: page.name)
def test_its_tables_show_what_the_committed_results_say(page):
    assert fill_page(page, RESULTS) == page.read_text(), "run `make readme`"


def test_it_names_the_machine_and_the_sizes_of_its_results():
    run = read_journal(RESULTS)[-1]
    machine = f"On {run.environment['cores']} cores of an {run.environment['processor']}"
    sizes = f"at {run.sizes.steps} steps with a batch of {run.sizes.batch} and {run.sizes.hidden} hidden units"
    assert f"{machine}, {sizes}:" in README.read_text()


def test_a_number_changed_by_hand_is_found(tmp_path):
    changed = tmp_path / "README.md"
    changed.write_text(re.sub(r"\| \d", "| 9", README.read_text(), count=1))
    assert fill_page(changed, RESULTS) != changed.read_text()


@pytest.mark.parametrize("page", [README, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_its_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    assert targets or page.name != "README.md"
    for target in targets:
        assert (page.parent / target).exists(), target


def test_its_examples_run_and_the_two_agree():
    names = {}
    for example in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL):
        exec(example, names)
    np.testing.assert_allclose(names["outputs"], names["same_outputs"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(names["state"].cell, names["same_state"].cell, rtol=0, atol=1e-6)
    assert names["model"].output_shape == (None, 10)


def test_it_is_read_in_a_few_minutes():
    assert len(README.read_text().split()) <= MOST_WORDS

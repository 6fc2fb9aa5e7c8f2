"""What the notebooks show with: an answer is folded, escaped and complete; the walk is a page of its own."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from unroll.notebook import committed, walk
from unroll.report.table import Cell, Table


@pytest.fixture(scope="module")
def run():
    """Run code as a notebook does, and return what it displays as HTML."""
    shell = InteractiveShell.instance()
    shell.run_cell("from unroll.notebook import answer")

    def run(code):
        from IPython.utils.capture import capture_output

        with capture_output() as captured:
            assert shell.run_cell(code).success
        assert captured.stdout == ""
        (shown,) = captured.outputs
        return shown.data["text/html"]

    yield run
    InteractiveShell.clear_instance()


def test_what_is_printed_is_folded_and_escaped(run):
    html = run("with answer():\n    print('1 < 2')\n    print('<b>')")
    assert html == "<details><summary>Answer</summary><pre>1 &lt; 2\n&lt;b&gt;\n</pre></details>"


def test_what_is_displayed_stands_in_the_fold_in_its_richest_form(run):
    html = run(
        "from IPython.display import HTML, display\nwith answer():\n    display(HTML('<i>so</i>'))\n    display(7)"
    )
    assert html == "<details><summary>Answer</summary><i>so</i><pre>7</pre></details>"


def test_a_picture_is_part_of_the_answer(run):
    code = "from IPython.display import Image, display\nwith answer():\n    display(Image(b'\\x89PNG', format='png'))"
    assert '<img src="data:image/png;base64,iVBORw==" alt=' in run(code)


def test_the_walk_is_a_page_that_asks_nothing_of_the_network():
    html = walk()._repr_html_()
    assert html.startswith("<iframe srcdoc=") and "trick-live" in html
    assert "http" not in html.replace("http://www.w3.org/", "")  # the names of SVG and HTML


def test_the_committed_results_are_found():
    assert (committed("reference") / "journal.jsonl").is_file()


def test_a_notebook_shows_a_table_as_one():
    table = Table(["a", "b"], [["x < y", Cell("2", "strong", "!")]], note="so & so")
    assert table._repr_html_() == (
        "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>x &lt; y</td><td><strong>2</strong> !</td>"
        "</tr></tbody></table><p>so &amp; so</p>"
    )
    assert Table(["a"], [])._repr_html_() == "<p>Not measured in this run.</p>"

import base64
import io
import json

import pytest
from PIL import Image

from unroll.report.page.markup import Html, data, element, join, picture, table
from unroll.report.table import NOTHING, Cell, Table


def test_text_is_escaped_wherever_it_enters_and_html_is_not_escaped_twice():
    inner = element("b", "<script>")
    assert element("p", inner, "&", title='"><i>') == ('<p title="&quot;&gt;&lt;i&gt;"><b>&lt;script&gt;</b>&amp;</p>')
    assert join([Html("<br>"), "<br>"]) == "<br>&lt;br&gt;"


def test_a_table_has_headings_of_columns_and_rows_and_a_box_that_scrolls():
    made = table(Table(["", "time (ms)"], [["static", Cell("12.3", "strong")]]), "name")
    assert made.startswith('<div class="scroll" role="region" aria-labelledby="name" tabindex="0">')
    assert "<td></td>" in made  # an empty cell heads nothing
    assert '<th scope="col" class="number">time (ms)</th>' in made
    assert '<th scope="row">static</th>' in made
    assert "<strong>12.3</strong>" in made


@pytest.mark.parametrize(
    "cell",
    [
        "<script>alert(1)</script>",
        "![](https://example.com/x.png)",
        "[here](https://example.com)",
        "https://example.com",
        "a | b",
        "my_module:__call__",
        "`code`",
        "**bold**",
    ],
)
def test_a_cell_is_shown_as_it_was_written_and_reaches_out_to_nothing(cell):
    made = table(Table(["variant", "x"], [[cell, "1"]]), "name")
    escaped = cell.replace("<", "&lt;").replace(">", "&gt;")
    assert f'<th scope="row">{escaped}</th>' in made


def test_a_sentence_in_place_of_a_table_stays_one():
    assert table(Table([], []), "name") == f'<p class="note">{NOTHING}</p>'


def test_data_survive_the_page_and_cannot_end_their_element():
    value = {"note": "</script><script>alert(1)</script><!--", "name": 'A "quoted" \u2028 one'}
    made = data("given", value)
    assert made.count("<") == 2  # the element's own
    assert json.loads(made[made.index(">") + 1 : made.rindex("<")]) == value


def test_a_picture_keeps_every_pixel(tmp_path):
    drawn = Image.effect_noise((20, 10), 50).convert("RGB")
    drawn.save(tmp_path / "drawn.png")
    made = picture(tmp_path / "drawn.png", 'what "is" seen')
    assert 'alt="what &quot;is&quot; seen" width="20" height="10"' in made
    packed = base64.b64decode(made.split("base64,")[1].split('"')[0])
    assert Image.open(io.BytesIO(packed)).convert("RGB").tobytes() == drawn.tobytes()

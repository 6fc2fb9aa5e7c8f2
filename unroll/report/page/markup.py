"""HTML from text: elements that escape what is put into them, tables, pictures and data in the page."""

import base64
import io
import json
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from pathlib import Path

from PIL import Image

from unroll.report.table import RIGHT, Cell, Table

VOID = ("img", "meta")  # elements without an end


class Html(str):
    """Text that is HTML already; all other text is escaped where it enters an element."""


def element(name: str, /, *children: str, **attributes: str) -> Html:
    """Make an element; what is not HTML already is escaped.

    In the name of an attribute, `_` is written `-`, and left out at the end.

    >>> element("p", "1 < 2", element("b", "!"), class_="sum", aria_label='"1"')
    '<p class="sum" aria-label="&quot;1&quot;">1 &lt; 2<b>!</b></p>'
    """
    listed = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{listed}>" if name in VOID else f"<{name}{listed}>{join(children)}</{name}>")


def asset(name: str) -> str:
    """Return the text of a script, a style or a template of the page."""
    return (files("unroll.report.page") / "assets" / name).read_text(encoding="utf-8")


def join(parts: Iterable[str]) -> Html:
    """Join parts; what is not HTML already is escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def table(made: Table, heading: str) -> Html:
    """Make a table, in a box of its own that scrolls; `heading` is the id of what names it.

    The first cell of each row is its heading. A sentence that stands in the table's place stays a sentence.
    """
    note = element("p", made.note, class_="note") if made.note else Html("")
    if not made.rows:
        return note
    styles = [{"class_": "number"} if side == RIGHT else {} for side in made.align]
    heads = [
        element("th", name, scope="col", **style) if name else element("td")  # there is nothing to head
        for name, style in zip(made.header, styles, strict=True)
    ]
    rows = [
        element("tr", element("th", _cell(row[0]), scope="row"), *(element("td", _cell(c), **s) for c, s in cells))
        for row in made.rows
        for cells in [zip(row[1:], styles[1:], strict=True)]
    ]
    body = element("table", element("thead", element("tr", *heads)), element("tbody", *rows))
    return join([scrolled(body, heading), note])


def _cell(cell: str | Cell) -> str:
    if isinstance(cell, Cell) and cell.emphasis:
        return join([element(cell.emphasis, cell.text), f" {cell.after}" if cell.after else ""])
    return cell.plain if isinstance(cell, Cell) else cell


def scrolled(content: Html, heading: str) -> Html:
    """Wrap what may be wider than the page in a box that scrolls, by keyboard, too."""
    return element("div", content, class_="scroll", role="region", aria_labelledby=heading, tabindex="0")


def picture(path: Path, alt: str) -> Html:
    """Return a picture as part of the page itself: lossless, and smaller than the file."""
    packed = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(packed, "WEBP", lossless=True)
        width, height = map(str, image.size)
    source = f"data:image/webp;base64,{base64.b64encode(packed.getvalue()).decode()}"
    return element("img", src=source, alt=alt, width=width, height=height)


def data(name: str, value: object) -> Html:
    """Return data as an element for the page's scripts; no text among them can end the element."""
    text = json.dumps(value, separators=(",", ":")).replace("<", r"\u003c")
    return element("script", Html(text), type="application/json", id=name)

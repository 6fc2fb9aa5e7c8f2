"""HTML from text: elements that escape what is put into them, tables from Markdown, pictures and data in the page."""

import base64
import io
import json
from collections.abc import Iterable
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt
from PIL import Image

VOID = ("img",)  # elements without an end
# Tables and bold, and nothing that could reach out of the page: no links, no images, no HTML.
_MARKDOWN = MarkdownIt("zero").enable(["table", "emphasis", "entity", "escape"])


class Html(str):
    """Text that is HTML already; all other text is escaped where it enters an element."""


def element(name: str, /, *children: str, **attributes: str) -> Html:
    """Make an element; what is not HTML already is escaped.

    In the name of an attribute, `_` is written `-`, and left out at the end.

    >>> element("p", "1 < 2", element("b", "!"), class_="sum", aria_label='"1"')
    '<p class="sum" aria-label="&quot;1&quot;">1 &lt; 2<b>!</b></p>'
    """
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{given}>" if name in VOID else f"<{name}{given}>{join(children)}</{name}>")


def join(parts: Iterable[str]) -> Html:
    """Join parts; what is not HTML already is escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def table(markdown: str, heading: str) -> Html:
    """Make the table of a Markdown table, in a box of its own that scrolls; `heading` is the id of what names it.

    The first cell of each row is its heading. A sentence that stands in the table's place stays a sentence.
    """
    tokens = _MARKDOWN.parse(markdown.replace("_", r"\_"))  # no underscore of ours stands for emphasis
    for number, token in enumerate(tokens):
        if token.type == "th_open" and tokens[number + 1].content:
            token.attrSet("scope", "col")
        elif token.type == "th_open":
            token.tag = tokens[number + 2].tag = "td"  # there is nothing to head
        elif token.type == "tr_open" and tokens[number + 1].type == "td_open":
            tokens[number + 1].attrSet("scope", "row")
            tokens[number + 1].tag = tokens[number + 3].tag = "th"
    made = Html(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))
    return scrolled(made, heading) if tokens[0].type == "table_open" else made


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

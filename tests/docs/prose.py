"""The prose of a Markdown page: paragraphs and list items, without headings, tables, code and generated parts."""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from unroll.report.writing import MARKED

MARKDOWN = MarkdownIt("commonmark").enable("table")
DIRECTIVE = re.compile(r"^(:::|\(.*\)=$)", re.MULTILINE)
SENTENCE_END = re.compile(r"(?<=[.!?])[)\"*]*\s+(?=[\"(*]*[A-Z0-9])")
CODE = "Code"  # stands for code within a sentence: one word, which may begin a sentence


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a page's prose, list items among them, with `CODE` in the place of inline code."""
    tokens = MARKDOWN.parse(MARKED.sub("", text))
    inside_table = False
    prose = []
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type in ("table_open", "table_close"):
            inside_table = token.type == "table_open"
        is_paragraph = before is not None and before.type == "paragraph_open"
        if token.type == "inline" and is_paragraph and not inside_table:
            prose.append(_words(token))
    return [paragraph for paragraph in prose if paragraph and not DIRECTIVE.match(paragraph)]


def _words(token: Token) -> str:
    pieces = []
    for child in token.children or []:
        if child.type == "code_inline":
            pieces.append(CODE)
        elif child.type in ("softbreak", "hardbreak"):
            pieces.append(" ")
        elif child.type == "text":
            pieces.append(child.content)
    return "".join(pieces).strip()


def sentences(paragraph: str) -> list[str]:
    """Return the sentences of a paragraph.

    >>> sentences("It takes 0.97 times as long. (That is all.) Yes.")
    ['It takes 0.97 times as long.', '(That is all.', 'Yes.']
    """
    return [sentence for sentence in SENTENCE_END.split(paragraph) if sentence]


EXPLAINED = {  # the glossary's heading of each word that a student may not know, and the forms it has in sentences
    "break-even": "break-evens?",
    "eager": "eager(?:ly)?",
    "epoch": "epochs?",
    "interval": "intervals?",
    "journal": "journals?",
    "logits": "logits",
    "loss": "loss(?:es)?",
    "preset": "presets?",
    "trace": "trace[ds]?|tracing",
    "update": "updates?",
    "xla": "XLA",
}
NO_PROSE = re.compile(
    r"<!-- unroll:.*?<!-- /unroll -->|^```.*?^```|^:::.*?$|^#.*?$|^\|.*?$|^    .*?$|!\[[^\]]*\]\([^)]*\)|`[^`]*`",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\[[^\]]*\]\(([^)]*)\)")


def first_unexplained(text: str, anchor: str) -> tuple[int, int] | None:
    """Return where a word of `EXPLAINED` first stands in a page's prose; None if it links to the glossary there.

    >>> first_unexplained("The [loss](glossary.md#loss) falls. A loss", "loss")
    >>> first_unexplained("The loss falls.", "loss")
    (4, 8)
    """

    def blank(match: re.Match) -> str:
        is_explained = match[0].startswith("[") and match[1].endswith(f"glossary.md#{anchor}")
        return match[0] if is_explained else " " * len(match[0])

    text = NO_PROSE.sub(lambda match: " " * len(match[0]), text)
    explained = [match.span() for match in LINK.finditer(text) if match[1].endswith(f"glossary.md#{anchor}")]
    first = re.search(rf"(?<![\w-])(?:{EXPLAINED[anchor]})(?![\w-])", LINK.sub(blank, text))
    is_linked = first and any(start < first.start() < end for start, end in explained)
    return None if first is None or is_linked else first.span()

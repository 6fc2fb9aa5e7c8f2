"""The directive `{live} growth` or `{live} trick`: an interactive part of the page of results, for readers to try."""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from unroll.measure.journal import read_journal
from unroll.report.folders import REFERENCE
from unroll.report.page.interactive import growth_data, live_page, trick_data
from unroll.report.page.markup import element

PARTS = {  # what each shows, how high it is in pixels, and its title
    "growth": (lambda: growth_data(read_journal(REFERENCE)[-1]), 1140, "Move T, and see both graphs grow"),
    "trick": (trick_data, 690, "Transpose, reshape, split, step by step"),
}


class Live(SphinxDirective):
    """Writes a frame that holds the part, with all that it needs."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        (part,) = self.arguments
        content, height, title = PARTS[part]
        page = live_page(part, content())
        frame = element("iframe", srcdoc=page, title=title, class_="live", height=str(height), loading="lazy")
        return [nodes.raw("", frame, format="html")]


def setup(app):
    """Add the directive."""
    app.add_directive("live", Live)
    return {"parallel_read_safe": True}

"""The directive `{command-line}`: the commands and options as the programs themselves explain them."""

import os

from docutils import nodes
from help_texts import parsers, pytest_parser
from sphinx.util.docutils import SphinxDirective

os.environ["COLUMNS"] = "80"  # how wide argparse writes


class CommandLine(SphinxDirective):
    """Writes a section for `unroll`, one for each of its commands, and one for the options of the benchmarks."""

    def run(self) -> list[nodes.Node]:
        return [self._section(parser.prog, parser.format_help()) for parser in (*parsers(), pytest_parser())]

    def _section(self, program: str, text: str) -> nodes.section:
        section = nodes.section(ids=[nodes.make_id(program)], names=[program])
        section += nodes.title("", "", nodes.literal("", program))
        section += nodes.literal_block(text, text, language="text")
        return section


def setup(app):
    """Add the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True}

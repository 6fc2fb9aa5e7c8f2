"""A table as data, which Markdown, the page and the terminal are each written from."""

import html
import io
from collections.abc import Sequence
from typing import NamedTuple

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table as RichTable
from rich.text import Text

from unroll.errors import printable

NOTHING = "Not measured in this run."
LEFT, RIGHT = "l", "r"
MARKS = {"": "", "strong": "**", "em": "*"}  # of Markdown, by the element of HTML
WIDTH = 80  # columns of a terminal


class Cell(NamedTuple):
    """The text of a cell, with an emphasis that is the name of an element of HTML, and what stands after it."""

    text: str
    emphasis: str = ""
    after: str = ""

    def __str__(self):
        mark = MARKS[self.emphasis]
        return f"{mark}{self.text}{mark} {self.after}".rstrip()

    @property
    def plain(self) -> str:
        """Return the text without a mark for its emphasis."""
        return f"{self.text} {self.after}".rstrip()


class Table(str):
    """A table: as a string it is Markdown, and what it is made from is kept beside it.

    Without rows it is one sentence that says why. What comes from results is escaped.

    Attributes:
        header: the columns' headings.
        rows: the cells.
        align: for each column "l" or "r"; by default numbers, to the right, behind one column of names.
        note: a paragraph below the table, or the sentence in its place.
    """

    header: list[str]
    rows: list[list[str | Cell]]
    align: str
    note: str

    def __new__(
        cls,
        header: Sequence[str],
        rows: Sequence[Sequence[str | Cell]],
        align: str = "",
        note: str = "",
        otherwise: str = NOTHING,
    ):
        align = align or LEFT + RIGHT * (len(header) - 1)
        note = note if rows else otherwise
        table = super().__new__(cls, _markdown(header, rows, align, note))
        table.header, table.rows, table.align = list(header), [list(row) for row in rows], align
        table.note = note
        return table

    def _repr_html_(self) -> str:
        """Return the table as a notebook shows it."""
        head = "".join(f"<th>{html.escape(heading)}</th>" for heading in self.header)
        rows = ["".join(f"<td>{_html(cell)}</td>" for cell in row) for row in self.rows]
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if rows else ""
        return table + (f"<p>{html.escape(self.note)}</p>" if self.note else "")

    def with_note(self, note: str) -> "Table":
        """Return the same table with a paragraph below it."""
        return Table(self.header, self.rows, self.align, note, otherwise=self.note)


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str | Cell]], align: str, note: str) -> str:
    if not rows:
        return f"{note}\n"
    rule = ["---:" if side == RIGHT else "---" for side in align]
    lines = [f"| {' | '.join(escape(str(cell)) for cell in line)} |\n" for line in (header, rule, *rows)]
    return "".join(lines) + (f"\n{note}\n" if note else "")


def _html(cell: str | Cell) -> str:
    if isinstance(cell, Cell) and cell.emphasis:
        after = html.escape(f" {cell.after}") if cell.after else ""
        return f"<{cell.emphasis}>{html.escape(cell.text)}</{cell.emphasis}>{after}"
    return html.escape(plain_text(cell))


def escape(cell: str) -> str:
    """Return the text of a cell on one line, in which nothing ends the cell or begins an element of HTML."""
    return " ".join(cell.replace("|", "\\|").replace("<", "&lt;").split())


def plain_text(cell: str | Cell) -> str:
    """Return a cell's text as the terminal shows it."""
    return printable(cell.plain if isinstance(cell, Cell) else cell)


def terminal(table: Table, width: int = WIDTH) -> str:
    """Write a table for a terminal: columns aligned, long cells wrapped at words, no line longer than `width`."""
    if not table.rows:
        return f"{table.note}\n"
    sides: dict[str, JustifyMethod] = {LEFT: "left", RIGHT: "right"}
    rich = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    for heading, side in zip(table.header, table.align, strict=True):
        rich.add_column(Text(printable(heading)), justify=sides[side], vertical="bottom", overflow="fold")
    for row in table.rows:
        rich.add_row(*(Text(plain_text(cell)) for cell in row))
    written = io.StringIO()
    console = Console(file=written, width=width, color_system=None, force_terminal=False, legacy_windows=False)
    console.print(rich)
    if table.note:
        console.print(Text(printable(table.note)))
    return "".join(f"{line.rstrip()}\n" for line in written.getvalue().splitlines())

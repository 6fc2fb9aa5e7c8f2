"""Writing the report: figures, tables and the page beside the journal, and the generated parts of a Markdown page."""

import re
from collections.abc import Callable
from pathlib import Path

from unroll.errors import UnrollError
from unroll.files import write_whole
from unroll.measure.journal import Run, read_journal
from unroll.report import growth, tables
from unroll.report.compare import agreement_text, compare
from unroll.report.figures import grid, throughput
from unroll.report.figures.every import OF_A_RUN, OF_TRAININGS
from unroll.report.figures.frame import save_figure
from unroll.report.folders import further_run_beside, training_folder
from unroll.report.ledger.claim import results_of
from unroll.report.ledger.claims import claims_page, judge_claims
from unroll.report.page.answer import answer_markdown
from unroll.report.page.choices import choices_table
from unroll.report.page.page import make_page
from unroll.report.table import Table

TABLES = {
    "ratios": tables.ratios_table,
    "break-even": tables.break_even_table,
    "best": tables.best_of_ours_table,
    "cold": tables.cold_table,
    "times": tables.times_table,
    "sizes": tables.sizes_table,
    "export": tables.export_table,
    "conversions": tables.conversions_table,
    "modes": tables.modes_table,
    "fit": tables.fit_table,
    **throughput.TABLES,
    "growth": growth.growth_table,
    "grid": grid.grid_table,
    "stopped": tables.stopped_table,
    "environment": tables.environment_table,
}
EXCERPTS = {  # of what the report has, for pages that have room for little
    "answer": answer_markdown,
    "deciding": lambda run: tables.ratios_table(run, tables.DECIDING),
}
PAGE, CLAIMS, AGREEMENT = "report.html", "claims", "agreement"
AGAIN = "experiments/again"  # a later run, which lies beside the folder that it is compared with
MARKED = re.compile(
    r"(<!-- unroll: (?P<name>[\w-]+)(?: of (?P<folder>[\w/-]+))? -->\n)(?P<body>.*?)(<!-- /unroll -->)", re.DOTALL
)


class PageError(UnrollError):
    """A page whose generated parts cannot be filled; the message says which one and why."""


def write_report(folder: Path, run: Run | None = None) -> list[Path]:
    """Draw the figures, write the tables and the page of a run, by default the journal's last.

    Returns:
        the paths written, the page last.

    Raises:
        JournalError: the folder holds no journal that can be read.
        HistoryError: the trainings beside it cannot be read.
    """
    folder = Path(folder)
    run = run or read_journal(folder)[-1]
    figures = {drawing.name: drawing.draw(run) for drawing in OF_A_RUN}
    paths = [path for name, figure in figures.items() for path in save_figure(figure, folder, name)]
    set_out = {name: table(run) for name, table in TABLES.items()}
    page = make_page(results_of(folder, run), _pictures(folder), set_out)
    return [*paths, _write_whole(folder / "tables.md", _tables_page(set_out)), _write_whole(folder / PAGE, page)]


def _parts(folder: Path) -> dict[str, Callable[[Run], str]]:
    """Return what makes each part of a page; the claims are judged by what lies beside the results, too."""
    figures = f"../results/{Path(folder).name}"
    return {
        **EXCERPTS,
        **TABLES,
        "choices": lambda run: choices_table(run, further_run_beside(folder)),
        CLAIMS: lambda run: claims_page(judge_claims(results_of(folder, run)), figures),
        AGREEMENT: lambda run: f"{agreement_text(compare(run, read_journal(folder.parent / AGAIN)[-1]))}\n",
    }


def _pictures(folder: Path) -> dict[str, Path | None]:
    """Return the path of each figure of the run just written and of its trainings; None for one that is not there."""
    trained = training_folder(folder) or folder
    paths = {drawing.name: folder / f"{drawing.name}.png" for drawing in OF_A_RUN}
    paths |= {drawing.name: trained / f"{drawing.name}.png" for drawing in OF_TRAININGS}
    return {name: path if path.is_file() else None for name, path in paths.items()}


def fill_page(page: Path, folder: Path) -> str:
    """Return a page's text with its generated parts made anew from the journal's last run.

    A generated part stands between `<!-- unroll: NAME -->` and `<!-- /unroll -->`, where NAME is a table. With
    `NAME of OTHER` it is made from the last run in the folder OTHER, which lies beside the one given.

    Raises:
        PageError: the page has no generated part, or asks for a table that does not exist.
        JournalError: the folder holds no journal that can be read.
    """
    own = read_journal(folder)[-1]
    try:
        text = Path(page).read_text(encoding="utf-8")
    except OSError as error:
        raise PageError(f"cannot read {page}: {error.strerror}; want a Markdown page") from error

    def fill(part: re.Match) -> str:
        if part["name"] not in _parts(folder):
            raise PageError(f"{page}: got the part {part['name']!r}; want one of {', '.join(_parts(folder))}")
        beside = Path(folder).resolve().parent / part["folder"] if part["folder"] else None
        source, run = (beside, read_journal(beside)[-1]) if beside else (folder, own)
        table = _parts(source)[part["name"]](run)
        return f"{part[1]}\n{table}\n{part[5]}"

    filled, count = MARKED.subn(fill, text)
    if not count:
        raise PageError(f"{page}: got no generated part; want <!-- unroll: NAME --> ... <!-- /unroll -->")
    return filled


def update_page(page: Path, folder: Path) -> Path:
    """Write a page's generated parts anew, all of them or none; its line ends, its mode and a link to it stay."""
    text = fill_page(page, folder)
    with open(page, "rb") as file:
        if file.readline().endswith(b"\r\n"):
            text = text.replace("\n", "\r\n")
    _write_whole(Path(page).resolve(), text)
    return Path(page)


def _tables_page(set_out: dict[str, Table]) -> str:
    parts = [f"## {name.capitalize()}\n\n{table}" for name, table in set_out.items()]
    return "# Static against dynamic unrolling\n\n" + "\n".join(parts)


def _write_whole(path: Path, text: str) -> Path:
    return write_whole(path, lambda file: file.write(text.encode()))

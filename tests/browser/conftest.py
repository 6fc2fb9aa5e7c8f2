"""A real Chromium without a window, and the page of the committed run in it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from unroll.measure.journal import Run, read_journal
from unroll.report.figures.every import OF_A_RUN
from unroll.report.ledger.claim import Results
from unroll.report.page.page import make_page
from unroll.report.writing import TABLES

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def browser() -> Iterator:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def write(tmp_path_factory) -> Callable[[Run, str], Path]:
    """Write the page of a run, with the committed figures in it."""

    def write(run: Run, name: str) -> Path:
        paths = {drawing.name: REFERENCE / f"{drawing.name}.png" for drawing in OF_A_RUN}
        pictures = {name: path if path.exists() else None for name, path in paths.items()}
        tables = {table: make(run) for table, make in TABLES.items()}
        file = tmp_path_factory.mktemp("page") / f"{name}.html"
        file.write_text(make_page(Results(run), pictures, tables))
        return file

    return write


@pytest.fixture(scope="session")
def run() -> Run:
    return read_journal(REFERENCE)[-1]


@pytest.fixture(scope="session")
def file(write, run) -> Path:
    return write(run, "full")


class Watched:
    """A page open in the browser, with all that it complained of and all that it asked for."""

    def __init__(self, context, file: Path):
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page = context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())


@pytest.fixture
def visit(browser, file) -> Iterator[Callable[..., Watched]]:
    """Open the page; afterwards nothing may have been complained of, and nothing asked for but the file."""
    visited: list[Watched] = []
    contexts = []

    def visit(file=file, viewport=DESKTOP, **options) -> Watched:
        contexts.append(browser.new_context(viewport=viewport, **options))
        visited.append(Watched(contexts[-1], file))
        return visited[-1]

    yield visit
    for watched in visited:
        assert watched.complaints == []
        assert [url for url in watched.requests if not url.startswith("data:")] == [watched.page.url.split("#")[0]]
    for context in contexts:
        context.close()

"""The page as a file: what stands in it and in which order, what it says is missing, and that nothing reaches out."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from unroll.measure.config import Sizes
from unroll.measure.journal import FILE_NAME, Record, Run, read_journal
from unroll.report.figures.every import OF_A_RUN
from unroll.report.ledger.claim import Results
from unroll.report.ledger.claims import CLAIMS
from unroll.report.page.answer import answer
from unroll.report.page.interactive import growth_data, trick_data
from unroll.report.page.page import make_page
from unroll.report.writing import PAGE, TABLES, write_report

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
LARGEST_BYTES = 3 << 20
FIGURES = [drawing.name for drawing in OF_A_RUN]
HOSTILE = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'
VOID = {"meta", "link", "img", "path", "rect", "circle"}


class Outline(HTMLParser):
    """What a page is made of, and what a browser would stumble over."""

    def __init__(self, page: str):
        super().__init__()
        self.page, self.open, self.elements, self.headings, self.text = page, [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        assert len(attributes) == len(attrs), f"{tag} has an attribute twice"
        self.elements.append((tag, attributes))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]

    def tags(self, name: str) -> list[dict]:
        return [attributes for tag, attributes in self.elements if tag == name]

    @property
    def visible(self) -> str:
        return " ".join(" ".join(self.text).split())


def sound(page: str) -> Outline:
    """Give the outline of a page that is well formed, whose ids agree, and that asks for nothing outside itself."""
    outline = Outline(page)
    assert not outline.open
    ids = outline.values("id")
    assert len(ids) == len(set(ids))
    links = [link for link in outline.values("href") if link != "data:,"]
    assert {link.removeprefix("#") for link in links} | set(outline.values("aria-labelledby")) <= set(ids)
    assert all(link.startswith("#") for link in links)
    assert all(source.startswith("data:image/webp;base64,") for source in outline.values("src"))
    assert "url(" not in page and "@import" not in page
    assert all(image["alt"] for image in outline.tags("img"))
    assert outline.headings[0] == 1 and outline.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(outline.headings, outline.headings[1:], strict=False))
    return outline


@pytest.fixture(scope="module")
def pixel(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "pixel.png"
    Image.new("RGB", (1, 1)).save(path)
    return path


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Path:
    """Write the page of the committed full run."""
    folder = tmp_path_factory.mktemp("results")
    shutil.copy(REFERENCE / FILE_NAME, folder)
    *_, page = write_report(folder)
    return page


def page_of(run: Run, pixel: Path, lacking: tuple = ()) -> str:
    pictures = {name: None if name in lacking else pixel for name in FIGURES}
    return make_page(Results(run), pictures, {name: table(run) for name, table in TABLES.items()})


def step(variant="static", samples=(0.0123,), **more) -> Record:
    return Record("step", "train", variant, "graph", Sizes(), "s", list(samples), **more)


def test_a_full_run_gives_a_page_that_is_small_enough(full):
    assert full.name == PAGE
    assert full.stat().st_size <= LARGEST_BYTES


def test_the_answer_comes_first_and_everything_is_there(full):
    outline = sound(full.read_text())
    sections = ["answer", "growth", "trick", "figures", "ledger", "tables", "environment", "method"]
    assert [name for name in outline.values("id") if name in sections] == sections
    run = read_journal(REFERENCE)[-1]
    unseen = {name for name in FIGURES if f"figure-{name}" not in outline.values("id")}
    # In a section of its own; and what the committed run has not: a GPU's kernels, cold starts, conversions.
    elsewhere = {"environment", "kernels", "cold", "conversions"}
    lacking = {name for name in TABLES if f"table-{name}" not in outline.values("id")} - elsewhere
    assert not unseen and not lacking
    assert len(outline.tags("q")) == len(CLAIMS)
    visible = "".join(outline.visible.split())  # code in a sentence stands in an element of its own
    assert [sentence for sentence in answer(run) if "".join(sentence.split()) not in visible] == []
    assert run.environment["processor"] in outline.visible


def test_without_scripts_the_page_says_what_cannot_be_tried(full):
    page = full.read_text()
    assert '<html lang="en" class="still">' in page
    assert page.count('class="for-still note"') == 2
    start = page.index("<details open>")
    assert start < page.index('id="figure-trick"') < page.index("</details>", start)


def test_a_browser_may_run_the_pages_own_script_and_load_nothing(full):
    (policy,) = [meta["content"] for meta in Outline(full.read_text()).tags("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert re.search(r"script-src 'sha256-[\w+/=]+';", policy)


def hostile_run(run_of) -> Run:
    failed = step(f"{HOSTILE}:encoder", (), note=f"failed: {HOSTILE}")
    lost = Record("build", "train", "static", "graph", Sizes(steps=64), "s", [], note=f"stopped: {HOSTILE}")
    run = run_of(step(), failed, lost, step(HOSTILE))
    run.environment["processor"] = "<script>alert(1)</script>"
    run.environment["warnings"] = [HOSTILE]
    run.settings["data"] = run.settings["preset"] = HOSTILE
    return Run(HOSTILE, HOSTILE, run.environment, run.settings, run.records)


def test_nothing_from_results_becomes_part_of_the_page(run_of, pixel):
    outline = sound(page_of(hostile_run(run_of), pixel))
    calm = sound(page_of(run_of(step()), pixel))
    assert len(outline.tags("script")) == len(calm.tags("script")) == 3
    assert len(outline.tags("img")) == len(calm.tags("img"))
    assert not [name for _, attributes in outline.elements for name in attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in outline.visible
    assert f"failed: {HOSTILE}" in outline.visible


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (
            [],
            ["This run cannot say which to take"],
        ),
        (
            [step()],
            [
                "When a later start has paid",
                "Ratios of times",
            ],
        ),
        (
            [step("mine:encoder", (), note="failed: no eyes")],
            ["Variants that gave no result: mine:encoder.", "Stopped or failed: what and why", "no eyes"],
        ),
    ],
    ids=["nothing", "one record", "failures only"],
)
def test_a_poor_run_still_gives_a_page_that_says_what_is_missing(records, said, run_of, pixel):
    page = page_of(run_of(*records), pixel, lacking=("growth", "grid"))
    visible = sound(page).visible
    assert "What is missing" in visible
    lacking = "How costs grow with the number of steps; Which is faster, at which batch and width."
    assert f"Figures with nothing to draw: {lacking}" in visible
    assert all(words in visible for words in said)
    assert visible.count("gave no result") == any(not record.samples for record in records)
    assert 'id="figure-growth"' not in page and 'href="#figure-growth"' not in page
    assert 'id="table-ratios"' not in page


def test_figures_with_nothing_to_draw_are_left_out_and_named(run_of, tmp_path):
    *_, page = write_report(tmp_path, run_of(step("static", (), note="failed: no eyes")))
    outline = sound(page.read_text())
    assert (
        "Figures with nothing to draw: One LSTM, unrolled two ways; What each way of unrolling one LSTM costs; Is the"
        in outline.visible
    )
    assert len(outline.tags("img")) < len(FIGURES)


def test_the_slider_is_given_measured_points_only_and_what_was_lost(run_of):
    def built(variant, steps, *samples, **more):
        return Record("build", "train", variant, "graph", Sizes(steps=steps), "s", list(samples), 1, **more)

    run = run_of(
        built("static", 28, 0.4),
        built("dynamic", 28, 0.1),
        built("static", 512, 1.5),
        built("dynamic", 512, 0.1),
        built("static", 1024, note="stopped: it took too long"),
    )
    given = growth_data(run)
    assert (given["steps"], given["start"]) == ([28, 512, 1024], 28)
    build = given["costs"][0]
    assert build["points"]["static"] == [
        {"value": 400, "said": "400 ms"},
        {"value": 1500, "said": "1.5 s"},
        {"said": "stopped: it took too long", "lost": True},
    ]
    assert build["points"]["dynamic"][2] == {"said": "not measured", "lost": False}
    assert build["times"] == ["4.00", "15.0", ""]
    assert growth_data(run_of())["steps"] == []


def test_the_trick_is_given_two_digits_with_ink():
    given = trick_data()
    assert given["digits"] == [3, 8]
    for image in given["images"]:
        assert {len(row) for row in image} == {28} and len(image) == 28
        assert sum(int(pixel, 16) for row in image for pixel in row) > 500
    assert given["images"][0] != given["images"][1]
    json.dumps(given)

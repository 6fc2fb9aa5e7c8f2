"""The page driven in a real browser: slider, stepper, keyboard, phone, dark, without JavaScript, on paper."""

import re

import pytest

from unroll.measure.config import Sizes
from unroll.measure.journal import Record, Run
from unroll.report.page.interactive import growth_data

pytestmark = pytest.mark.xdist_group("browser")  # so that one worker runs them all, and one browser starts
TALLEST = 8000  # pixels, on a desk, as it opens
PHONE = {"width": 360, "height": 740}
PAPER = {"width": 690, "height": 980}  # A4 within its margins
NUMBERS_SHAPES = {"transpose": "4, 2, 3", "reshape": "(8, 3)", "stack": "[2,4,3]"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 900}, PHONE], ids=["desktop", "phone"])
def test_axe_finds_no_serious_fault(visit, viewport, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = visit(viewport=viewport, color_scheme=scheme, reduced_motion="reduce").page
    found = axe.Axe().run(page).response
    assert len(found["passes"]) > 20
    grave = [fault for fault in found["violations"] if fault["impact"] in ("serious", "critical")]
    assert [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in grave] == []


def test_dark_mode_is_dark(visit):
    def paper(scheme) -> float:
        page = visit(color_scheme=scheme).page
        return page.evaluate("parseInt(getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/)[0])")

    assert paper("dark") < 50 < 200 < paper("light")


@pytest.mark.parametrize("js", [True, False], ids=["with JavaScript", "without"])
def test_a_phone_need_not_scroll_sideways(visit, js):
    page = visit(viewport=PHONE, java_script_enabled=js).page
    if js:
        page.get_by_label("two digits").check()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_it_is_read_without_scrolling_far(visit):
    assert visit().page.evaluate("document.documentElement.scrollHeight") <= TALLEST


def test_the_slider_moves_both_graphs_and_their_costs_through_the_measured_steps(visit, run):
    page = visit().page
    given = growth_data(run)
    slider, rows = page.get_by_label("Number of steps, T"), page.locator("table.costs tbody tr")
    assert page.locator(".said").text_content() == f"T = {run.sizes.steps}"
    slider.focus()
    page.keyboard.press("Home")
    heights = []
    for at, steps in enumerate(given["steps"]):
        assert page.locator(".said").text_content() == slider.get_attribute("aria-valuetext") == f"T = {steps}"
        cells = page.locator("#growth-live svg .static").first.get_attribute("d")
        assert cells.count("M") == steps
        assert (
            page.locator("#growth-live figure").nth(1).locator("text").text_content()
            == f"\N{MULTIPLICATION SIGN} {steps}"
        )
        shown = [row.locator("td").all_text_contents() for row in rows.all()]
        assert shown == [
            [cost["points"]["static"][at]["said"], cost["points"]["dynamic"][at]["said"], cost["times"][at]]
            for cost in given["costs"]
        ]
        heights.append(page.locator("#growth-live svg .chain").first.evaluate("(path) => path.getBBox().height"))
        page.keyboard.press("ArrowRight")
    assert page.locator(".said").text_content() == f"T = {given['steps'][-1]}"
    assert heights == sorted(heights) and heights[-1] > 10 * max(heights[0], 1)


def test_one_measured_length_needs_no_slider(visit, write, run):
    only = [record for record in run.records if record.sizes.steps == run.sizes.steps]
    short = Run(run.id, run.started, run.environment, run.settings, only, run.outlines)
    page = visit(write(short, "short")).page
    assert page.locator("input[type=range]").count() == 0
    assert f"{run.sizes.steps} cells in the graph" in page.locator("#growth-live").text_content()


def answer(page, *, shape: str = "", option: str = "") -> str:
    """Answer the question that stands there, and give what is said to it."""
    if shape:
        page.get_by_label("Shape", exact=True).fill(shape)
    else:
        page.get_by_label(option, exact=True).check()
    page.get_by_role("button", name="Check").click()
    return page.locator(".feedback").text_content()


def rows_shown(page) -> list[str]:
    """Give the rows of numbers from top left to bottom right, by where they stand, column by column of blocks."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.stage .row')].map((row) => {
            const [x, y] = row.style.transform.match(/[\\d.]+/g).map(Number);
            return [Math.round(x), y, [...row.querySelectorAll('text')].map((text) => text.textContent).join(' ')];
        }).sort((one, other) => one[0] - other[0] || one[1] - other[1]).map(([, , numbers]) => numbers)"""
    )


def test_the_trick_is_foreseen_step_by_step_and_ends_where_it_began(visit):
    page = visit(reduced_motion="reduce").page
    batch = rows_shown(page)
    assert batch[:2] == ["0 1 2", "3 4 5"] and batch[4] == "12 13 14"
    said = answer(page, shape=NUMBERS_SHAPES["transpose"])
    assert said.startswith("✓ Right. Axes 0 and 1 change places")
    assert rows_shown(page) == [row for pair in zip(batch[:4], batch[4:], strict=True) for row in pair]
    assert page.locator(".shape").text_content() == "shape [4, 2, 3]"
    page.get_by_role("button", name="Next").click()
    assert answer(page, option="12 13 14 (row 0 of image 1)").startswith("✓ Right.")
    assert page.locator(".shape").text_content() == "shape [8, 3]"
    page.get_by_role("button", name="Next").click()
    said = answer(page, option="3 4 5 (row 1 of image 0), then 15 16 17 (row 1 of image 1)")
    assert said.startswith("✓ Right.")
    assert rows_shown(page)[2:4] == ["3 4 5", "15 16 17"]
    page.get_by_role("button", name="Next").click()
    assert answer(page, shape=NUMBERS_SHAPES["stack"]).startswith("✓ Right.")
    assert rows_shown(page) == batch
    assert "Done: 4 of 4 foreseen." in page.locator(".asking").text_content()
    page.get_by_role("button", name="Start again").click()
    assert "1 of 4" in page.locator(".asking h3").text_content()


def test_without_the_transpose_the_shapes_are_right_and_the_rows_are_not(visit):
    page = visit(reduced_motion="reduce").page
    page.get_by_label("without it: the mistake").check()
    assert "the same shape as after the transpose" in answer(page, shape=NUMBERS_SHAPES["reshape"])
    page.get_by_role("button", name="Next").click()
    said = answer(page, option="3 4 5 (row 1 of image 0), then 15 16 17 (row 1 of image 1)")
    assert said.startswith("✗ Not so, it is: 6 7 8 (row 2 of image 0), then 9 10 11 (row 3 of image 0).")
    assert rows_shown(page)[2:4] == ["6 7 8", "9 10 11"]
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Show me").click()
    assert rows_shown(page)[:4] == ["0 1 2", "6 7 8", "12 13 14", "18 19 20"]
    assert "Done: 1 of 3 foreseen." in page.locator(".asking").text_content()


def test_a_wrong_shape_is_told_why_and_no_shape_is_asked_for_again(visit):
    page = visit(reduced_motion="reduce").page
    assert answer(page, shape="what?") == "Type a shape, such as 5, 28, 28."
    said = answer(page, shape="4, 2, 2")
    assert said.startswith("✗ Not so, it is: [4, 2, 3]. That would be 16 numbers, and there are 24.")
    page.get_by_role("button", name="Back").click()
    assert "1 of 4" in page.locator(".asking h3").text_content()
    assert page.locator(".shape").text_content() == "shape [2, 4, 3]"
    assert page.get_by_role("button", name="Back").is_disabled()
    assert answer(page, shape="4x2x3").startswith("✓ Right.")


def test_on_digits_the_mistake_is_seen(visit):
    page = visit(reduced_motion="reduce").page
    page.get_by_label("two digits").check()
    digit = page.locator(".stage .row.image-0 .ink").count()
    assert digit > 80

    def tops() -> list[float]:
        script = "(rows) => rows.map((row) => Number(row.style.transform.match(/[\\d.]+/g)[1]))"
        return page.locator(".stage .row.image-0").evaluate_all(script)

    whole = tops()
    for way, same in (("with the transpose", True), ("without it: the mistake", False)):
        page.get_by_label(way).check()
        assert tops() == whole
        while page.get_by_role("button", name="Start again").count() == 0:
            (page.get_by_role("button", name="Show me").or_(page.get_by_role("button", name="Next"))).click()
        assert (tops() == whole) is same
    assert "without it" in page.locator("input[name=way]:checked").locator("..").text_content()


def test_everything_is_reached_by_keyboard_alone(visit):
    page = visit(reduced_motion="reduce").page
    active = "document.activeElement"
    page.keyboard.press("Tab")
    assert page.evaluate(f"{active}.textContent") == "Skip to the answer"
    assert page.evaluate(f"{active}.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    page.wait_for_url("**#answer")

    def tab_to(condition: str) -> None:
        for _ in range(120):
            page.keyboard.press("Tab")
            if page.evaluate(f"(element => {condition})({active})"):
                assert page.evaluate(f"getComputedStyle({active}).outlineStyle") != "none"
                return
        pytest.fail(f"not reached: {condition}")

    tab_to("element.type === 'range'")
    before = page.locator(".said").text_content()
    page.keyboard.press("ArrowLeft")
    assert page.locator(".said").text_content() != before
    tab_to("element.id === 'shape-typed'")
    page.keyboard.type("4 2 3")
    page.keyboard.press("Enter")
    assert page.locator(".feedback").text_content().startswith("✓ Right.")
    assert page.evaluate(f"{active}.textContent") == "Next"
    page.keyboard.press("Enter")
    tab_to("element.name === 'guess'")
    page.keyboard.press("ArrowDown")
    tab_to("element.type === 'submit'")
    page.keyboard.press("Enter")
    assert page.locator(".feedback").text_content().startswith("✓ Right.")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert "2 of 4" in page.locator(".asking h3").text_content()


def test_what_is_told_is_announced(visit):
    page = visit().page
    assert page.locator(".feedback").get_attribute("role") == "status"
    assert page.locator(".said").evaluate("(element) => element.localName") == "output"
    assert page.get_by_role("img", name="Shape [2, 4, 3]. image 0: 0 1 2, 3 4 5,").count() == 1


def test_without_javascript_only_the_interactive_parts_are_missing(visit, run):
    page = visit(java_script_enabled=False).page
    assert page.locator("#growth-live").is_hidden() and page.locator("#trick-live").is_hidden()
    assert page.get_by_text("can only be tried with JavaScript").is_visible()
    assert page.get_by_text("can only be moved with JavaScript").is_visible()
    for name in ("answer", "ledger", "figures", "tables", "environment", "method"):
        assert page.locator(f"#{name}").is_visible()
    for summary in page.locator("#figures summary").all():
        summary.click()
    assert page.locator("figure img").count() == page.locator("figure img:visible").count() > 0


def test_with_javascript_the_whole_trick_is_kept_for_later(visit):
    page = visit().page
    assert not page.locator("#trick details").evaluate("(details) => details.open")
    page.get_by_text("All stages at once").click()
    assert page.locator("#trick details").evaluate("(details) => details.open")
    assert page.get_by_text("can only be tried with JavaScript").is_hidden()


def test_the_page_can_be_printed(visit):
    page = visit(viewport=PAPER).page
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden() and page.locator("#trick-live").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER["width"]
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#trick details").evaluate("(details) => details.open")
    printed = page.pdf(prefer_css_page_size=True, format="A4")
    assert printed.startswith(b"%PDF")
    assert 1 < len(re.findall(rb"/Type\s*/Page\b", printed)) <= 8


def test_hostile_results_run_nothing(visit, write, run):
    hostile = '</script><script>alert("x")</script><img src="https://example.com/x" onerror=alert(1)>'
    records = [
        Record("step", "train", name, "graph", Sizes(), "s", [0.01]) for name in ("static", f"{hostile}:encoder")
    ]
    records.append(Record("build", "train", "static", "graph", Sizes(), "s", [], note=f"failed: {hostile}"))
    environment = run.environment | {"processor": "<script>alert(1)</script>", "warnings": [hostile]}
    page = visit(write(Run("id", run.started, environment, run.settings | {"data": hostile}, records), "hostile")).page
    assert "<script>alert(1)</script>" in page.locator(".where").text_content()
    assert page.locator("#growth-live").get_by_text(f"failed: {hostile}").count() == 1
    assert page.evaluate("document.scripts.length") == 3

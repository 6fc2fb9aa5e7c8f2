"""The text is easy to read: short sentences, common words, and each term explained where it first stands."""

import functools
from pathlib import Path

import pytest
import textstat
from prose import EXPLAINED, first_unexplained, paragraphs, sentences

from unroll.measure.journal import read_journal
from unroll.models.history import read_trainings
from unroll.report.figures.every import OF_A_RUN, OF_TRAININGS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if not {"notebooks", "_build"} & set(page.parts))
PAGES = [ROOT / "README.md", *PAGES]
FOR_ENGINEERS = {"claims.md", "contributing.md", "design.md", "glossary.md", "record.md"}
FOR_STUDENTS = [page for page in PAGES if page.name not in FOR_ENGINEERS and page.parent.name != "reference"]
MOST_WORDS, HIGHEST_GRADE = 35, 9  # of a sentence; of a page, by Flesch and Kincaid
ENOUGH_WORDS = 100  # for a grade: a few words say little


def name(page):
    return str(page.relative_to(ROOT))


def too_long(text):
    return [sentence for sentence in sentences(text) if len(sentence.split()) > MOST_WORDS]


@functools.cache
def captions():
    """Return what is written over each figure and in its place, of the committed results."""
    run = read_journal(ROOT / "results" / "reference")[-1]
    trainings = read_trainings(ROOT / "results" / "tutorials")
    drawn = [*((drawing, run) for drawing in OF_A_RUN), *((drawing, trainings) for drawing in OF_TRAININGS)]
    return {drawing.name: f"{drawing.alt(shown_of)} {drawing.explanation}" for drawing, shown_of in drawn}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_sentence_of_a_page_is_long(page):
    assert [long for paragraph in paragraphs(page.read_text()) for long in too_long(paragraph)] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_needs_few_years_of_school(page):
    text = " ".join(paragraphs(page.read_text()))
    if len(text.split()) < ENOUGH_WORDS:
        pytest.skip("too few words for a grade")
    assert textstat.flesch_kincaid_grade(text) <= HIGHEST_GRADE


@pytest.mark.parametrize("figure", [drawing.name for drawing in (*OF_A_RUN, *OF_TRAININGS)])
def test_no_sentence_of_a_caption_is_long(figure):
    assert too_long(captions()[figure]) == []


def test_captions_need_few_years_of_school():
    assert textstat.flesch_kincaid_grade(" ".join(captions().values())) <= HIGHEST_GRADE


def test_long_sentences_and_words_would_be_found():
    assert too_long(f"It {'really ' * MOST_WORDS}is.") and not too_long("It is. " * MOST_WORDS)
    long_words = "Interdependencies necessitate organisational reconsideration."
    assert textstat.flesch_kincaid_grade(long_words) > HIGHEST_GRADE


@pytest.mark.parametrize("page", FOR_STUDENTS, ids=name)
def test_each_term_is_explained_where_it_first_stands(page):
    text = page.read_text()
    spans = {anchor: first_unexplained(text, anchor) for anchor in EXPLAINED}
    assert {anchor: text[slice(*span)] for anchor, span in spans.items() if span} == {}


def test_the_glossary_has_each_of_these_terms():
    headings = {line.removeprefix("## ").lower() for line in (DOCS / "glossary.md").read_text().splitlines()}
    assert set(EXPLAINED) <= headings

"""Every figure stands on whatever results there are, says what is missing, and no text hides another."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from unroll.measure.journal import Run, read_journal
from unroll.report.figures import frame
from unroll.report.tables import NOTHING
from unroll.report.writing import FIGURES

ROOT = Path(__file__).parents[2]
HOSTILE = "<script>alert('$x^$')</script>\n\x1b[31m \u4e2d"  # no valid formula: as one, it would raise
MEASURED = [name for name in FIGURES if name != "trick"]  # which needs no results


@cache
def run_of(kind: str) -> Run:
    """Give the committed run, or what is left of it."""
    run = read_journal(ROOT / "results" / "reference")[-1]
    two = [record for record in run.records if record.variant in ("static", "keras-loop")]
    failed = [replace(record, samples=[], note=f"failed: {HOSTILE}") for record in run.records]
    own = [replace(record, variant=f"{HOSTILE}:encoder") for record in run.records if record.variant == "dynamic"]
    bare = {"outlines": {}, "outlines_at": {}}
    return {
        "all": run,
        "nothing": replace(run, records=[], **bare),
        "one record": replace(run, records=run.records[:1], **bare),
        "failed": replace(run, records=failed, **bare),
        "two variants": replace(run, records=two, outlines={"static": run.outlines["static"]}, outlines_at={}),
        "hostile": replace(
            run,
            environment={"processor": HOSTILE},
            settings=run.settings | {"data": HOSTILE * 9},
            records=[*run.records, *own],
        ),
    }[kind]


@cache
def drawn(name: str, kind: str) -> Figure:
    return FIGURES[name](run_of(kind))


@pytest.mark.parametrize("kind", ["all", "nothing", "one record", "failed", "two variants", "hostile"])
@pytest.mark.parametrize("name", MEASURED)
def test_a_figure_stands_on_whatever_there_is(name, kind, assert_looks_right, texts_of):
    figure = drawn(name, kind)
    assert_looks_right(figure)
    said = " ".join(text.get_text() for text in texts_of(figure))
    if kind == "nothing":
        assert NOTHING in said or "not measured" in said
    if kind == "failed":
        assert NOTHING in said or "failed" in said or "not available" in said or "not measured" in said


def test_the_trick_needs_no_results(assert_looks_right):
    figure = drawn("trick", "nothing")
    assert_looks_right(figure)
    assert figure.get_size_inches()[1] > 5


@pytest.mark.parametrize("name", MEASURED)
def test_every_measured_figure_says_where_and_when(name, texts_of):
    said = " ".join(text.get_text() for text in texts_of(drawn(name, "hostile")))
    assert "<script>alert('$x^$')</script> ?[31m ?" in said
    assert run_of("all").started[:10] in said


@pytest.mark.parametrize("name", [*MEASURED, "trick"])
def test_a_figure_is_as_wide_as_all_and_is_written_with_its_texts_escaped(name, tmp_path):
    figure = drawn(name, "hostile")
    assert figure.get_size_inches()[0] == frame.WIDTH
    png, svg = frame.save_figure(figure, tmp_path, name)
    assert png.stat().st_size and "<script" not in svg.read_text()

"""What the tests of the report share: where a run was measured, and runs made of given records."""

from dataclasses import asdict
from itertools import combinations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from unroll.measure.config import Sizes
from unroll.measure.journal import Record, Run

SMALLEST = 7.5  # points: the names in the cells of the grid


@pytest.fixture
def environment() -> dict:
    return {
        "processor": "A | <b>fast</b> one",
        "cores": 2,
        "memory_bytes": 8 << 30,
        "system": "Linux",
        "python": "3.11.7",
        "versions": {"tensorflow": "2.21.0"},
        "threads": {"inter_op": 0, "intra_op": 2},
        "flags": {},
        "commit": "abc",
    }


@pytest.fixture
def settings() -> dict:
    return {"preset": "full", "rounds": 4, "sizes": asdict(Sizes()), "data": "digits"}


@pytest.fixture
def run_of(environment, settings):
    """Make a run of the records given."""

    def run_of(*records: Record) -> Run:
        return Run("id", "2026-11-22T00:00:00+00:00", environment, settings, list(records))

    return run_of


@pytest.fixture
def texts_of():
    """Give every text of a figure that is seen, ticks and axes' labels included."""

    def texts_of(figure: Figure) -> list[Text]:
        found = list(figure.texts)
        for axes in figure.axes:
            found += [*axes.texts, axes._left_title]
            if axes.axison:
                found += [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label, axes.yaxis.label]
        return [text for text in found if text.get_visible() and text.get_text().strip()]

    return texts_of


@pytest.fixture
def assert_looks_right(texts_of):
    """Assert that no text hides another, leaves the figure or is too small to be read where a README shows it."""

    def assert_looks_right(figure: Figure) -> None:
        canvas = FigureCanvasAgg(figure)
        figure.draw_without_rendering()
        boxes = [(text, text.get_window_extent(canvas.get_renderer())) for text in texts_of(figure)]
        for text, box in boxes:
            assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, text
            assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, text
            assert text.get_fontsize() >= SMALLEST, text
        for (one, box), (other, second) in combinations(boxes, 2):
            width = min(box.x1, second.x1) - max(box.x0, second.x0)
            height = min(box.y1, second.y1) - max(box.y0, second.y0)
            # Two pixels of a line's height are the space between lines.
            assert width <= 0 or height <= 2, (one, other)

    return assert_looks_right

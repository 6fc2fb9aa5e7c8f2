"""The figure of what a step leaves behind: boxes for the slope of peak memory over T."""

import pytest
from drawn import assert_legible, record, words

from unroll.measure.config import Sizes
from unroll.report.figures.kept import KEPT, draw_kept, kept_by_step

BOX = 4 * 128 * 128  # bytes of one float32 for each image and hidden unit


def peaks(variant, boxes, lengths=(1, 28, 64, 128, 256), around=3e6):
    """Return the peaks of a variant that holds some boxes a step; below T=64 it holds far more."""
    return [
        record(
            "tensors", variant, [around + boxes * BOX * T * (1 if T >= 64 else 50)], sizes=Sizes(steps=T), unit="bytes"
        )
        for T in lengths
    ]


def test_a_row_is_the_slope_of_the_peaks_over_the_larger_T(run_of):
    run = run_of(*peaks("static", 7.25), *peaks("dynamic", 2.5))
    assert kept_by_step(run) == pytest.approx({"static": 7.25, "dynamic": 2.5})
    figure = draw_kept(run)
    assert {"7.25", "2.5", "static", "dynamic"} <= set(words(figure))
    assert_legible(figure)
    boxes = [sum(path.get_extents().width for path in bar.get_paths()) for bar in figure.axes[0].collections]
    drawn, outlined = boxes[1::2], boxes[::2]
    assert len(outlined) == 8 + 3
    assert sum(drawn) / outlined[0] == pytest.approx(9.75)
    assert "static 7.25, dynamic 2.5" in KEPT.alt(run)


def test_without_two_of_the_larger_T_there_is_no_figure(run_of):
    assert draw_kept(run_of(*peaks("static", 7, lengths=(1, 28, 64)))) is None
    assert draw_kept(run_of()) is None

"""The figure of break-even: lines, dots and words are those that the records give."""

import numpy as np
import pytest
from drawn import ROUNDS, dots, rounds, words

from unroll.measure.config import Case, Sizes
from unroll.measure.variants import label
from unroll.report.figures import frame
from unroll.report.figures.break_even import draw_break_even

LATE, EARLY = (0.6, 0.4, 0.010), (0.1, 0.1, 0.012)  # build, first call, step: even after 400 steps
NOISY = [0.010, 0.0105, 0.011, 0.0095, 0.009, 0.0102]


@pytest.fixture
def make_run(run_of):
    """Return a function that makes a run of each variant's build, first call and step, in so many rounds."""

    def make_run(count=ROUNDS, **times):
        return run_of(
            *(
                one
                for name, given in times.items()
                for quantity, time in zip(("build", "first_call", "step"), given, strict=True)
                for one in rounds(quantity, name.replace("_", "-"), np.broadcast_to(time, count).tolist())
                if time
            )
        )

    return make_run


def paid(run, late="static", early="dynamic"):
    return run.break_even("train", *(Case(variant, "graph", Sizes()) for variant in (late, early)))


def panels(figure):
    """Return the axes of the lines and those of the pairs."""
    return [axes for axes in figure.axes if axes.axison]


def test_a_line_is_what_training_takes_in_all_beside_the_loop(make_run):
    times = {"static": LATE, "dynamic": EARLY, "keras-cudnn": (0.1, 0.05, 0.001)}
    lines, _ = panels(draw_break_even(make_run(**times)))
    for variant, (build, first_call, step) in times.items():
        colour = frame.colour(variant)
        (line,) = [line for line in lines.lines if len(line.get_xdata()) > 2 and line.get_color() == colour]
        steps = np.array(line.get_xdata())
        loop = sum(EARLY[:2]) + steps * EARLY[2]
        np.testing.assert_allclose(line.get_ydata(), (build + first_call + steps * step) / loop)
        assert steps.min() == 1 and steps.max() >= 1000


def test_a_break_even_stands_where_the_run_says_on_both_panels(make_run):
    run = make_run(static=LATE, dynamic=EARLY)
    figure = draw_break_even(run)
    lines, pairs = panels(figure)
    assert paid(run).steps == pytest.approx(400)
    ((above, cost),), ((below, _),) = dots(lines), dots(pairs)
    assert above == below == paid(run).steps
    assert cost == pytest.approx(1)
    assert lines.get_xlim() == pairs.get_xlim()
    assert {"400", "401"} & set(words(figure))


def test_the_interval_is_drawn_and_written(make_run):
    run = make_run(static=(*LATE[:2], NOISY), dynamic=EARLY)
    found = paid(run)
    assert found.low < found.steps < found.high < 1e4
    figure = draw_break_even(run)
    _, pairs = panels(figure)
    (interval,) = [line for line in pairs.lines if len(line.get_xdata()) == 2]
    assert tuple(interval.get_xdata()) == (found.low, found.high)
    assert [x for x, _ in dots(pairs)] == [found.steps]
    assert any(text.startswith("from ") and " up to " in text for text in words(figure))
    assert not dots(pairs, ">")


def test_only_enough_rounds_fill_a_dot(make_run):
    for count in (ROUNDS, ROUNDS - 1, 1):
        figure = draw_break_even(make_run(count, static=LATE, dynamic=EARLY))
        assert [list(dots(axes).values()) for axes in panels(figure)] == [[count == ROUNDS]] * 2
    assert "one round" in words(figure)


def test_never_has_an_arrow_and_no_dot(make_run):
    figure = draw_break_even(make_run(static=(*LATE[:2], 0.013), dynamic=EARLY))
    lines, pairs = panels(figure)
    assert "never" in words(figure)
    assert not dots(lines) | dots(pairs)
    assert [x for x, _ in dots(pairs, ">")] == [pairs.get_xlim()[1]]


def test_the_two_change_places_if_the_other_starts_later(make_run):
    figure = draw_break_even(make_run(static=EARLY, dynamic=LATE))
    assert {"dynamic", "beside static"} <= set(words(figure))


def test_who_is_better_in_both_has_paid_at_once(make_run):
    assert "at once" in words(draw_break_even(make_run(static=(0.1, 0.1, 0.010), dynamic=(0.1, 0.1, 0.012))))


def test_a_line_alone_crosses_none_and_is_not_drawn(make_run):
    assert draw_break_even(make_run(static=LATE)) is None


def test_what_was_not_measured_in_full_is_named_and_has_no_line(make_run):
    figure = draw_break_even(make_run(**{"static": LATE, "static-traced": EARLY, "dynamic": (0.1, 0, 0.012)}))
    (named,) = [text for text in words(figure) if text.startswith("Not measured in this run, or not in full: ")]
    assert {label("dynamic"), label("torch")} <= set(named.split(": ")[1].split(", "))
    assert "not measured" in words(figure)
    assert not any(line.get_color() == frame.colour("dynamic") for line in panels(figure)[0].lines)


def test_the_axis_reaches_beyond_every_interval(make_run):
    lines, _ = panels(draw_break_even(make_run(static=(*LATE[:2], 0.011999), dynamic=EARLY)))
    assert lines.get_xlim()[1] > 800_000

"""The figure of break-even: lines, dots and words are those that the records give."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from unroll.measure.config import Case, Sizes
from unroll.measure.journal import Record
from unroll.measure.variants import label, own_mode
from unroll.report.figures import break_even, frame

ROUNDS = 6
LATE, EARLY = (0.6, 0.4, 0.010), (0.1, 0.1, 0.012)  # build, first call, step: even after 400 steps


def records(variant, build, first_call, step, rounds=ROUNDS):
    times = {"build": build, "first_call": first_call, "step": step}
    return [
        Record(
            quantity, "train", variant, own_mode(variant), Sizes(), "s", [time] if time else [], number, f"all {number}"
        )
        for quantity, time in times.items()
        for number in range(1, rounds + 1)
    ]


@pytest.fixture
def draw(run_of):
    def draw(**times):
        made = [record for name, given in times.items() for record in records(name.replace("_", "-"), *given)]
        return break_even.draw_break_even(run_of(*made))

    return draw


def said(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts] + [text.get_text() for text in figure.texts]


def panels(figure):
    """Give the axes of the lines and those of the pairs."""
    lines, *_, pairs = [axes for axes in figure.axes if axes.axison]
    return lines, pairs


def markers(axes, marker):
    return [line for line in axes.lines if line.get_marker() == marker]


def test_a_line_is_what_training_takes_in_all(draw):
    lines, _ = panels(draw(static=LATE, dynamic=EARLY))
    for variant, (build, first_call, step) in (("static", LATE), ("dynamic", EARLY)):
        (line,) = [
            line for line in lines.lines if len(line.get_xdata()) > 2 and line.get_color() == frame.colour(variant)
        ]
        steps = np.array(line.get_xdata())
        np.testing.assert_allclose(line.get_ydata(), build + first_call + steps * step)
        assert steps.min() == 1
        assert steps.max() >= 1000


def test_a_break_even_stands_where_the_run_says_on_both_panels(draw, run_of):
    figure = draw(static=LATE, dynamic=EARLY)
    lines, pairs = panels(figure)
    cases = [Case(variant, "graph", Sizes()) for variant in ("static", "dynamic")]
    found = run_of(*records("static", *LATE), *records("dynamic", *EARLY)).break_even("train", *cases)
    assert found.steps == pytest.approx(400)
    (above,), (below,) = markers(lines, "o"), markers(pairs, "o")
    assert above.get_xdata()[0] == below.get_xdata()[0] == found.steps
    assert above.get_ydata()[0] == pytest.approx(5)
    assert to_hex(below.get_markerfacecolor()) == to_hex(frame.colour("static"))
    assert lines.get_xlim() == pairs.get_xlim()
    assert "400" in said(figure) or "401" in said(figure)


def test_the_interval_is_drawn_and_written(draw, run_of):
    noisy = [0.010, 0.0105, 0.011, 0.0095, 0.009, 0.0102]
    late = [
        replace(made, samples=[noisy[made.round - 1]]) if made.quantity == "step" else made
        for made in records("static", *LATE)
    ]
    run = run_of(*late, *records("dynamic", *EARLY))
    found = run.break_even("train", *(Case(variant, "graph", Sizes()) for variant in ("static", "dynamic")))
    assert found.low < found.steps < found.high < 1e4
    figure = break_even.draw_break_even(run)
    _, pairs = panels(figure)
    (interval,) = [line for line in pairs.lines if len(line.get_xdata()) == 2]
    assert tuple(interval.get_xdata()) == (found.low, found.high)
    assert [dot.get_xdata()[0] for dot in markers(pairs, "o")] == [found.steps]
    assert any(text.startswith("from ") and " up to " in text for text in said(figure))
    assert not markers(pairs, ">")


def test_never_has_an_arrow_and_no_dot(draw):
    figure = draw(static=(*LATE[:2], 0.013), dynamic=EARLY)
    lines, pairs = panels(figure)
    assert "never" in said(figure)
    assert not markers(lines, "o") + markers(pairs, "o")
    (arrow,) = markers(pairs, ">")
    assert arrow.get_xdata()[0] == pairs.get_xlim()[1]


def test_the_two_change_places_if_the_other_starts_later(draw):
    figure = draw(static=EARLY, dynamic=LATE)
    assert {"dynamic", "beside static"} <= set(said(figure))
    (dot,) = markers(panels(figure)[1], "o")
    assert to_hex(dot.get_markerfacecolor()) == to_hex(frame.colour("dynamic"))


def test_who_is_better_in_both_has_paid_at_once(draw):
    figure = draw(static=(0.1, 0.1, 0.010), dynamic=(0.1, 0.1, 0.012))
    assert "at once" in said(figure)


def test_one_round_gives_no_interval(run_of):
    figure = break_even.draw_break_even(
        run_of(*records("static", *LATE, rounds=1), *records("dynamic", *EARLY, rounds=1))
    )
    assert "one round" in said(figure)


def test_what_was_not_measured_in_full_is_named_and_has_no_line(draw):
    figure = draw(static=LATE, dynamic=(0.1, 0, 0.012))
    (named,) = [text for text in said(figure) if text.startswith("Not measured in this run, or not in full: ")]
    assert label("dynamic") in named.split(": ")[1].split(", ")
    assert label("torch") in named
    assert "not available" in said(figure)
    assert not any(line.get_color() == frame.colour("dynamic") for line in panels(figure)[0].lines)


def test_the_axis_reaches_beyond_every_interval(draw):
    lines, _ = panels(draw(static=(*LATE[:2], 0.011999), dynamic=EARLY))
    assert lines.get_xlim()[1] > 800_000

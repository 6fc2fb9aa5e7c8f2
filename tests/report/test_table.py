import pytest

from unroll.report.table import NOTHING, Cell, Table, terminal

HEADER = ["variant", "time (ms)", "ratio"]
ROWS = [["static", "12.3", Cell("0.50 [0.40, 0.60]", "strong")], ["dynamic", "4", Cell("1.00", "em", "beside static")]]


def test_as_a_string_it_is_markdown():
    assert Table(HEADER, ROWS, note="Below.") == (
        "| variant | time (ms) | ratio |\n"
        "| --- | ---: | ---: |\n"
        "| static | 12.3 | **0.50 [0.40, 0.60]** |\n"
        "| dynamic | 4 | *1.00* beside static |\n"
        "\nBelow.\n"
    )


def test_what_it_is_made_from_is_kept():
    table = Table(HEADER, ROWS).with_note("Below.")
    assert (table.header, table.rows, table.align, table.note) == (HEADER, ROWS, "lrr", "Below.")


def test_without_rows_it_is_a_sentence():
    assert Table([], []).with_note("of what?") == f"{NOTHING}\n"
    assert terminal(Table(HEADER, [], otherwise="Nothing failed.").with_note("Below.")) == "Nothing failed.\n"


def test_in_a_terminal_numbers_stand_to_the_right_and_long_names_are_wrapped_at_words():
    rows = [["a name of many words, which no terminal has room for in one line of its own", "1"], ["short", "12345"]]
    lines = terminal(Table(["variant", "count"], rows, note="word " * 30), 40).splitlines()
    assert max(map(len, lines)) <= 40
    assert lines[-1].split() == ["word"] * len(lines[-1].split())
    assert " ".join("\n".join(lines).split()).startswith("variant count")
    ends = [line.rindex(number) + len(number) for line in lines for number in ("12345", "count") if number in line]
    assert len(ends) == 2 and len(set(ends)) == 1
    assert not any(line.startswith(("ny", "erminal")) for line in lines)


@pytest.mark.parametrize("hostile", ["\x1b[31mred", "[red]markup[/red]", "a" * 200])
def test_nothing_steers_the_terminal(hostile):
    text = terminal(Table(["x", hostile], [[hostile, "1"]], note=hostile))
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert hostile.replace("\x1b", "\ufffd")[:8] in text

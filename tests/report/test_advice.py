"""The recommendation follows the nearest measurements, and says when they do not tell two variants apart."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from unroll import cli
from unroll.measure.config import Sizes
from unroll.measure.journal import Journal, Record
from unroll.models.data import load
from unroll.report import advice, folders
from unroll.report.advice import AdviceError, advice_json, advice_lines, advise

BASE, SMALL = Sizes(), Sizes(batch=1, hidden=32)
NOISE = [0.99, 1.0, 1.01, 1.0, 0.99, 1.01]
CPU, GPU = {"devices": ["CPU"]}, {"devices": ["CPU", "GPU"]}


def process(sizes, number, alone) -> str:
    return "" if alone else f"{sizes} #{number}"


def turns(starts, steps, sizes=BASE, rounds=6, alone=False) -> list[Record]:
    """Let variants take turns: seconds to build and to call first, each, and of a training step."""
    return [
        Record(
            quantity,
            "train",
            variant,
            "graph",
            sizes,
            "s",
            [seconds * noise],
            number,
            "" if alone else f"{sizes} #{number}",
        )
        for number, noise in enumerate(NOISE[:rounds], start=1)
        for variant in starts
        for quantity, seconds in (("build", starts[variant]), ("first_call", starts[variant]), ("step", steps[variant]))
    ]


def two(static_start=1.0, static_step=0.5, **more) -> list[Record]:
    """Measure static beside a loop that takes 0.2 s to build, 0.2 s to be called first, and 1 s a step."""
    return turns({"static": static_start, "dynamic": 0.2}, {"static": static_step, "dynamic": 1.0}, **more)


@pytest.fixture
def results(tmp_path):
    """Write a journal of the records given, and give its folder."""

    def results(*groups, name="mine", environment=CPU) -> Path:
        journal = Journal(tmp_path / name, environment, {"sizes": asdict(BASE)})
        journal.append(*(record for group in groups for record in group))
        return tmp_path / name

    return results


def test_what_is_not_told_from_the_fastest_is_named(results):
    starts, steps = dict.fromkeys(("static", "static-traced", "dynamic"), 0.2), {"static": 0.5, "dynamic": 1.0}
    folder = results(turns(starts, steps | {"static-traced": 0.5}))
    assert advise(BASE, 100, places=[folder]).because.endswith(
        '"static, traced cell" beside it too close to call, or the same within 5%'
    )
    folder = results(turns(starts, steps | {"static-traced": 0.6}), name="apart")
    assert advise(BASE, 100, places=[folder]).because.endswith("in place of 100 s by the medians")


def test_what_runs_as_one_operation_is_shown_and_not_recommended(results):
    starts, steps = dict.fromkeys(("static", "block", "dynamic"), 0.2), {"static": 0.5, "block": 0.1, "dynamic": 1.0}
    found = advise(BASE, 100, places=[results(turns(starts, steps))])
    assert found.variants == ("static",)
    assert found.evidence[-1].what.startswith("BlockLSTMV2, build + first call")


def test_what_takes_less_time_in_all_is_recommended(results):
    folder = results(two())  # static starts 1.6 s later, and gains 0.5 s a step
    short, long = (advise(BASE, updates, places=[folder]) for updates in (1, 100))
    assert (short.variants, long.variants) == (("dynamic",), ("static",))
    assert short.headline == "Take the loop: dynamic_unroll(cell, ...)."
    assert 'take longer with "static"' in short.because
    assert long.headline == 'Take "static": static_unroll(cell, ...).'
    assert long.because == (
        "build + first call + 100 training steps take 0.52 of the time that the loop takes, 52 s in place of "
        "100 s by the medians"
    )
    assert str(long.evidence[0]) == (
        "build + first call + 100 training steps, static / dynamic: 0.52 [0.52, 0.52], 6 rounds "
        "(T=28, B=128, I=28, H=128)"
    )


def test_where_the_evidence_does_not_tell_them_apart_it_is_the_loop(results):
    records = two(static_start=0.2, static_step=1.0)
    wobbling = [
        replace(record, samples=[record.samples[0] * (0.9 if record.round % 2 else 1.1)])
        if record.variant == "static"
        else record
        for record in records
    ]
    found = advise(BASE, 100, places=[results(wobbling)])
    assert found.variants == ("dynamic",)
    assert found.because == ('"static" beside the loop: too close to call; the loop takes sequences of any length')


@pytest.mark.parametrize("alone", [False, True])
def test_too_few_rounds_or_none_side_by_side_are_no_verdict(results, alone):
    folder = results(two(rounds=3, alone=alone))
    for updates in (100, None):
        found = advise(BASE, updates, places=[folder])
        assert found.variants == ()
        assert found.headline.startswith("No verdict: ")
        assert 'the figures point to "static": static_unroll(cell, ...) after ' in found.headline


def test_what_ran_apart_is_compared_all_the_same(results):
    found = advise(BASE, 100, places=[results(two(rounds=2, alone=True))])
    assert found.evidence[0].value == "0.52 (one process)"


def test_without_a_number_of_updates_the_break_even_is_told(results):
    found = advise(BASE, places=[results(two())])
    assert found.variants == ("dynamic", "static")
    assert found.headline == (
        "Take the loop: dynamic_unroll(cell, ...) for up to 4 training steps, "
        'and "static": static_unroll(cell, ...) for more than 4.'
    )
    assert "training steps after which static has paid for itself beside dynamic: 4, 95% interval" in str(
        found.evidence[0]
    )


def test_what_never_pays_is_not_recommended(results):
    found = advise(BASE, places=[results(two(static_step=1.2))])
    assert found.variants == ("dynamic",)
    assert advise(BASE, places=[results(two(static_start=0.1, static_step=1.2), name="sooner")]).variants == (
        "dynamic",
    )


def test_what_starts_no_later_and_steps_no_slower_is_recommended_at_once(results):
    found = advise(BASE, places=[results(two(static_start=0.1))])
    assert (found.variants, found.headline) == (("static",), 'Take "static": static_unroll(cell, ...).')


def test_the_fastest_of_several_is_recommended_and_cells_an_iteration_too(results):
    starts = {"static": 1.0, "static-traced": 0.4, "dynamic-4": 0.3, "dynamic": 0.2}
    steps = {"static": 0.6, "static-traced": 0.7, "dynamic-4": 0.5, "dynamic": 1.0}
    folder = results(turns(starts, steps))
    assert advise(BASE, 1000, places=[folder]).headline == (
        'Take "dynamic, unroll=4": dynamic_unroll(cell, ..., unroll=4).'
    )
    assert advise(BASE, places=[folder]).variants == ("dynamic", "dynamic-4")


def test_the_nearest_sizes_are_those_of_the_smallest_factors(results):
    folder = results(two(), two(sizes=SMALL, static_step=0.4))
    near = advise(Sizes(steps=20, batch=2, hidden=40), 100, places=[folder]).nearest
    assert near.sizes == SMALL
    assert advise(Sizes(batch=64), 100, places=[folder]).nearest.sizes == BASE
    lines = advice_lines(advise(Sizes(batch=64, steps=56), 100, places=[folder]), Sizes(batch=64, steps=56))
    nearness = "measured   T=28, B=128, I=28, H=128: nearest to them, with T 2.00 times smaller, B 2.00 times as large"
    assert nearness in " ".join(" ".join(lines).split()).replace("measured ", "measured   ")
    assert all(len(line) <= 80 for line in lines if str(folder) not in line)  # a path is not broken
    assert 'In Keras: unroll.keras.LSTM(units, unroll="static"' in " ".join(lines)
    assert lines[-1] == "to measure your own sizes: unroll bench --steps 56 --batch 64 --hidden 128"


def test_far_from_all_measured_sizes_nothing_is_recommended(results):
    folder = results(two(static_step=0.4))
    near, far = (advise(Sizes(steps=steps), 100, places=[folder]) for steps in (4 * 28, 4 * 28 + 1))
    assert (near.variants, far.variants) == (("static",), ())
    assert far.headline.startswith("No verdict: these sizes are far from all measured ones; the figures point to")


def test_the_figures_may_point_to_what_is_no_way_to_unroll(results):
    starts, steps = dict.fromkeys(("static", "block", "dynamic"), 0.2), {"static": 0.5, "block": 0.1, "dynamic": 1.0}
    found = advise(BASE, places=[results(turns(starts, steps, rounds=4))])
    assert found.headline == 'No verdict: 4 rounds; the figures point to "BlockLSTMV2" after 1000 training steps.'


def test_the_command_to_measure_has_enough_images_and_the_device():
    largest = len(load("digits").train[0])
    assert advice.how_to_measure(Sizes(batch=largest)) == f"unroll bench --steps 28 --batch {largest} --hidden 128"
    many = advice.how_to_measure(Sizes(batch=largest + 1), "gpu")
    assert many.endswith(f"--batch {largest + 1} --hidden 128 --data mnist --device gpu")


def test_at_the_very_sizes_nothing_more_need_be_measured(results):
    lines = advice_lines(advise(BASE, 100, places=[results(two())]), BASE)
    assert "measured   T=28, B=128, I=28, H=128: these very sizes" in lines
    assert not any("unroll bench" in line for line in lines)


def test_the_first_folder_that_has_an_answer_counts(results):
    here, there = results(two(static_step=0.4), name="here"), results(two(static_step=2.0), name="there")
    assert advise(BASE, 100, places=[here, there]).variants == ("static",)
    nothing = results([Record("step", "train", "static", "graph", BASE, "s", [1.0])], name="nothing")
    assert advise(BASE, 100, places=[nothing, there]).nearest.folder == there


def test_of_equally_near_runs_the_last_that_took_turns_counts(results):
    results(two(static_step=2.0))
    results(two(static_step=0.4))
    folder = results(two(static_step=2.0, rounds=2, alone=True))
    assert advise(BASE, 100, places=[folder]).variants == ("static",)


def test_a_gpu_is_answered_from_a_gpus_results_only(results):
    cpu, gpu = results(two(), name="cpu"), results(two(static_step=0.3), name="gpu", environment=GPU)
    assert advise(BASE, 100, "gpu", [cpu, gpu]).nearest.folder == gpu
    assert advise(BASE, 100, "cpu", [gpu, cpu]).nearest.folder == cpu
    with pytest.raises(
        AdviceError,
        match=r"no training was measured on a GPU in .*cpu; measure it: on a machine with one, unroll bench",
    ):
        advise(BASE, 100, "gpu", [cpu])


def test_without_any_results_it_says_how_to_measure():
    with pytest.raises(AdviceError, match="in no folder; measure it: unroll bench --steps 28 --batch 128 --hidden 128"):
        advise(BASE, places=[])


@pytest.mark.parametrize(("updates", "device"), [(0, "cpu"), (True, "cpu"), (1.5, "cpu"), (1, "tpu")])
def test_bad_input_is_refused(updates, device):
    with pytest.raises(ValueError, match=r"want a whole number from 1 up|want cpu or gpu"):
        advise(BASE, updates, device, [])


def test_folders_at_hand_begin_with_this_machines_own(results, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(folders, "COMMITTED", tmp_path / "committed")
    monkeypatch.setattr(folders, "REFERENCE", tmp_path / "committed" / "reference")
    with pytest.raises(ValueError, match=r"neither .* holds results; name a folder, or run `unroll bench`"):
        folders.default_folder()
    for name in ("committed/a-gpu", "committed/reference"):
        results(name=name)
    (tmp_path / "committed" / "empty").mkdir()
    assert folders.folders() == [Path("committed/reference"), Path("committed/a-gpu")]
    assert folders.default_folder() == Path("committed/reference")
    results(name="results/local")
    assert folders.folders()[0] == folders.default_folder() == Path("results/local")


# The command


def test_the_command_answers_from_the_committed_results_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["advise", "--steps", "100", "--batch", "32", "--hidden", "64", "--updates", "2000"]) == 0
    out = capsys.readouterr().out
    assert str(folders.COMMITTED / "steps-100") in out  # the folder that has these very sizes
    assert "asked for  T=100, B=32, H=64" in out and "these very sizes" in out
    assert "build + first call + 2000 training steps, static / dynamic: " in out


def test_the_command_says_so_where_all_that_is_measured_is_far(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["advise", "--steps", "1000", "--batch", "4", "--hidden", "2000"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("No verdict: these sizes are far from all measured ones")
    assert "nearest to them, with T" in out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--steps", "0"], "unroll: got --steps 0; want a whole number from 1 up"),
        (["--steps", "-3"], "unroll: got --steps '-3'; want a whole number from 1 up"),
        (["--hidden", "many"], "unroll: got --hidden 'many'; want a whole number from 1 up"),
        (["--updates", "0"], "unroll: got --updates 0; want a whole number from 1 up"),
        (["--device", "tpu"], "unroll: got --device 'tpu'; want cpu or gpu"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(more, message, capsys):
    assert cli.main(["advise", "--steps", "28", "--batch", "128", "--hidden", "128", *more]) == cli.BAD_INPUT
    assert capsys.readouterr() == ("", f"{message}\n")


def test_a_module_knows_how_to_write_every_rival():
    assert set(advice.CODE) == {*advice.UNROLLED, advice.OWN, advice.LOOP}


def test_the_advice_as_json_has_what_is_printed(results):
    wanted = Sizes(batch=64)
    found = advise(wanted, 100, places=[results(two())])
    content = json.loads(advice_json(found, wanted))
    assert (content["headline"], content["variants"]) == (found.headline, ["static"])
    assert content["asked"] == {"steps": 28, "batch": 64, "hidden": 128} and content["measured"]["batch"] == 128
    assert [figure["what"] for figure in content["evidence"]] == [figure.what for figure in found.evidence]
    assert content["to_measure"].startswith("unroll bench --steps 28 --batch 64")

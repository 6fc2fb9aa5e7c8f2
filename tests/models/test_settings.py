import json
import math
from dataclasses import replace

import pytest

from unroll.models.settings import Settings, SettingsError, choose_settings
from unroll.models.tutorials import TUTORIALS, TutorialError


def chosen(**more) -> Settings:
    return choose_settings(**({"data": "digits", "examples": 1437} | more))


def test_a_tutorial_brings_its_own_network_and_schedule():
    settings = chosen(tutorial="000", examples=55_000)
    tutorial = TUTORIALS["000"]
    assert (settings.network, settings.unroll, settings.updates) == (tutorial.design, "static", 5 * 429)
    assert (settings.batch, settings.hidden, settings.learning_rate, settings.epsilon) == (128, 128, 0.001, 1e-8)


def test_a_tutorial_runs_with_the_other_unroll_and_for_another_time():
    assert chosen(tutorial="000", unroll="dynamic").unroll == "dynamic"
    assert chosen(tutorial="001").updates == 100_000
    assert chosen(tutorial="001", updates=7).updates == 7
    assert chosen(tutorial="001", epochs=2).updates == 2 * (1437 // 128)


def test_sizes_of_ones_own_take_the_place_of_the_defaults():
    settings = chosen(hidden=5, batch=100, epochs=3)
    assert (settings.hidden, settings.batch, settings.steps, settings.updates) == (5, 100, 28, 42)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hidden": 0}, "got --hidden 0; want a whole number from 1 up"),
        ({"hidden": "many"}, "got --hidden many; want a whole number"),
        ({"batch": 1.5}, "got --batch 1.5; want a whole number"),
        ({"batch": True}, "got --batch True"),
        ({"batch": 1438}, "got --batch 1438; digits has 1437 training images: want fewer"),
        ({"batch": "x", "epochs": 1}, "got --batch x; want a whole number"),
        ({"steps": 29}, "got --steps 29; the images have 28 rows: want at most as many"),
        ({"updates": 0}, "got --updates 0"),
        ({"epochs": 0}, "got --epochs 0"),
        ({"updates": 1, "epochs": 1}, "got --updates 1 and --epochs 1: want one of the two"),
        ({"seed": -1}, "got --seed -1; want a whole number from 0 up"),
        ({"seed": 10**30}, "got --seed 1000000000000000000000000000000; want at most 2147483647"),
        ({"hidden": 10**4000}, r"got --hidden 10000000000000000000\.\.\. \(4001 digits\); want at most 2147483647"),
        ({"hidden": 10**9}, "a training step would hold about .* GiB, and this machine has .*; want smaller sizes"),
        ({"steps_per_call": 0}, "got --steps-per-call 0"),
        ({"learning_rate": 0}, "got --learning-rate 0; want a number above 0, such as 0.001"),
        ({"learning_rate": math.nan}, "got --learning-rate nan; want a number above 0"),
        ({"learning_rate": math.inf}, "got --learning-rate inf"),
        ({"learning_rate": -1}, "got --learning-rate -1"),
        ({"learning_rate": "fast"}, "got --learning-rate fast"),
        ({"unroll": "half"}, "got --unroll half; want static or dynamic"),
        ({"dtype": "int8"}, "got --dtype int8; want float32 or float64"),
        ({"tutorial": "002", "hidden": 64}, r"got --hidden with --tutorial 002, which has one of its own \(128\)"),
        ({"tutorial": "002", "examples": 100}, "got --batch 128; digits has 100 training images"),
    ],
)
def test_what_makes_no_sense_is_refused(given, message):
    with pytest.raises(SettingsError, match=message):
        chosen(**given)


def test_an_unknown_tutorial_is_refused():
    with pytest.raises(TutorialError, match="want one of 000"):
        chosen(tutorial="2")


@pytest.mark.parametrize("tutorial", [None, "001"])
def test_settings_survive_json(tutorial):
    settings = chosen(tutorial=tutorial, seed=3, dtype="float64")
    kept = json.loads(json.dumps(settings.as_dict()))
    assert Settings.from_dict(kept) == settings
    assert kept["sizes"] == {"steps": 28, "batch": settings.batch, "hidden": 128, "input": 28}
    assert kept["tutorial"] == tutorial


@pytest.mark.parametrize("broken", [{}, {"sizes": {}}, {"sizes": None}, {"sizes": {}, "network": {"depth": 3}}])
def test_settings_that_are_none_are_refused(broken):
    with pytest.raises(SettingsError, match="got settings that are none of a training"):
        Settings.from_dict(broken)


def test_the_unroll_and_the_number_of_updates_may_differ_and_nothing_else():
    settings = chosen(tutorial="002")
    assert settings.differences(replace(settings, unroll="dynamic", updates=7, steps_per_call=3)) == []
    assert settings.differences(replace(settings, seed=7, hidden=3)) == ["seed 0, not 7", "hidden 128, not 3"]
    other = replace(settings, network=TUTORIALS["000"].design)
    assert settings.differences(other) == ["input layer False, not True", "cut unstack, not transpose, reshape, split"]

"""What the options ask for, and which of them are refused."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from unroll.measure.config import Sizes
from unroll.measure.pytest_plugin import Chosen

ROOT = Path(__file__).parents[2]
NOT_GIVEN = dict.fromkeys(
    ("steps", "batch", "hidden", "variants", "modes", "device", "peers_python", "limit_seconds", "limit_gib")
)
DEFAULTS = NOT_GIVEN | {"preset": "default", "data": "digits", "intra_op": 0, "inter_op": 0, "tf32": "off"}
CARD = {"name": "a card", "memory_bytes": 8 << 30}


def chosen(**given):
    return Chosen.by(SimpleNamespace(**(DEFAULTS | given)))


@pytest.fixture(autouse=True)
def gpus(monkeypatch):
    """Let there be as many GPUs as a test puts into the list: none."""
    found = []
    monkeypatch.setattr("unroll.measure.pytest_plugin.find_gpus", lambda: found)
    return found


def test_options_that_are_not_given_are_the_presets():
    found = chosen()
    assert found.sizes == Sizes()
    assert "block" in found.preset.variants
    assert found.settings["limits"]["seconds"] == found.preset.limit_s
    assert found.settings["limits"]["bytes"] > 0


def test_what_is_given_is_taken():
    found = chosen(
        steps="5",
        variants="dynamic, mine:encoder,dynamic",
        modes="xla",
        limit_seconds="2.5",
        limit_gib="1",
        intra_op="2",
    )
    assert found.sizes == Sizes(steps=5)
    assert found.settings["variants"] == ["dynamic", "mine:encoder"]
    assert {str(case) for case in found.preset.cases_for_steps(found.sizes)} == {
        "dynamic", "mine:encoder", "dynamic-xla", "mine:encoder-xla"
    }  # fmt: skip
    assert found.settings["limits"] == {"seconds": 2.5, "bytes": 1 << 30}
    assert found.settings["threads"] == {"intra_op": 2, "inter_op": 0}


def test_a_preset_with_sizes_of_its_own_measures_them_all():
    found = chosen(preset="benchmark_rnn")
    sizes = {case.sizes for case in found.preset.cases_for_steps(found.sizes)}
    assert Sizes(steps=1, batch=512, hidden=512) in sizes
    assert Sizes(steps=50, batch=128, hidden=256, valid=25) in sizes


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": "0"}, "got --steps 0; want a whole number from 1 up"),
        ({"batch": "-1"}, "got --batch -1; want a whole number from 1 up"),
        ({"hidden": "2.5"}, "got --hidden 2.5; want a whole number from 1 up"),
        ({"hidden": "10000000"}, "a training step would hold about .* and this machine has .*; want smaller"),
        ({"preset": "huge"}, "got --preset 'huge'; want one of quick, tiny, default, full, gpu, benchmark_rnn"),
        (
            {"preset": "benchmark_rnn", "steps": "3"},
            "got --steps with --preset benchmark_rnn, which has sizes of its own",
        ),
        ({"variants": "static,dynamik"}, "got the variant 'dynamik'; want static, "),
        ({"modes": "jit"}, "got --modes 'jit'; want xla, eager, mixed, or several with commas between"),
        ({"device": "gpu"}, "got --device gpu, but TensorFlow sees no GPU"),
        ({"device": "tpu"}, "got --device tpu; want cpu or gpu"),
        ({"tf32": "on"}, "got --tf32 on, and the CPU to measure on"),
        (
            {"variants": "static,keras-cudnn"},
            "got --variants keras-cudnn, and the CPU to measure on; Keras, cuDNN needs",
        ),
        ({"intra_op": "-1"}, "got --intra-op -1; want a whole number from 0 up"),
        ({"limit_seconds": "-1"}, "got --limit-seconds -1; want a number above 0"),
        ({"limit_seconds": "nan"}, "got --limit-seconds nan; want a number above 0"),
        ({"limit_gib": "0"}, "got --limit-gib 0; want a number above 0"),
        ({"limit_gib": "0.01"}, "got --limit-gib 0.01; want 1 or more, which TensorFlow needs"),
    ],
)
def test_bad_input_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        chosen(**given)


def test_a_variant_whose_package_is_missing_is_refused_if_it_is_asked_for_and_else_left_out(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="got --variants torch, but torch is not installed; pip install"):
        chosen(variants="static,torch")
    assert set(chosen().preset.missing) == {"torch", "jax-loop"}
    assert "torch" not in chosen().settings["variants"]


def test_without_a_gpu_the_cpu_is_measured_and_with_one_that_beside_cudnn(gpus):
    found = chosen()
    assert (found.settings["device"], found.settings["tf32"]) == ("cpu", False)
    assert "keras-cudnn" not in found.settings["variants"]
    gpus.append(CARD)
    found = chosen(tf32="on")
    assert (found.settings["device"], found.settings["tf32"]) == ("gpu", True)
    assert "keras-cudnn" in found.settings["variants"]
    assert chosen(device="cpu").settings["device"] == "cpu"
    assert "keras-cudnn" not in chosen(device="cpu").settings["variants"]
    assert chosen(variants="static,keras-loop").settings["variants"] == ["static", "keras-loop"]


def test_what_a_step_holds_must_fit_the_device_and_all_of_a_presets_grid_counts(gpus, monkeypatch):
    memory = SimpleNamespace(total=2 << 30)
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    with pytest.raises(ValueError, match=r"got T=28, B=2048, I=28, H=1024: .* and this machine has 2; want smaller"):
        chosen(preset="gpu")
    assert chosen().settings["preset"] == "default"
    gpus.append(CARD)
    assert chosen(preset="gpu").settings["device"] == "gpu"
    with pytest.raises(ValueError, match=r"and the GPU has 8; want smaller"):
        chosen(hidden="16384")
    gpus[0] = CARD | {"memory_bytes": None}  # the driver does not say
    assert chosen(hidden="16384").sizes.hidden == 16384


def test_a_test_file_that_cannot_be_imported_is_an_error(tmp_path):
    broken = tmp_path / "test_broken.py"
    broken.write_text("import not_there\n")
    settings = ["-c", ROOT / "pyproject.toml", "-pno:cacheprovider", "--benchmark-disable"]
    done = subprocess.run([sys.executable, "-m", "pytest", *settings, broken], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert "No module named 'not_there'" in done.stdout

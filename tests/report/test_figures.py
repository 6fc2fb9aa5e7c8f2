"""Every figure is legible whatever results there are, is left out where there are none, and is written whole."""

import subprocess
import sys
from dataclasses import replace
from functools import cache

import matplotlib
import numpy as np
import pytest
from drawn import HOSTILE, RESULTS, assert_legible, headings, record, words
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from unroll.measure.journal import Run, read_journal
from unroll.measure.variants import NEUTRAL, VARIANTS, variant_of
from unroll.report.figures import frame
from unroll.report.figures.every import DRAWINGS, OF_A_RUN, OF_TRAININGS
from unroll.report.writing import write_report

MEASURED = [drawing.name for drawing in OF_A_RUN if drawing.name != "trick"]  # which needs no results
GPU = {  # which figures the runs on a GPU give, though they were cut short, and with which panels
    "gpu": {"card": 0, "costs": 3, "ratios": 3, "break-even": 0, "unroll": 3},
    "gpu-first": {"card": 0, "costs": 3, "ratios": 3, "break-even": 0, "unroll": 3},
    "gpu-kernels": {"costs": 3, "unroll": 1},
}


@cache
def run_of(kind: str) -> Run:
    """Return the committed run, or what is left of it; or another committed run."""
    if kind in GPU:
        return read_journal(RESULTS / kind)[-1]
    run = read_journal(RESULTS / "reference")[-1]
    two = [made for made in run.records if made.variant in ("static", "keras-loop")]
    failed = [replace(made, samples=[], note=f"failed: {HOSTILE}") for made in run.records]
    partly = [replace(one, samples=[], note="stopped: late") if one.variant == "static" else one for one in run.records]
    own = [replace(made, variant=f"{HOSTILE}:encoder") for made in run.records if made.variant == "dynamic"]
    bare = {"outlines": {}, "outlines_at": {}}
    return {
        "all": run,
        "nothing": replace(run, records=[], **bare),
        "one record": replace(run, records=[record("build", "dynamic", [1.5])], **bare),
        "one round": replace(run, records=[made for made in run.records if made.round <= 1]),
        "failed": replace(run, records=failed, **bare),
        "stopped": replace(run, records=partly),
        "two variants": replace(run, records=two, outlines={"static": run.outlines["static"]}, outlines_at={}),
        "hostile": replace(
            run,
            environment={"processor": HOSTILE},
            settings=run.settings | {"data": HOSTILE * 9},
            records=[*run.records, *own],
        ),
    }[kind]


@cache
def drawn(name: str, kind: str) -> Figure | None:
    return DRAWINGS[name].draw(run_of(kind))


@pytest.mark.parametrize("kind", ["all", "one record", "one round", "stopped", "two variants", "hostile", *GPU])
def test_every_figure_is_legible_on_whatever_there_is(kind):
    figures = [figure for name in DRAWINGS if name in MEASURED and (figure := drawn(name, kind))]
    assert figures
    for figure in figures:
        assert_legible(figure)
        assert figure.get_size_inches()[0] == frame.WIDTH


@pytest.mark.parametrize("kind", ["nothing", "failed"])
def test_only_the_trick_needs_no_results(kind):
    assert not any(drawn(name, kind) for name in MEASURED)
    trick = drawn("trick", kind)
    assert trick
    assert_legible(trick)


@pytest.mark.parametrize("kind", GPU)
def test_a_run_that_was_cut_short_has_no_empty_figure_and_no_empty_panel(kind):
    figures = {name: figure for name in MEASURED if (figure := drawn(name, kind))}
    assert {name: len(headings(figure)) for name, figure in figures.items()} == GPU[kind]


def test_a_figure_with_nothing_to_show_is_not_written_and_an_old_one_is_removed(tmp_path):
    for name in ("growth", "costs"):
        (tmp_path / f"{name}.png").write_text("of an earlier run")
    run = replace(run_of("nothing"), records=[record("step", "static", [1.0])])
    written = {path.name for path in write_report(tmp_path, run)}
    assert written == {path.name for path in tmp_path.iterdir()}
    assert {"costs.png", "costs.svg", "trick.png"} <= written and "growth.png" not in written
    assert (tmp_path / "costs.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", MEASURED)
def test_every_measured_figure_says_where_and_when(name):
    figure = drawn(name, "hostile")
    assert figure
    text = " ".join(words(figure))
    assert "<script>alert('$x^$')</script> ?[31m ?" in text
    assert run_of("all").started[:10] in text


def test_small_print_names_machine_versions_sizes_data_and_date():
    assert " · ".join(frame.small_print(run_of("all"))) == (
        "AMD EPYC, 2 cores · TensorFlow 2.21.0 · T=28, B=128, I=28, H=128 · "
        "scikit-learn's digits, 8x8 scaled into 28x28 · 2026-11-27"
    )


@pytest.mark.parametrize(("tf32", "switch"), [(False, "off"), (True, "on")])
def test_small_print_names_the_gpu_that_was_measured(tf32, switch):
    run = run_of("all")
    environment = run.environment | {"gpus": [{"name": "A card"}]}
    on_gpu = replace(run, environment=environment, settings=run.settings | {"device": "gpu", "tf32": tf32})
    lines = " · ".join(frame.small_print(on_gpu))
    assert f"2 cores · A card, TF32 {switch}; process memory is the host's · TensorFlow" in lines
    nameless = replace(on_gpu, environment=run.environment)
    assert " · unknown GPU, TF32" in " · ".join(frame.small_print(nameless))


@pytest.mark.parametrize("name", [drawing.name for drawing in OF_A_RUN])
def test_both_files_are_always_the_same_and_escape_their_texts(name, tmp_path):
    first = frame.save_figure(DRAWINGS[name].draw(run_of("hostile")), tmp_path / "new" / "one", name)
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "axes.facecolor": "red"}):
        second = frame.save_figure(DRAWINGS[name].draw(run_of("hostile")), tmp_path / "two", name)
    assert [path.name for path in first] == [f"{name}.png", f"{name}.svg"]
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert "<script" not in first[1].read_text()


def test_nothing_is_half_written_when_saving_fails(tmp_path, monkeypatch):
    old = {"ratios.png": "as it was", "ratios.svg": "as it was"}
    for name, text in old.items():
        (tmp_path / name).write_text(text)

    def fail(self, file, *, format, **options):
        file.write(b"half")
        if format == "svg":
            raise OSError("no space left on device")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="no space"):
        frame.save_figure(Figure(), tmp_path, "ratios")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == old


def test_every_figure_is_described_in_words_even_of_an_empty_run():
    for drawing in (*OF_A_RUN, *OF_TRAININGS):
        for kind in ("all", "nothing"):
            alt = drawing.alt(run_of(kind))
            assert alt.startswith(drawing.title) and alt.endswith(".") and len(alt) > len(drawing.title) + 20


def test_every_variant_has_its_own_colour_and_the_users_own_a_neutral_one():
    assert len({row.colour for row in (*VARIANTS.values(), variant_of("own:encoder"))}) == len(VARIANTS) + 1
    assert frame.colour("torch") == VARIANTS["torch"].colour
    assert frame.colour("mine:gru") == NEUTRAL


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("static", "dynamic"),
        ("static", "static-traced"),
        ("keras-unrolled", "keras-loop"),
        ("tf1-static", "block"),
        ("jax-loop", "jax-unrolled"),
    ],
)
def test_colours_differ_in_grey(one, other):
    first, second = (np.dot(to_rgb(frame.colour(variant)), [0.299, 0.587, 0.114]) for variant in (one, other))
    assert abs(first - second) > 0.15


def test_neither_tensorflow_nor_pyplot_is_imported():
    unwanted = "{'tensorflow', 'keras', 'matplotlib.pyplot'}"
    code = f"import sys, unroll.report.figures.every; print({unwanted} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

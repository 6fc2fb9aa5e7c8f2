"""What the presets ask for on a CPU and on a GPU."""

from dataclasses import replace

import pytest

from unroll.measure.config import MACHINE, Sizes
from unroll.measure.presets import CUDNN, LONG_FOR_XLA, PRESETS
from unroll.measure.variants import variant_of

GPU = PRESETS["gpu"]


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "gpu"])
def test_on_a_cpu_nothing_is_asked_that_needs_a_gpu_and_on_a_gpu_cudnn_stands_beside_kerass_loop(name):
    preset = PRESETS[name]
    assert preset.on("cpu") == preset
    assert not [name for name in preset.variants if variant_of(name).gpu_only]
    there = preset.on("gpu")
    for variants in (there.variants, there.mode_variants, there.sweep_variants):
        assert variants.count(CUDNN) == ("keras-loop" in variants)
        assert CUDNN not in variants or variants[variants.index(CUDNN) - 1] == "keras-loop"
    assert there.on("gpu") == there


def test_the_preset_for_a_gpu_goes_as_far_as_it_says():
    assert not GPU.kernels
    assert GPU.on("gpu") == replace(GPU, kernels=True)
    assert {CUDNN, "dynamic-7"} <= {case.variant for case in GPU.on("gpu").cases_for_kernels(Sizes())}
    assert not GPU.cases_for_kernels(Sizes())
    grid = {(case.sizes.batch, case.sizes.hidden) for case in GPU.cases_for_grid(Sizes())}
    assert max(grid) == (2048, 1024)
    assert {case.sizes.steps for case in GPU.cases_for_growth(Sizes())} == {32, 64, 128, 256, 512, 1024}
    for cases in (GPU.cases_for_grid(Sizes()), GPU.cases_for_growth(Sizes()), GPU.cases_for_steps(Sizes())):
        assert {"graph", "xla"} <= {case.mode for case in cases}
        assert CUDNN in {case.variant for case in cases}


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_xla_is_asked_neither_for_cudnn_nor_for_many_cells_side_by_side(preset):
    cases = [
        case
        for find in (preset.cases_for_steps, preset.cases_for_growth, preset.cases_for_grid)
        for case in find(Sizes())
    ]
    compiled = [case for case in cases if case.mode == "xla"]
    assert not [case for case in compiled if variant_of(case.variant).gpu_only]
    assert not [case for case in compiled if variant_of(case.variant).is_static and case.sizes.steps > LONG_FOR_XLA]


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_memory_and_exports_grow_in_each_variants_own_mode_only(preset):
    held, grown = preset.cases_for_growth_of_memory(Sizes()), preset.cases_for_growth(Sizes())
    assert {case.mode for case in held} <= {"graph"}
    assert {(case.variant, case.sizes) for case in held} == {
        (c.variant, c.sizes) for c in preset.cases_for_growth(Sizes())
    }
    assert (held == grown) == (not preset.sweep_modes)


def test_the_machine_is_measured_in_every_precision_that_a_mode_has():
    assert [(case.variant, case.mode) for case in GPU.cases_for_machine(Sizes())] == [
        (MACHINE, "graph"),
        (MACHINE, "mixed"),
    ]
    assert [case.mode for case in PRESETS["full"].cases_for_machine(Sizes())] == ["graph"]
    assert PRESETS["quick"].cases_for_machine(Sizes()) == []


def test_the_small_presets_have_both_graphs_and_the_default_one_a_sweep():
    quick, default = PRESETS["quick"], PRESETS["default"]
    assert {case.variant for case in quick.cases_for_drawing(Sizes())} == {"static", "dynamic"}
    assert default.cases_for_drawing(Sizes()) == []  # they are among those whose memory is measured
    assert {"static", "dynamic"} < {case.variant for case in default.cases_for_memory(Sizes())}
    assert len({case.sizes.steps for case in default.cases_for_growth_of_memory(Sizes())}) == 4

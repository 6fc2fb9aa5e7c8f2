"""Everything is measured on a GPU as on a CPU: right, on the device, by its own allocator."""

import on_device
import pytest

from unroll.measure import tasks
from unroll.measure.batch import Data
from unroll.measure.config import MACHINE, PHASES, Case, Sizes
from unroll.measure.memory import HOST
from unroll.measure.operations import count_kept
from unroll.measure.presets import PRESETS
from unroll.measure.process import CaseFailed
from unroll.measure.variants import own_mode, variant_of
from unroll.models import data

SIZES = Sizes(steps=28, batch=128, hidden=128)
DATA = Data(*data.load("digits").train, seed=0)
CUDNN = "keras-cudnn"
MEASURED = [variant for variant in PRESETS["gpu"].variants if not variant_of(variant).package]
CASES = [Case(variant, own_mode(variant), SIZES) for variant in MEASURED]
CASES += [Case(variant, mode, SIZES) for variant in ("static", "dynamic", "keras-loop") for mode in ("xla", "mixed")]
CASES += [Case(CUDNN, "mixed", SIZES), Case("dynamic", "eager", SIZES)]


@pytest.mark.parametrize("phase", PHASES)
def test_every_variant_takes_its_turn_and_is_the_same_network(phase, gpu, on):
    events = on(gpu, tasks.time_steps, CASES, phase, DATA, steps=3)
    failed = {str(event.case): event.reason for event in events if isinstance(event, CaseFailed)}
    assert not failed
    steps = {str(Case(e.variant, e.mode, e.sizes)) for e in events if getattr(e, "quantity", "") == "step"}
    assert steps == {str(case) for case in CASES}


def test_cudnn_is_in_its_own_graph_and_in_no_other(gpu, on):
    found = {
        variant: on(gpu, on_device.operations_of, Case(variant, "graph", SIZES), DATA)
        for variant in (CUDNN, "keras-loop", "keras-unrolled", "dynamic")
    }
    with_cudnn = {variant for variant, (names,) in found.items() if any("CudnnRNN" in name for name in names)}
    assert with_cudnn == {CUDNN}


@pytest.mark.parametrize("variant", ["static", "dynamic", CUDNN])
def test_tensors_are_counted_on_the_gpu_and_the_process_is_the_hosts(variant, gpu, on):
    case = Case(variant, "graph", SIZES)
    (tensors,) = on(gpu, tasks.measure_tensors, case, "train", DATA)
    assert tensors.note == ""
    assert count_kept(SIZES) < tensors.samples[0] < 100 * count_kept(SIZES)
    process = on(gpu, tasks.measure_process, case, "train", DATA)[0]
    assert process.note == HOST


@pytest.mark.parametrize("work", [tasks.export, tasks.count_retraces])
def test_a_model_is_saved_loaded_and_served(work, gpu, on):
    assert on(gpu, work, Case("dynamic", "graph", SIZES), "forward", DATA)


def test_the_machine_multiplies_faster_in_16_bits(gpu, on):
    rates = {}
    for mode in ("graph", "mixed"):
        matrix, bandwidth = on(gpu, tasks.measure_rates, Case(MACHINE, mode, SIZES), "forward", DATA)
        rates[mode] = max(matrix.samples)
        assert min(bandwidth.samples) > 1e10
    assert rates["mixed"] > rates["graph"] > 1e11


def test_a_loop_launches_as_many_kernels_as_its_cells_and_cudnn_few(gpu, on):
    """Counted, not timed: T cells launch a kernel each at least, and cuDNN's are fused."""
    counts = {}
    for variant in ("static", "dynamic", CUDNN):
        kernels, copies, busy = on(gpu, tasks.count_kernels, Case(variant, "graph", SIZES), "forward", DATA)
        counts[variant] = kernels.samples[0]
        assert busy.samples[0] > 0
        assert copies.samples[0] >= 0
    assert min(counts["static"], counts["dynamic"]) > SIZES.steps
    assert counts[CUDNN] < counts["static"]

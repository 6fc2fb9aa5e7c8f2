"""The pair is equal on a GPU: outputs, states and gradients. The same on the CPU shows that the test can tell."""

import on_device
import pytest

from unroll.measure.device import CPU, Device

TOLERANCES = {"float64": 1e-11, "float32": 1e-4}


def check(errors, tolerance):
    assert len(errors) == 4
    for what, error in errors.items():
        assert error <= tolerance, what


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_the_pair_is_equal_on_the_cpu(dtype, on):
    (errors,) = on(CPU, on_device.errors_of_pair, dtype, "graph", True)
    check(errors, TOLERANCES[dtype])
    # What was compared is not nothing: two orders of adding differ, in float32 by more than float64 may.
    assert max(errors.values()) > {"float64": 0, "float32": TOLERANCES["float64"]}[dtype]


@pytest.mark.parametrize("with_lengths", [False, True], ids=["whole rows", "rows that end early"])
@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_the_pair_is_equal_on_the_gpu(dtype, mode, with_lengths, gpu, on):
    (errors,) = on(gpu, on_device.errors_of_pair, dtype, mode, with_lengths)
    check(errors, TOLERANCES[dtype])


def test_tf32_is_off_unless_it_is_asked_for(gpu, on):
    """On what can do it (from compute capability 8.0 on), TF32 shows in float32's errors; off, it does not."""
    off, on_ = (
        on(Device("gpu", tf32), on_device.errors_of_pair, "float32", "graph", False)[0]["static from NumPy"]
        for tf32 in (False, True)
    )
    card = on(gpu, on_device.cards)[0][0]
    if float(card["compute_capability"]) < 8:
        pytest.skip("this GPU has no TF32")
    assert off < 1e-5 < on_


def test_a_process_works_where_it_is_told_to(gpu, on):
    assert on(CPU, on_device.where) == ["CPU:0"]
    assert on(gpu, on_device.where) == ["GPU:0"]

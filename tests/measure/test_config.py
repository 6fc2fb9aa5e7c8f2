import pytest

from unroll.measure.config import VARIANT_LABELS, Sizes, environment
from unroll.measure.workloads import READERS


@pytest.mark.parametrize("value", [0, -3, 1.5, True, "28", None])
def test_sizes_that_are_no_whole_number_from_1_up_are_refused(value):
    with pytest.raises(ValueError, match=r"got --steps .*; want a whole number from 1 up"):
        Sizes(steps=value)


def test_every_variant_has_a_label():
    assert list(VARIANT_LABELS) == list(READERS)


def test_environment_says_where_and_how(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--some_flag")
    monkeypatch.setenv("TF_API_TOKEN", "secret")
    found = environment(seed=7)
    assert found["cores"] >= 1
    assert found["memory_bytes"] > 1 << 28
    assert "CPU" in found["devices"]
    assert found["versions"]["tensorflow"].startswith("2.")
    assert found["flags"]["XLA_FLAGS"] == "--some_flag"
    assert "secret" not in str(found)
    assert found["seed"] == 7

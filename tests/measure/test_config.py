import pytest

from unroll.measure.config import Case, Sizes
from unroll.measure.variants import VARIANTS, known_variant, own_mode, variant_of
from unroll.measure.workloads import encoder_of


@pytest.mark.parametrize("value", [0, -3, 1.5, True, "28", None])
def test_sizes_that_are_no_whole_number_from_1_up_are_refused(value):
    with pytest.raises(ValueError, match=r"got --steps .*; want a whole number from 1 up"):
        Sizes(steps=value)


def test_more_valid_steps_than_there_are_are_refused():
    with pytest.raises(ValueError, match="got 6 valid steps of 5; want at most all of them"):
        Sizes(steps=5, valid=6)


def test_every_label_is_of_a_variant_that_can_be_made():
    for variant in VARIANTS:
        assert variant_of(variant).package or encoder_of(variant)


def test_a_case_is_named_by_its_mode_only_where_that_is_not_its_own():
    assert [str(Case(variant, mode, Sizes())) for variant, mode in (("static", "graph"), ("static", "xla"))] == [
        "static",
        "static-xla",
    ]
    assert str(Case("torch", own_mode("torch"), Sizes())) == "torch"


def test_an_unknown_variant_is_refused_and_the_known_ones_are_named():
    assert known_variant("dynamic") == "dynamic"
    assert known_variant("mine:encoder") == "mine:encoder"
    with pytest.raises(ValueError, match=r"got the variant 'dyn'; want static, .*, or module:encoder for your own"):
        known_variant("dyn")


def test_no_two_variants_look_or_read_alike():
    labels, colours = ({getattr(row, name) for row in VARIANTS.values()} for name in ("label", "colour"))
    assert len(labels) == len(colours) == len(VARIANTS)

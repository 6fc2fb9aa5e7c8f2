"""Each quantity has one row, a kind that exists, and a function that can be found."""

import pytest

from unroll.measure.metrics import KINDS, METRICS, metrics_of
from unroll.measure.process import function_named
from unroll.measure.variants import VARIANTS


def test_every_quantity_is_of_a_kind_and_every_kind_measures_something():
    assert {row.kind for row in METRICS.values()} == set(KINDS)
    assert all(metrics_of(kind) for kind in KINDS)


@pytest.mark.parametrize("kind", [row for row in KINDS.values() if row.work], ids=lambda row: row.name)
def test_the_function_of_a_kind_exists(kind):
    assert callable(function_named(kind.work))


def test_what_is_measured_again_and_again_goes_through_rounds():
    assert all(KINDS[row.kind].in_rounds for row in METRICS.values() if row.repeated)


def test_no_two_variants_look_or_read_alike():
    assert (
        len({row.label for row in VARIANTS.values()}) == len({row.colour for row in VARIANTS.values()}) == len(VARIANTS)
    )

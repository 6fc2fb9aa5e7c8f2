"""What the tests of the report share: where a run was measured, and runs made of given records."""

from dataclasses import asdict

import pytest

from unroll.measure.config import Sizes
from unroll.measure.journal import Record, Run


@pytest.fixture
def environment() -> dict:
    return {
        "processor": "A | <b>fast</b> one",
        "cores": 2,
        "memory_bytes": 8 << 30,
        "system": "Linux",
        "python": "3.11.7",
        "versions": {"tensorflow": "2.21.0"},
        "threads": {"inter_op": 0, "intra_op": 2},
        "flags": {},
        "commit": "abc",
    }


@pytest.fixture
def settings() -> dict:
    return {"preset": "full", "rounds": 4, "sizes": asdict(Sizes()), "data": "digits"}


@pytest.fixture
def run_of(environment, settings):
    """Make a run of the records given."""

    def run_of(*records: Record) -> Run:
        return Run("id", "2026-11-22T00:00:00+00:00", environment, settings, list(records))

    return run_of

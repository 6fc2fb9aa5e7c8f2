"""Kernels and copies of a step: what a profile holds is counted, and what overlaps is busy once."""

from types import SimpleNamespace

import numpy as np
import pytest

from unroll.measure.batch import Data
from unroll.measure.config import Case, Sizes
from unroll.measure.kernels import GPU_PLANE, activity, count_kernels
from unroll.measure.process import NotAvailable

NAMES = {1: "gemm", 2: "MemcpyD2H", 3: "MemcpyH2D", 4: "MemcpyD2D", 5: "Memset"}


def line(name, *events, start_ns=0):
    made = [SimpleNamespace(metadata_id=kind, offset_ps=begin, duration_ps=long) for kind, begin, long in events]
    return SimpleNamespace(name=name, timestamp_ns=start_ns, events=made)


def plane(*lines, name=GPU_PLANE):
    metadata = {number: SimpleNamespace(name=text) for number, text in NAMES.items()}
    return SimpleNamespace(name=name, lines=lines, event_metadata=metadata)


def test_kernels_and_copies_from_and_to_the_host_are_told_apart():
    found = activity([plane(line("Stream #7", *((kind, 10 * kind, 1) for kind in NAMES), (1, 99, 1)))])
    assert (found.kernels, found.copies) == (2, 2)


def test_what_runs_at_once_is_busy_once():
    one = line("Stream #1", (1, 0, 4_000_000), (1, 10_000_000, 1_000_000))
    other = line("Stream #2", (1, 1_000_000, 2_000_000), (2, 0, 2_000_000), start_ns=3)
    found = activity([plane(one, other)])
    # 0 to 4 and 4 to 6 (3 ns are 3000 ps: from 3000 on), then 10 to 11, in millionths of a second.
    assert found.busy == pytest.approx(5e-6)
    assert found.kernels == 3


def test_summaries_other_devices_and_the_host_do_not_count():
    summary, host = line("XLA Ops", (1, 0, 5)), plane(line("Stream #1", (1, 0, 5)), name="/host:CPU")
    second = plane(line("Stream #1", (1, 0, 5)), name="/device:GPU:1")
    assert activity([plane(summary), host, second]) == (0, 0, 0.0)


def test_on_a_cpu_there_is_nothing_to_count():
    images, labels = np.zeros([2, 28, 28], np.float32), np.zeros(2, np.int32)
    with pytest.raises(NotAvailable, match="kernels are counted on a GPU only"):
        list(count_kernels(Case("dynamic", "graph", Sizes(batch=2)), "train", Data(images, labels, 0)))

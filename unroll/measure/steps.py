"""TensorFlow's variants take turns at being built, called for the first time, and stepped."""

from collections.abc import Iterator, Sequence

import numpy as np

from unroll.measure.batch import Batch, Workload
from unroll.measure.config import Case
from unroll.measure.device import CPU, Device
from unroll.measure.journal import Record
from unroll.measure.process import CaseFailed
from unroll.measure.turns import Share, Turns
from unroll.measure.workloads import expected_of, new_workload


def take_turns(
    cases: Sequence[Case],
    images: np.ndarray,
    labels: np.ndarray,
    seed: int,
    phase: str,
    *,
    steps: int,
    share: Share | None = None,
    device: Device = CPU,
) -> Iterator[Record | CaseFailed | str]:
    """Build, first call and step a phase of cases of the same sizes, which take turns in random order.

    Every round builds each case anew: two graphs of one variant can differ in step time more than two variants do, and
    no number of steps on one graph would show that. A case takes part in as many rounds as it says. One that fails, or
    whose result is not the expected one, takes part no more.

    Args:
        images, labels: at least B images [28, 28], and what they show.
        steps: how many later steps each case takes in a round, fewer where they are slow; 0 for none.
        share: the rounds that this process goes through, if not all.
        device: what all of this process runs on.

    Yields:
        a record of each case, quantity and round as soon as there is one; each case that failed; and ROUND_OVER after
        each round. A build is noted as not checked: it is right if its first call's record follows.
    """
    batch = Batch.of(images, labels, cases[0].sizes)
    turns = StepTurns(cases, phase, batch, expected_of(cases[0].sizes, batch, seed), seed, steps, device)
    yield from turns.rounds(share or Share.of(cases))


class StepTurns(Turns):
    """Turns of networks that are made in this process."""

    def new_workload(self, case: Case, batch: Batch) -> Workload:
        return new_workload(case, batch, self.seed, self.device)

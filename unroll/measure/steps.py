"""TensorFlow's variants, interleaved: each is built, called for the first time, and stepped, in every round."""

from collections.abc import Callable, Iterator, Sequence

from unroll.measure.batch import Batch, Data, Workload
from unroll.measure.config import Case
from unroll.measure.device import Device
from unroll.measure.global_state import GlobalState
from unroll.measure.journal import Record
from unroll.measure.process import CaseFailed
from unroll.measure.rounds import Rounds, Share
from unroll.measure.workloads import expected_of, new_workload


class StepRounds(Rounds):
    """Rounds of networks that are made in this process."""

    def watch_global_state(self) -> Callable[[], str]:
        return GlobalState().undo_changes

    def new_workload(self, case: Case, batch: Batch) -> Workload:
        return new_workload(case, batch, self.seed, self.device)


class ColdRounds(StepRounds):
    """Rounds of one case in a process that has done nothing else: TensorFlow is imported, and the weights are made."""

    built, called = "cold_build", "cold_first_call"

    def warm_up(self) -> Iterator[CaseFailed]:
        """Leave out the warming up: what a process does only once is part of a cold start."""
        return iter(())


def run_rounds(
    make: Callable[..., Rounds],
    cases: Sequence[Case],
    phase: str,
    data: Data,
    *,
    steps: int,
    share: Share | None,
    device: Device,
) -> Iterator[Record | CaseFailed | str]:
    """Run a share of the rounds, or all, on the first images of the data; `make` makes the rounds, of which class."""
    batch = Batch.of(data, cases[0].sizes)
    expected = expected_of(cases[0].sizes, batch, data.seed)
    yield from make(cases, phase, batch, expected, data.seed, steps, device).run(share or Share.of(cases))

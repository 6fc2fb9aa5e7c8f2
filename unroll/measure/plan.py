"""The plan of a run: what is wanted, put together into tasks that each have a process of their own."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from unroll.measure.config import REPLICAS, Case, Key
from unroll.measure.journal import Record
from unroll.measure.metrics import METRICS
from unroll.measure.tasks import KINDS
from unroll.measure.variants import cells_an_iteration, variant_of


class Request(NamedTuple):
    """One quantity that shall be measured, of a phase of a case."""

    quantity: str
    phase: str
    case: Case

    @property
    def kind(self) -> str:
        return METRICS[self.quantity].kind

    @property
    def key(self) -> Key:
        return self.case.key(self.quantity, self.phase)

    def failed(self, reason: str) -> Record:
        """Return the record that says why there is no measurement."""
        return Record.of(self.case, self.quantity, self.phase, METRICS[self.quantity].unit, [], note=reason)


@dataclass(frozen=True)
class Task:
    """What one process does, of one phase: turns of several cases, or one measurement of one."""

    kind: str
    requests: tuple[Request, ...]

    @property
    def cases(self) -> list[Case]:
        return list(dict.fromkeys(request.case for request in self.requests))

    @property
    def phase(self) -> str:
        return self.requests[0].phase

    @property
    def seconds(self) -> float:
        """Guess how long it takes: only a first guess for the bar, which then goes by the pace."""
        return 0.5 + sum(_guess(self.kind, case, self.phase) for case in self.cases)


def make_plan(requests: Iterable[Request]) -> list[Task]:
    """Group requests into tasks, in the order in which they are first wanted."""
    tasks: dict[tuple, list[Request]] = {}
    for request in dict.fromkeys(requests):
        tasks.setdefault((request.kind, *_together(request)), []).append(request)
    return [Task(kind, tuple(together)) for (kind, *_), together in tasks.items()]


def _together(request: Request) -> tuple:
    """Return the grouping key: requests that take turns share a task per sizes and phase, others per case and phase."""
    if KINDS[request.kind].in_rounds and not request.case.alone:
        return request.case.sizes, request.phase
    return request.case, request.phase


def _guess(kind: str, case: Case, phase: str) -> float:
    """Guess the seconds of one case and phase from the number of cells in its graph, on two cores."""
    if kind == "machine":
        return 4.0
    cells = case.sizes.steps if variant_of(case.variant).is_static else 2 * cells_an_iteration(case.variant) or 1
    work = case.sizes.steps * case.sizes.batch * (case.sizes.hidden + 30) * case.sizes.hidden
    compiling = 4 * (1 + cells / 28 * (phase == "train")) if case.mode == "xla" else 1
    build = (0.1 + 0.03 * cells) * compiling * (1 if phase == "train" else 0.5)
    if kind == "fit":
        return case.rounds * (2 * build + 1000 * work * 1e-10)
    if kind == "replicas":
        return case.rounds * len(REPLICAS) * (build + 10 * work * 1e-10)
    if kind == "cold":
        return case.rounds * (build + 1)
    if kind == "turns":
        return case.rounds * (build + 10 * work * 1e-10)
    return 0.4 + build + 3 * work * 1e-10

"""The plan of a run: what is wanted, put together into tasks that each have a process of their own."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from unroll.measure.config import REPLICAS, Case, quantity_on
from unroll.measure.journal import Record
from unroll.measure.variants import cells_an_iteration, variant_of

KINDS = {
    "turns": ("build", "first_call", "step"),
    "memory": ("process", "nodes", "graph_bytes", "tensors"),
    "export": ("export", "save", "load", "served"),
    "retraces": ("retraces", "retraces_signature"),
    "machine": ("matrix_rate", "bandwidth"),
    "kernels": ("kernels", "copies", "busy"),
    "fit": ("fit_start", "fit_first", "fit_epoch"),
    "fit_memory": ("fit_process",),
    "replicas": tuple(map(quantity_on, REPLICAS)),
}
IN_TURNS = ("turns", "fit", "replicas")  # the kinds that go through rounds
AGAIN_AND_AGAIN = ("step", "fit_epoch", *KINDS["replicas"])  # what is measured many times in a round
UNITS = {"nodes": "nodes", "graph_bytes": "bytes", "process": "bytes", "tensors": "bytes", "export": "bytes"}
UNITS |= {"retraces": "traces", "retraces_signature": "traces", "matrix_rate": "flop/s", "bandwidth": "bytes/s"}
UNITS |= {"fit_process": "bytes", "kernels": "launches", "copies": "copies"}
SECONDS = "s"  # of everything else


class Want(NamedTuple):
    """One quantity that shall be measured, of a phase of a case."""

    quantity: str
    phase: str
    case: Case

    @property
    def kind(self) -> str:
        return next(kind for kind, quantities in KINDS.items() if self.quantity in quantities)

    @property
    def question(self) -> tuple:
        """What a record of it answers: see `unroll.measure.journal.Record.question`."""
        return self.quantity, self.phase, self.case.variant, self.case.mode, self.case.sizes

    def failed(self, reason: str) -> Record:
        """Give the record that says why there is no measurement."""
        return Record.of(self.case, self.quantity, self.phase, UNITS.get(self.quantity, SECONDS), [], note=reason)


@dataclass(frozen=True)
class Task:
    """What one process does, of one phase: turns of several cases, or one measurement of one."""

    kind: str
    wants: tuple[Want, ...]

    @property
    def cases(self) -> list[Case]:
        return list(dict.fromkeys(want.case for want in self.wants))

    @property
    def phase(self) -> str:
        return self.wants[0].phase

    @property
    def seconds(self) -> float:
        """Guess how long it takes: only a first guess for the bar, which then goes by the pace."""
        return 0.5 + sum(_guess(self.kind, case, self.phase) for case in self.cases)


def make_plan(wants: Iterable[Want]) -> list[Task]:
    """Put wants together into tasks, in the order in which they are first wanted."""
    tasks: dict[tuple, list[Want]] = {}
    for want in dict.fromkeys(wants):
        tasks.setdefault((want.kind, *_together(want)), []).append(want)
    return [Task(kind, tuple(found)) for (kind, *_), found in tasks.items()]


def _together(want: Want) -> tuple:
    """Say what a want shares a task with: all that take turns at its sizes in its phase, or the rest of its case's."""
    if want.kind in IN_TURNS and not want.case.alone:
        return want.case.sizes, want.phase
    return want.case, want.phase


def _guess(kind: str, case: Case, phase: str) -> float:
    """Guess the seconds of one case and phase from the number of cells in its graph, on two cores."""
    if kind == "machine":
        return 4.0
    cells = case.sizes.steps if variant_of(case.variant).is_static else 2 * cells_an_iteration(case.variant) or 1
    work = case.sizes.steps * case.sizes.batch * (case.sizes.hidden + 30) * case.sizes.hidden
    build = (0.1 + 0.03 * cells) * (4 if case.mode == "xla" else 1) * (1 if phase == "train" else 0.5)
    if kind == "fit":
        return case.rounds * (2 * build + 1000 * work * 1e-10)
    if kind == "replicas":
        return case.rounds * len(REPLICAS) * (build + 10 * work * 1e-10)
    if kind == "turns":
        return case.rounds * (build + 10 * work * 1e-10)
    return 0.4 + build + 3 * work * 1e-10

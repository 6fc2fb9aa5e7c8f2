"""A session: the tasks of a run done one after the other, every result in the journal at once, every failure named."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from unroll.measure.batch import Batch, Data
from unroll.measure.config import Case, Key, Sizes
from unroll.measure.device import CPU, JAX_VARIABLES, Device, work_on
from unroll.measure.foreign import Start, measure_foreign_memory, run_foreign_rounds
from unroll.measure.interpreter import package_versions
from unroll.measure.journal import NOT_CHECKED, Journal, JournalError, Record, Run, read_journal
from unroll.measure.metrics import METRICS
from unroll.measure.plan import Request, Task, make_plan
from unroll.measure.process import ROUND_OVER, ROUND_SPOILED, STOPPED, CaseFailed, Limits, WorkerDied, work_apart
from unroll.measure.rounds import Share
from unroll.measure.tasks import KINDS, Kind, describe_environment, measure_process, measure_tensors, starting_point
from unroll.measure.variants import DRAWN, variant_of

DRAWN_STEPS = (1, 4)  # at which T graphs are drawn, besides the run's own
ENOUGH = Limits(seconds=120)
PROCESSES = 9  # over which rounds are spread: up to so many, each has one of its own
MAY_DIFFER = "limits"  # the setting that a run need not have in common with the one that it goes on with
MUST_AGREE = ("processor", "cores", "devices", "gpus", "python", "versions", "flags", "commit")


class Session:
    """Measures what is wanted, each task in a process of its own, and keeps the journal.

    With `resume`, the folder's last run goes on: what it has measured is not measured again.

    Raises:
        JournalError: the folder cannot be written, there is no run in it that these settings go on with, or TensorFlow
            does not start.
        UnrollError: another process is measuring the run that shall go on.
    """

    def __init__(
        self,
        folder: Path,
        settings: dict,
        requests: Sequence[Request],
        images: np.ndarray,
        labels: np.ndarray,
        *,
        resume: bool = False,
        on_record: Callable[[Record], None] = lambda record: None,
    ):
        most = max((request.case.sizes.batch for request in requests), default=0)  # what is sent to every process
        self.settings, self.data = settings, Data(images[:most], labels[:most], settings["seed"])
        self.device, self.python = Device.of(settings), settings.get("peers_python")
        self._starting_points: dict[Sizes, tuple[Batch, Start]] = {}
        self.limits = Limits(settings["limits"]["seconds"], settings["limits"]["bytes"])
        self.on_record = on_record
        self.environment = self._describe_environment()
        before = _run_to_resume(folder, settings, self.environment) if resume else None
        self.journal = Journal(folder, self.environment, settings, before)
        self.known: dict[Key, dict[int, Record]] = {}  # and by round
        for record in _kept(self.journal.before, before.settings, settings) if before else []:
            self._remember(record)
        self.tasks = make_plan(request for request in requests if not self.is_done(request))

    def close(self) -> None:
        """Release the run, so that others may go on with it; the process's end does so, too."""
        self.journal.close()

    def _describe_environment(self) -> dict:
        """Describe it from a process like those that measure, under limits of its own."""
        try:
            (environment,) = self._apart(describe_environment, self.settings["seed"], limits=ENOUGH)
        except WorkerDied as death:
            raise JournalError(f"nothing can be measured here, TensorFlow does not start: {death}") from None
        if self.python:
            environment["versions"] |= package_versions(self.python)
        return environment

    def records(self, request: Request) -> list[Record]:
        """Return the records of what is wanted, by round, measuring it first if that has not been done."""
        if not self.is_done(request):
            self._do(next(task for task in self.tasks if request in task.requests))
        return [record for _, record in sorted(self.known[request.key].items())]

    def is_done(self, request: Request) -> bool:
        """Return whether all of it was measured, or it has failed."""
        rounds = self.known.get(request.key, {})
        if 0 in rounds or not KINDS[request.kind].in_rounds:
            return 0 in rounds
        return all(number in rounds for number in range(1, request.case.rounds + 1))

    def _do(self, task: Task) -> None:
        kind = KINDS[task.kind]
        if kind.in_rounds:
            self._run_rounds(task)
        elif kind.work == measure_process:
            self._measure_memory(task)
        else:
            self._collect(task.requests, self._apart(kind.work, task.cases[0], task.phase, self.data))

    def _run_rounds(self, task: Task) -> None:
        """Run the task's rounds; if one case brings the process down, the others go on without it.

        The rounds are spread over several processes, because those of one share its luck. Packages that need a process
        of their own do each share of the rounds right after TensorFlow.
        """
        while left := [request for request in task.requests if not self.is_done(request)]:
            cases = list(dict.fromkeys(request.case for request in left))
            most = -(-max(case.rounds for case in cases) // PROCESSES)
            share = Share.of(cases, min(map(self._next_round, left)), most)
            repeated = any(METRICS[request.quantity].repeated for request in left)
            steps = self.settings["steps"] if repeated else 0
            for group in self._groups(KINDS[task.kind], cases, share):
                package = self._package_apart(group[0])
                due = [request for request in left if self._next_round(request) <= share.last]
                requests = [request for request in due if request.case in group]
                if not requests:
                    continue
                more = {"steps": steps, "share": share}
                if package:
                    start = (*self._starting_point(group[0]), self.data.seed)
                    events = self._foreign(run_foreign_rounds, group, task.phase, *start, **more)
                else:
                    events = self._apart(KINDS[task.kind].work, group, task.phase, self.data, **more)
                self._collect(requests, events)

    def _groups(self, kind: Kind, cases: list[Case], share: Share) -> list[list[Case]]:
        """Group cases by process: those of one package, or each case, in an order that chance gives to each round."""
        if kind.apart:
            order = np.random.default_rng([self.data.seed, share.first]).permutation(len(cases))
            return [[cases[number]] for number in order]
        groups: dict[str, list[Case]] = {}
        for case in cases:
            groups.setdefault(self._package_apart(case), []).append(case)
        return list(groups.values())

    def _package_apart(self, case: Case) -> str:
        """Name the package that a case needs a process of its own for; "" if it runs where TensorFlow does."""
        return variant_of(case.variant).package or "" if self.device.is_gpu or self.python else ""

    def _next_round(self, request: Request) -> int:
        known = self.known.get(request.key, {})
        rounds = range(1, request.case.rounds + 1)
        return next((number for number in rounds if number not in known), request.case.rounds + 1)

    def _measure_memory(self, task: Task) -> None:
        """Measure what a case holds in two processes side by side: memory, unlike time, suffers from no neighbour."""
        (case,) = task.cases
        if self._package_apart(case):
            start = self._starting_point(case)
            self._collect(task.requests, self._foreign(measure_foreign_memory, case, task.phase, *start))
            return
        tensors = [request for request in task.requests if request.quantity == "tensors"]
        others = [request for request in task.requests if request.quantity != "tensors"]

        drawn = task.phase == "forward" and self._is_drawn(case)

        def measure(work: Callable, requests: list[Request], more: dict) -> None:
            if requests:
                self._collect(requests, self._apart(work, case, task.phase, self.data, **more))

        with ThreadPoolExecutor() as pool:
            mores = {"with_outline": drawn}, {"variables": self.device.counting}
            list(pool.map(measure, (measure_process, measure_tensors), (others, tensors), mores))

    def _is_drawn(self, case: Case) -> bool:
        """Return whether a case's graph is recorded node by node: of few steps, and of the run's own sizes."""
        own = asdict(Sizes(**self.settings["sizes"]))
        few = case.sizes.steps in DRAWN_STEPS and asdict(case.sizes) | {"steps": own["steps"]} == own
        return case.variant in DRAWN and (few or asdict(case.sizes) == own)

    def _collect(self, requests: Sequence[Request], events: Iterator) -> None:
        """Append what a process yields; if it dies, what it was doing has failed, and the journal says why.

        The records of a round are kept back until it is over: what ran side by side is in the journal as a whole.
        """
        kept: list[Record] = []
        before = time.monotonic()
        try:
            for event in events:
                if isinstance(event, CaseFailed):
                    kept = [record for record in kept if not record.is_of(event.case)]
                    self._fail([request for request in requests if request.case == event.case], event.reason)
                elif isinstance(event, Record):
                    kept.append(replace(event, took=event.took or time.monotonic() - before))
                elif event in (ROUND_OVER, ROUND_SPOILED):
                    self._append(kept if event == ROUND_OVER else [])
                    kept = []
                else:
                    case = requests[0].case
                    self.journal.append_outline(case.variant, case.sizes.steps, event)
                before = time.monotonic()
            self._append(kept)
        except WorkerDied as death:
            cases = {request.case for request in requests}
            culprits = {case for case in cases if str(case) == death.doing} or cases
            kept = [record for record in kept if any(record.is_of(case) for case in culprits)]
            self._append(kept, checked=any(record.quantity == "first_call" for record in kept))
            self._fail([request for request in requests if request.case in culprits], str(death))

    def _fail(self, requests: Sequence[Request], reason: str) -> None:
        self._append([request.failed(reason) for request in requests if not self.is_done(request)])

    def _append(self, records: Sequence[Record], checked: bool = True) -> None:
        """Append records that belong together; a build is checked once its first call has given the right result."""
        if checked:
            records = [replace(record, note=record.note.replace(NOT_CHECKED, "")) for record in records]
        if records:
            self.journal.append(*records)
        for record in records:
            self._remember(record)
            self.on_record(record)

    def _remember(self, record: Record) -> None:
        self.known.setdefault(record.key, {})[record.round] = record

    def _apart(
        self, work: Callable, *arguments, variables: dict | None = None, limits: Limits | None = None, **more
    ) -> Iterator:
        """Run a function on the run's device, in a process of its own."""
        variables = threads_variables(self.settings["threads"]) | (variables or {})
        return work_apart(
            work_on, self.device, work, *arguments, limits=limits or self.limits, variables=variables, **more
        )

    def _starting_point(self, case: Case) -> tuple[Batch, Start]:
        """Compute, where TensorFlow is, what a process without it starts from."""
        if case.sizes not in self._starting_points:
            (point,) = work_apart(work_on, CPU, starting_point, case.sizes, self.data, limits=self.limits)
            self._starting_points = {case.sizes: point}  # the last one: it may be large
        return self._starting_points[case.sizes]

    def _foreign(self, work: Callable, *arguments, **more) -> Iterator:
        """Run a function of `foreign.py` in a process of its own, without TensorFlow."""
        variables = threads_variables(self.settings["threads"]) | JAX_VARIABLES
        # Always an interpreter of its own: the process that others are forked from has imported TensorFlow.
        options = {"limits": self.limits, "variables": variables, "python": self.python or sys.executable}
        return work_apart(work, *arguments, device=self.device, **options, **more)


def threads_variables(threads: dict[str, int]) -> dict[str, str]:
    """Return the variables that set how many threads work within one operation and on several; 0: automatic.

    PyTorch takes the first of the two from OMP_NUM_THREADS.
    """
    names = {"intra_op": ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"), "inter_op": ("TF_NUM_INTEROP_THREADS",)}
    return {name: str(count) for kind, count in threads.items() if count for name in names[kind]}


def _run_to_resume(folder: Path, settings: dict, environment: dict) -> Run:
    run = read_journal(folder)[-1]
    settings_asked = {name: (run.settings.get(name), value) for name, value in settings.items() if name != MAY_DIFFER}
    environments = {name: (run.environment.get(name), environment.get(name)) for name in MUST_AGREE}
    for name, (before, now) in (settings_asked | environments).items():
        if before != now:
            raise JournalError(
                f"cannot resume the last run in {folder}: it was started with {name} {before}, got {now}; "
                "go on as it was begun, or start anew without --resume"
            )
    return run


def _kept(records: list[Record], settings_before: dict, settings: dict) -> list[Record]:
    """Return the records that need not be measured again; under other limits, what was stopped may be tried again."""
    same_limits = settings_before["limits"] == settings["limits"]
    return [record for record in records if same_limits or not record.note.startswith(STOPPED)]

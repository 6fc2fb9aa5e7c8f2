"""Interleaved rounds: variants take turns, and what the machine does to one, it does to all. Imports no TensorFlow."""

import gc
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from unroll.measure.batch import Batch, Workload
from unroll.measure.check import Expected, assert_equal
from unroll.measure.config import Case, Sizes
from unroll.measure.device import CPU, Device
from unroll.measure.journal import NOT_CHECKED, Record
from unroll.measure.process import ROUND_OVER, ROUND_SPOILED, CaseFailed, doing, reason_of

NOTHING_TO_BUILD = "runs eagerly: there is no graph to build"
LEAST_STEPS, LONG_STEPS_S = 3, 10.0  # where steps are this slow, few of them have to do in a round
PAUSE_S = 0.1  # in which the parent may write the journal and draw its bar, while nothing is timed
SETTLED_STEPS, SETTLED_SPREAD = 5, 0.1  # a GPU is warm once so many steps differ by no more than this share
MOST_WARM_UPS, LONGEST_WARM_UP_S = 60, 3.0


class Share(NamedTuple):
    """The rounds that one process goes through, and the process's name; "" if its cases are measured alone."""

    first: int
    last: int
    process: str

    @classmethod
    def of(cls, cases: Sequence[Case], first: int = 1, most: int | None = None) -> "Share":
        """Take the cases' rounds from `first` on, at most so many. Only what was not alone ran side by side."""
        rounds = max(case.rounds for case in cases)
        last = min(rounds, first + most - 1) if most else rounds
        return cls(first, last, "" if cases[0].alone else f"{cases[0].sizes} #{uuid.uuid4().hex[:8]}")


class Rounds(ABC):
    """What all rounds of a process share: who still takes part, on which batch, and what is expected of each."""

    built, called = "build", "first_call"
    later = "step"  # the quantity that is measured again and again

    def __init__(
        self,
        cases: Sequence[Case],
        phase: str,
        batch: Batch,
        expected: Expected,
        seed: int,
        steps: int,
        device: Device = CPU,
    ):
        self.cases_left, self.phase, self.batch, self.seed, self.steps = list(cases), phase, batch, seed, steps
        self.device, self.expected, self.process = device, expected, ""
        self.is_spoiled, self.undo_changes = False, self.watch_global_state()
        gc.collect()
        gc.freeze()  # what is there by now need not be searched for garbage before every build

    def run(self, share: Share) -> Iterator[Record | CaseFailed | str]:
        """Warm up, and go through the rounds of a share."""
        self.process = share.process
        yield from self.warm_up()
        for number in range(share.first, share.last + 1):
            yield from self.round(number)
            while self.is_spoiled:
                yield ROUND_SPOILED
                yield from self.round(number)
            yield ROUND_OVER
            time.sleep(PAUSE_S)

    def watch_global_state(self) -> Callable[[], str]:
        """Return what undoes a case's changes to the state that all cases share, and names them; "" for none."""
        return lambda: ""

    def warm_up(self) -> Iterator[CaseFailed]:
        """Build and call each case once, as small as can be: what a process does only once is no variant's cost."""
        small = small_sizes(self.cases_left[0].sizes)
        batch = Batch(np.ones([2, 2, small.input], np.float32), self.batch.labels[:1].repeat(2))
        for case in list(self.cases_left):
            doing(case)
            with suppress(Exception):  # it will fail again, where that is reported
                self.new_workload(replace(case, sizes=small), batch).build(self.phase)()
            yield from self._failed_by_changes(case)

    def round(self, number: int) -> Iterator[Record | CaseFailed]:
        """Go through one round; it is spoiled if a case changed what others are measured with."""
        self.is_spoiled = False
        random = np.random.default_rng([self.seed, number])
        ready: dict[Case, Callable] = {}
        for case in self._shuffled([case for case in self.cases_left if case.rounds >= number], random):
            doing(case)
            try:
                yield from self.start(case, number, ready)
            except Exception as error:
                self.undo_changes()
                self.cases_left.remove(case)
                yield CaseFailed(case, reason_of(error))
            else:
                yield from self._failed_by_changes(case)
        if not self.is_spoiled:
            yield from self._take_steps(ready, number, random)

    def _failed_by_changes(self, case: Case) -> Iterator[CaseFailed]:
        """Undo what a case just changed of the state that all share; if it did, it takes part no more."""
        if changes := self.undo_changes():
            culprit = next(left for left in self.cases_left if str(left) == str(case))  # what steps may know more of it
            self.cases_left.remove(culprit)
            self.is_spoiled = True
            yield CaseFailed(culprit, changes)

    @abstractmethod
    def new_workload(self, case: Case, batch: Batch) -> Workload:
        """Make what is measured of a case."""

    def start(self, case: Case, number: int, ready: dict[Case, Callable]) -> Iterator[Record]:
        """Build a case and call it for the first time; it is ready once it is known to be right."""
        workload = self.new_workload(case, self.batch)
        gc.collect()
        seconds, step = self._timed(workload.build, self.phase)
        if workload.builds:
            yield self._record(self.built, case, number, [seconds], note=NOT_CHECKED)
        else:
            yield self._record(self.built, case, number, [], note=NOTHING_TO_BUILD)
        seconds, _ = self._timed(step)
        assert_equal(workload, self.phase, step, self.expected)  # a second call, which warms up, too
        yield self._record(self.called, case, number, [seconds])
        if self.device.is_gpu:
            self._warm_up_until_steady(step)
        ready[case] = step

    def _take_steps(self, ready: dict[Case, Callable], number: int, random) -> Iterator[Record | CaseFailed]:
        if not self.steps:
            return
        samples: dict[Case, list[float]] = {case: [] for case in ready}
        start = time.monotonic()
        for count in range(self.steps):
            if count >= LEAST_STEPS and time.monotonic() - start > LONG_STEPS_S:
                break
            for case in self._shuffled(list(ready), random):
                doing(case)
                samples[case].append(self.seconds(ready[case]))
                yield from self._failed_by_changes(case)
                if self.is_spoiled:
                    return
        for case, seconds in samples.items():
            yield self._record(self.later_of(case), case, number, seconds)

    def later_of(self, case: Case) -> str:
        """Return the quantity that is measured again and again on a case."""
        return self.later

    def _record(self, quantity: str, case: Case, number: int, samples: list[float], note="") -> Record:
        more = {"round": number, "turns": self.process, "note": note, "took": sum(samples)}
        return Record.of(case, quantity, self.phase, "s", samples, **more)

    def _timed(self, work: Callable, *arguments) -> tuple[float, Any]:
        """Return the seconds that work took, and its result; before either reading of the clock a GPU has done all.

        A step waits for it, and a build gives it nothing to do.
        """
        self.wait()
        start = time.perf_counter()
        result = work(*arguments)
        return time.perf_counter() - start, result

    def wait(self) -> None:
        """Wait until the device has done what it was given to do."""
        self.device.wait()

    def _warm_up_until_steady(self, step: Callable) -> None:
        """Take steps until the last few took alike: a GPU raises its clock, and kernels are tried out first."""
        seconds: list[float] = []
        while len(seconds) < MOST_WARM_UPS and sum(seconds) < LONGEST_WARM_UP_S:
            seconds.append(self._timed(step)[0])
            last = seconds[-SETTLED_STEPS:]
            if len(last) == SETTLED_STEPS and max(last) - min(last) <= SETTLED_SPREAD * np.median(last):
                return

    def seconds(self, step: Callable) -> float:
        """Take one later step and say how long it took."""
        return self._timed(step)[0]

    @staticmethod
    def _shuffled(cases: list[Case], random) -> list[Case]:
        return [cases[k] for k in random.permutation(len(cases))]


def small_sizes(sizes: Sizes) -> Sizes:
    """Return sizes to warm up at."""
    return replace(sizes, steps=2, batch=2, hidden=2, valid=None)

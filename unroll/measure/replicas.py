"""What more devices make of training: a step of the same batch on one, and on several CPU devices of a process."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from unroll.measure.batch import Batch
from unroll.measure.check import assert_equal
from unroll.measure.config import REPLICAS, Case, quantity_on
from unroll.measure.device import CPU, Device
from unroll.measure.journal import Record
from unroll.measure.process import CaseFailed, NotAvailable
from unroll.measure.steps import StepTurns
from unroll.measure.turns import Share
from unroll.measure.workloads import TensorFlowWorkload, expected_of, new_network, new_workload
from unroll.models.strategy import Replicas
from unroll.models.train import update_part


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
    """Time training steps of cases on one device and on several, in turn, as `unroll.measure.steps.take_turns` does.

    There are no more devices than cores; of more, it is said why they are not measured.

    Raises:
        NotAvailable: the device is a GPU, which is one and cannot be split.
    """
    if device.is_gpu:
        raise NotAvailable("is measured on the CPU's devices only")
    cores = os.cpu_count() or 1
    few = [count for count in REPLICAS if count <= min(cores, cases[0].sizes.batch)]
    for case in cases:
        for count in set(REPLICAS) - set(few):
            yield Record.of(
                case, quantity_on(count), phase, "s", [], note=f"{cores} cores, B={case.sizes.batch}: no more devices"
            )
    split_cpu(max(few))
    batch = Batch.of(images, labels, cases[0].sizes)
    turns = ReplicaTurns(cases, phase, batch, expected_of(cases[0].sizes, batch, seed), seed, steps, device)
    turns.counts = few
    yield from turns.rounds(share or Share.of(cases))


def split_cpu(devices: int) -> None:
    """Split the CPU into so many devices, which share its cores; TensorFlow must not have started."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)


@dataclass(frozen=True)
class ReplicatedCase(Case):
    """A case on so many devices."""

    replicas: int = 1


class ReplicatedWorkload(TensorFlowWorkload):
    """A network on several devices, each with its rows of the batch."""

    def __init__(self, case: Case, batch: Batch, seed: int, count: int, device: Device = CPU):
        devices = [each.name for each in tf.config.list_logical_devices("CPU")[:count]]
        self.replicas = Replicas(tf.distribute.MirroredStrategy(devices))
        with self.replicas.strategy.scope():
            super().__init__(new_network(case.variant, case.sizes, seed), case.mode, batch, device)
            self.optimiser = keras.optimizers.SGD(self.learning_rate)
            self.optimiser.build(self.network.variables)
        self._size = len(batch.labels)
        self._batches = [self._spread(part) for part in (batch, batch.check)]

    def build(self, phase: str) -> Callable[..., Any]:
        """Trace a training step; gives step(check=False)."""
        if phase != "train":
            raise NotAvailable("is measured in training only")

        def part(images, labels) -> tf.Tensor:
            return update_part(self.network, self.optimiser, self._size, images, labels)

        train: Any = tf.function(lambda *given: self.replicas.sum(part, *given), autograph=False)

        def step(check: bool = False) -> Any:
            return train(*self._batches[check]).numpy()[0]

        return step

    def _spread(self, part: Batch) -> list[Any]:
        """Copy each replica's rows of images and labels to its device."""
        _, shares = self.replicas.shares(self._size)
        rows = [slice(*ends) for ends in pairwise([0, *accumulate(shares)])]

        def spread(array: np.ndarray) -> Any:
            return self.replicas.strategy.experimental_distribute_values_from_function(
                lambda where: tf.constant(array[rows[where.replica_id_in_sync_group]])
            )

        return [spread(array) for array in (part.images, part.labels)]


class ReplicaTurns(StepTurns):
    """Turns at training steps on one device, as it trains anywhere, and on several under a strategy."""

    counts: Sequence[int] = (1,)

    def warm_up(self) -> None:
        """Build and call nothing beforehand: what a start costs is not measured here."""

    def start(self, case: Case, number: int, ready: dict[Case, Callable]) -> Iterator[Record]:
        for count in self.counts:
            workload: Any = (
                ReplicatedWorkload(case, self.batch, self.seed, count, self.device)
                if count > 1
                else new_workload(case, self.batch, self.seed, self.device)
            )
            step = workload.build(self.phase)
            step()
            assert_equal(workload, self.phase, step, self.expected)
            ready[ReplicatedCase(**vars(case), replicas=count)] = step
        yield from ()

    def later_of(self, case: Case) -> str:
        assert isinstance(case, ReplicatedCase)
        return quantity_on(case.replicas)

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
from unroll.measure.steps import StepRounds
from unroll.measure.workloads import TensorFlowWorkload, new_network, new_workload
from unroll.models.strategy import Replicas
from unroll.models.train import update_part


def prepare_devices(cases: Sequence[Case], phase: str, device: Device) -> Iterator[Record]:
    """Split the CPU into as many devices as are measured, and yield records that say why there are no more.

    Raises:
        NotAvailable: the device is a GPU, which is one and cannot be split.
    """
    if device.is_gpu:
        raise NotAvailable("is measured on the CPU's devices only")
    batch = cases[0].sizes.batch
    counts = counts_for(batch)
    why = f"{os.cpu_count() or 1} cores, B={batch}: no more devices"
    for case in cases:
        for count in set(REPLICAS) - set(counts):
            yield Record.of(case, quantity_on(count), phase, "s", [], note=why)
    split_cpu(max(counts))


def counts_for(batch: int) -> list[int]:
    """Return the numbers of devices that are measured: no more than cores, or than rows of the batch."""
    return [count for count in REPLICAS if count <= min(os.cpu_count() or 1, batch)]


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

        train: Any = tf.function(lambda *batch: self.replicas.sum(part, *batch), autograph=False)

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


class ReplicaRounds(StepRounds):
    """Rounds of training steps on one device, as it trains anywhere, and on several under a strategy."""

    def warm_up(self) -> Iterator[CaseFailed]:
        """Build and call nothing beforehand: what a start costs is not measured here."""
        yield from ()

    def start(self, case: Case, number: int, ready: dict[Case, Callable]) -> Iterator[Record]:
        for count in counts_for(case.sizes.batch):
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

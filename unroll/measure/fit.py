"""What the layer costs in `fit`, where most people train: until the first step is done, and in later epochs.

The variants are those that `unroll.keras.LSTM` and `keras.layers.LSTM` unroll in, in one and the same Keras model.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
import psutil
import tensorflow as tf

from unroll.keras import LSTM
from unroll.measure.batch import Batch, Data
from unroll.measure.check import assert_equal
from unroll.measure.config import Case
from unroll.measure.device import CPU, Device
from unroll.measure.journal import Record
from unroll.measure.process import NotAvailable
from unroll.measure.steps import StepRounds
from unroll.measure.variants import cells_an_iteration
from unroll.measure.workloads import expected_of, starting_weights
from unroll.models.network import CLASSES, Network

EPOCH_STEPS = 20
EPOCHS = 5  # later ones, in a round
LAYERS: dict[str, Callable] = {
    "static": partial(LSTM, unroll="static", traced_cell=False),
    "static-traced": partial(LSTM, unroll="static"),
    "dynamic": partial(LSTM, unroll="dynamic"),
    "keras-unrolled": partial(keras.layers.LSTM, unroll=True, use_cudnn=False),
    "keras-loop": partial(keras.layers.LSTM, unroll=False, use_cudnn=False),
}


def hold(case: Case, phase: str, data: Data, *, device: Device = CPU) -> Iterator[Record]:
    """Measure by how many bytes this process grows from `compile` to the end of the first epoch."""
    batch = Batch.of(data, case.sizes)
    workload = FitWorkload(case, batch, data.seed, device)
    tf.function(lambda x: tf.matmul(x, x))(tf.ones([64, 64]))  # lets TensorFlow start its threads
    process = psutil.Process()
    before = process.memory_info().rss
    step = workload.build(phase)
    grown = process.memory_info().rss - before
    assert_equal(workload, phase, step, expected_of(case.sizes, batch, data.seed))
    yield Record.of(case, "fit_process", phase, "bytes", [grown])


class Clock(keras.callbacks.Callback):
    """Notes when the first step of `fit` was done, and how long its last epoch took."""

    first_step: float | None = None

    def on_train_batch_end(self, batch, logs=None):
        if self.first_step is None:
            self.first_step = time.perf_counter()

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.epoch = time.perf_counter() - self.began


class FitWorkload:
    """A Keras model around a layer, which reads digits as every network that is measured does: a `Workload`."""

    builds = True
    learning_rate = Network.learning_rate

    def __init__(self, case: Case, batch: Batch, seed: int, device: Device = CPU):
        sizes = case.sizes
        if sizes.valid is not None:
            raise NotAvailable("takes no sequence_length")
        self.model = keras.Sequential(
            [keras.Input((sizes.steps, sizes.input)), layer_of(case.variant)(sizes.hidden), keras.layers.Dense(CLASSES)]
        )
        self.precision = device.precision(case.mode)
        self._start = starting_weights(sizes, seed)
        self.reset()
        self._epoch = np.tile(batch.images, (EPOCH_STEPS, 1, 1)), np.tile(batch.labels, EPOCH_STEPS)
        self._check, self._size = (batch.check.images, batch.check.labels), len(batch.labels)

    def build(self, phase: str) -> Callable[..., Any]:
        """Compile the model and fit it for an epoch; gives step(check=False), which fits for one more.

        A step gives the seconds of its epoch; with `check`, the loss of the check's batch before its update.
        """
        loss: Any = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        began, clock = time.perf_counter(), Clock()
        self.model.compile(keras.optimizers.SGD(self.learning_rate), loss)
        self._fit(self._epoch, clock)
        self.first_epoch = time.perf_counter() - began
        self.first_step = (clock.first_step or began) - began

        def step(check: bool = False) -> Any:
            if check:
                return self._fit(self._check, clock)
            self._fit(self._epoch, clock)
            return clock.epoch

        return step

    def values(self) -> list[np.ndarray]:
        return self.model.get_weights()

    def reset(self) -> None:
        self.model.set_weights(self._start)

    def _fit(self, data, clock: Clock) -> np.ndarray:
        options = {"batch_size": self._size, "shuffle": False, "verbose": 0, "callbacks": [clock]}
        return np.asarray(self.model.fit(*data, **options).history["loss"][0])


class FitRounds(StepRounds):
    """Rounds of `fit`: from `compile` to the end of the first step, to the end of the first epoch, and later epochs."""

    later = "fit_epoch"

    def new_workload(self, case: Case, batch: Batch) -> FitWorkload:
        return FitWorkload(case, batch, self.seed, self.device)

    def start(self, case: Case, number: int, ready: dict[Case, Callable]) -> Iterator[Record]:
        workload = self.new_workload(case, self.batch)
        step = workload.build(self.phase)
        assert_equal(workload, self.phase, step, self.expected)
        yield self._record("fit_start", case, number, [workload.first_step])
        yield self._record("fit_first", case, number, [workload.first_epoch])
        ready[case] = step

    def seconds(self, step: Callable) -> float:
        return step()


def layer_of(variant: str) -> Callable:
    """Find what makes a variant's layer of a number of units.

    Raises:
        NotAvailable: no Keras layer unrolls like that.
    """
    if cells := cells_an_iteration(variant):
        return partial(LSTM, unroll=cells)
    if variant not in LAYERS:
        raise NotAvailable("is no Keras layer")
    return LAYERS[variant]

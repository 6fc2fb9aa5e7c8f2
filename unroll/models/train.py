"""Training: the loop that feeds batches to a network with Keras's Adam, saves, goes on, and stops when told to."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from unroll.errors import UnrollError
from unroll.models.batches import batches, in_order
from unroll.models.checkpoint import Checkpoint, CheckpointError, data_sum, read_checkpoint, save_checkpoint
from unroll.models.data import Dataset, Split, read_rows
from unroll.models.history import Evaluation, Point
from unroll.models.network import Network, build_network, cross_entropy, named_rightly, weight_names
from unroll.models.settings import Settings
from unroll.models.strategy import Replicas, WorkerLost, agree
from unroll.models.tutorials import held_back

SAVE_EVERY = 200
POINT_EVERY = 10


class Diverged(UnrollError):
    """A loss that is no number any more; the message says since when, and what is left."""


class Images(NamedTuple):
    """The images of a training, cut to its rows: those it trains on and those it is tested on."""

    train: Split
    test: Split

    @classmethod
    def of(cls, dataset: Dataset, settings: Settings) -> "Images":
        """Cut a dataset's images to the rows that the settings ask for; a tutorial holds MNIST's first images back."""
        first = held_back(len(dataset.train.labels)) if settings.tutorial else 0
        train = Split(*(part[first:] for part in dataset.train))
        return cls(*(split._replace(images=read_rows(split.images, settings.steps)) for split in (train, dataset.test)))


class Stopwatch:
    """Adds up the seconds of calls; `before` are those of a process that was stopped."""

    def __init__(self, before: float = 0.0):
        self.seconds = before
        self._first = self._later = (0, 0.0)  # updates and their seconds

    @contextmanager
    def of(self, updates: int) -> Iterator[None]:
        """Time a call of so many updates."""
        start = time.perf_counter()
        yield
        took = time.perf_counter() - start
        self.seconds += took
        if self._first[0]:
            self._later = (self._later[0] + updates, self._later[1] + took)
        else:
            self._first = (updates, took)

    @property
    def updates_per_second(self) -> float:
        """How fast the calls after the first were, which builds the graph; or the first, where there is no other."""
        updates, seconds = self._later if self._later[0] else self._first
        return updates / seconds if seconds else 0.0


class Trainer:
    """A network with its optimiser and its batches, somewhere on its way through a training.

    The graph of a call takes `steps_per_call` updates; it is traced once, and knows nothing of where the batches come
    from or of what becomes of the losses.

    With `replicas`, it is one and the same training on several devices: losses and weights are those of one device, up
    to rounding. Where these are of several workers, each has a trainer, and all call its methods in the same order.

    Raises:
        StrategyError: the workers do not agree, or the batch has fewer rows than there are replicas.
        WorkerLost: a worker does not answer.
    """

    def __init__(self, settings: Settings, images: Images, replicas: Replicas | None = None):
        self.settings, self.images, self.replicas = settings, images, replicas
        self._share: dict[str, Any] = {}
        if replicas:
            agree(replicas, settings, self.data_sum)
            first_row, shares = replicas.shares(settings.batch)
            self._share = {"first_row": first_row, "shares": shares}
        with self._together(), replicas.strategy.scope() if replicas else nullcontext():
            self.network: Network = build_network(settings)
            self.optimiser: Any = keras.optimizers.Adam(settings.learning_rate, epsilon=settings.epsilon)
            self.optimiser.build(self.network.variables)
        self.done = 0  # updates
        self._watch = Stopwatch()
        self._batches: Any = None
        self.run: Any = tf.function(self._updates, autograph=False)
        signature = [
            tf.TensorSpec([None, settings.steps, settings.input], settings.dtype),
            tf.TensorSpec([None], tf.int32),
        ]
        self._test: Any = tf.function(self._test_batch, signature, autograph=False)

    @property
    def seconds(self) -> float:
        """How long the updates took so far, saving and testing left out."""
        return self._watch.seconds

    @property
    def examples_per_second(self) -> float:
        """How fast it trains, the first call left out, which builds the graph."""
        return self._watch.updates_per_second * self.settings.batch

    @cached_property
    def data_sum(self) -> int:
        """A checksum of what it trains on."""
        return data_sum(self.images.train)

    @property
    def is_chief(self) -> bool:
        """Whether it is the one, of several workers' trainers, whose results are kept."""
        return self.replicas is None or self.replicas.is_chief

    @property
    def finished(self) -> bool:
        """Whether all updates are done."""
        return self.done >= self.settings.updates

    def told(self, stop: bool) -> bool:
        """Return whether this one, or any other worker's, was told to stop."""
        return self.replicas.any(stop) if self.replicas else stop

    def call(self) -> list[Point]:
        """Take the next few updates in one call of the graph; gives a point for each.

        Raises:
            Diverged: a loss is NaN or infinite. The weights are of no use then.
            WorkerLost: a worker does not answer any more.
        """
        if self._batches is None:
            self._batches = self._start_batches()
        count = min(self.settings.steps_per_call, self.settings.updates - self.done)
        with self._watch.of(count), self._together():
            losses, accuracies = (values.numpy() for values in self.run(self._batches, tf.constant(count)))
        points = [
            Point(self.done + number, _shortest(loss), _shortest(right), round(self.seconds, 3))
            for number, (loss, right) in enumerate(zip(losses, accuracies, strict=True), start=1)
        ]
        for point in points:
            if not np.isfinite(point.loss):
                raise Diverged(f"the loss became {point.loss} at update {point.update}")
        self.done += count
        return points

    def evaluate(self) -> Evaluation:
        """Test the weights as they are on all test images."""
        loss, right = 0.0, 0
        for images, labels in in_order(self.images.test, dtype=self.settings.dtype):
            batch_loss, batch_right = self._test(images, labels)
            loss += float(batch_loss) * len(labels)
            right += int(batch_right)
        count = len(self.images.test.labels)
        return Evaluation(self.done, loss / count, right / count, self.seconds, self.examples_per_second)

    def checkpoint(self, training: str) -> Checkpoint:
        """Return all that is needed to go on from here.

        Raises:
            Diverged: a weight is NaN or infinite, which nothing could go on from.
        """
        weights = [variable.numpy() for variable in self.network.variables]
        if not all(np.isfinite(weight).all() for weight in weights):
            raise Diverged(f"a weight became NaN or infinite at update {self.done}")
        return Checkpoint(
            self.settings,
            training,
            self.data_sum,
            self.done,
            self.seconds,
            dict(zip(weight_names(self.settings.network), weights, strict=True)),
            [variable.numpy() for variable in self.optimiser.variables],
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint.

        Raises:
            CheckpointError: it is of another training.
        """
        checkpoint.check(self.settings, self.data_sum)
        _assign(self.network, self.settings, checkpoint)
        shapes = [tuple(variable.shape) for variable in self.optimiser.variables]
        if shapes != [value.shape for value in checkpoint.optimiser]:
            raise CheckpointError("the checkpoint's optimiser is of another form; begin anew")
        for variable, value in zip(self.optimiser.variables, checkpoint.optimiser, strict=True):
            variable.assign(value)
        self._begin_at(checkpoint.update, checkpoint.seconds)

    def follow_chief(self) -> None:
        """Take over weights, optimiser and position from the chief's, which may have gone on from a checkpoint.

        Raises:
            WorkerLost: a worker does not answer.
        """
        if self.replicas is None:
            return
        variables = [*self.network.variables, *self.optimiser.variables]
        mine = [np.int64(self.done), np.float64(self.seconds), *(variable.numpy() for variable in variables)]
        done, seconds, *values = self.replicas.from_chief([np.asarray(value) for value in mine])
        if not self.is_chief:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            self._begin_at(int(done), float(seconds))

    def network_alone(self) -> Network:
        """Return the network as it is now, on one device."""
        if self.replicas is None:
            return self.network
        network = build_network(self.settings)
        for variable, mirrored in zip(network.variables, self.network.variables, strict=True):
            variable.assign(mirrored.numpy())
        return network

    def _begin_at(self, done: int, seconds: float) -> None:
        self.done, self._batches = done, None
        self._watch = Stopwatch(seconds)

    def _together(self) -> Any:
        """Notice within if another worker is lost."""
        return self.replicas.missing_none() if self.replicas else nullcontext()

    def _start_batches(self) -> Any:
        """Return an iterator over the batches from here on; with replicas, over their parts."""
        split, settings = self.images.train, self.settings
        start = {"seed": settings.seed, "start": self.done, "dtype": settings.dtype}

        def dataset() -> tf.data.Dataset:
            return batches(split, settings.batch, **start, **self._share)

        return self.replicas.iterate(dataset) if self.replicas else iter(dataset())

    def _updates(self, iterator, count):
        """Take so many updates; gives their losses and accuracies, [count] each."""
        if self.settings.steps_per_call == 1:
            loss, right = self._update_with(iterator.get_next())
            return loss[tf.newaxis], right[tf.newaxis]

        def body(number, losses, accuracies):
            loss, right = self._update_with(iterator.get_next())
            return number + 1, losses.write(number, loss), accuracies.write(number, right)

        arrays = (tf.TensorArray(self.settings.dtype, count), tf.TensorArray(tf.float32, count))
        carry = (0, *arrays)
        _, losses, accuracies = tf.while_loop(lambda number, *_: number < count, body, carry, parallel_iterations=1)
        return losses.stack(), accuracies.stack()

    def update(self, images, labels) -> tuple[tf.Tensor, tf.Tensor]:
        """Take one update, with a batch [B, T, I] and its labels [B]; gives its loss and accuracy from before."""
        logits, loss, gradients = self.network.gradients(images, labels)
        self.optimiser.apply_gradients(zip(gradients, self.network.variables, strict=True))
        return loss, tf.reduce_mean(tf.cast(named_rightly(logits, labels), tf.float32))

    def _update_with(self, batch) -> tuple[tf.Tensor, tf.Tensor]:
        """Take one update, on one device or on all replicas together."""
        if self.replicas is None:
            return self.update(*batch)

        def part(images, labels) -> tf.Tensor:
            return update_part(self.network, self.optimiser, self.settings.batch, images, labels)

        loss, right = tf.unstack(self.replicas.sum(part, *batch))
        return loss, tf.cast(right, tf.float32) / self.settings.batch

    def _test_batch(self, images, labels):
        logits = self.network.forward(images)
        return cross_entropy(logits, labels), tf.math.count_nonzero(named_rightly(logits, labels))


def update_part(network: Network, optimiser: Any, batch: int, images, labels) -> tf.Tensor:
    """Take one update of so many rows, of which this replica has its own, [b, T, I] and [b], and wait for the others'.

    Keras's optimiser adds up the gradients of all replicas before it applies them. Gives what these rows add to the
    batch's mean loss, and how many of them are named rightly, [2].
    """
    logits, loss, gradients = network.gradients(images, labels)
    part = tf.cast(tf.shape(labels)[0], loss.dtype) / batch
    weighted = [part * gradient for gradient in gradients]
    optimiser.apply_gradients(zip(weighted, network.variables, strict=True))
    right = tf.math.count_nonzero(named_rightly(logits, labels), dtype=tf.int32)
    return tf.stack([part * loss, tf.cast(right, loss.dtype)])


def train(
    trainer: Trainer,
    training: str = "",
    *,
    save: Path | None = None,
    save_every: int = SAVE_EVERY,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[list[Point]]:
    """Train to the end, or until `stop` says so after a call; save every so many updates and at the end.

    Of several workers, all stop where one is told to, and the chief alone saves.

    Args:
        training: its id in the history.
        save: the checkpoint's path. It is written before the first update too, so that a path that cannot be written
            is known at once.

    Yields:
        the points of each call.

    Raises:
        Diverged: a loss became NaN or infinite. The checkpoint stays the last good one.
        CheckpointError: the checkpoint cannot be written. The last one stays.
        WorkerLost: a worker does not answer any more. The checkpoint stays the last one.
    """
    saved = trainer.done

    def save_now() -> None:
        nonlocal saved
        if save:
            checkpoint = trainer.checkpoint(training)
            if trainer.is_chief:
                save_checkpoint(save, checkpoint)
            saved = trainer.done

    save_now()
    try:
        stopping = trainer.told(stop())
        while not trainer.finished and not stopping:
            yield trainer.call()
            stopping = trainer.told(stop())
            if trainer.done - saved >= save_every or trainer.finished or stopping:
                save_now()
    except (Diverged, WorkerLost) as error:
        left = f"{save} keeps the weights of update {saved}" if save else "nothing was saved, for want of --save"
        if not trainer.is_chief:
            left = "what was saved is with the chief"
        if isinstance(error, WorkerLost):
            raise WorkerLost(f"{error}; {left}{', from which --resume goes on' if save else ''}") from error
        raise Diverged(f"{error}; {left}: begin anew with a smaller learning rate") from error


def is_kept(point: Point, settings: Settings, every: int = POINT_EVERY) -> bool:
    """Return whether a point goes into the history: the first, the last, and each so many between."""
    return point.update % every == 0 or point.update in (1, settings.updates)


def load_network(path: Path, unroll: str | None = None) -> tuple[Network, Settings]:
    """Load the network that a checkpoint holds, with its own unroll or the other; gives its settings too.

    Raises:
        CheckpointError: the file is no checkpoint.
    """
    checkpoint = read_checkpoint(path)
    settings = replace(checkpoint.settings, unroll=unroll or checkpoint.settings.unroll)
    network = build_network(settings)
    _assign(network, settings, checkpoint)
    return network, settings


def _shortest(value: np.floating) -> float:
    """Return a number with no more digits than its dtype has: a history is kept, and read by people too."""
    return float(str(value))


def _assign(network: Network, settings: Settings, checkpoint: Checkpoint) -> None:
    variables = dict(zip(weight_names(settings.network), network.variables, strict=True))
    shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
    saved = {name: weight.shape for name, weight in checkpoint.weights.items()}
    if shapes != saved:
        raise CheckpointError(f"the checkpoint's weights are {saved}; its own settings want {shapes}: it is damaged")
    for name, variable in variables.items():
        variable.assign(checkpoint.weights[name])

"""Training on several devices: TensorFlow's strategies, the rows that each takes, and what workers tell each other."""

import json
import re
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context

from unroll.errors import UnrollError
from unroll.models.cluster import JOBS, JOIN_S, Cluster
from unroll.models.settings import STRATEGIES, Settings

HEARTBEAT_S = 10  # a worker that says nothing for so long counts as lost; mostly, one that ended is missed at once
ANSWER_S = 60  # how long the workers wait for each other's settings
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
)
PEER = re.compile(r"/job:(\w+)(?:/replica:\d+)?/task:(\d+)")


class StrategyError(UnrollError):
    """Devices that cannot train together; the message says what was given, what is wanted and what to do."""


class WorkerLost(UnrollError):
    """A worker that does not answer any more; the message says which."""


class Replicas:
    """The devices that train together: each has the same weights, and takes its rows of every batch.

    Every worker makes the same batches and keeps its rows of them. Where a batch has B rows and there are R replicas,
    each takes B // R, and the first B % R one more.

    Attributes:
        strategy: TensorFlow's.
        cluster: all workers, or None where one process has all devices.
    """

    def __init__(self, strategy: tf.distribute.Strategy, cluster: Cluster | None = None):
        self.strategy, self.cluster = strategy, cluster
        self._exchanges = 0
        self._sum: Any = tf.function(self._sum_of_workers, [tf.TensorSpec([], tf.int32)], autograph=False)

    @property
    def count(self) -> int:
        """How many there are, in all workers together."""
        return self.strategy.num_replicas_in_sync

    @property
    def here(self) -> int:
        """How many of them are in this process."""
        return len(self.strategy.extended.worker_devices)

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the results."""
        return self.cluster is None or self.cluster.is_chief

    def shares(self, batch: int) -> tuple[int, list[int]]:
        """Return the first row that this process takes of a batch, and how many each of its replicas takes.

        Raises:
            StrategyError: the batch has fewer rows than there are replicas.
        """
        if batch < self.count:
            raise StrategyError(
                f"got --batch {batch} for {self.count} replicas; want a row for each at least: "
                f"a --batch of {self.count} or more, or fewer devices"
            )
        every = [batch // self.count + (number < batch % self.count) for number in range(self.count)]
        first = self.here * (self.cluster.number if self.cluster else 0)
        return sum(every[:first]), every[first : first + self.here]

    def iterate(self, dataset: Callable[[], tf.data.Dataset]) -> Any:
        """Return an iterator over what the replicas of this process take, one after the other, without an end."""
        return iter(self.strategy.distribute_datasets_from_function(lambda _: dataset().repeat()))

    def sum(self, function: Callable[..., tf.Tensor], *arguments) -> tf.Tensor:
        """Run a function on every replica, each with its part of the arguments, and return the sum of the results."""
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, self.strategy.run(function, arguments), axis=None)

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in any of the workers. They must all ask."""
        if self.cluster is None:
            return flag
        with self.missing_none():
            return bool(self._sum(tf.constant(int(flag))))

    def from_chief(self, values: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the values that the chief has, in every worker. They must all ask, with values of the same shapes."""
        if self.cluster is None:
            return list(values)
        with self.missing_none():
            sent = [value if self.is_chief else np.zeros_like(value) for value in values]
            return [self._sum_of_workers(tf.identity(value)).numpy() for value in sent]

    def exchange(self, told: dict) -> list[dict]:
        """Tell all workers something, and give what each of them told. They must all ask."""
        if self.cluster is None:
            return [told]
        service, waits = _service(), ANSWER_S * 1000
        topic, self._exchanges = f"unroll/{self._exchanges}", self._exchanges + 1
        with self.missing_none():
            service.set_config_key_value(f"{topic}/{self.cluster.number}", json.dumps(told))
            numbers = range(len(self.cluster.addresses))
            answers = [json.loads(service.get_config_key_value(f"{topic}/{number}", waits)) for number in numbers]
            service.wait_at_barrier(topic, waits)  # the chief, who keeps the answers, may end now
        return answers

    @contextmanager
    def missing_none(self) -> Iterator[None]:
        """Raise an error of one line if a worker is lost within.

        Raises:
            WorkerLost: TensorFlow finds that a worker has ended, or does not answer.
        """
        try:
            yield
        except LOST as error:
            if self.cluster is None:
                raise
            raise WorkerLost(
                f"lost touch with {self._peer_in(str(error))}: it was stopped, it failed and has said why, "
                "or it cannot be reached; start all workers again"
            ) from error

    def _peer_in(self, text: str) -> str:
        """Name the worker that a message of TensorFlow's is about."""
        assert self.cluster
        peers = {*range(len(self.cluster.addresses))} - {self.cluster.number}
        tasks = [(job, int(index)) for job, index in PEER.findall(text) if job in JOBS]
        named = [replace(self.cluster, job=job, index=index).number for job, index in tasks]
        lost = [number for number in named if number in peers]
        if not lost and len(peers) > 1:
            return "another worker"
        return self.cluster.name([*lost, *peers][0])

    def _sum_of_workers(self, value) -> tf.Tensor:
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)


def make_replicas(strategy: str, cluster: Cluster | None = None) -> Replicas:
    """Make what trains on several devices; nothing of TensorFlow may have been started before "multiworker".

    Args:
        strategy: "mirrored", all GPUs of this machine, or else all of TensorFlow's logical CPU devices; or
            "multiworker", the same in every process that the cluster names.
        cluster: for "multiworker"; by default, what TF_CONFIG names.

    Raises:
        StrategyError: the word is none of these, or the workers do not come together.
        ClusterError: TF_CONFIG names no cluster.
    """
    if strategy == "mirrored":
        return Replicas(tf.distribute.MirroredStrategy())
    if strategy == "multiworker":
        return _join(cluster or Cluster.from_environment())
    raise StrategyError(f"got --strategy {strategy}; want {' or '.join(STRATEGIES)}")


def agree(replicas: Replicas, settings: Settings, data_sum: int) -> None:
    """See that all workers train the same on the same; the error is the same in all of them.

    Raises:
        StrategyError: they do not; the message says which worker differs in what.
    """
    mine = {"settings": settings.as_dict(), "data_sum": data_sum}
    mine |= {"devices": replicas.here, "version": tf.version.VERSION}
    chief, *workers = replicas.exchange(mine)
    differing = {number: _differences(worker, chief) for number, worker in enumerate(workers, start=1)}
    if any(differing.values()):
        assert replicas.cluster
        names = {number: replicas.cluster.name(number) for number in differing}
        parts = [f"{names[number]} has {', '.join(what)}" for number, what in differing.items() if what]
        raise StrategyError(
            f"the workers do not agree: {'; '.join(parts)} as the chief has; start all with the same options and data"
        )


def _differences(worker: dict, chief: dict) -> list[str]:
    """Return what a worker told otherwise than the chief."""
    mine, wanted = (Settings.from_dict(part["settings"]) for part in (worker, chief))
    differences = mine.differences(wanted, may_differ=())
    for name, what in {"devices": "devices", "version": "TensorFlow"}.items():
        if worker[name] != chief[name]:
            differences.append(f"{what} {worker[name]}, not {chief[name]}")
    return differences or (["other training images, not those"] if worker["data_sum"] != chief["data_sum"] else [])


def _join(cluster: Cluster) -> Replicas:
    """Wait until all workers are there."""
    _check_port(cluster.addresses[cluster.number])
    _bound_waiting(cluster)
    before = signal.getsignal(signal.SIGTERM)
    try:
        return Replicas(tf.distribute.MultiWorkerMirroredStrategy(), cluster)
    except (tf.errors.OpError, RuntimeError) as error:
        raise StrategyError(
            f"not all of {', '.join(cluster.addresses)} came together within {JOIN_S} s; want a worker started for "
            f"each of them, which the others can reach (TensorFlow says: {_first_line(error)})"
        ) from error
    finally:
        with suppress(UnrollError):  # outside the main thread
            signal.signal(signal.SIGTERM, before)  # TensorFlow takes it for itself, and a worker could not be ended


def _bound_waiting(cluster: Cluster) -> None:
    """Set how long TensorFlow waits for workers: the strategy's own times are an hour, and for ever."""
    jobs = {"chief": cluster.chiefs, "worker": cluster.workers}
    make: Any = context.coordination_config_pb2  # whose stubs lack what it has
    service = _service()
    service.configure_coordination_service(
        service_type="standalone",
        service_leader=cluster.leader,
        cluster_register_timeout_in_ms=JOIN_S * 1000,
        heartbeat_timeout_in_ms=HEARTBEAT_S * 1000,
        coordinated_jobs=[
            make.CoordinatedJob(name=job, num_tasks=len(addresses)) for job, addresses in jobs.items() if addresses
        ],
    )
    service.coordination_service.cluster_register_with_barrier = True


def _service() -> Any:
    """Return TensorFlow's context, by which the workers find each other; it has no public name."""
    return context.context()


def _first_line(error: BaseException) -> str:
    """Return what TensorFlow says first, without what else it knows."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["nothing"]
    return lines[0][:200].removesuffix(".")


def _check_port(address: str) -> None:
    """Refuse a port that another program listens on: TensorFlow would share it, and never be found there."""
    port = int(address.rpartition(":")[2])
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            raise StrategyError(
                f"cannot listen on port {port} of {address}, this worker's address in TF_CONFIG ({error.strerror}); "
                "end the program that has it, or choose another port for all workers"
            ) from error

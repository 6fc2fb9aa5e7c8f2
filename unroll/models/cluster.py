"""The workers that train together, as TF_CONFIG names them: read and checked without TensorFlow, before it starts."""

import json
import os
from dataclasses import dataclass
from typing import Any

from unroll.errors import UnrollError

VARIABLE = "TF_CONFIG"
JOIN_S = 300  # how long the workers wait for each other to come up
JOBS = ("chief", "worker")  # in the order of their numbers; TensorFlow's other jobs take no part in such a training
EXAMPLE = '{"cluster": {"worker": ["10.0.0.1:12345", "10.0.0.2:12345"]}, "task": {"type": "worker", "index": 0}}'


class ClusterError(UnrollError):
    """A TF_CONFIG that names no cluster; the message says what was given, what is wanted and what to do."""


@dataclass(frozen=True)
class Cluster:
    """All workers, and which of them this process is.

    Attributes:
        chiefs, workers: the addresses, host:port, of the jobs "chief" and "worker". There is one chief at most.
        job, index: this process: its job, and its place among the addresses of that job.

    Source: https://www.tensorflow.org/guide/distributed_training#TF_CONFIG
    """

    chiefs: tuple[str, ...]
    workers: tuple[str, ...]
    job: str
    index: int

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of all that train, by their numbers."""
        return self.chiefs + self.workers

    @property
    def number(self) -> int:
        """Which of all that train this process is, from 0 up. TensorFlow's chief is number 0."""
        return self.index + (len(self.chiefs) if self.job == "worker" else 0)

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the results: the job "chief", or where there is none, worker 0."""
        return self.number == 0

    @property
    def leader(self) -> str:
        """TensorFlow's name of the chief."""
        return f"/job:{'chief' if self.chiefs else 'worker'}/replica:0/task:0"

    def name(self, number: int) -> str:
        """Name a worker for people."""
        return f"{'the chief' if number == 0 else f'worker {number}'} ({self.addresses[number]})"

    @classmethod
    def from_environment(cls) -> "Cluster":
        """Read the environment variable TF_CONFIG.

        Raises:
            ClusterError: it is missing, or names no cluster or no place in it.
        """
        return cls.parse(os.environ.get(VARIABLE))

    @classmethod
    def parse(cls, text: str | None) -> "Cluster":
        """Read what TF_CONFIG holds.

        Raises:
            ClusterError: it names no cluster, or no place in it.
        """
        if not text:
            raise _error(f"got no {VARIABLE}", "one that names all workers and which of them this is")
        try:
            values = json.loads(text)
        except ValueError as error:
            raise _error(f"got {VARIABLE}={text}, which is no JSON ({error})", "JSON") from error
        cluster, task = (values.get(name) if isinstance(values, dict) else None for name in ("cluster", "task"))
        jobs = _jobs(cluster)
        return cls(jobs.get("chief", ()), jobs.get("worker", ()), *_task(task, jobs))


def _jobs(cluster: Any) -> dict[str, tuple[str, ...]]:
    """Read the addresses of each job."""
    if not isinstance(cluster, dict) or not cluster:
        raise _error(f'{VARIABLE} has the "cluster" {json.dumps(cluster)}', "the addresses of all workers there")
    for job, addresses in cluster.items():
        if job not in JOBS:
            raise _error(f'{VARIABLE} has the job "{job}" in its cluster', f"no others than {' and '.join(JOBS)}")
        if not isinstance(addresses, list) or not addresses:
            raise _error(f'{VARIABLE} has {json.dumps(addresses)} for the job "{job}"', "a list of addresses")
        for address in addresses:
            _check_address(address)
    jobs = {job: tuple(addresses) for job, addresses in cluster.items()}
    if len(jobs.get("chief", ())) > 1:
        raise _error(f"{VARIABLE} has {len(jobs['chief'])} chiefs", "one, or none, and worker 0 is the chief then")
    every = [address for addresses in jobs.values() for address in addresses]
    if twice := next((address for address in every if every.count(address) > 1), None):
        raise _error(f"{VARIABLE} has the address {twice} more than once", "one of its own for each worker")
    return jobs


def _check_address(address: Any) -> None:
    host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        text = json.dumps(address)
        raise _error(f"{VARIABLE} has the address {text}", "a host and a port from 1 to 65535, as 10.0.0.1:2222")


def _task(task: Any, jobs: dict[str, tuple[str, ...]]) -> tuple[str, int]:
    """Read which of the workers this process is."""
    if not isinstance(task, dict):
        raise _error(f'{VARIABLE} has the "task" {json.dumps(task)}', "the type and the index of this process there")
    job, index = task.get("type"), task.get("index")
    if not isinstance(job, str) or job not in jobs:
        raise _error(f"{VARIABLE} has the task type {json.dumps(job)}", f"a job of its cluster: {' or '.join(jobs)}")
    count = len(jobs[job])
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < count:
        whole = f"a whole number from 0 to {count - 1}" if count > 1 else "0"
        raise _error(f"{VARIABLE} has the task index {json.dumps(index)}", f"{whole}, for its cluster's {job}s")
    return job, index


def _error(what: str, wanted: str) -> ClusterError:
    return ClusterError(f"{what}; want {wanted}; set it for each worker before it starts, such as {EXAMPLE}")

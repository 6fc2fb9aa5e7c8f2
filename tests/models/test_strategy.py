"""Several devices train as one does; who stops, is lost or disagrees is known to all; and only the chief writes."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from unroll import cli
from unroll.measure import process
from unroll.measure.process import Limits, work_apart
from unroll.measure.replicas import split_cpu
from unroll.models import strategy
from unroll.models.checkpoint import Checkpoint, read_checkpoint
from unroll.models.cluster import Cluster
from unroll.models.data import load
from unroll.models.history import read_trainings
from unroll.models.settings import Settings, choose_settings
from unroll.models.strategy import Replicas, StrategyError, WorkerLost, make_replicas
from unroll.models.train import Images, Trainer, train

LIMITS = Limits(seconds=60)
WAIT_S = 90
KINDS = [("static", 16, 4), ("dynamic", 17, 4), ("static", 17, 1), ("dynamic", 16, 1)]  # unroll, B, steps a call


def settings_of(unroll="dynamic", batch=17, steps_per_call=4, **more) -> Settings:
    small = {"hidden": 6, "steps": 5, "updates": 10, "dtype": "float64", "learning_rate": 0.01}
    given = small | {"unroll": unroll, "batch": batch, "steps_per_call": steps_per_call} | more
    return choose_settings(data="digits", examples=1437, **given)


def trainer_of(settings: Settings, replicas: Replicas | None = None) -> Trainer:
    return Trainer(settings, Images.of(load("digits"), settings), replicas)


def trained(settings: Settings, replicas: Replicas | None = None, start: Checkpoint | None = None) -> dict:
    """Train, on the chief from a checkpoint if there is one; gives what came of it, with the traces of the graph."""
    trainer = trainer_of(settings, replicas)
    if start and trainer.is_chief:
        trainer.restore(start)
    trainer.follow_chief()
    points = [point for points in train(trainer) for point in points]
    weights = [*trainer.network.variables, *trainer.optimiser.variables]
    return {
        "points": [point[:3] for point in points],
        "weights": [variable.numpy() for variable in weights],
        "test": trainer.evaluate()[:3] if trainer.is_chief else None,
        "alone": [variable.numpy() for variable in trainer.network_alone().variables],
        "traces": trainer.run.experimental_get_tracing_count(),
    }


def checkpoint_after(updates: int, settings: Settings) -> Checkpoint:
    trainer = trainer_of(settings)
    for _ in train(trainer, stop=lambda: trainer.done >= updates):
        pass
    return trainer.checkpoint("id")


@pytest.fixture(scope="module")
def expected():
    """What one device comes to."""
    return [trained(settings_of(*kind)) for kind in KINDS]


def assert_same_training(found: dict, expected: dict):
    assert [point[0] for point in found["points"]] == [point[0] for point in expected["points"]]
    for losses in (1, 2):
        values = [[point[losses] for point in result["points"]] for result in (found, expected)]
        np.testing.assert_allclose(*values, rtol=0, atol=1e-9)
    for name in ("weights", "alone"):
        for one, other in zip(found[name], expected[name], strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)
    assert found["traces"] == 1


# Logical devices in one process


def train_mirrored(devices):
    """Train every kind on so many logical CPU devices; gives what came of each."""
    split_cpu(devices)
    replicas = make_replicas("mirrored")
    yield replicas.count
    for kind in KINDS:
        yield trained(settings_of(*kind), replicas)
    try:
        trainer_of(settings_of(batch=1), replicas)
    except StrategyError as error:
        yield str(error)


def test_two_logical_devices_reach_the_losses_of_one(expected):
    count, *found, too_small = work_apart(train_mirrored, 2, limits=LIMITS)
    assert count == 2
    for one, other in zip(found, expected, strict=True):
        assert_same_training(one, other)
        assert one["test"] == pytest.approx(other["test"], abs=1e-9)
    assert "got --batch 1 for 2 replicas; want a row for each at least" in too_small


class Devices:
    """As many replicas as asked for, in as many workers, for what is computed without them."""

    def __init__(self, here, workers=1, number=0):
        self.num_replicas_in_sync, self.extended = here * workers, self
        self.worker_devices = ["CPU"] * here
        self.number, self.addresses = number, ["host:1"] * workers


@pytest.mark.parametrize(
    ("here", "workers", "batch", "expected"),
    [
        (2, 1, 65, [(0, [33, 32])]),
        (3, 1, 65, [(0, [22, 22, 21])]),
        (1, 3, 8, [(0, [3]), (3, [3]), (6, [2])]),
        (2, 2, 7, [(0, [2, 2]), (4, [2, 1])]),
        (2, 1, 2, [(0, [1, 1])]),
    ],
)
def test_rows_are_shared_out_evenly_and_each_is_taken_once(monkeypatch, here, workers, batch, expected):
    monkeypatch.setattr(tf, "function", lambda function, *_, **__: function)
    everywhere = [Devices(here, workers, number) for number in range(workers)]
    assert [Replicas(devices, devices).shares(batch) for devices in everywhere] == expected
    with pytest.raises(StrategyError, match=rf"got --batch {here * workers - 1} for {here * workers} replicas"):
        Replicas(everywhere[0], everywhere[0]).shares(here * workers - 1)


# Workers


def cluster_of(number: int) -> list[str]:
    """Give a TF_CONFIG for each worker of a cluster on this machine.

    Its ports are free, and below those that a system gives away by itself.
    """
    free: list[int] = []
    while len(free) < number:
        port = random.SystemRandom().randrange(15000, 32000)
        with socket.socket() as probe:
            if port not in free and probe.connect_ex(("127.0.0.1", port)) != 0:
                free.append(port)
    workers = {"worker": [f"127.0.0.1:{port}" for port in free]}
    return [json.dumps({"cluster": workers, "task": {"type": "worker", "index": index}}) for index in range(number)]


def at_once(work: Callable, configs: list[str], *arguments) -> list[list]:
    """Let each worker do the same in a process of its own; gives what each of them yields."""

    def one(config):
        return list(work_apart(work, *arguments, limits=LIMITS, variables={"TF_CONFIG": config}))

    with ThreadPoolExecutor(len(configs)) as pool:
        return list(pool.map(one, configs))


def train_in_cluster(start):
    """Find out what the workers say if they disagree, then train every kind, the last one from the chief's start."""
    replicas = make_replicas("multiworker")
    number = replicas.cluster.number
    apart = [
        settings_of(hidden=6 + number, learning_rate=0.01 + number),
        settings_of(unroll=("static", "dynamic")[number]),
        settings_of(batch=1),
    ]
    for settings in apart:
        try:
            trainer_of(settings, replicas)
        except StrategyError as error:
            yield str(error)
    digits = load("digits")
    other = digits.train._replace(labels=digits.train.labels + number)
    try:
        Trainer(settings_of(), Images(other, digits.test), replicas)
    except StrategyError as error:
        yield str(error)
    for kind in KINDS:
        yield trained(settings_of(*kind), replicas)
    yield trained(settings_of(), replicas, start)


@pytest.fixture(scope="module")
def two_workers():
    """What two workers yield. Both are given a checkpoint, and the chief alone reads it."""
    start = checkpoint_after(4, settings_of())
    return at_once(train_in_cluster, cluster_of(2), start)


def test_two_processes_reach_the_losses_of_one(two_workers, expected):
    chief, worker = (yielded[4:8] for yielded in two_workers)
    for one, other, alone in zip(chief, worker, expected, strict=True):
        assert_same_training(one, alone)
        assert one["test"] == pytest.approx(alone["test"], abs=1e-9)
        assert_same_training(other, alone)
        for mine, theirs in zip(one["weights"], other["weights"], strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_the_chiefs_checkpoint_is_enough_to_go_on(two_workers, expected):
    whole = expected[KINDS.index(("dynamic", 17, 4))]
    later = whole | {"points": whole["points"][4:]}
    for *_, found in two_workers:
        assert_same_training(found, later)


def test_workers_that_disagree_all_hear_in_what(two_workers):
    messages = [
        "has hidden 7, not 6, learning rate 1.01, not 0.01 as the chief has; start all with the same options",
        "has unroll dynamic, not static as the chief has",
        "got --batch 1 for 2 replicas; want a row for each at least: a --batch of 2 or more, or fewer devices",
        "has other training images, not those as the chief has",
    ]
    for yielded in two_workers:
        for said, message in zip(yielded[:4], messages, strict=True):
            assert message in said
            assert message.startswith("got") or "the workers do not agree: worker 1 (127.0.0.1:" in said


def join(wait_s):
    strategy.JOIN_S = wait_s
    began = time.monotonic()
    try:
        make_replicas("multiworker")
    except StrategyError as error:
        yield str(error), time.monotonic() - began


@pytest.mark.parametrize("number", [0, 1])
def test_a_worker_that_never_comes_up_is_waited_for_no_longer_than_told(number):
    config = cluster_of(2)[number]
    ((message, took),) = work_apart(join, 3, limits=LIMITS, variables={"TF_CONFIG": config})
    addresses = json.loads(config)["cluster"]["worker"]
    assert f"not all of {', '.join(addresses)} came together within 3 s" in message and "\n" not in message
    assert 2 < took < 30


def test_a_port_that_another_program_has_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        config = json.dumps({"cluster": {"worker": [f"127.0.0.1:{port}"]}, "task": {"type": "worker", "index": 0}})
        ((message, took),) = work_apart(join, 3, limits=LIMITS, variables={"TF_CONFIG": config})
    assert f"cannot listen on port {port} of 127.0.0.1:{port}, this worker's address in TF_CONFIG" in message
    assert took < strategy.HEARTBEAT_S


# The command


class Worker:
    """`unroll train --strategy multiworker` in a process of its own, with what it says kept in files."""

    def __init__(self, folder, name: str, config: str, *options):
        self.said, self.results = folder / f"{name}-said", folder / f"{name}-results"
        self.said.write_text("")
        small = ["--hidden", 4, "--batch", 9, "--steps", 4, "--digit", "none", "--strategy", "multiworker"]
        given = ["train", *small, "--results", self.results, "--save", folder / name, *options]
        arguments = (config, str(self.said), [str(one) for one in given])
        self.process = process._context().Process(target=run_worker, args=arguments, daemon=True)
        self.process.start()

    def wait_for_update(self, update: int) -> None:
        deadline, path = time.monotonic() + WAIT_S, self.results / "training.jsonl"
        while time.monotonic() < deadline and self.process.is_alive():
            if path.exists() and f'"update": {update},' in path.read_text():
                return
            time.sleep(0.01)
        raise AssertionError(f"it came to no update {update}: {self.said.read_text()}")

    def end(self) -> tuple[int | None, list[str]]:
        """Wait until it ends; gives its status, and what it said in lines that are its own."""
        self.process.join(WAIT_S)
        status = self.process.exitcode
        self.process.kill()
        return status, self.said.read_text().splitlines()


def run_worker(config, said, arguments):
    os.environ["TF_CONFIG"] = config
    signal.signal(signal.SIGINT, signal.default_int_handler)
    file = os.open(said, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    sys.exit(cli.main(arguments))


def start_two(folder, name, *options) -> list[Worker]:
    """Start two workers; only the chief has a checkpoint to go on from."""
    return [Worker(folder, f"{name}{number}", config, *options) for number, config in enumerate(cluster_of(2))]


def test_stopped_and_killed_and_gone_on_with_two_workers_end_with_the_same_weights_bit_for_bit(tmp_path):
    endless = ["--updates", 10**6, "--steps-per-call", 5]

    chief, worker = start_two(tmp_path, "stopped", *endless, "--save-every", 10**6)
    chief.wait_for_update(20)
    os.kill(worker.process.pid, signal.SIGINT)
    first = None
    for one in (chief, worker):
        status, said = one.end()
        assert status == cli.INTERRUPTED
        first = read_checkpoint(tmp_path / "stopped0").update
        assert said[-1].startswith(f"unroll: stopped after update {first} of 1000000; the same command with --resume")
    assert first and first >= 20

    chief, worker = start_two(tmp_path, "stopped", *endless, "--save-every", 10, "--resume")
    chief.wait_for_update(first // 10 * 10 + 60)
    worker.process.kill()
    status, said = chief.end()  # within WAIT_S, or its status is None
    assert status == cli.BAD_INPUT
    second = read_checkpoint(tmp_path / "stopped0").update
    assert second > first
    (message,) = [line for line in said if line.startswith("unroll: ")]
    assert "unroll: lost touch with worker 1 (127.0.0.1:" in message
    assert f"stopped0 keeps the weights of update {second}, from which --resume goes on" in message

    last = ["--updates", second + 20, "--steps-per-call", 5]
    for one in (*start_two(tmp_path, "stopped", *last, "--resume"), *start_two(tmp_path, "whole", *last)):
        status, said = one.end()
        assert status == 0, said
    expected, found = read_checkpoint(tmp_path / "whole0"), read_checkpoint(tmp_path / "stopped0")
    assert found.update == expected.update == second + 20
    for name, weight in expected.weights.items():
        np.testing.assert_array_equal(found.weights[name], weight, strict=True)
    for one, other in zip(found.optimiser, expected.optimiser, strict=True):
        np.testing.assert_array_equal(one, other)
    with warnings.catch_warnings(action="ignore"):  # the chief may have been killed while it wrote
        (training,) = read_trainings(tmp_path / "stopped0-results")
    assert len(training.resumed) == 2 and training.result and training.result.update == second + 20

    # only the chief writes
    written = ["stopped0", "stopped0-results", "whole0", "whole0-results"]
    said = [f"{name}{number}-said" for name in ("stopped", "whole") for number in (0, 1)]
    assert sorted(os.listdir(tmp_path)) == sorted([*written, *said])
    lines = (tmp_path / "whole1-said").read_text().splitlines()
    assert len(lines) == 2
    assert "of 2 waits for the others" in lines[0] and f"{second + 20} updates done; the results are with" in lines[1]


def test_a_chief_that_is_lost_is_named_too(tmp_path):
    chief, worker = start_two(tmp_path, "lost", "--updates", 10**6)
    chief.wait_for_update(20)
    chief.process.kill()
    status, said = worker.end()
    assert status == cli.BAD_INPUT
    (message,) = [line for line in said if line.startswith("unroll: ")]
    assert "lost touch with the chief (127.0.0.1:" in message and "start all workers again" in message
    assert "what was saved is with the chief, from which --resume goes on" in message


@pytest.mark.parametrize(
    ("workers", "text", "named"),
    [
        (2, "connection reset", "worker 1 (host:1)"),
        (3, "connection reset", "another worker"),
        (3, "/job:worker/replica:0/task:0 waits for /job:worker/replica:0/task:2", "worker 2 (host:2)"),
        (3, "/job:ps/task:1 is unknown", "another worker"),
    ],
)
def test_who_is_lost_is_known_by_name_or_because_there_is_one_other(monkeypatch, workers, text, named):
    monkeypatch.setattr(tf, "function", lambda function, *_, **__: function)
    cluster = Cluster((), tuple(f"host:{number}" for number in range(workers)), "worker", 0)
    replicas, said = Replicas(Devices(1, workers), cluster), re.escape(f"lost touch with {named}: ")
    with pytest.raises(WorkerLost, match=said), replicas.missing_none():
        raise tf.errors.UnavailableError(None, None, text)


@pytest.mark.parametrize(
    ("config", "options", "message"),
    [
        (None, ["--strategy", "multiworker"], "got no TF_CONFIG; want one that names all workers"),
        ("{}", ["--strategy", "multiworker"], 'TF_CONFIG has the "cluster" null'),
        (None, ["--strategy", "mirror"], "got --strategy mirror; want mirrored or multiworker"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(tmp_path, monkeypatch, capsys, config, options, message):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config:
        monkeypatch.setenv("TF_CONFIG", config)
    assert cli.main(["train", "--results", str(tmp_path / "new"), *options]) == cli.BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"unroll: {message}")
    assert not (tmp_path / "new").exists()


def run_in_shell(script, folder) -> tuple[str, str]:
    """Run a script, and end all that it started; gives what was said on both streams."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen(["bash", "-c", script], cwd=folder, **pipes) as started:
        try:
            return started.communicate(timeout=2 * WAIT_S)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)


def test_the_example_in_the_docs_starts_two_workers(tmp_path):
    page = Path(__file__).parents[2] / "docs" / "distribute.md"
    example = page.read_text().partition("```bash\n")[2].partition("```")[0]
    (chief, worker) = json.loads(cluster_of(2)[0])["cluster"]["worker"]
    small = "unroll train --hidden 4 --batch 9 --steps 4 --updates 20 --digit none"
    script = f'unroll() {{ "{sys.executable}" -m unroll "$@"; }}\n' + example.replace("unroll train", small)
    for documented, free in (("127.0.0.1:12345", chief), ("127.0.0.1:12346", worker)):
        assert documented in script
        script = script.replace(documented, free)
    out, err = run_in_shell(script, tmp_path)
    assert f"worker 1 ({worker}): 20 updates done; the results are with the chief ({chief})" in out, err
    assert "own sizes, dynamic" in out and ", 2 devices" in " ".join(out.split())
    assert read_checkpoint(tmp_path / "two.npz").update == 20
    noise = [line for line in err.splitlines() if "waits for the others" not in line and "20/20" not in line]
    assert not [line for line in noise if line.strip()]  # TensorFlow says nothing

"""The main job: `pytest --benchmark-only` measures every variant, keeps the journal and draws the figures."""

import gc
import os
import time
from collections import defaultdict
from contextlib import contextmanager
from functools import cache, cached_property

# Before TensorFlow is imported: its start-up lines would break the bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from unroll.measure.config import PHASES, VARIANT_LABELS, Sizes, environment
from unroll.measure.journal import Journal, Record, read_journal
from unroll.models import data
from unroll.report.tables import ratios_table
from unroll.report.writing import write_report

BAD_INPUT = 2
SEED = 0
load = cache(data.load)
JOB = pytest.StashKey["Job"]()


def pytest_configure(config):
    config.addinivalue_line("markers", "cost(seconds): about how long a benchmark takes, for the time left")


def pytest_sessionstart(session):
    """Answer bad input at once, before TensorFlow's seconds of import."""
    options = session.config.option
    if options.benchmark_only:
        with _bad_input_ends_the_run():
            Sizes(steps=options.steps, batch=options.batch, hidden=options.hidden)
            load(options.data)


def pytest_collection_finish(session):
    measuring = any("job" in getattr(item, "fixturenames", ()) for item in session.items)
    if measuring and not session.config.option.collectonly:
        with _bad_input_ends_the_run():
            session.config.stash[JOB] = Job(session.config)
        session.config.pluginmanager.register(Bar(session), "unroll-bar")


@contextmanager
def _bad_input_ends_the_run():
    try:
        yield
    except ValueError as error:
        pytest.exit(str(error), returncode=BAD_INPUT)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter, config):
    yield  # pytest-benchmark's own tables come first
    if JOB in config.stash:
        folder = config.stash[JOB].journal.path.parent
        terminalreporter.section("static against dynamic")
        terminalreporter.write_line(ratios_table(read_journal(folder)[-1]))
        for path in write_report(folder):
            terminalreporter.write_line(f"wrote {path}")


@pytest.fixture
def job(request) -> "Job":
    return request.config.stash[JOB]


@pytest.fixture(params=VARIANT_LABELS)
def variant(request) -> str:
    return request.param


@pytest.fixture(params=PHASES)
def phase(request) -> str:
    return request.param


class Job:
    """What all benchmarks of a run share: the sizes, the batch, the journal, and graphs that are known to be equal."""

    def __init__(self, config):
        options = config.option
        self.sizes = Sizes(steps=options.steps, batch=options.batch, hidden=options.hidden)
        dataset = load(options.data)
        from unroll.measure.workloads import Batch

        self.batch = Batch.of(dataset, self.sizes)
        gc.freeze()  # what is imported by now need not be searched for garbage before every build
        self.seed = SEED
        self.journal = Journal(options.results, environment(SEED), dataset.name)
        self.unused = defaultdict(list)  # graphs that were built and never called, by variant and phase

    def network(self, variant: str):
        """Make a variant's network anew, with the weights that every variant starts from."""
        from unroll.measure.workloads import new_network

        return new_network(variant, self.sizes, self.seed)

    def unused_graph(self, variant: str, phase: str):
        """Give a graph that was never called: one that was left from measuring builds, or a new one."""
        from unroll.measure.workloads import build

        left = self.unused[variant, phase]
        return left.pop() if left else build(self.network(variant), phase, self.batch)

    def record(self, quantity: str, phase: str, variant: str, unit: str, samples, **more) -> None:
        self.journal.append(Record(quantity, phase, variant, self.sizes, unit, list(samples), **more))

    @cached_property
    def expected(self):
        from unroll.measure.check import expect

        return expect(self.network(next(iter(VARIANT_LABELS))), self.batch, self.seed)

    @cache  # noqa: B019 - one job a process
    def graphs(self, variant: str) -> dict:
        """Build a variant's two graphs, by phase, and assert that they are equal to the reference."""
        from unroll.measure.check import assert_equal
        from unroll.measure.workloads import build

        network = self.network(variant)
        graphs = {phase: build(network, phase, self.batch) for phase in PHASES}
        assert_equal(network, graphs["forward"], graphs["train"], self.batch, self.expected)
        return graphs


class Bar:
    """A bar with the time left, in place of pytest's dots, where a person watches."""

    def __init__(self, session):
        # pytest captures what tests print; a copy of the terminal's handle is drawn on all the same.
        self.console = Console(file=os.fdopen(os.dup(2), "w"))
        self.watched = self.console.is_terminal
        self.costs = {item.nodeid: _cost(item) for item in session.items}
        self.start = time.monotonic()
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[left]}"),
            console=self.console,
            auto_refresh=False,  # a thread that draws would disturb what is being timed
            transient=True,
        )
        self.task = self.progress.add_task("starting", total=sum(self.costs.values()), left="")
        if self.watched:
            session.config.pluginmanager.get_plugin("terminalreporter").showfspath = False
            self.progress.start()

    def pytest_runtest_logstart(self, nodeid):
        if self.watched:
            self.progress.update(self.task, description=nodeid.rpartition("::")[2], left=self._left(), refresh=True)

    def pytest_runtest_logfinish(self, nodeid):
        if self.watched:
            self.progress.update(self.task, advance=self.costs[nodeid], refresh=True)

    def pytest_report_teststatus(self, report):
        return ("passed", "", "") if self.watched and report.when == "call" and report.passed else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self):
        if self.watched:
            self.progress.stop()

    def _left(self) -> str:
        """Guess the time left from the pace so far, or from the benchmarks' own estimates at the start."""
        done = self.progress.tasks[0].completed
        pace = (time.monotonic() - self.start) / done if done else 1
        seconds = round(pace * (sum(self.costs.values()) - done))
        return f"about {seconds // 60}:{seconds % 60:02} left"


def _cost(item) -> float:
    marker = item.get_closest_marker("cost")
    return marker.args[0] if marker else 1

"""The main job: `pytest --benchmark-only` measures every variant, keeps the journal and draws the figures.

Each benchmark asks for what it wants; a session puts the wants of all together into tasks, which run in processes of
their own. What they measured is then played back to pytest-benchmark.
"""

import importlib.util
import os
import signal
import time
from contextlib import contextmanager
from functools import cache
from statistics import median

import pytest
from pytest_benchmark.session import PerformanceRegression
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from unroll.errors import UnrollError, how_to_install
from unroll.files import user_path
from unroll.measure.config import Case, Sizes
from unroll.measure.journal import FILE_NAME as JOURNAL
from unroll.measure.journal import Record, read_journal
from unroll.measure.plan import Request, Task
from unroll.measure.process import FAILED
from unroll.measure.pytest_plugin import Chosen
from unroll.measure.session import Session
from unroll.measure.tasks import KINDS
from unroll.measure.variants import label
from unroll.models import data
from unroll.report.page.summary import summary, wrapped
from unroll.report.writing import write_report

BAD_INPUT = 2
WITHOUT_EFFECT = (  # of pytest-benchmark's options, on what was measured already when it is played back
    "--benchmark-min-rounds",
    "--benchmark-min-time",
    "--benchmark-max-time",
    "--benchmark-calibration-precision",
    "--benchmark-warmup",
    "--benchmark-warmup-iterations",
    "--benchmark-timer",
    "--benchmark-cprofile",
)
LEGEND = "Legend:", "  Outliers: ", "  OPS: "
STOPPED = "stopped: the same command with --resume goes on, and measures nothing twice"
SHOW_CURSOR = "\x1b[?25h"  # which the bar hides
DRAW_EVERY_S = 1.0  # drawing more often would disturb what is being timed
WRITE_EVERY_S = 30.0  # into a log, where nothing is drawn anew
load = cache(data.load)
CHOSEN, SESSION, WANTS = pytest.StashKey[Chosen](), pytest.StashKey[Session](), pytest.StashKey[list[Request]]()


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "asks(*quantities, of, phases): what a benchmark wants to know, and of which of the preset's cases"
    )


def pytest_sessionstart(session):
    """Answer bad input at once."""
    if session.config.option.benchmark_only:
        _choose(session.config)
        with _bad_input_ends_the_run():
            _check_benchmark_options(session.config)


def _check_benchmark_options(config):
    """Refuse those of pytest-benchmark's options that would have no effect, or fail once all is measured."""
    if config.getoption("benchmark_histogram") and not importlib.util.find_spec("pygal"):
        raise UnrollError("got --benchmark-histogram, which needs pygal; want it installed: pip install pygal pygaljs")
    for argument in config.invocation_params.args:
        name = str(argument).partition("=")[0]
        if name in WITHOUT_EFFECT:
            raise UnrollError(
                f"got {name}, which has no effect here: the preset says how often each case is built and stepped, in "
                "processes of their own; want --preset, or leave it out"
            )


def pytest_generate_tests(metafunc):
    """Ask each question of every case that the preset has for it."""
    question = metafunc.definition.get_closest_marker("asks")
    if question:
        chosen = _choose(metafunc.config)
        cases = getattr(chosen.preset, question.kwargs["of"])(chosen.sizes)
        phases = question.kwargs.get("phases", chosen.preset.phases)
        metafunc.parametrize("phase", phases)
        metafunc.parametrize("case", cases, ids=[_name(case, chosen.sizes) for case in cases])


def pytest_itemcollected(item):
    question = item.get_closest_marker("asks")
    params = item.callspec.params if question else {}
    if isinstance(params.get("case"), Case):
        phase, case = params["phase"], params["case"]
        item.stash[WANTS] = [Request(quantity, phase, case) for quantity in question.args]
        item.add_marker(pytest.mark.benchmark(timer=replayed_clock))


def pytest_collection_modifyitems(items):
    """Leave out the questions that the preset asks of no case."""
    items[:] = [item for item in items if WANTS in item.stash or not item.get_closest_marker("asks")]


def pytest_collection_finish(session):
    config = session.config
    items = [item for item in session.items if WANTS in item.stash]
    if not items or config.option.collectonly:
        return
    chosen = _choose(config)
    bar = Bar(config)
    _stop_by_signals(bar)
    with _bad_input_ends_the_run():
        images, labels = load(config.option.data).train
        wants = [want for item in items for want in item.stash[WANTS]]
        session_ = Session(
            user_path(config.option.results),
            chosen.settings | {"data": load(config.option.data).name},
            wants,
            images,
            labels,
            resume=config.option.resume,
            on_record=bar.on_record,
        )
    config.pluginmanager.register(bar, Bar.NAME)
    config.stash[SESSION] = session_
    bar.start(session_.tasks, chosen, session_.environment["warnings"])


def pytest_unconfigure(config):
    """Let others go on with the run."""
    if SESSION in config.stash:
        config.stash[SESSION].close()


def _stop_by_signals(bar: "Bar") -> None:
    """Let these signals stop the run, but for those that are ignored already, as under nohup."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # of which Windows lacks one
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, bar.stop)


@contextmanager
def _bad_input_ends_the_run():
    try:
        yield
    except UnrollError as error:
        pytest.exit(str(error), returncode=BAD_INPUT)


def _choose(config) -> Chosen:
    if CHOSEN not in config.stash:
        with _bad_input_ends_the_run():
            chosen = Chosen.by(config.option)
            images, _ = load(config.option.data).train
            cases = [*chosen.preset.cases_for_steps(chosen.sizes), *chosen.preset.cases_for_grid(chosen.sizes)]
            largest = max(case.sizes.batch for case in cases)
            if largest > len(images):
                asked = f"--batch {largest}" if config.option.batch else f"--preset {config.option.preset}, B={largest}"
                raise UnrollError(
                    f"got {asked}; the data have {len(images)} training images: want fewer, or --data mnist"
                )
            config.stash[CHOSEN] = chosen
    return config.stash[CHOSEN]


def _name(case: Case, base: Sizes) -> str:
    """Name a case by its variant and mode, and by what of its sizes is not the run's."""
    letters = {"steps": "T", "batch": "B", "hidden": "H", "valid": "L"}
    sizes = [
        f"{letter}{value}"
        for name, letter in letters.items()
        if (value := getattr(case.sizes, name)) != getattr(base, name)
    ]
    return "-".join([str(case), *sizes])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter, config):
    try:
        with _without_legend(terminalreporter):
            return (yield)  # pytest-benchmark's own tables come first
    except PerformanceRegression as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.TESTS_FAILED)
    finally:  # whatever becomes of them
        if SESSION in config.stash:
            _write_what_was_measured(terminalreporter, config)


@contextmanager
def _without_legend(terminalreporter):
    """Leave out what pytest-benchmark writes below its tables: it explains columns that are not shown."""
    write = terminalreporter.write_line

    def write_line(line, **markup):
        if not str(line).startswith(LEGEND):
            write(line, **markup)

    terminalreporter.write_line = write_line
    try:
        yield
    finally:
        terminalreporter.write_line = write


def _write_what_was_measured(terminalreporter, config) -> None:
    folder = config.stash[SESSION].journal.path.parent
    terminalreporter.section("static against dynamic")
    (run,) = (run for run in read_journal(folder) if run.id == config.stash[SESSION].journal.run)
    terminalreporter.write_line(summary(run))
    for variant, package in config.stash[CHOSEN].preset.missing.items():
        terminalreporter.write(
            wrapped(f"left out: {label(variant)}: {package} is not installed: {how_to_install('peers')}")
        )
    for line in _differences(config):
        terminalreporter.write(wrapped(line))
    if config.pluginmanager.get_plugin(Bar.NAME).stopped:
        terminalreporter.write_line(STOPPED)
    if config.option.no_report:
        terminalreporter.write_line(f"wrote {folder / JOURNAL}; to draw it: unroll report {folder}")
        return
    *files, page = write_report(folder, run)
    figures = {path.stem for path in files if path.suffix == ".png"}
    terminalreporter.write_line(f"wrote {len(figures)} figures, each as PNG and SVG, and tables.md to {folder}")
    terminalreporter.write_line(f"open {page}")


def pytest_benchmark_update_json(config, output_json):
    """Add what was measured, and on what, to the file that pytest-benchmark saves."""
    if SESSION in config.stash:
        output_json["unroll"] = _conditions(config.stash[SESSION])


def pytest_benchmark_compare_machine_info(compared_benchmark):
    """Keep what a saved run says of itself."""
    _compared.append(compared_benchmark)


def _conditions(session: Session) -> dict:
    """Return what two runs must have in common for their times to be compared."""
    settings = {name: session.settings[name] for name in ("preset", "sizes", "data", "device", "tf32", "threads")}
    return settings | {name: session.environment[name] for name in ("processor", "gpus", "versions")}


def _differences(config) -> list[str]:
    """Return in what the saved runs that this one is compared with were measured otherwise."""
    now = _conditions(config.stash[SESSION])
    return [
        f"compared with the run of {content['datetime']}, whose {name} is {saved[name]}; here it is {value}"
        for content in _compared
        if (saved := content.get("unroll"))
        for name, value in now.items()
        if saved.get(name, value) != value
    ]


_compared: list[dict] = []
_replayed: list[float] = []


def replayed_clock() -> float:
    """Tell pytest-benchmark what was measured in another process: seconds, or a count in their place."""
    return _replayed.pop(0)


@pytest.fixture
def answer(request, benchmark, case, phase):
    """Measure what the benchmark asks for, unless it is known already, and play it back under a group's name."""

    def ask(group: str) -> None:
        session, wants = request.config.stash[SESSION], request.node.stash[WANTS]
        with _bad_input_ends_the_run():  # the disk may be full
            found = {want: session.records(want) for want in wants}
        notes = [record.note for records in found.values() for record in records if not record.samples]
        measured = {want: _samples(records) for want, records in found.items() if _samples(records)}
        if wrong := [note for note in notes if note.startswith(FAILED)]:
            pytest.fail(wrong[0], pytrace=False)
        if not measured:
            pytest.skip(notes[0])
        benchmark.name = _name(case, _choose(request.config).sizes)
        benchmark.extra_info |= {want.quantity: median(samples) for want, samples in measured.items()}
        want, samples = next(iter(measured.items()))
        unit = found[want][0].unit
        benchmark.group = group if unit == "s" else f"{group}: {unit}, shown as seconds"
        _replayed[:] = [time for sample in samples for time in (0.0, sample)]
        benchmark.pedantic(lambda: None, rounds=len(samples))

    return ask


def _samples(records: list[Record]) -> list[float]:
    return [sample for record in records for sample in record.samples]


class Bar:
    """A bar with the time left, in place of pytest's dots, where a person watches; elsewhere now and then a line.

    Attributes:
        measured: whether the run has come to its end, or was stopped: what is left to do is to show it.
        stopped: whether a person stopped it.
    """

    NAME = "unroll-bar"

    def __init__(self, config):
        self.measured = self.stopped = False
        # pytest captures what tests print; a copy of the terminal's handle is drawn on all the same.
        self.console = Console(file=os.fdopen(os.dup(2), "w"))
        self.watched, self.config = self.console.is_terminal, config
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[left]}"),
            console=self.console,
            auto_refresh=False,  # a thread that draws would disturb what is being timed
            transient=True,
        )

    def start(self, tasks: list[Task], chosen: Chosen, warnings: list[str]) -> None:
        """Print how long it may take, and begin to count."""
        self.seconds = sum(task.seconds for task in tasks)
        self.total, self.done = max(1, sum(_rounds(want) for task in tasks for want in task.requests)), 0
        self.began = self.drawn = time.monotonic()
        text = f"{chosen.settings['preset']}: {len(tasks)} processes, about {_minutes(self.seconds)}"
        for line in (*warnings, text):
            self.config.get_terminal_writer().line(line)
        if self.watched:
            self.config.pluginmanager.get_plugin("terminalreporter").showfspath = False
            self.task = self.progress.add_task("starting", total=self.total, left="")
            self.progress.start()

    def on_record(self, record: Record) -> None:
        self.done += 1
        if time.monotonic() - self.drawn <= (DRAW_EVERY_S if self.watched else WRITE_EVERY_S):
            return
        self.drawn = time.monotonic()
        text = f"{record.quantity} {record.phase} {record.variant} {record.sizes}"
        if self.watched:
            self.progress.update(self.task, completed=self.done, description=text, left=self._left(), refresh=True)
        else:
            self.console.print(
                f"\n{self.done / self.total:.0%}: {text}, {self._left()}", highlight=False, soft_wrap=True
            )

    def pytest_report_teststatus(self, report):
        return ("passed", "", "") if self.watched and report.when == "call" and report.passed else None

    def stop(self, *_) -> None:
        """Stop measuring, and show what was measured; while that is shown, end at once: the journal has it all."""
        if not self.measured:
            self.measured = self.stopped = True
            raise KeyboardInterrupt
        os.write(self.console.file.fileno(), f"{SHOW_CURSOR if self.watched else ''}\n{STOPPED}\n".encode())
        os._exit(pytest.ExitCode.INTERRUPTED)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self):
        self.measured = True
        if self.watched:
            self.progress.stop()

    def _left(self) -> str:
        """Go from the first guess over to the pace so far."""
        share = min(1.0, self.done / self.total)
        passed = self.drawn - self.began
        by_pace = passed / share - passed
        return f"about {_minutes((1 - share) * (self.seconds - passed) + share * by_pace)} left"


def _rounds(want: Request) -> int:
    return want.case.rounds if KINDS[want.kind].in_rounds else 1


def _minutes(seconds: float) -> str:
    seconds = max(0, round(seconds))
    return f"{seconds // 60}:{seconds % 60:02} min"

"""`unroll train`: trains as the options ask for with a progress bar, keeps the history, draws what came of it."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from unroll.errors import UnrollError
from unroll.files import claimed, temporary_files
from unroll.measure.process import quiet
from unroll.models.checkpoint import CheckpointError, read_checkpoint
from unroll.models.cluster import JOIN_S, Cluster
from unroll.models.history import Evaluation, History, Point
from unroll.models.settings import STRATEGIES, Settings, check_one_of, check_whole, choose_settings
from unroll.models.tutorials import TUTORIALS, find_tutorial, held_back

DRAW_EVERY_S = 0.2
NO_DIGIT = "none"
ROWS_LIMIT = 1024


def train_as_asked(options) -> Iterator[Path | str]:
    """Train as the command line's options ask for; gives the paths written, or a line if another worker writes them.

    Raises:
        UnrollError: bad input of any kind, a loss that became NaN, or a file that cannot be written.
        KeyboardInterrupt: stopped by Ctrl-C after the call that was running, and saved; the message says how to go on.
    """
    cluster = _cluster(options)
    chief = cluster is None or cluster.is_chief
    claim = claimed(options.save, f"{options.save} (a training)") if options.save and chief else nullcontext()
    with claim, temporary_files():
        _check_options(options, chief)
        yield from _train_and_keep(options, cluster, chief)


def _train_and_keep(options, cluster: Cluster | None, chief: bool) -> Iterator[Path | str]:
    """Train, keep the history, and draw it."""
    from unroll.models import data

    dataset = data.load(options.data)
    settings = _settings(options, dataset)
    digit = _digit(options.digit, len(dataset.test.labels))
    rows = _rows(options.rows)
    replicas = _start_tensorflow(settings, options.strategy, cluster)
    from unroll.models.train import Images, Trainer

    trainer = Trainer(settings, Images.of(dataset, settings), replicas)
    if cluster and not chief:
        yield from _train_along(options, trainer, cluster)
        return
    training = _restore(options, trainer)
    trainer.follow_chief()
    history = _history(options, settings, training)
    result = _train(options, trainer, history)
    history.append(result)
    network = trainer.network_alone()
    if digit is not None:
        from unroll.models.reading import read_digit

        test = trainer.images.test
        history.append_readings(*read_digit(network, test.images[digit], test.labels[digit]))
    if rows:
        from unroll.models.export import serve_rows

        with quiet():  # TensorFlow reports what an export refuses
            served = serve_rows(network, settings.steps, dataset.test, rows)
        history.append_served(*served)
    where = f", {replicas.count} device{'s' * (replicas.count > 1)}" if replicas else ""
    Console().print(
        f"{_name(settings)}, {settings.unroll}, on {settings.data}{where}", result_table(settings, result), sep="\n"
    )
    yield from _written(options, history)


def _cluster(options) -> Cluster | None:
    """Read which workers train together, if several are to."""
    if options.strategy is not None:
        check_one_of("strategy", options.strategy, STRATEGIES)
    return Cluster.from_environment() if options.strategy == "multiworker" else None


def _check_options(options, chief: bool) -> None:
    """Refuse what makes no sense before anything is loaded. The checkpoint is the chief's, and may lie there only."""
    check_whole("save_every", options.save_every, 1)
    if options.tutorial is not None:
        find_tutorial(options.tutorial)
    if options.tensorboard:
        from unroll.models.tensorboard import check_tensorboard

        check_tensorboard()
    if options.resume:
        if not options.save:
            raise CheckpointError(
                "got --resume without --save; want the checkpoint to go on from: --save PATH --resume"
            )
        if chief:
            read_checkpoint(options.save)
    elif chief and options.save and Path(options.save).exists():
        raise CheckpointError(
            f"got --save {options.save}, which exists; to go on from it add --resume, to begin anew choose another path"
        )


def _settings(options, dataset: Any) -> Settings:
    count = len(dataset.train.labels)
    names = ("tutorial", "unroll", "seed", "updates", "epochs", "dtype", "steps_per_call", "deterministic")
    own = ("steps", "batch", "hidden", "learning_rate")
    return choose_settings(
        data=dataset.name,
        examples=count - held_back(count) if options.tutorial else count,
        **{name: getattr(options, name) for name in (*names, *own)},
    )


def _digit(number: Any, count: int) -> int | None:
    """Choose the test image that is drawn, or none."""
    if number == NO_DIGIT:
        return None
    if not isinstance(number, int) or not 0 <= number < count:
        raise UnrollError(
            f"got --digit {number}; want the number of a test image, from 0 to {count - 1}, or {NO_DIGIT}"
        )
    return number


def _rows(asked: str | None) -> list[int]:
    """Read a list of numbers of rows, such as 14,28,56."""
    if asked is None:
        return []
    texts = [text.strip() for text in str(asked).split(",")]
    if not all(text.isdecimal() and 1 <= int(text) <= ROWS_LIMIT for text in texts):
        raise UnrollError(
            f"got --rows {asked}; want whole numbers from 1 to {ROWS_LIMIT} with commas between, as 14,28,56"
        )
    return [int(text) for text in texts]


def _start_tensorflow(settings: Settings, strategy: str | None, cluster: Cluster | None) -> Any:
    """Import TensorFlow without its greetings, and hold it to the same results in every run if asked for.

    Gives the replicas that train, or None for one device.
    """
    replicas = None
    if strategy:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # of a lost worker it tells at length; the error says it too
    with quiet():
        import tensorflow as tf
    if cluster:
        count = len(cluster.addresses)
        print(f"{cluster.name(cluster.number)} of {count} waits for the others, {JOIN_S} s at most", file=sys.stderr)
    if strategy:
        from unroll.models.strategy import make_replicas

        tf.get_logger().setLevel(logging.WARNING)
        with quiet(), _ctrl_c_ends_at_once():
            replicas = make_replicas(strategy, cluster)
    with quiet():
        tf.config.list_logical_devices()
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()
    return replicas


def _restore(options, trainer) -> str | None:
    """Go on from the checkpoint; gives the training's id if it is still the same, that is, unrolled as before."""
    if not options.resume:
        return None
    checkpoint = read_checkpoint(options.save)
    trainer.restore(checkpoint)
    return checkpoint.training if checkpoint.settings.unroll == trainer.settings.unroll else None


def _history(options, settings: Settings, training: str | None) -> History:
    from unroll.measure.environment import environment

    return History(options.results, environment(settings.seed), settings.as_dict(), training)


def _train(options, trainer, history: History) -> Evaluation:
    """Train to the end and test; tells every point to the history, the progress bar and TensorBoard."""
    from unroll.models.train import is_kept, train

    settings = trainer.settings
    with ExitStack() as open_till_the_end:
        told_to_stop = open_till_the_end.enter_context(_ctrl_c_noticed())
        board = open_till_the_end.enter_context(_board(options, trainer))
        bar = open_till_the_end.enter_context(Bar(settings, trainer))
        for points in train(
            trainer, history.training, save=options.save, save_every=options.save_every, stop=told_to_stop
        ):
            history.append(*(point for point in points if is_kept(point, settings)))
            board(points)
            bar.show(points)
        _check_finished(options, trainer)
        result = trainer.evaluate()
        board([result])
    return result


def _train_along(options, trainer, cluster: Cluster) -> Iterator[str]:
    """Train with the chief, who keeps what comes of it."""
    from unroll.models.train import train

    trainer.follow_chief()
    with _ctrl_c_noticed() as told_to_stop:
        for _ in train(trainer, save=options.save, save_every=options.save_every, stop=told_to_stop):
            pass
        _check_finished(options, trainer)
    yield f"{cluster.name(cluster.number)}: {trainer.done} updates done; the results are with {cluster.name(0)}"


def _check_finished(options, trainer) -> None:
    """Raise, if the training was stopped, with how to go on."""
    if not trainer.finished:
        how = "the same command with --resume goes on" if options.save else "nothing was saved, for want of --save"
        raise KeyboardInterrupt(f"stopped after update {trainer.done} of {trainer.settings.updates}; {how}")


@contextmanager
def _ctrl_c_ends_at_once() -> Iterator[None]:
    """End the process on Ctrl-C while TensorFlow waits, during which Python hears of nothing."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _ctrl_c_noticed() -> Iterator[Callable[[], bool]]:
    """Note Ctrl-C, so that the call that is running ends first; a second one stops at once."""
    noticed = False

    def notice(*_) -> None:
        nonlocal noticed
        noticed = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, notice)
    try:
        yield lambda: noticed
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _board(options, trainer) -> Iterator[Callable[[Iterable[Point | Evaluation]], None]]:
    """Return what writes to TensorBoard, or to nowhere."""
    if not options.tensorboard:
        yield lambda points: None
        return
    from unroll.models.tensorboard import TensorBoard

    board = TensorBoard(options.tensorboard, trainer.settings, trainer.images)
    try:
        yield board.write
    finally:
        board.close()


class Bar:
    """A progress bar on stderr: updates, loss, accuracy, examples a second, time left."""

    def __init__(self, settings: Settings, trainer):
        self._trainer, self._drawn = trainer, 0.0
        columns = (
            TextColumn(f"{settings.tutorial or ''} {settings.unroll}".strip()),
            BarColumn(bar_width=None),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[status]}"),
            TimeRemainingColumn(),
        )
        # It is drawn from here, for a thread that draws would take time from training.
        self._progress = Progress(*columns, console=Console(stderr=True), auto_refresh=False)
        self._task = self._progress.add_task("", total=settings.updates, completed=trainer.done, status="building")

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(self, *_) -> None:
        self._progress.refresh()
        self._progress.stop()

    def show(self, points: list[Point]) -> None:
        """Show how far it is."""
        point, now, speed = points[-1], time.monotonic(), self._trainer.examples_per_second
        status = f"loss {point.loss:.3f}, accuracy {point.accuracy:.2f}, {speed:.0f} examples/s"
        self._progress.update(self._task, completed=point.update, status=status)
        if now - self._drawn > DRAW_EVERY_S:
            self._progress.refresh()
            self._drawn = now


def result_table(settings: Settings, result: Evaluation) -> Table:
    """Format what a training came to, beside what its document printed."""
    tutorial = TUTORIALS.get(settings.tutorial or "")
    printed = (tutorial.test_accuracy, tutorial.test_loss) if tutorial else (None, None)
    table = Table()
    cells = [
        ("updates", f"{result.update}"),
        ("test accuracy", f"{result.test_accuracy:.4f}"),
        ("printed", printed[0] and f"{printed[0]:.4f}"),
        ("test loss", f"{result.test_loss:.4f}"),
        ("printed", printed[1] and f"{printed[1]:.4f}"),
        ("examples/s", f"{result.examples_per_second:,.0f}"),
        ("seconds", f"{result.seconds:.1f}"),
    ]
    filled = [(heading, cell) for heading, cell in cells if cell]
    for heading, _ in filled:
        table.add_column(heading, justify="right")
    table.add_row(*(cell for _, cell in filled))
    return table


def _name(settings: Settings) -> str:
    return f"tutorial {settings.tutorial}" if settings.tutorial else "own sizes"


def _written(options, history: History) -> Iterator[Path]:
    from unroll.report.figures.learning import write_learning

    yield history.path
    yield from write_learning(options.results)
    if options.save:
        yield options.save

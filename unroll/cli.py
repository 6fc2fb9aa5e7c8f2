"""The door: `unroll` on the command line. Starts at once, because nothing here imports TensorFlow."""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from unroll.errors import UnrollError
from unroll.files import user_path

BAD_INPUT, INTERRUPTED = 2, 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; bad input gets one line on stderr and exit status 2, and a bug its traceback."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if arguments[:1] == ["bench"]:  # its options are pytest's
            return _bench(arguments[1:])
        options = _parser().parse_args(arguments)
        for path in options.run(options):
            print(path, flush=True)
    except BrokenPipeError:  # who reads it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (UnrollError, OSError) as error:
        if isinstance(error, OSError) and error.filename is None:
            raise  # no path is at fault
        print(f"unroll: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt as interrupt:
        print(f"unroll: {interrupt or 'stopped'}", file=sys.stderr)
        return INTERRUPTED
    return 0


def _version() -> str:
    try:
        return metadata.version("unroll-lstm")
    except metadata.PackageNotFoundError:
        return "of a checkout that is not installed"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="unroll",
        description="Static against dynamic unrolling of one LSTM, from measured results.",
    )
    parser.add_argument("--version", action="version", version=f"unroll {_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    report = commands.add_parser("report", help="make the figures, the tables and one page of a folder's last run")
    told = "a folder with a journal.jsonl (by default %(default)s, where `unroll bench` puts it)"
    report.add_argument("results", type=user_path, nargs="?", default=Path("results/local"), help=told)
    report.set_defaults(run=_report)

    page = commands.add_parser("fill", help="make the generated tables of a Markdown page anew")
    marks = "a page with parts marked <!-- unroll: NAME --> ... <!-- /unroll -->"
    page.add_argument("page", type=user_path, help=marks)
    page.add_argument("results", type=user_path, help="the folder whose last run the tables are made from")
    page.set_defaults(run=_fill)

    both = commands.add_parser("compare", help="set two runs side by side: what differs, and by what factor")
    for name in ("first", "second"):
        both.add_argument(name, metavar=name.upper(), help="a results folder (its last run), or FOLDER#RUN-ID")
    both.add_argument("--all", action="store_true", help="everything, not only what differs most")
    _add_json(both)
    both.set_defaults(run=_compare)

    ledger = commands.add_parser("claims", help="judge what others claim by a folder's last run")
    told = "the claim to show in full, and a results folder (results/local, or else the committed ones)"
    ledger.add_argument("given", metavar="NAME or FOLDER", nargs="*", help=told)
    _add_json(ledger)
    ledger.set_defaults(run=_claims)

    advice = commands.add_parser("advise", help="recommend how to unroll at your sizes, from the nearest measurements")
    for name, what in (("steps", "T"), ("batch", "B"), ("hidden", "H")):
        advice.add_argument(f"--{name}", metavar=what, required=True, help=f"{what}, as the benchmarks name it")
    advice.add_argument("--updates", metavar="N", help="how many training steps it will take, if you know")
    advice.add_argument("--device", default="cpu", help="cpu or gpu (cpu)")
    _add_json(advice)
    advice.set_defaults(run=_advise)

    commands.add_parser("bench", help="measure on this machine; takes the options of pytest and of the benchmarks")

    doctor = commands.add_parser("doctor", help="show what would be measured on, and what spoils a measurement there")
    _add_json(doctor)
    doctor.set_defaults(run=_doctor)

    _add_train(commands)
    return parser


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, whose fields docs/reference/json.md describes")


def _add_train(commands) -> None:
    train = commands.add_parser(
        "train",
        help="train a tutorial's network, or one of your own sizes, and draw how it learnt",
        description="Train an LSTM to name digits, unrolled either way; draw the learning curve and a digit it reads.",
    )

    def add(name: str, metavar: str, text: str, default=None, kind=_number):
        train.add_argument(name, metavar=metavar, help=text, default=default, type=kind)

    add("--tutorial", "NAME", "000, 001, 002, 003 or 004: its network, first values and schedule", kind=str)
    add("--unroll", "WORD", "static or dynamic (the tutorial's, else dynamic)", kind=str)
    add("--data", "SOURCE", "digits (offline), mnist, or a path to MNIST's files (digits)", "digits", str)
    add("--steps", "T", "rows an image is read for (28)")
    add("--batch", "B", "images an update (64)")
    add("--hidden", "H", "hidden units (128)")
    add("--learning-rate", "RATE", "Adam's (0.002)")
    add("--updates", "N", "how many updates (the tutorial's, else 600)")
    add("--epochs", "N", "how many times through the images, in place of --updates")
    add("--seed", "N", "of the first weights and the order of the batches (0)", 0)
    add("--dtype", "WORD", "float32 or float64 (float32)", "float32", str)
    add("--steps-per-call", "N", "updates that one call of the graph takes (10)", 10)
    add("--save", "PATH", "a checkpoint, written every --save-every updates and at the end", kind=user_path)
    add("--save-every", "N", "updates from one checkpoint to the next (200)", 200)
    train.add_argument("--resume", action="store_true", help="go on from the checkpoint that --save names")
    train.add_argument(
        "--deterministic",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="the same weights in every run, bit for bit",
    )
    add("--strategy", "WORD", "several devices: mirrored, or multiworker by TF_CONFIG (one device)", kind=str)
    add("--tensorboard", "FOLDER", "scalars and both graphs for TensorBoard (extra: tensorboard)", kind=user_path)
    add("--digit", "N", "the test image that is drawn, read row by row; or none (0)", 0)
    add("--rows", "N,N", "serve the test images read for so many rows, from an export of each unroll", kind=str)
    told = "where the history, figures and tables go (results/training)"
    add("--results", "FOLDER", told, "results/training", user_path)
    train.set_defaults(run=_train)


def _number(text: str) -> int | float | str:
    """Read a number where it is one; what is none is refused later, in one line that says what is wanted."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _bench(arguments: list[str]) -> int:
    from unroll.bench_command import run_benchmarks

    return run_benchmarks(arguments)


def _report(options) -> list[Path]:
    from unroll.report.writing import write_report

    return write_report(options.results)


def _fill(options) -> list[Path]:
    from unroll.report.writing import update_page

    return [update_page(options.page, options.results)]


def _compare(options) -> list[str]:
    from unroll.report.compare import compare, compare_json, compare_text, find_run

    comparison = compare(find_run(options.first), find_run(options.second))
    return [compare_json(comparison) if options.json else compare_text(comparison, everything=options.all)]


def _train(options) -> Iterable[Path | str]:
    from unroll.train_command import train_as_asked

    return train_as_asked(options)


def _doctor(options) -> list[str]:
    from unroll.measure.device import choose_device, work_on
    from unroll.measure.environment import diagnosis, environment
    from unroll.measure.gpus import find_gpus
    from unroll.measure.process import quiet

    with quiet():
        device = choose_device(None, "off", find_gpus)
        described = work_on(device, environment, seed=0)
    return [json.dumps(described, indent=2)] if options.json else diagnosis(described)


def _claims(options) -> list[str]:
    from rich.console import Console

    from unroll.measure.journal import read_journal
    from unroll.report.folders import default_folder, folder_named
    from unroll.report.ledger.claim import results_of
    from unroll.report.ledger.claims import claims_json, judge_claims, show_claim, show_ledger, verdict_of

    folders = [user_path(text) for text in options.given if "/" in text or Path(text).is_dir()]
    names = [text for text in options.given if "/" not in text and not Path(text).is_dir()]
    if len(folders) > 1 or len(names) > 1:
        raise UnrollError(f"got {' '.join(options.given)}; want one claim's name, one folder, or one of each")
    folder = folder_named(folders[0]) if folders else default_folder()
    results = results_of(folder, read_journal(folder)[-1])
    verdicts = judge_claims(results)
    chosen = [verdict_of(verdicts, names[0])] if names else verdicts
    if options.json:
        return [claims_json(chosen)]
    if names:
        show_claim(chosen[0], Console(), folder)
    else:
        show_ledger(verdicts, Console())
    beside = f"\nand of a GPU by the run {results.gpu.id}" if results.gpu else ""
    further = f"\nand where that leaves it open, by the run {results.further.id}" if results.further else ""
    return [f"judged by {folder}: the run {results.run.id}{further}\nand {len(results.trainings)} trainings{beside}"]


def _advise(options) -> list[str]:
    from unroll.measure.config import Sizes
    from unroll.report.advice import advice_json, advice_lines, advise

    wanted = Sizes(_whole(options.steps), _whole(options.batch), _whole(options.hidden))
    updates = None if options.updates is None else _whole(options.updates)
    advice = advise(wanted, updates, options.device)
    return [advice_json(advice, wanted)] if options.json else advice_lines(advice, wanted)


def _whole(text: str) -> Any:
    """Read a whole number; what is none is left as it is, for the one who wants a number to refuse."""
    return int(text) if text.isdecimal() else text

"""The door: `unroll` on the command line. Starts at once, because nothing here imports TensorFlow."""

import argparse
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

BAD_INPUT = 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command; bad input gets one line on stderr and exit status 2."""
    options = _parser().parse_args(arguments)
    try:
        for path in options.run(options):
            print(path)
    except (ValueError, OSError) as error:
        print(f"unroll: {error}", file=sys.stderr)
        return BAD_INPUT
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="unroll",
        description="Static against dynamic unrolling of one LSTM, from measured results.",
        epilog="Measuring is pytest's work: `make bench`, or `pytest --benchmark-only` in a checkout.",
    )
    parser.add_argument("--version", action="version", version=f"unroll {metadata.version('unroll-lstm')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    report = commands.add_parser("report", help="draw the figures and write the tables of a folder's last run")
    report.add_argument("results", type=Path, help="a folder with a journal.jsonl, such as results/local")
    report.set_defaults(run=_report)

    page = commands.add_parser("fill", help="make the generated tables of a Markdown page anew")
    page.add_argument("page", type=Path, help="a page with parts marked <!-- unroll: NAME --> ... <!-- /unroll -->")
    page.add_argument("results", type=Path, help="the folder whose last run the tables are made from")
    page.set_defaults(run=_fill)

    both = commands.add_parser("compare", help="set two runs side by side: what differs, and by what factor")
    for name in ("first", "second"):
        both.add_argument(name, metavar=name.upper(), help="a results folder (its last run), or FOLDER#RUN-ID")
    both.set_defaults(run=_compare)

    ledger = commands.add_parser("claims", help="judge what others claim by a folder's last run")
    ledger.add_argument(
        "results", type=Path, nargs="?", help="a results folder; by default results/local, or else the committed ones"
    )
    ledger.set_defaults(run=_claims)

    advice = commands.add_parser("advise", help="recommend how to unroll at your sizes, from the nearest measurements")
    for name, what in (("steps", "T"), ("batch", "B"), ("hidden", "H")):
        advice.add_argument(f"--{name}", metavar=what, required=True, help=f"{what}, as the benchmarks name it")
    advice.add_argument("--updates", metavar="N", help="how many training steps it will take, if you know")
    advice.add_argument("--device", default="cpu", help="cpu or gpu (cpu)")
    advice.set_defaults(run=_advise)

    doctor = commands.add_parser("doctor", help="show what would be measured on, and what spoils a measurement there")
    doctor.set_defaults(run=_doctor)
    return parser


def _report(options) -> list[Path]:
    from unroll.report.writing import write_report

    return write_report(options.results)


def _fill(options) -> list[Path]:
    from unroll.report.writing import update_page

    return [update_page(options.page, options.results)]


def _compare(options) -> list[str]:
    from unroll.report.compare import compare, find_run

    return [compare(find_run(options.first), find_run(options.second))]


def _doctor(options) -> list[str]:
    from unroll.measure.environment import diagnosis, environment
    from unroll.measure.process import quiet

    with quiet():
        found = environment(seed=0)
    return diagnosis(found)


def _claims(options) -> list[str]:
    from rich.console import Console

    from unroll.measure.journal import read_journal
    from unroll.models.history import FILE_NAME, read_trainings
    from unroll.report.claims import judge_claims, show_ledger
    from unroll.report.folders import default_folder

    folder = options.results or default_folder()
    run = read_journal(folder)[-1]
    trainings = read_trainings(folder) if (folder / FILE_NAME).is_file() else []
    show_ledger(judge_claims(run, trainings), Console(soft_wrap=False))
    return [f"judged by {folder}: the run {run.id} and {len(trainings)} trainings"]


def _advise(options) -> list[str]:
    from unroll.measure.config import Sizes
    from unroll.report.advice import advice_lines, advise

    wanted = Sizes(_whole(options.steps), _whole(options.batch), _whole(options.hidden))
    updates = None if options.updates is None else _whole(options.updates)
    return advice_lines(advise(wanted, updates, options.device), wanted)


def _whole(text: str) -> Any:
    """Read a whole number; what is none is left as it is, for the one who wants a number to refuse."""
    return int(text) if text.isdecimal() else text

"""The door: `unroll` on the command line. Starts at once, because nothing here imports TensorFlow."""

import argparse
import sys
from importlib import metadata
from pathlib import Path

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
    from unroll.measure.device import choose_device, work_on
    from unroll.measure.environment import diagnosis
    from unroll.measure.gpus import find_gpus
    from unroll.measure.process import quiet

    with quiet():
        device = choose_device(None, "off", find_gpus)
        found = work_on(device, "unroll.measure.environment:environment", seed=0)
    return diagnosis(found)

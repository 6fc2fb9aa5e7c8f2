"""What the programs say of their commands and options: `unroll`, and pytest when it measures."""

import argparse
from types import SimpleNamespace

from unroll import cli
from unroll.measure import pytest_plugin


def parsers() -> list[argparse.ArgumentParser]:
    """Give the parser of `unroll` and those of its commands."""
    parser = cli._parser()
    commands = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return [parser, *commands.choices.values()]


def pytest_parser() -> argparse.ArgumentParser:
    """Give a parser of the options that the benchmarks add to pytest."""
    parser = argparse.ArgumentParser(prog="pytest --benchmark-only", add_help=False)

    def getgroup(name: str, description: str):
        return SimpleNamespace(addoption=parser.add_argument_group(description).add_argument)

    pytest_plugin.pytest_addoption(SimpleNamespace(getgroup=getgroup))
    return parser

import subprocess
import sys
import time

import pytest

from unroll import cli


def unroll(*arguments):
    return subprocess.run([sys.executable, "-m", "unroll", *arguments], capture_output=True, text=True)


def test_help_answers_in_well_under_a_second():
    start = time.perf_counter()
    done = unroll("--help")
    assert time.perf_counter() - start < 1
    assert done.returncode == 0
    assert "report" in done.stdout


def test_the_door_imports_no_tensorflow():
    code = "import sys, unroll.cli; sys.exit('tensorflow' in sys.modules or 'matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required"),
        (["dance"], "invalid choice: 'dance'"),
        (["report"], "results"),
        (["report", "/nowhere"], "unroll: cannot read /nowhere/journal.jsonl"),
        (["fill", "/nowhere.md", "/nowhere"], "unroll: cannot read /nowhere/journal.jsonl"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(arguments, message):
    done = unroll(*arguments)
    assert done.returncode == cli.BAD_INPUT
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout

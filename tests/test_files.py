import json
import os
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from unroll.files import JSONLines, write_whole


@contextmanager
def files_no_larger_than(size):
    """Let the system refuse to write more of a file, as a full disk would: in the midst of it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def write(file):
        file.write(b"new")
        assert path.read_text() == "old"

    assert write_whole(path, write) == path
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["file"]


def test_where_the_disk_is_full_the_old_file_stays_and_no_draft(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with files_no_larger_than(1000), pytest.raises(OSError, match="File too large"):
        write_whole(path, lambda file: file.write(bytes(1_000_000)))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_the_draft_of_a_program_that_was_killed_is_taken_over(tmp_path):
    path = tmp_path / "file"
    program = f"""
import os, pathlib, signal
from unroll.files import write_whole
write_whole(pathlib.Path({str(path)!r}), lambda file: (file.write(bytes(9000)), file.flush(), os.kill(os.getpid(), 9)))
"""
    assert subprocess.run([sys.executable, "-c", program]).returncode == -signal.SIGKILL
    assert os.listdir(tmp_path) == [".file.draft"]
    write_whole(path, lambda file: file.write(b"new"))
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


def test_programs_that_write_one_file_at_once_take_turns(tmp_path):
    def write(number):
        text = str(number).encode() * 1000

        def piecemeal(file):
            for place in range(0, len(text), 100):
                file.write(text[place : place + 100])
                file.flush()

        write_whole(tmp_path / "file", piecemeal)
        return text

    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(write, range(200)))
    assert (tmp_path / "file").read_bytes() in texts
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("sync", [True, False])
def test_lines_are_appended_in_one_write_and_read_again(tmp_path, sync):
    file = JSONLines(tmp_path / "lines", "list", ValueError, "make one")
    file.append({"a": 1}, {"b": "\u2028"}, sync=sync)
    file.append({"c": None})
    assert list(file.read()) == [(1, {"a": 1}), (2, {"b": "\u2028"}), (3, {"c": None})]
    assert [json.loads(line) for line in file.path.read_text().splitlines()] == [line for _, line in file.read()]

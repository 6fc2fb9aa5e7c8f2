import json
import os
import resource
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


@pytest.mark.parametrize("sync", [True, False])
def test_lines_are_appended_in_one_write_and_read_again(tmp_path, sync):
    file = JSONLines(tmp_path / "lines", "list", ValueError, "make one")
    file.append({"a": 1}, {"b": "\u2028"}, sync=sync)
    file.append({"c": None})
    assert list(file.read()) == [(1, {"a": 1}), (2, {"b": "\u2028"}), (3, {"c": None})]
    assert [json.loads(line) for line in file.path.read_text().splitlines()] == [line for _, line in file.read()]

import json
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from unroll import files
from unroll.errors import UnrollError
from unroll.files import JSONLines, claimed, user_path, write_whole


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


def test_the_draft_of_a_program_that_was_killed_is_removed_by_the_next(tmp_path):
    path = tmp_path / "file"
    program = f"""
import os, pathlib, signal
from unroll.files import write_whole
write_whole(pathlib.Path({str(path)!r}), lambda file: (file.write(bytes(9000)), file.flush(), os.kill(os.getpid(), 9)))
"""
    assert subprocess.run([sys.executable, "-c", program]).returncode == -signal.SIGKILL
    (left,) = os.listdir(tmp_path)
    assert left.startswith(".file.") and left.endswith(".draft")
    write_whole(path, lambda file: file.write(b"new"))
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


def test_a_draft_of_a_program_that_still_writes_is_left_alone_until_it_is_old(tmp_path):
    path, draft = tmp_path / "file", files._own_name(tmp_path / "file", files.DRAFT)
    elsewhere = draft.with_name(draft.name.replace(files._machine(), "elsewhere").replace(str(os.getpid()), "4194305"))
    for each in (draft, elsewhere, tmp_path / ".file.mine.draft"):
        each.write_text("another's")
    write_whole(path, lambda file: file.write(b"new"))
    assert set(os.listdir(tmp_path)) == {"file", draft.name, elsewhere.name, ".file.mine.draft"}
    for each in (draft, elsewhere):
        os.utime(each, (0, time.time() - files.OLD_S - 1))
    write_whole(path, lambda file: file.write(b"new"))
    assert set(os.listdir(tmp_path)) == {"file", ".file.mine.draft"}


def test_a_path_is_claimed_by_one_program_at_a_time(tmp_path):
    path = tmp_path / "file"
    with claimed(path, "a training"):
        refused = rf"got a training, on which process {os.getpid()} of .* is working; .* or choose another path"
        with pytest.raises(UnrollError, match=refused), claimed(path, "a training"):
            raise AssertionError("claimed twice")
        with claimed(tmp_path / "other", "a training"):
            assert len(os.listdir(tmp_path)) == 2
    with claimed(path, "a training"):
        pass
    assert os.listdir(tmp_path) == []


def test_the_claim_of_a_program_that_was_killed_ends_with_it(tmp_path):
    path = tmp_path / "file"
    program = f"""
import os
from unroll.files import claimed
with claimed({str(path)!r}, "a training"):
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", program]).returncode == -signal.SIGKILL
    (left,) = os.listdir(tmp_path)
    again = tmp_path / left.replace(str(os.getpid()), "1").replace(left.split(".")[3], "1")  # its number is given anew
    again.touch()
    os.utime(again, (0, 0))
    with claimed(path, "a training"):
        assert {left, again.name}.isdisjoint(os.listdir(tmp_path))


def test_where_nothing_can_be_written_there_is_no_claim(tmp_path):
    with claimed(tmp_path / "no" / "file", "a training"):
        assert os.listdir(tmp_path) == []


def test_nothing_is_written_through_a_link(tmp_path, monkeypatch):
    secret, path = tmp_path / "secret", tmp_path / "file"
    secret.write_text("kept")
    monkeypatch.setattr(files, "_own_name", lambda path, kind: path.with_name("foreseen"))
    (tmp_path / "foreseen").symlink_to(secret)
    with pytest.raises(FileExistsError):
        write_whole(path, lambda file: file.write(b"new"))
    assert secret.read_text() == "kept"
    assert (tmp_path / "foreseen").is_symlink()


def test_of_programs_that_write_one_file_at_once_one_wins_whole(tmp_path):
    path = tmp_path / "file"

    def write(letter):
        write_whole(path, lambda file: [file.write(letter * 1000) for _ in range(100)])

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, [b"a", b"b", b"c", b"d"] * 5))
    assert path.read_bytes() in [letter * 100_000 for letter in (b"a", b"b", b"c", b"d")]
    assert os.listdir(tmp_path) == ["file"]


def test_where_the_disk_fills_up_no_part_of_a_line_stays(tmp_path):
    file = JSONLines(tmp_path / "lines", "list", ValueError, "make one")
    file.append({"a": 1})
    with files_no_larger_than(1000), pytest.raises(OSError, match="No space left") as caught:
        file.append({"b": 2}, {"c": "c" * 2000})
    assert caught.value.filename == str(file.path)
    file.append({"d": 4})
    assert list(file.read()) == [(1, {"a": 1}), (2, {"d": 4})]


def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "lines")
    with pytest.raises(ValueError, match="is no file; want a list; make one"):
        list(JSONLines(tmp_path / "lines", "list", ValueError, "make one").read())


def test_a_path_as_a_person_types_it(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    typed = ["~/x", "x/~", "~nobody-of-this-name/x"]
    assert [str(user_path(path)) for path in typed] == ["/home/me/x", "x/~", "~nobody-of-this-name/x"]


@pytest.mark.parametrize("sync", [True, False])
def test_lines_are_appended_in_one_write_and_read_again(tmp_path, sync):
    file = JSONLines(tmp_path / "lines", "list", ValueError, "make one")
    file.append({"a": 1}, {"b": "\u2028"}, sync=sync)
    file.append({"c": None})
    assert list(file.read()) == [(1, {"a": 1}), (2, {"b": "\u2028"}), (3, {"c": None})]
    assert [json.loads(line) for line in file.path.read_text().splitlines()] == [line for _, line in file.read()]

"""Parts of a folder: what goes in comes out, in any order; what is missing or damaged is named, and nothing is lost."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
sys.path.append(str(TOOLS))

import parts  # noqa: E402 # pyright: ignore[reportMissingImports]


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    (folder / "package").mkdir(parents=True)
    (folder / "package" / "code.py").write_text("print('here')\n")
    (folder / "package" / "tool").write_bytes(random.Random(0).randbytes(300_000))
    (folder / "package" / "tool").chmod(0o755)
    return folder


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(parts, "BLOCK", 40_000)


def contents(folder):
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file()
    }


def several(site, out):
    """Split into parts of one block each."""
    blocks = parts.split(site, out / "whole", 48)[0]
    return parts.distribute(sorted(blocks.glob("*.xz")), out, 0)


def test_what_is_split_is_joined_again_in_any_order(site, tmp_path, small):
    folders = several(site, tmp_path / "out")
    assert len(folders) > 5
    random.Random(1).shuffle(folders)
    into = tmp_path / "into"
    for number, folder in enumerate(folders, 1):
        missing = parts.join([folder], into)
        assert missing == sorted(each.name for each in folders[number:])
    assert contents(into) == contents(site)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("into")] == ["into"]
    with pytest.raises(parts.PartError, match="which is there already; want a new folder, or remove it"):
        parts.join(folders, into)


def test_no_part_is_larger_than_asked(tmp_path):
    blocks = []
    for number, size in enumerate((700, 600, 500, 400, 300, 200)):
        path = tmp_path / f"{number:04d}.xz"
        path.write_bytes(bytes(size << 10))
        blocks.append(path)
    folders = parts.distribute(blocks, tmp_path / "out", 1)
    sizes = [sum(path.stat().st_size for path in folder.glob("*.xz")) for folder in folders]
    assert max(sizes) <= 1 << 20
    assert sum(sizes) == 2700 << 10
    assert len(folders) == 3


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda block: block.write_bytes(block.read_bytes()[:-3] + b"abc"), "is damaged; want its part, sent again"),
        (lambda block: block.unlink(), "lacks .*; want the whole part, sent again"),
        (lambda block: (block.parent / "index.json").write_text("{"), "no index.json that can be read"),
    ],
)
def test_a_part_that_is_missing_or_damaged_is_named_and_what_came_before_stays(site, tmp_path, small, harm, message):
    folders = several(site, tmp_path / "out")
    into = tmp_path / "into"
    parts.join(folders[1:], into)
    block = next(folders[0].glob("*.xz"))
    kept = block.read_bytes(), (folders[0] / "index.json").read_text()
    harm(block)
    with pytest.raises(parts.PartError, match=message):
        parts.join([folders[0]], into)
    assert not into.exists()
    block.write_bytes(kept[0])
    (folders[0] / "index.json").write_text(kept[1])
    assert parts.join([folders[0]], into) == []
    assert contents(into) == contents(site)


def test_parts_of_two_splits_are_not_mixed(site, tmp_path, small):
    first = several(site, tmp_path / "first")
    (site / "package" / "more.py").write_text("more")
    second = several(site, tmp_path / "second")
    with pytest.raises(parts.PartError, match="of another split than"):
        parts.join([first[0], second[1]], tmp_path / "into")
    parts.join(first[:1], tmp_path / "into")
    assert parts.join(second, tmp_path / "into") == []
    assert contents(tmp_path / "into") == contents(site)


def test_a_part_under_another_name_is_refused(site, tmp_path, small):
    folder = several(site, tmp_path / "out")[0]
    with pytest.raises(parts.PartError, match="which has another name than it was given"):
        parts.join([folder.rename(folder.with_name("part-99"))], tmp_path / "into")


@pytest.mark.parametrize(
    "command",
    [
        ["split", "nowhere", "--out", "out"],
        ["split", "here", "--out", "nowhere-a-file"],
        ["split", "here", "--out", "here/nowhere"],
        ["split", "here", "--out", "out", "--part-mib", "0"],
        ["join", "nowhere", "--into", "into"],
        ["join", "nowhere-wrong", "--into", "into"],
        ["join", "nowhere-wrong", "--into", "nowhere-a-file/into"],
    ],
)
def test_bad_input_is_one_line_and_status_2(command, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "nowhere-a-file").touch()
    (tmp_path / "nowhere-wrong").mkdir()
    (tmp_path / "nowhere-wrong" / "index.json").write_text("[1]")
    done = subprocess.run(
        [sys.executable, str(TOOLS / "parts.py"), *command], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "nowhere" in done.stderr or "--part-mib 0" in done.stderr

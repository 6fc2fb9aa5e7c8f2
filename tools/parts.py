#!/usr/bin/env python3
"""Take a folder of installed packages to a machine without a network, in parts that are small enough to travel.

    python3 tools/parts.py split SITE --out parts            writes parts/part-00, parts/part-01, ...
    python3 tools/parts.py join parts/part-00 --into SITE    once for each part, or with several at once, in any order

The call that brings the last missing part makes SITE. Needs nothing but Python.
"""

import argparse
import concurrent.futures
import hashlib
import json
import lzma
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = 32 << 20  # bytes of the tar file in one block, which is compressed by itself
INDEX = "index.json"  # in every part: the part and the checksum of every block
# Machine code compresses better once jumps are written as absolute addresses.
FILTERS = [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": BLOCK}]


class PartError(Exception):
    """A part that cannot be used; the message says which one and what to do."""


def split(site: Path, out: Path, part_mib: int) -> list[Path]:
    """Write the parts of a folder, each of at most so many MiB."""
    if not site.is_dir():
        raise PartError(f"got {site}, which is no folder; want one that packages are installed in")
    if out.exists() and not out.is_dir():
        raise PartError(f"got --out {out}, which is a file; want a folder")
    if out.resolve().is_relative_to(site.resolve()):
        raise PartError(
            f"got --out {out}, which lies in {site}; want another folder, or the parts would hold themselves"
        )
    if any(out.glob("part-*")):
        raise PartError(f"got {out}, which holds parts already; want another folder, or remove them")
    if part_mib < 1:
        raise PartError(f"got --part-mib {part_mib}; want a number of MiB from 1 up")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        tar = Path(scratch) / "site.tar"
        subprocess.run(["tar", "-C", site, "--sort=name", "-cf", tar, "."], check=True)
        starts = range(0, tar.stat().st_size, BLOCK)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            jobs = [(tar, start, Path(scratch) / f"{number:04d}.xz") for number, start in enumerate(starts)]
            blocks = list(pool.map(_compress, jobs))
        largest = max(block.stat().st_size for block in blocks)
        if largest > part_mib << 20:
            raise PartError(f"got --part-mib {part_mib}; want {-(-largest >> 20)} or more, which one block takes")
        return distribute(blocks, out, part_mib)


def distribute(blocks: list[Path], out: Path, part_mib: int) -> list[Path]:
    """Move blocks into as few parts as first fit, largest first, needs."""
    parts: list[list[Path]] = []
    for block in sorted(blocks, key=lambda block: -block.stat().st_size):
        size = block.stat().st_size
        fitting = (part for part in parts if sum(each.stat().st_size for each in part) + size <= part_mib << 20)
        part = next(fitting, None)
        if part is None:
            parts.append(part := [])
        part.append(block)
    index = {block.name: [f"part-{number:02d}", _sum(block)] for number, part in enumerate(parts) for block in part}
    folders = []
    for number, part in enumerate(parts):
        folder = out / f"part-{number:02d}"
        folder.mkdir(parents=True)
        for block in part:
            shutil.move(block, folder / block.name)
        (folder / INDEX).write_text(json.dumps(index, indent=0, sort_keys=True))
        folders.append(folder)
    return folders


def join(parts: list[Path], site: Path) -> list[str]:
    """Unpack parts, and make the folder once all are here.

    Returns:
        the names of the parts that are still missing.

    Raises:
        PartError: a part is missing its index or a block, is of another split or has another name, or a block is
            damaged; or the folder is there already. What came before stays.
    """
    if site.exists():
        raise PartError(f"got --into {site}, which is there already; want a new folder, or remove it")
    index = _index(parts[0])
    kept = site.with_name(f"{site.name}.{_sum_of(json.dumps(index).encode())[:12]}.blocks")  # of this split alone
    kept.mkdir(parents=True, exist_ok=True)
    for part in parts:
        if _index(part) != index:
            raise PartError(
                f"got {part}, which is of another split than {parts[0]}; want parts that were made together"
            )
        mine = [name for name, (home, _) in index.items() if home == part.name]
        if not mine:
            raise PartError(f"got {part}, which has another name than it was given; want it under the name it had")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(_decompress, [(part / name, index[name][1], kept) for name in mine]))
    missing = sorted({home for name, (home, _) in index.items() if not (kept / name).exists()})
    if not missing:
        draft = kept / "site"  # it gets its name once it is whole
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        tar = subprocess.Popen(["tar", "-C", draft, "-xf", "-"], stdin=subprocess.PIPE)
        assert tar.stdin
        for name in sorted(index):
            with (kept / name).open("rb") as block:
                shutil.copyfileobj(block, tar.stdin, BLOCK)
        tar.stdin.close()
        if tar.wait():
            raise PartError(
                f"tar could not write {draft}; want room for it on the disk, and no damaged blocks: remove {kept}"
            )
        draft.rename(site)
        shutil.rmtree(kept)
    return missing


def _index(part: Path) -> dict[str, list[str]]:
    try:
        index = json.loads((part / INDEX).read_text())
        return {str(name): [str(home), str(checksum)] for name, (home, checksum) in index.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        raise PartError(f"got {part}, which has no {INDEX} that can be read; want the whole part, sent again") from None


def _compress(job: tuple[Path, int, Path]) -> Path:
    tar, start, path = job
    with tar.open("rb") as file:
        file.seek(start)
        path.write_bytes(lzma.compress(file.read(BLOCK), format=lzma.FORMAT_XZ, filters=FILTERS))
    return path


def _decompress(job: tuple[Path, str, Path]) -> None:
    source, checksum, folder = job
    target = folder / source.name
    if target.exists():
        return
    if not source.is_file():
        raise PartError(f"{source.parent} lacks {source.name}; want the whole part, sent again")
    if _sum(source) != checksum:
        raise PartError(f"{source} is damaged; want its part, sent again")
    draft = target.with_suffix(".draft")
    draft.write_bytes(lzma.decompress(source.read_bytes()))
    draft.rename(target)


def _sum(path: Path) -> str:
    return _sum_of(path.read_bytes())


def _sum_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main() -> None:
    """Split or join, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    splitting = commands.add_parser("split", help="write the parts of a folder")
    splitting.add_argument("site", type=Path)
    splitting.add_argument("--out", type=Path, required=True)
    splitting.add_argument("--part-mib", type=int, default=48, help="largest size of a part, in MiB (48)")
    joining = commands.add_parser("join", help="unpack parts")
    joining.add_argument("parts", type=Path, nargs="+")
    joining.add_argument("--into", type=Path, required=True)
    options = parser.parse_args()
    try:
        if options.command == "split":
            parts = split(options.site, options.out, options.part_mib)
            print(f"wrote {len(parts)} parts to {options.out}")
        else:
            missing = join(options.parts, options.into)
            print(f"still missing: {', '.join(missing)}" if missing else f"made {options.into}")
    except (PartError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

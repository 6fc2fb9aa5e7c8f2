"""What a wheel holds beside the package: the benchmarks, their options, the committed journals, its own README.

A package index shows the README alone. So its pictures are left out there, and so are its links to other files.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

SHIPPED = ("pyproject.toml", "benchmarks/*.py", "results/*/journal.jsonl", "results/*/training.jsonl")


PICTURE = re.compile(r"!\[[^]]*\]\((?!https?:)[^)]*\)\n*")
LINK = re.compile(r"(?<!!)\[([^]]+)\]\((?!https?:)[^)]*\)")


class StandaloneReadme(MetadataHookInterface):
    """Sets the description that a package index shows."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": LINK.sub(r"\1", PICTURE.sub("", text))}


class ShippedFiles(BuildHookInterface):
    """Puts files of the checkout into a wheel's `unroll` folder; an editable install reads them where they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            for name in shipped_names(Path(self.root)):
                build_data["force_include"][str(Path(self.root, name))] = f"unroll/{name}"


def shipped_names(root: Path) -> list[str]:
    """Return the paths to ship, relative to the root: in a checkout those that git knows, and no results of one's own.

    Raises:
        CalledProcessError: this is a checkout, but git does not tell what is committed.
    """
    if not (root / ".git").exists():  # unpacked from an archive, which has what was committed
        return [path.relative_to(root).as_posix() for pattern in SHIPPED for path in sorted(root.glob(pattern))]
    git = ["git", "ls-files", "-z", "--", *(f":(glob){pattern}" for pattern in SHIPPED)]
    names = subprocess.run(git, cwd=root, stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
    return [name for name in names if name and (root / name).is_file()]

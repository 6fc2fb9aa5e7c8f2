"""What a wheel holds beside the package: the benchmarks, their options, and the journals that commands answer from."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = ("pyproject.toml", "benchmarks/*.py", "results/*/journal.jsonl", "results/*/training.jsonl")


class ShippedFiles(BuildHookInterface):
    """Puts files of the checkout into a wheel's `unroll` folder; an editable install reads them where they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if version == "standard":
            for path in (path for pattern in SHIPPED for path in root.glob(pattern)):
                if "local" not in path.parts and path.parent.name != "training":  # of this machine, and not committed
                    build_data["force_include"][str(path)] = f"unroll/{path.relative_to(root).as_posix()}"

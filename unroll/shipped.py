"""What comes with the package and is no code of it: results, benchmarks, their options."""

from importlib import resources
from pathlib import Path


def shipped(name: str | Path) -> Path:
    """Return the path of a file or folder that ships with the package: inside it, or in a checkout beside it."""
    package = Path(str(resources.files("unroll")))
    return package / name if (package / name).exists() else package.parent / name

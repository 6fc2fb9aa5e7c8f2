"""Executes the notebooks: `python notebooks/execute.py` writes each .ipynb beside its source, outputs in.

A notebook's source is NN_name.py, in jupytext's percent format. Edit the source, then execute it (`make notebooks`).
"""

import argparse
import os
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from unroll.files import write_whole

FOLDER = Path(__file__).parent
SOURCES = sorted(FOLDER.glob("[0-9][0-9]_*.py"))
METADATA = {  # the same whoever executes a notebook
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
TINY = "UNROLL_TINY"  # the variable by which a notebook knows that it is to be quick
LIMIT_S = 300  # for one cell


def read_source(source: Path) -> NotebookNode:
    """Read a notebook's source as a notebook without outputs; the same source gives the same notebook."""
    notebook = jupytext.read(source, fmt="py:percent")
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    return notebook


def read_executed(source: Path) -> NotebookNode:
    """Read the .ipynb beside a source."""
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


def cells_of(notebook: NotebookNode) -> list[tuple]:
    """Give what a notebook and its source must have in common: each cell's type, text, metadata and id."""
    return [(cell.cell_type, cell.source, cell.metadata, cell.id) for cell in notebook.cells]


def execute(notebook: NotebookNode, *, tiny: bool = False) -> NotebookNode:
    """Run a notebook from top to bottom in a process of its own, on this checkout; gives it with its outputs.

    With `tiny`, the notebook measures and trains next to nothing: enough to see that every cell still runs.

    Raises:
        CellExecutionError: a cell failed; the message holds the cell and the error.
    """
    paths = [str(FOLDER.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "JUPYTER_PLATFORM_DIRS": "1"}
    variables = {name: value for name, value in variables.items() if name != TINY} | ({TINY: "1"} if tiny else {})
    client = NotebookClient(
        notebook,
        timeout=LIMIT_S,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(FOLDER)}},
    )
    client.execute(env=variables)
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def write_executed(source: Path) -> Path:
    """Execute a notebook at full size and write its .ipynb, whole or not at all."""
    text = nbformat.writes(execute(read_source(source))) + "\n"
    return write_whole(source.with_suffix(".ipynb"), lambda file: file.write(text.encode()))


def main(arguments: list[str] | None = None) -> int:
    """Execute notebooks and write each .ipynb; stop at the first cell that fails."""
    parser = argparse.ArgumentParser(description="Execute the notebooks and write each .ipynb beside its source.")
    names = [source.stem for source in SOURCES]
    parser.add_argument("notebooks", nargs="*", metavar="NAME", help=f"which ones (all): {', '.join(names)}")
    chosen = parser.parse_args(arguments).notebooks
    if unknown := sorted(set(chosen) - set(names)):
        parser.error(f"got the notebook {unknown[0]!r}; want one of {', '.join(names)}")
    for source in SOURCES:
        if chosen and source.stem not in chosen:
            continue
        start = time.monotonic()
        try:
            path = write_executed(source)
        except CellExecutionError as error:
            print(f"{source.name}: {error}", file=sys.stderr)
            return 1
        print(f"{path} ({time.monotonic() - start:.0f} s, {path.stat().st_size >> 10} KiB)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

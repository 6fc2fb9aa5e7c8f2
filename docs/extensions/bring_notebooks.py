"""Brings the committed notebooks into the site, as docs/notebooks, which git ignores.

Links are written as they hold in the repository, where notebooks/ stands beside docs/.
"""

import shutil
from pathlib import Path


def copy_notebooks(app, config) -> None:
    """Copy every .ipynb; one that has not changed keeps its time, and is not read anew."""
    folder = Path(app.srcdir) / "notebooks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for notebook in sorted(Path(app.srcdir).parent.glob("notebooks/*.ipynb")):
        shutil.copy2(notebook, folder)


def follow_links(app, docname: str, source: list[str]) -> None:
    """Turn a page's links to ../notebooks, and a notebook's links to ../docs, into those of the site, in place."""
    inside = docname.startswith("notebooks/")
    source[0] = source[0].replace("](../docs/", "](../") if inside else source[0].replace("../notebooks/", "notebooks/")


def setup(app):
    """Copy before Sphinx looks for its pages; turn the links of every page as it is read."""
    app.connect("config-inited", copy_notebooks)
    app.connect("source-read", follow_links)
    return {"parallel_read_safe": True}

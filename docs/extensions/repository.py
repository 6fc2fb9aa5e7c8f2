"""Brings into the site what stands outside docs/, under the links that hold in the repository.

The committed notebooks are copied to docs/notebooks, which git ignores.
"""

import shutil
from pathlib import Path

IN_THE_SITE = {
    "](../notebooks/": "](notebooks/",
    "](../../notebooks/": "](../notebooks/",
    "](../results/tutorials/tables.md": "](tutorials.md",
}


def copy_notebooks(app, config) -> None:
    """Copy every .ipynb; one that has not changed keeps its time, and is not read anew."""
    folder = Path(app.srcdir) / "notebooks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for notebook in sorted(Path(app.srcdir).parent.glob("notebooks/*.ipynb")):
        shutil.copy2(notebook, folder)


def follow_links(app, docname: str, source: list[str]) -> None:
    """Turn links from a page to what the site has elsewhere, and a notebook's links to ../docs, in place."""
    links = {"](../docs/": "](../"} if docname.startswith("notebooks/") else IN_THE_SITE
    for there, here in links.items():
        source[0] = source[0].replace(there, here)


def setup(app):
    """Copy before Sphinx looks for its pages; turn the links of every page as it is read."""
    app.connect("config-inited", copy_notebooks)
    app.connect("source-read", follow_links)
    return {"parallel_read_safe": True}

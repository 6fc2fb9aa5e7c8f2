"""Links are written as they hold in the repository; the notebooks, though, stand inside the site as docs/notebooks."""

from pathlib import PurePosixPath


def follow(app, docname: str, source: list[str]) -> None:
    """Turn a page's links to ../notebooks, and a notebook's links to ../docs, into those of the site, in place."""
    inside = PurePosixPath(docname).parts[0] == "notebooks"
    source[0] = source[0].replace("](../docs/", "](../") if inside else source[0].replace("../notebooks/", "notebooks/")


def setup(app):
    """Do it to every page as it is read."""
    app.connect("source-read", follow)
    return {"parallel_read_safe": True}

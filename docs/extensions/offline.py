"""Holds the site to its word that it can be read offline: no page fetches anything from elsewhere."""

import re
from pathlib import Path

from sphinx.errors import SphinxError

FETCHED = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=\"(?:https?:)?//([^\"]+)")
FETCHED_BY_STYLE = re.compile(r"(?:@import\s+|url\()['\"]?(?:https?:)?//([^'\")]+)")


def check(app, exception) -> None:
    """Fail where a page or a style sheet asks another machine for something."""
    if exception:
        return
    for pattern, expression in (("*.html", FETCHED), ("*.css", FETCHED_BY_STYLE)):
        for path in sorted(Path(app.outdir).rglob(pattern)):
            if found := expression.search(path.read_text()):
                raise SphinxError(f"{path.relative_to(app.outdir)} fetches {found[1]}; want nothing from elsewhere")


def setup(app):
    """Look when all is written."""
    app.connect("build-finished", check)
    return {"parallel_read_safe": True}

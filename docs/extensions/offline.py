"""Holds the site to its word that it can be read offline: no page fetches anything from elsewhere."""

import re
from pathlib import Path

from sphinx.util import logging

logger = logging.getLogger(__name__)
FETCHED = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=\"(?:https?:)?//([^\"]+)")
FETCHED_BY_STYLE = re.compile(r"(?:@import\s+|url\()['\"]?(?:https?:)?//([^'\")]+)")


def check(app, exception) -> None:
    """Warn of each page or style sheet that asks another machine for something; `make docs` fails on warnings."""
    if exception:
        return
    for pattern, expression in (("*.html", FETCHED), ("*.css", FETCHED_BY_STYLE)):
        for path in sorted(Path(app.outdir).rglob(pattern)):
            if found := expression.search(path.read_text()):
                logger.warning("%s fetches %s; want nothing from elsewhere", path.relative_to(app.outdir), found[1])


def setup(app):
    """Look when all is written."""
    app.connect("build-finished", check)
    return {"parallel_read_safe": True}

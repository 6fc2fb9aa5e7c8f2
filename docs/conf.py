"""How the site is built: `make docs`, from installed packages alone, without a network, warnings as errors."""

import sys
from importlib import metadata
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent), str(DOCS / "extensions")]

project = "unroll"
version = release = metadata.version("unroll-lstm")
extensions = [
    *("myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"),
    *("docstrings", "command_line", "repository", "offline", "live"),  # in docs/extensions
]
exclude_patterns = ["_build", "extensions", "**/.ipynb_checkpoints"]

# The notebooks are shown as they are committed; `make notebooks` executes them and a test holds them to their sources.
nb_execution_mode = "off"
nb_ipywidgets_js = {}  # there are no widgets, and their scripts would be fetched from elsewhere
myst_enable_extensions = ["colon_fence", "deflist"]  # no dollars: mathematics would be fetched from elsewhere, too
myst_heading_anchors = 3

default_role = "py:obj"  # a name in backticks is code, and a link where the site has it
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say shapes, which say more
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "pydata_sphinx_theme"
html_title = "unroll"
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # it would fetch the pages found, which a browser does not allow for files
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "secondary_sidebar_items": {"**": ["page-toc"], "claims": []},
    "footer_start": ["theme-version"],
    "footer_end": ["sphinx-version"],
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}

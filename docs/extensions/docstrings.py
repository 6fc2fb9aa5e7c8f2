"""Lets Sphinx read this project's docstrings, which are written to be read in the code.

An indented block after a blank line is code there; reStructuredText takes it for a quotation.
"""

FIELD_OF_A_TUPLE = "Alias for field number"


def mark_code(app, what, name, obj, options, lines: list[str]) -> None:
    """Put `::` before every indented block that stands for itself, in place."""
    marked = []
    for number, line in enumerate(lines):
        starts = _indent(line) and number and not lines[number - 1].strip()
        if starts and _indent(line) > _indent(_last_text(lines[:number])):
            marked += [" " * _indent(_last_text(lines[:number])) + "::", ""]
        marked.append(line)
    lines[:] = marked


def skip_fields(app, what, name, obj, skip, options):
    """Leave out the fields of a NamedTuple, of which Python says no more than their numbers."""
    return True if (getattr(obj, "__doc__", None) or "").startswith(FIELD_OF_A_TUPLE) else None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _last_text(lines: list[str]) -> str:
    return next((line for line in reversed(lines) if line.strip()), "")


def setup(app):
    """Stand before Napoleon, which turns `Args:` and the like into lists."""
    app.connect("autodoc-process-docstring", mark_code, priority=400)
    app.connect("autodoc-skip-member", skip_fields)
    return {"parallel_read_safe": True}

"""What the notebooks show with: answers that stay folded, and something to try, as HTML that needs no server.

Importing this module imports TensorFlow, without what it prints to greet whoever does.
"""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from unroll.measure.process import quiet
from unroll.report.page.interactive import live_page, trick_data
from unroll.report.page.markup import Html, element
from unroll.shipped import shipped

with quiet():
    import tensorflow  # noqa: F401

HEIGHT = 690  # pixels


@contextmanager
def answer() -> Iterator[None]:
    """Fold what is printed and drawn within: it is seen once the reader opens it, after a guess."""
    from IPython.display import HTML, display
    from IPython.utils.capture import capture_output

    with capture_output() as captured:
        yield
    printed = [element("pre", captured.stdout)] if captured.stdout else []
    outputs = [_as_html(output.data) for output in captured.outputs]
    display(HTML(element("details", element("summary", "Answer"), *printed, *outputs)))


def _as_html(data: dict[str, Any]) -> Html:
    """Return what a cell displays, in the richest form that HTML has for it."""
    if "text/html" in data:
        return Html(data["text/html"])
    if "image/png" in data:
        png = data["image/png"]
        encoded = b64encode(png).decode() if isinstance(png, bytes) else "".join(png.split())
        return element("img", src=f"data:image/png;base64,{encoded}", alt="what the code above draws")
    return element("pre", data["text/plain"])


class Frame(NamedTuple):
    """A page of its own within a notebook.

    Attributes:
        page: its HTML.
        title: what it is called, for those who do not see it.
    """

    page: str
    title: str

    def _repr_html_(self) -> str:
        return element(
            "iframe", srcdoc=self.page, title=self.title, width="100%", height=str(HEIGHT), style="border: 0"
        )


def walk() -> Frame:
    """Return an interactive walk through transpose, reshape and split, which asks before it shows."""
    return Frame(live_page("trick", trick_data()), "Transpose, reshape, split, step by step")


def committed(name: str) -> Path:
    """Return a folder of the results that come with the project, such as "reference"."""
    return shipped("results") / name

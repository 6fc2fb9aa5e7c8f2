"""What all figures share: colours, type, the title, the small print, and how a figure is saved."""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import IO

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from unroll.files import write_together
from unroll.measure.journal import Run
from unroll.measure.variants import VARIANTS, cells_an_iteration, variant_of
from unroll.report.tables import plain

WIDTH = 10.0  # inches, as are all lengths below; a README shows it 830 px wide, where 8 points are 9 px
DPI = 160
MARGIN = 0.15
SMALL, NORMAL, LARGE = 8, 9, 12
LINE = 0.15  # from one line of small print to the next
EXPLAINED_HEIGHT = 0.7  # a title and a line of explanation
HEADING_HEIGHT, TICKS_WIDTH = 0.42, 0.42  # over a panel, and left of it
ROOM = 0.03  # of an axis, beyond its last decades: a marker there is seen whole
INK, QUIET, FAINT = "#222222", "#5F5F5F", "#D9D9D9"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": NORMAL,
    "text.color": INK,
    "text.parse_math": False,  # a `$` in the name of a machine is no formula
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": QUIET,
    "xtick.labelsize": SMALL,
    "svg.hashsalt": "unroll",
    "svg.fonttype": "path",  # the letters look the same where the font is missing
}


def lighter(colour: str, share: float) -> str:
    """Mix a colour with white, `share` of it remaining."""
    red, green, blue = (1 - share * (1 - channel) for channel in to_rgb(colour))
    return to_hex((red, green, blue))


BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
GREY = "#707070"


def colour(variant: str) -> str:
    """Return a variant's colour: the paler, the more cells in an iteration of the loop."""
    cells = cells_an_iteration(variant)
    if cells and variant not in VARIANTS:
        return lighter(VARIANTS["dynamic"].colour, max(0.25, 1.15 - 0.2 * np.log2(cells)))
    return variant_of(variant).colour


def ink_on(face: str) -> str:
    """Return the colour of text that can be read on another colour."""
    red, green, blue = to_rgb(face)
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else INK


def styled(draw: Callable) -> Callable:
    """Draw in the project's own style, whatever matplotlib is set to."""

    @wraps(draw)
    def styled(*arguments, **options):
        with matplotlib.style.context(["default", STYLE]):
            return draw(*arguments, **options)

    return styled


def add_axes(figure: Figure, left: float, bottom: float, width: float, height: float, *, ticks: bool = False) -> Axes:
    """Add axes at a place given in inches; without ticks and frame unless asked for."""
    total_width, total_height = figure.get_size_inches()
    axes = figure.add_axes(
        (left / total_width, bottom / total_height, width / total_width, height / total_height), facecolor="none"
    )
    if not ticks:
        axes.set_axis_off()
    return axes


def write_title(figure: Figure, title: str, more: str) -> None:
    """Write a figure's title at its top, and a few quiet words beside it."""
    height = figure.get_size_inches()[1]
    y = 1 - 0.3 / height
    figure.text(MARGIN / WIDTH, y, title, fontsize=LARGE, fontweight="bold", va="baseline")
    x = MARGIN + text_width(title, LARGE, weight="bold") + 0.15
    figure.text(x / WIDTH, y, more, color=QUIET, va="baseline")


def explain(figure: Figure, text: str) -> None:
    """Write a quiet line below a figure's title."""
    figure.text(MARGIN / WIDTH, 1 - 0.52 / figure.get_size_inches()[1], text, fontsize=SMALL, color=QUIET)


def write_heading(axes: Axes, heading: str, unit: str, above: float = 0) -> None:
    """Write a panel's question and unit over it, `above` inches from its top."""
    place = ("axes fraction", "offset points")
    axes.annotate(heading, (0, 1), (0, 19 + 72 * above), *place, fontweight="bold")
    axes.annotate(unit, (0, 1), (0, 6 + 72 * above), *place, fontsize=SMALL, color=QUIET)


def label_decades(axes: Axes, values: Sequence[float]) -> None:
    """Widen a logarithmic axis of costs to whole decades, and label at most five of them."""
    low = int(np.floor(np.log10(min(values, default=1))))
    high = max(int(np.ceil(np.log10(max(values, default=10)))), low + 1)
    decades = range(low, high + 1, int(np.ceil((high - low) / 4)))
    axes.set_ylim(10.0 ** (low - ROOM * (high - low)), 10.0 ** (high + ROOM * (high - low)))
    axes.set_yticks([10.0**power for power in decades], [f"{10.0**power:,.10g}" for power in decades])
    axes.set_yticks([], minor=True)
    axes.tick_params(axis="y", length=0, labelsize=SMALL, labelcolor=QUIET, pad=3)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)


def cross_out(axes: Axes, x: float, y: float, ink: str) -> None:
    """Mark where a cost is not known, at a height in shares of the plot's: no height would be true."""
    place = axes.get_xaxis_transform()
    axes.plot(x, y, "x", transform=place, color=ink, markersize=4.5, markeredgewidth=1.3, clip_on=False)


def small_print(run: Run) -> list[str]:
    """Return where, on what and when it was measured, in lines that fit the page."""
    environment = run.environment
    pieces = [
        f"{plain(environment.get('processor', 'unknown processor'))}, {plain(environment.get('cores', '?'))} cores",
        *_gpu_pieces(run),
        f"TensorFlow {plain(environment.get('versions', {}).get('tensorflow', '?'))}",
        str(run.sizes),
        plain(run.settings.get("data", "unknown data")),
        plain(run.started)[:10],
    ]
    lines = [""]
    for piece in pieces:
        longer = f"{lines[-1]} · {piece}" if lines[-1] else piece
        if text_width(longer, SMALL) < WIDTH - 2 * MARGIN:
            lines[-1] = longer
        else:
            lines.append(piece)
    return lines


def _gpu_pieces(run: Run) -> list[str]:
    """Name the GPU that a run was measured on, and what of its costs are the host's; nothing for a CPU."""
    if run.device != "gpu":
        return []
    name = plain(next(iter(run.environment.get("gpus", [])), {}).get("name", "unknown GPU"))
    return [f"{name}, TF32 {'on' if run.settings.get('tf32') else 'off'}; process memory is the host's"]


def empty_figure(run: Run, title: str, said: str) -> Figure:
    """Draw a figure that only says why it shows nothing."""
    print_lines = small_print(run)
    figure = Figure(figsize=(WIDTH, 0.6 + print_height(print_lines)), dpi=DPI)
    write_title(figure, title, said)
    write_small_print(figure, print_lines)
    return figure


def print_height(lines: list[str]) -> float:
    """Return the room that small print takes, in inches."""
    return MARGIN + LINE * len(lines)


def write_small_print(figure: Figure, lines: list[str]) -> None:
    """Write the small print at the bottom of a figure."""
    height = figure.get_size_inches()[1]
    for number, line in enumerate(reversed(lines)):
        y = (MARGIN / 2 + LINE * number) / height
        figure.text(MARGIN / WIDTH, y, line, fontsize=SMALL, color=QUIET, va="bottom")


def fitted(text: str, size: float, width: float) -> str:
    """Make text harmless as `plain` does, and shorten it until it is no wider than `width` inches."""
    whole = line = plain(text)
    while text_width(line, size) > width and whole:
        whole = whole[:-1]
        line = f"{whole}..."
    return line


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Return how wide a line of text is, in inches."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def save_figure(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write `folder`/`name`.png and .svg, both or neither; the same figure gives the same bytes.

    Returns:
        the two paths.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{form}" for form in ("png", "svg")]

    def saved_as(form: str) -> Callable[[IO[bytes]], object]:
        metadata = {"Date": None} if form == "svg" else None
        return lambda file: figure.savefig(file, format=form, dpi=DPI, metadata=metadata)

    with matplotlib.style.context(["default", STYLE]):
        return write_together({path: saved_as(path.suffix[1:]) for path in paths})

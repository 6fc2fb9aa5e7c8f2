"""What all figures share: the frame around them, their colours and type, and how a figure is saved."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import IO, Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Transform, blended_transform_factory

from unroll.files import write_together
from unroll.measure.journal import Measurement, Run
from unroll.measure.statistics import ENOUGH_ROUNDS
from unroll.measure.variants import VARIANTS, cells_an_iteration, variant_of
from unroll.report.tables import Column, missing, plain

WIDTH = 10.0  # inches, as are all lengths below; a README shows it 830 px wide, where 8 points are 9 px
DPI = 160
MARGIN = 0.15
SMALL, NORMAL, LARGE = 8, 9, 12
LINE = 0.15  # from one line of small print to the next
HEADING = 0.42  # a panel's heading and unit, over the panel
ROOM = 0.03  # of an axis, beyond its last decades, so that a marker there is seen whole
INK, QUIET, FAINT, STRIPE = "#222222", "#5F5F5F", "#D9D9D9", "#F4F4F4"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": NORMAL,
    "text.color": INK,
    "text.parse_math": False,  # a `$` in the name of a machine is no formula
    "axes.edgecolor": QUIET,
    "axes.facecolor": "none",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": NORMAL,
    "axes.titleweight": "bold",
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": SMALL,
    "xtick.major.size": 2,
    "xtick.major.width": 0.6,
    "xtick.major.pad": 2,
    "xtick.minor.size": 2,
    "xtick.minor.width": 0.6,
    "legend.fontsize": SMALL,
    "svg.hashsalt": "unroll",
    "svg.fonttype": "path",  # the letters look the same where the font is missing
}
SMALL_QUIET: dict[str, Any] = {"fontsize": SMALL, "color": QUIET}
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
GREY = "#707070"


Draw = Callable[..., Figure | None]


@dataclass
class Drawing:
    """One figure of the report, whose body `draw` draws.

    Attributes:
        name: how its files are named.
        title: how it is headed, in its picture and on the page.
        beside: quiet words beside the title.
        explanation: quiet lines below the title.
        describe: from what is drawn, whole sentences for those who do not see the picture.
        draw: from what is drawn, the figure; None if there is nothing to show.
    """

    name: str
    title: str
    describe: Callable[[Run], str]
    beside: str = ""
    explanation: str = ""
    draw: Draw = lambda _: None

    def drawn_by(self, draw: Draw) -> Draw:
        """Register the function that draws the figure, and let it draw in the project's own style."""

        @wraps(draw)
        def styled(*arguments: object) -> Figure | None:
            with matplotlib.style.context(["default", STYLE]):
                return draw(*arguments)

        self.draw = styled
        return styled

    def alt(self, run: Run) -> str:
        """Return what the figure shows, in words."""
        return f"{self.title}{'' if self.title.endswith('?') else '.'} {self.describe(run)}".strip()

    def frame(self, lines: Sequence[str], body: float, *, beside: str = "", explanation: str = "") -> Figure:
        """Return the figure with its title and small print, and room for axes between them, `body` inches high.

        The axes that are added to it are laid out so that nothing of them leaves that room.
        """
        explained = (explanation or self.explanation).splitlines()
        top = 0.55 + 0.18 * len(explained)
        bottom = _print_height(lines)
        height = top + body + bottom
        figure = Figure(figsize=(WIDTH, height), dpi=DPI)
        room = (MARGIN / WIDTH, bottom / height, 1 - 2 * MARGIN / WIDTH, body / height)
        figure.set_layout_engine("constrained", rect=room, w_pad=0.05, h_pad=0.08, wspace=0, hspace=0)

        def write(x: float, y: float, text: str, **style: Any) -> None:
            figure.text((MARGIN + x) / WIDTH, y / height, text, va="baseline", **style)

        write(0, height - 0.3, self.title, fontsize=LARGE, fontweight="bold")
        write(text_width(self.title, LARGE, "bold") + 0.15, height - 0.3, beside or self.beside, color=QUIET)
        for number, line in enumerate(explained):
            write(0, height - 0.52 - 0.18 * number, line, **SMALL_QUIET)
        for number, line in enumerate(reversed(lines)):
            write(0, MARGIN / 2 + 0.03 + LINE * number, line, **SMALL_QUIET)
        return figure

    def sheet(self, lines: Sequence[str], body: float) -> tuple[Figure, Axes]:
        """Return the figure, and axes whose data are inches from the lower left corner of its body, to draw by hand."""
        figure = self.frame(lines, body)
        figure.set_layout_engine("none")
        height = figure.get_size_inches()[1]
        axes = figure.add_axes((0, _print_height(lines) / height, 1, body / height))
        axes.set(xlim=(0, WIDTH), ylim=(0, body))
        axes.set_axis_off()
        return figure, axes


def lighter(colour: str, share: float) -> str:
    """Mix a colour with white, `share` of it remaining."""
    red, green, blue = (1 - share * (1 - channel) for channel in to_rgb(colour))
    return to_hex((red, green, blue))


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


def note(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    offset: tuple[float, float] = (0, 0),
    coords: Any = "data",
    **style: Any,
) -> Annotation:
    """Write small text some points away from a place in the axes; it takes no room in the layout unless asked to."""
    style = {"fontsize": SMALL, "va": "center_baseline", "in_layout": False, "annotation_clip": False} | style
    return axes.annotate(text, at, offset, coords, "offset points", **style)


def head(axes: Axes, heading: str, unit: str, above: float = 0) -> None:
    """Write a panel's question and unit over it, `above` inches from its top."""
    axes.set_title(heading, pad=19 + 72 * above)
    note(axes, unit, (0, 1), (0, 6 + 72 * above), "axes fraction", color=QUIET, va="baseline")


def hide(axes: Axes, *, x: bool = True, y: bool = True) -> None:
    """Take an axis' ticks and line away."""
    for axis, spine, hidden in ((axes.xaxis, "bottom", x), (axes.yaxis, "left", y)):
        if hidden:
            axis.set_ticks([])
            axes.spines[spine].set_visible(False)


def rule(axes: Axes, y: float) -> None:
    """Draw a faint line over the whole page at a height in the data of some axes."""
    ends = [MARGIN / WIDTH, 1 - MARGIN / WIDTH]
    axes.plot(ends, [y, y], color=FAINT, linewidth=0.6, transform=_over_page(axes), clip_on=False, in_layout=False)


def stripe(axes: Axes, low: float, high: float) -> None:
    """Shade the whole page between two heights in the data of some axes."""
    band = Rectangle((MARGIN / WIDTH, low), 1 - 2 * MARGIN / WIDTH, high - low, color=STRIPE, linewidth=0, zorder=-1)
    band.set(transform=_over_page(axes), clip_on=False, in_layout=False)
    axes.add_artist(band)


def _over_page(axes: Axes) -> Transform:
    """Return the coordinates whose x is a share of the page's width, and whose y is in the data of some axes."""
    page = axes.figure.transFigure
    return blended_transform_factory(page, axes.transData)


def few_rounds(measured: Measurement) -> bool:
    """Return whether a cost was measured in interleaved rounds, but in too few to tell."""
    return any(measured.turns.values()) and len(measured.rounds) < ENOUGH_ROUNDS


def with_samples(run: Run, columns: Iterable[Column], variants: Iterable[str]) -> list[Column]:
    """Return the columns of which at least one variant has a sample."""
    variants = list(variants)
    return [column for column in columns if not all(missing(column.find(run, variant)) for variant in variants)]


def value_axis(axis: Axis) -> None:
    """Label an axis of costs quietly, with a faint line for each tick."""
    axis.set_tick_params(which="both", length=0, labelsize=SMALL, labelcolor=QUIET, pad=3)
    axis.grid(color=FAINT, linewidth=0.6)
    axis.axes.set_axisbelow(True)


def label_decades(axes: Axes, values: Sequence[float]) -> None:
    """Widen a logarithmic axis of costs to whole decades, and label at most five of them."""
    powers = np.log10([value for value in values if value > 0] or [1])
    low = int(np.floor(powers.min()))
    high = max(int(np.ceil(powers.max())), low + 1)
    decades = range(low, high + 1, int(np.ceil((high - low) / 4)))
    axes.set_ylim(10.0 ** (low - ROOM * (high - low)), 10.0 ** (high + ROOM * (high - low)))
    axes.set_yscale("log")
    axes.set_yticks([10.0**power for power in decades], [_decade(power) for power in decades])
    axes.set_yticks([], minor=True)
    value_axis(axes.yaxis)


def _decade(power: int) -> str:
    """Format a power of ten, as 0.001 or 1,000 or 1e-5.

    >>> _decade(-5), _decade(-3), _decade(0), _decade(4)
    ('1e-5', '0.001', '1', '10,000')
    """
    return f"{10.0**power:,.10g}" if power > -4 else f"1e{power}"


def cross_out(axes: Axes, x: float, y: float, ink: str) -> None:
    """Mark where a cost is not known, at a height in shares of the plot's: no height would be true."""
    place = axes.get_xaxis_transform()
    axes.plot(
        x, y, "x", transform=place, color=ink, markersize=4.5, markeredgewidth=1.3, clip_on=False, in_layout=False
    )


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


def _print_height(lines: Sequence[str]) -> float:
    """Return how high the small print is, in inches."""
    return MARGIN + LINE * len(lines)


def _gpu_pieces(run: Run) -> list[str]:
    """Name the GPU that a run was measured on, and what of its costs are the host's; nothing for a CPU."""
    if run.device != "gpu":
        return []
    name = plain(next(iter(run.environment.get("gpus", [])), {}).get("name", "unknown GPU"))
    return [f"{name}, TF32 {'on' if run.settings.get('tf32') else 'off'}; process memory is the host's"]


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


def save_figure(figure: Figure | None, folder: Path, name: str) -> list[Path]:
    """Write `folder`/`name`.png and .svg, both or neither; the same figure gives the same bytes.

    A figure that is None shows nothing: it is not written, and what an earlier run left of it is removed.

    Returns:
        the paths written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{form}" for form in ("png", "svg")]
    if figure is None:
        for path in paths:
            path.unlink(missing_ok=True)
        return []

    def saved_as(form: str) -> Callable[[IO[bytes]], object]:
        metadata = {"Date": None} if form == "svg" else None
        return lambda file: figure.savefig(file, format=form, dpi=DPI, metadata=metadata)

    with matplotlib.style.context(["default", STYLE]):
        _settle_layout(figure)
        return write_together({path: saved_as(path.suffix[1:]) for path in paths})


def _settle_layout(figure: Figure) -> None:
    """Lay the axes out once for all forms, to places that are rounded: the solver's last digits vary."""
    if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for axes in figure.axes:
            left, bottom, width, height = (round(share, 5) for share in axes.get_position().bounds)
            axes.set_position((left, bottom, width, height))

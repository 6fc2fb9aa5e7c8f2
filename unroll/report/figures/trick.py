"""The figure of transpose, reshape and split, cell by cell, and of what goes wrong without the transpose."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from unroll.models.data import load
from unroll.report.figures.frame import LARGE, MARGIN, QUIET, SMALL, Drawing, ink_on, lighter

NUMBERS = np.arange(24).reshape(2, 4, 3)  # [B, T, I], the tutorial's own
SHOWN_DIGITS = (3, 8)
FACES = ("#3D3D5C", "#E8938C")  # of each image: no variant's colours, and far apart in grey
INKS = ("#3D3D5C", "#A8433B")  # what its digit is written in

BAND_TITLE, HEADINGS, BODY, VERDICT = 0.34, 0.44, 1.92, 0.44
ROWS_HEIGHT, BLOCK_GAP, SPREAD = 1.6, 0.14, 0.3  # of all rows together; between two blocks; between all of many
NUMBERS_AT = {"batch": 0.72, "transpose": 1.98, "reshape": 3.05, "split": 4.42, "back": 5.68}  # left edges
DIGITS_AT = {"batch": 6.8, "split": 7.83, "back": 8.86}
NUMBERS_WIDTH, DIGIT_WIDTH = 0.72, 0.75
UNLINKED = ("reshape", "split")  # between the two stand the names of the steps
SHARPER = 4  # pixels drawn for each of a digit's, so that a browser does not blur them into each other


class Stages(NamedTuple):
    """A batch on its way to its steps and back, each stage as blocks of rows [blocks, rows, I]."""

    batch: np.ndarray  # [B, T, I]
    transpose: np.ndarray | None  # [T, B, I]; None where it is left out
    reshape: np.ndarray  # [1, T*B, I]
    split: np.ndarray  # [T, B, I]: a list of T
    back: np.ndarray  # [B, T, I]


def stages(batch: np.ndarray, *, transpose: bool = True) -> Stages:
    """Take a batch through the trick of the tutorials, or without its transpose, and put the steps together again.

    `unroll.rnn.sequence` does the same in TensorFlow: `split_steps`, `mix_images` and `join_steps`.

    >>> stages(NUMBERS).split[1].tolist(), stages(NUMBERS, transpose=False).split[1].tolist()
    ([[3, 4, 5], [15, 16, 17]], [[6, 7, 8], [9, 10, 11]])
    """
    _, steps, width = batch.shape
    transposed = batch.transpose(1, 0, 2) if transpose else None  # [T, B, I]
    rows = (batch if transposed is None else transposed).reshape(-1, width)  # [T*B, I]
    split = np.split(rows, steps)  # T times [B, I]
    return Stages(batch, transposed, rows[np.newaxis], np.stack(split), np.stack(split, axis=1))


TRICK = Drawing(
    "trick",
    "Transpose, reshape, split",
    lambda _: (
        "Stage by stage, [2, 4, 3] is transposed to [4, 2, 3], reshaped to [8, 3] and split into 4 steps of [2, 3], "
        "each with one row of both images. Without the transpose the shapes are the same, and a step holds two rows of "
        "one image."
    ),
    "how a batch of images becomes a list of steps, and back",
    "Each image has its colour and each row its line: follow a row from the batch to its step and back.",
)


@TRICK.drawn_by
def draw_trick(_: object = None) -> Figure:
    """Draw the trick forward and back, on the tutorial's numbers and on two digits, with and without the transpose.

    It needs no results, so that what it is given does not matter.
    """
    data = load("digits")
    digits = np.stack([data.test.images[data.test.labels == digit][0] for digit in SHOWN_DIGITS])  # [2, 28, 28]
    band = BAND_TITLE + HEADINGS + BODY + VERDICT
    made_of = f"arange(24).reshape(2, 4, 3), as in the tutorial · {data.name}: a {SHOWN_DIGITS[0]} and an "
    lines = [f"{made_of}{SHOWN_DIGITS[1]} · nothing is measured here, every stage is computed with NumPy"]
    figure, axes = TRICK.sheet(lines, 2 * band)
    _draw_band(axes, digits, "With the transpose: a step holds one row of every image", 2 * band, True)
    _draw_band(axes, digits, "Without it: the same shapes, but images mixed", band, False)
    return figure


def _draw_band(axes: Axes, digits: np.ndarray, title: str, top: float, transpose: bool) -> None:
    axes.text(MARGIN, top - 0.2, title, fontsize=LARGE - 1, fontweight="bold")
    top -= BAND_TITLE
    numbers, pixels = stages(NUMBERS, transpose=transpose), stages(digits, transpose=transpose)
    _draw_headings(axes, numbers, NUMBERS_AT, NUMBERS_WIDTH, top)
    _draw_headings(axes, pixels, DIGITS_AT, DIGIT_WIDTH, top)
    top -= HEADINGS
    _draw_flow(axes, numbers, NUMBERS_AT, NUMBERS_WIDTH, top, _draw_numbers)
    _draw_flow(axes, pixels, DIGITS_AT, DIGIT_WIDTH, top, _draw_pixels)
    _name_blocks(axes, "image", NUMBERS_AT["batch"], numbers.batch, top)
    _name_blocks(axes, "step", NUMBERS_AT["split"], numbers.split, top)
    bottom = top - BODY - 0.05
    _write_whether_back(axes, NUMBERS_AT["back"] + NUMBERS_WIDTH / 2, bottom, numbers)
    _write_whether_back(axes, DIGITS_AT["back"] + DIGIT_WIDTH / 2, bottom, pixels)


def _draw_headings(axes: Axes, flow: Stages, lefts: dict[str, float], width: float, top: float) -> None:
    """Write over each stage what is done there, and the shape that it gives."""
    count, each, pixels = flow.split.shape
    shapes = {
        "batch": ("the batch", f"[{each}, {count}, {pixels}]"),
        "transpose": ("transpose", f"[{count}, {each}, {pixels}]"),
        "reshape": ("reshape", f"[{count * each}, {pixels}]"),
        "split": ("split", f"{count} times [{each}, {pixels}]"),
        "back": ("stack again", f"[{each}, {count}, {pixels}]"),
    }
    for stage, x in lefts.items():
        heading, shape = shapes[stage] if getattr(flow, stage) is not None else ("no transpose", "")
        style = {"ha": "center", "fontsize": SMALL}
        axes.text(x + width / 2, top - 0.16, heading, **style, fontweight="bold" if shape else "normal")
        axes.text(x + width / 2, top - 0.32, shape, **style, color=QUIET)


def _draw_flow(axes: Axes, flow: Stages, lefts: dict[str, float], width: float, top: float, draw: Callable) -> None:
    """Draw the stages side by side, and a line for each row from stage to stage."""
    each, count, _ = flow.batch.shape
    numbered = stages(np.arange(each * count).reshape(each, count, 1), transpose=flow.transpose is not None)
    drawn = [stage for stage in lefts if getattr(flow, stage) is not None]
    rows = {stage: _rows(getattr(numbered, stage), top) for stage in drawn}
    for stage in drawn:
        values, numbers = getattr(flow, stage), getattr(numbered, stage)
        draw(axes, lefts[stage], width, values.reshape(each * count, -1), numbers.ravel() // count, rows[stage])
    for left, right in pairwise(drawn):
        if (left, right) != UNLINKED:
            ends = lefts[left] + width + 0.03, lefts[right] - 0.03
            _draw_links(axes, ends, rows[left], rows[right], np.arange(each * count) // count)


def _rows(numbers: np.ndarray, top: float) -> np.ndarray:
    """Return the height on the page of each row, by its number, of a stage's numbered blocks [blocks, rows, 1].

    A stage stands in the middle of its room.
    """
    blocks, each, _ = numbers.shape
    gap = min(BLOCK_GAP, SPREAD / max(blocks - 1, 1))
    start = top - (BODY - ROWS_HEIGHT - gap * (blocks - 1)) / 2
    order = np.arange(numbers.size)
    heights = np.empty(numbers.size)
    heights[numbers.ravel()] = start - ROWS_HEIGHT / numbers.size * (order + 0.5) - gap * (order // each)
    return heights


def _draw_numbers(axes: Axes, x: float, width: float, values: np.ndarray, images: np.ndarray, rows: np.ndarray) -> None:
    """Draw rows [rows, I] as numbers in cells, coloured by image; `rows` are heights from the top down."""
    cell, height = width / values.shape[1], ROWS_HEIGHT / len(values)
    for row, image, y in zip(values, images, np.sort(rows)[::-1], strict=True):
        face = FACES[image]
        for column, value in enumerate(row):
            corner = (x + cell * column, y - height / 2)
            axes.add_patch(Rectangle(corner, cell, height, facecolor=face, edgecolor="white", linewidth=0.8))
            style = {"fontsize": SMALL, "ha": "center", "va": "center_baseline", "color": ink_on(face)}
            axes.text(corner[0] + cell / 2, y, str(value), **style)


def _draw_pixels(axes: Axes, x: float, width: float, values: np.ndarray, images: np.ndarray, rows: np.ndarray) -> None:
    """Draw rows [rows, I] of pixels, ink and paper coloured by image; rows that touch are drawn as one picture."""
    height, limits = ROWS_HEIGHT / len(values), axes.axis()
    heights = np.sort(rows)[::-1]
    paper, ink = (np.array([to_rgb(name) for name in names]) for names in ([lighter(f, 0.25) for f in FACES], INKS))
    colours = paper[images, np.newaxis] + values[..., np.newaxis] * (ink - paper)[images, np.newaxis]  # [rows, I, 3]
    breaks = np.flatnonzero(heights[:-1] - heights[1:] > height * 1.01) + 1
    for part in np.split(np.arange(len(values)), breaks):
        bottom, top = (float(heights[row] + side * height / 2) for row, side in ((part[-1], -1), (part[0], 1)))
        picture = colours[part].repeat(SHARPER, axis=0).repeat(SHARPER, axis=1)
        axes.imshow(picture, extent=(x, x + width, bottom, top), aspect="auto", interpolation="none", zorder=2)
    axes.axis(limits)  # which imshow changes


def _draw_links(
    axes: Axes, ends: tuple[float, float], starts: np.ndarray, stops: np.ndarray, images: np.ndarray
) -> None:
    """Draw a curve from each row's place in one stage to its place in the next."""
    left, right = ends
    middle = (left + right) / 2
    for image, face in enumerate(FACES):
        curves = [
            Path(
                [(left, start), (middle, start), (middle, stop), (right, stop)],
                [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4],
            )
            for start, stop in zip(starts[images == image], stops[images == image], strict=True)
        ]
        width = 1.2 if len(curves) < 10 else 0.5
        axes.add_patch(PathPatch(Path.make_compound_path(*curves), facecolor="none", edgecolor=face, linewidth=width))


def _name_blocks(axes: Axes, name: str, x: float, values: np.ndarray, top: float) -> None:
    """Write the name of each block left of it, counted from 0."""
    blocks, each, _ = values.shape
    heights = np.sort(_rows(np.arange(blocks * each).reshape(blocks, each, 1), top))[::-1].reshape(blocks, each)
    for number, y in enumerate(heights.mean(axis=1)):
        axes.text(x - 0.08, y, f"{name} {number}", fontsize=SMALL, ha="right", va="center_baseline", color=QUIET)


def _write_whether_back(axes: Axes, x: float, y: float, flow: Stages) -> None:
    """Write under the last stage whether it is the batch that one began with."""
    verdict = "the batch again" if np.array_equal(flow.back, flow.batch) else "not the batch:\nimages are mixed"
    axes.text(x, y, verdict, fontsize=SMALL, ha="center", va="top", fontweight="bold", linespacing=1.25)

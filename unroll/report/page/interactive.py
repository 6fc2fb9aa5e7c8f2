"""The two interactive parts of the page, "growth" and "trick": what they are given, and each as a page of its own."""

from unroll.measure.journal import Measurement, Run
from unroll.models.data import load
from unroll.report.figures.trick import SHOWN_DIGITS
from unroll.report.growth import BUILD, EXPORT, FIRST_CALL, GRAPH_BYTES, PROCESS, STEP_TRAIN, TENSORS
from unroll.report.page.answer import PAIR, amount
from unroll.report.page.markup import Html, asset, data, element
from unroll.report.tables import Column, broke_off, factor, missing

NODES = Column("nodes", "train", "Training graph", "nodes")
COSTS = [BUILD, FIRST_CALL, STEP_TRAIN, PROCESS, TENSORS, NODES, GRAPH_BYTES, EXPORT]
INKS = 15  # shades of a pixel beside blank, so that each is one hexadecimal digit


def growth_data(run: Run) -> dict:
    """Return each cost of the pair at every T at which any was measured, as numbers to draw and words to show."""
    sweeps = {
        (cost, variant): run.sweep("steps", cost.quantity, cost.phase, variant) for cost in COSTS for variant in PAIR
    }
    steps = sorted({T for sweep in sweeps.values() for T in sweep})
    return {
        "steps": steps,
        "start": run.sizes.steps,
        "costs": [
            {
                "name": cost.heading,
                "points": {variant: [_point(sweeps[cost, variant].get(T), cost) for T in steps] for variant in PAIR},
                "times": [_times(*(sweeps[cost, variant].get(T) for variant in PAIR)) for T in steps],
            }
            for cost in COSTS
        ],
    }


def _point(measured: Measurement | None, cost: Column) -> dict:
    """Return a median to draw and to show; without one, why, and whether it was lost on the way."""
    if measured and measured.samples:
        return {"value": measured.median / cost.scale, "said": amount(measured, cost)}
    lost = measured is not None and broke_off(measured)
    return {"said": measured.note if measured and lost else missing(measured), "lost": lost}


def _times(static: Measurement | None, dynamic: Measurement | None) -> str:
    """Write by what factor the medians differ; empty where there is none."""
    if static and dynamic and static.samples and dynamic.samples and dynamic.median > 0:
        return factor(static.median / dynamic.median)
    return ""


def trick_data() -> dict:
    """Return two digits [28, 28] of different classes, one hexadecimal digit a pixel, 0 blank and f ink."""
    images, labels = load("digits").test
    chosen = [images[labels == digit][0] for digit in SHOWN_DIGITS]
    return {
        "digits": list(SHOWN_DIGITS),
        "images": [["".join(f"{round(float(ink) * INKS):x}" for ink in row) for row in image] for image in chosen],
    }


def live_page(part: str, content: dict) -> Html:
    """Return an interactive part as a page that needs nothing beside it, for notebooks and for the site."""
    head = [
        element("meta", charset="utf-8"),
        element("meta", name="color-scheme", content="light dark"),
        element("style", Html(asset("page.css"))),
    ]
    script = Html("\n".join([asset("dom.js"), asset(f"{part}.js")]))
    body = [
        element("main", element("div", class_="live", id=f"{part}-live")),
        data(f"{part}-data", content),
        element("script", script, type="module"),
    ]
    return Html(f"<!DOCTYPE html>{element('html', element('head', *head), element('body', *body), lang='en')}")

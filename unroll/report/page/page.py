"""One page to hand around: the answer, the ledger, figures, tables and two things to try, in a file of its own."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from unroll.measure.journal import Run, device_name
from unroll.measure.statistics import AGREES, CLOSE, DIFFERS, NOT_MEASURED, Ratio
from unroll.report.figures.every import DRAWINGS
from unroll.report.ledger.claim import Results
from unroll.report.ledger.claims import Verdict, judge_claims
from unroll.report.ledger.evidence import DEPENDS, FAILS, HOLDS, Evidence
from unroll.report.page.answer import CODE, answer, ratios_of_pair
from unroll.report.page.captions import table_title
from unroll.report.page.choices import choices_table
from unroll.report.page.interactive import growth_data, trick_data
from unroll.report.page.markup import Html, asset, data, element, join, picture, scrolled, table
from unroll.report.table import NOTHING, Table
from unroll.report.tables import factor, interval_text, name_on, rounds_text

SCRIPTS = ("dom.js", "growth.js", "trick.js")
CARD, APART = "card", "trick"  # figures that have places of their own
MARKS = {
    HOLDS: "●",
    AGREES: "●",
    DEPENDS: "◐",
    DIFFERS: "○",
    FAILS: "○",
    CLOSE: "≈",
    NOT_MEASURED: "\N{EN DASH}",
}  # beside the words, for colour says nothing to all
KERAS_LOOP = "Keras loop, cuDNN off: the Keras LSTM with unroll=False and use_cudnn=False."
LARGEST_EMBLEM = 40  # cells, however many steps there are


def make_page(results: Results, pictures: Mapping[str, Path | None], tables: Mapping[str, Table]) -> str:
    """Make the page of a run as HTML that needs nothing beside it.

    Args:
        results: what was measured, and what lies beside it.
        pictures: where each figure was saved, by its name; None where the run has nothing to draw in it.
        tables: each table, by its name.
    """
    run, verdicts = results.run, judge_claims(results)
    script = "\n".join(map(asset, SCRIPTS))
    figures = {name: path for name, path in pictures.items() if path}
    filled = {name: made for name, made in tables.items() if made.note != NOTHING}
    environment = filled.pop("environment")
    parts = {
        "title": element("title", f"Static or dynamic? {device_name(run)}"),
        "style": asset("page.css"),
        "script": script,
        "script_hash": f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'",
        "where": join(
            [f"{device_name(run)} · {run.sizes} · ", element("time", run.started[:10], datetime=run.started)]
        ),
        "emblem": _emblem(run.sizes.steps),
        "answer": _answer(run),
        "ratios": _ratio_tiles(run),
        "choices": _table("choices", choices_table(run, results.further)),
        "missing": _missing(run, pictures, tables, verdicts),
        "ledger": _ledger(verdicts, figures),
        "card": _figure(run, CARD, figures[CARD]) if CARD in figures else Html(""),
        "figures": join(_folded_figure(run, name, path) for name, path in figures.items() if name not in (APART, CARD)),
        "trick": _figure(run, APART, figures[APART]) if APART in figures else Html(""),
        "growth_data": data("growth-data", growth_data(run)),
        "trick_data": data("trick-data", trick_data()),
        "growth_steps": ", ".join(map(str, growth_data(run)["steps"])) or "none",
        "tables": join(_table(name, made) for name, made in filled.items()),
        "environment": table(environment, "environment-heading"),
        "rounds": rounds_text(run),
        "keras_loop": KERAS_LOOP if run.device == "gpu" else "",
        "run": element("code", run.id),
    }
    return Template(asset("page.html")).substitute(parts)


def _emblem(steps: int) -> Html:
    """Draw what the page is about: T cells in a row, and below them one cell with a loop."""
    count = min(steps, LARGEST_EMBLEM)
    cells = "".join(f"M{number * 20} 2h14v14h-14z" for number in range(count))
    parts = [
        element("path", d=f"M7 9H{count * 20 - 13}", class_="chain"),
        element("path", d=cells, class_="static"),
        element("path", d="M28 52h5q4 0 4-4v-7q0-4-4-4H5q-4 0-4 4v7q0 4 4 4h7m-4-4l4 4l-4 4", class_="loop"),
        element("path", d="M14 45h14v14h-14z", class_="dynamic"),
        element("text", f"\N{MULTIPLICATION SIGN} {steps}", x="46", y="58"),
    ]
    description = f"{steps} cells in a row; below them one cell, and a loop that runs it {steps} times."
    return element("svg", *parts, viewBox=f"0 0 {max(count * 20 - 6, 120)} 62", role="img", aria_label=description)


def _answer(run: Run) -> Html:
    advice, *reasons = answer(run)
    pieces = CODE.split(advice)  # every second piece is code
    marked = [element("code", piece) if number % 2 else piece for number, piece in enumerate(pieces)]
    why = element("ul", *(element("li", reason) for reason in reasons)) if reasons else ""
    return join([element("p", *marked, class_="advice"), why])


def _ratio_tiles(run: Run) -> Html:
    tiles = []
    for turn, ratio in ratios_of_pair(run).items():
        has_ratio = isinstance(ratio, Ratio)
        number = element("b", factor(ratio.value)) if has_ratio else ratio
        between = element("span", interval_text(ratio)) if has_ratio else ""
        verdict = element("small", ratio.verdict) if has_ratio else ""
        colour = ratio.verdict if has_ratio and ratio.decided else "open"
        tiles.append(
            element("div", element("dt", turn.heading), element("dd", number, between, verdict), class_=colour)
        )
    return element("dl", *tiles, class_="tiles")


def _missing(
    run: Run, pictures: Mapping[str, Path | None], tables: Mapping[str, Table], verdicts: Sequence[Verdict]
) -> Html:
    """List what the page cannot show, because the run does not have it; empty if it has everything."""
    with_samples = {record.variant for record in run.records if record.samples}
    unknown = [verdict for verdict in verdicts if verdict.word == NOT_MEASURED]
    lacks = {
        "Variants that gave no result": [name_on(run, name) for name in run.variants if name not in with_samples],
        "Figures with nothing to draw": [DRAWINGS[name].title.rstrip("?") for name in pictures if not pictures[name]],
        "Tables with nothing to set out": [table_title(name) for name, made in tables.items() if made.note == NOTHING],
        "Claims that were not measured": [f"{len(unknown)} of {len(verdicts)}"] if unknown else [],
    }
    items = [element("li", f"{what}: {'; '.join(names)}.") for what, names in lacks.items() if names]
    if tables["stopped"].rows:
        items.append(element("li", "Stopped or failed: ", element("a", "what and why", href="#table-stopped"), "."))
    if not items:
        return Html("")
    heading = element("h2", "What is missing", id="missing-heading")
    return element("section", heading, element("ul", *items), class_="missing", aria_labelledby="missing-heading")


def _ledger(verdicts: Sequence[Verdict], figures: Mapping[str, Path]) -> Html:
    counts = {word: sum(verdict.word == word for verdict in verdicts) for word in MARKS}
    summary = [
        element("li", element("b", str(count)), f" {MARKS[word]} {word}", class_=_class_of(word))
        for word, count in counts.items()
    ]
    judged = [_verdict(verdict, figures) for verdict in verdicts if verdict.word != NOT_MEASURED]
    open_ones = [_verdict(verdict, figures) for verdict in verdicts if verdict.word == NOT_MEASURED]
    parts = [element("ul", *summary, class_="summary"), element("div", *judged, class_="ledger")]
    if open_ones:
        count = element("summary", f"{len(open_ones)} claims were not measured")
        parts.append(element("details", count, element("div", *open_ones, class_="ledger")))
    return join(parts)


def _verdict(verdict: Verdict, figures: Mapping[str, Path]) -> Html:
    """Write a claim in one line: verdict, claim, one number; what it rests on is folded below it."""
    mark = element("span", MARKS[verdict.word], aria_hidden="true")
    figure = Path(verdict.claim.figure).stem
    link = element("a", f"Figure: {DRAWINGS[figure].title}", href=f"#figure-{figure}") if figure in figures else ""
    word = element("span", mark, " ", verdict.word, class_=f"word {_class_of(verdict.word)}")
    number = element("span", verdict.evidence[0].value, class_="number") if verdict.evidence else ""
    line = element("summary", word, element("q", verdict.claim.quote), number)
    because = element("p", f"{verdict.because[0].upper()}{verdict.because[1:]}.")
    source = element("p", verdict.claim.source, ". " if link else "", link, class_="source")
    return element("details", line, because, _evidence(verdict.evidence), source, id=f"claim-{verdict.claim.name}")


def _class_of(word: str) -> str:
    return word.replace(" ", "-")


def _evidence(evidence: Sequence[Evidence]) -> Html:
    """List the figures behind a verdict."""
    return element("ul", *(element("li", str(figure)) for figure in evidence), class_="evidence")


def _folded_figure(run: Run, name: str, path: Path) -> Html:
    """Make a figure that is folded below its title."""
    return element("details", element("summary", DRAWINGS[name].title), _figure(run, name, path))


def _figure(run: Run, name: str, path: Path) -> Html:
    drawing, heading = DRAWINGS[name], f"figure-{name}-heading"
    return element(
        "figure",
        element("h3", drawing.title, id=heading),
        scrolled(picture(path, drawing.alt(run)), heading),
        id=f"figure-{name}",
    )


def _table(name: str, made: Table) -> Html:
    heading = element("h3", table_title(name), id=f"table-{name}-heading")
    return element("details", element("summary", heading), table(made, f"table-{name}-heading"), id=f"table-{name}")

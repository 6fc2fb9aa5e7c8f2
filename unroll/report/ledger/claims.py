"""The ledger: what the tutorials and the folklore claim, each with a verdict computed from the results at hand."""

import difflib
import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from unroll.errors import UnrollError, printable
from unroll.measure.statistics import AGREES, CLOSE, DIFFERS, NOT_MEASURED
from unroll.report.ledger import compilers, learning, lengths, memory, network, start, steps
from unroll.report.ledger.claim import Claim, Results, judge_by_all
from unroll.report.ledger.evidence import DEPENDS, FAILS, HOLDS, WORDS, Evidence
from unroll.report.table import WIDTH, escape


class Verdict(NamedTuple):
    """What the results say of a claim: a word of `evidence.WORDS`, why, and the figures behind it."""

    claim: Claim
    word: str
    because: str
    evidence: tuple[Evidence, ...]


def judge_claims(results: Results) -> list[Verdict]:
    """Judge every claim: by a run, by what lies beside it where the run leaves it open."""
    return [Verdict(claim, *judge_by_all(claim.judge, results)) for claim in CLAIMS]


def verdict_of(verdicts: Sequence[Verdict], name: str) -> Verdict:
    """Return the verdict on a claim.

    Raises:
        UnrollError: no claim has this name; the message lists those that are spelled most like it.
    """
    by_name = {verdict.claim.name: verdict for verdict in verdicts}
    if name in by_name:
        return by_name[name]
    nearest = difflib.get_close_matches(name, by_name, cutoff=0.3) or list(by_name)[:3]
    raise UnrollError(f"got the claim {name!r}; want one that `unroll claims` lists, such as {', '.join(nearest)}")


def claims_page(verdicts: Sequence[Verdict], figures: str) -> str:
    """Write every claim as Markdown: an index by verdict, then a section a claim; `figures` is the path of the figures.

    The heading of a section is the claim's name, and so is its anchor.
    """
    index = [
        f"**{word}** ({len(group)}): {', '.join(f'[{name}](#{anchor(name)})' for name in group)}\n"
        for word, group in _by_word(verdicts).items()
    ]
    return "\n".join([f"{summary(verdicts)}\n", *index, *(_page_section(verdict, figures) for verdict in verdicts)])


def anchor(name: str) -> str:
    """Return the anchor of a heading, as GitHub and the site make it.

    >>> anchor("accuracy-0.9786")
    'accuracy-09786'
    """
    return name.replace(".", "")


def _by_word(verdicts: Sequence[Verdict]) -> dict[str, list[str]]:
    """Return the names of the claims under each verdict that any of them has."""
    groups = {word: [verdict.claim.name for verdict in verdicts if verdict.word == word] for word in WORDS}
    return {word: names for word, names in groups.items() if names}


def _page_section(verdict: Verdict, figures: str) -> str:
    claim = verdict.claim
    source = f"[{escape(claim.source)}]({claim.url})" if claim.url else escape(claim.source)
    where = figures.replace("reference", "tutorials") if claim.is_of_trainings else figures
    lines = [
        f"## {claim.name}\n",
        f"> {escape(claim.quote)}\n",
        f"**{verdict.word}**: {escape(verdict.because)}.\n",
        *(f"- {escape(str(figure))}" for figure in verdict.evidence),
        *([""] if verdict.evidence else []),
        f"Source: {source}. Figure: [{claim.figure}]({where}/{claim.figure}).\n",
    ]
    return "\n".join(lines)


def summary(verdicts: Sequence[Verdict]) -> str:
    """Return how many claims came to what.

    >>> summary([])
    '0 claims'
    """
    counts = [f"{len(names)} {word}" for word, names in _by_word(verdicts).items()]
    return ": ".join([f"{len(verdicts)} claims", *([", ".join(counts)] if counts else [])])


def _claims_in(topic: ModuleType) -> list[Claim]:
    """Return the claims that a module defines, in their order."""
    return [value for value in vars(topic).values() if isinstance(value, Claim)]


TOPICS = (network, start, steps, memory, lengths, compilers, learning)
CLAIMS = [claim for topic in TOPICS for claim in _claims_in(topic)]
COLOURS = {
    HOLDS: "green",
    AGREES: "green",
    DEPENDS: "yellow",
    DIFFERS: "red",
    FAILS: "red",
    CLOSE: "blue",
    NOT_MEASURED: "dim",
}


def show_ledger(verdicts: Sequence[Verdict], console: Console) -> None:
    """Print how many claims came to what, and a line a claim: verdict, name, and the claim shortened."""
    width = min(console.width, WIDTH)
    words, names = (max(map(len, column), default=0) for column in (WORDS, [v.claim.name for v in verdicts]))
    ledger = Text(f"{textwrap.fill(summary(verdicts), width)}\n\n")  # printed in one: each print costs as much as all
    for verdict in verdicts:
        ledger.append(f"{verdict.word:{words}}  ", COLOURS[verdict.word])
        ledger.append(f"{verdict.claim.name:{names}}  ", "bold")
        ledger.append(f"{shortened(verdict.claim.quote, width - words - names - 4)}\n")
    ledger.append("\none in full, with its evidence: unroll claims NAME")
    console.print(ledger, soft_wrap=True)


def shortened(text: str, width: int) -> str:
    """Return as many words of a text as there is room for.

    >>> shortened("Unrolling is only suitable for short sequences.", 24)
    'Unrolling is only ...'
    """
    return textwrap.shorten(text, max(width, 8), placeholder=" ...")


def show_claim(verdict: Verdict, console: Console, folder: Path) -> None:
    """Print a claim in full: verdict, reason, the figures behind it, its source and the picture to look at."""
    claim, width = verdict.claim, min(console.width, WIDTH)
    text = Text().append(f"{verdict.word}: ", f"bold {COLOURS[verdict.word]}").append(f"{claim.name}\n\n", "bold")
    text.append(_set_in(f"“{claim.quote}”", width), "italic").append("\n")
    text.append(_set_in(f"{verdict.because}.", width))
    for figure in verdict.evidence:
        text.append(_set_in(f"- {figure}", width), "dim")
    text.append(f"\n{_set_in(f'source: {claim.source}', width)}")
    text.append(f"  {claim.url}\n" if claim.url else "")
    text.append(f"  figure: {folder / claim.figure}")
    console.print(text, soft_wrap=True)


def claims_json(verdicts: Sequence[Verdict]) -> str:
    """Write verdicts as JSON; docs/reference/json.md describes its fields."""
    content = [
        {
            "name": verdict.claim.name,
            "claim": verdict.claim.quote,
            "source": verdict.claim.source,
            "url": verdict.claim.url,
            "figure": verdict.claim.figure,
            "verdict": verdict.word,
            "because": verdict.because,
            "evidence": [figure._asdict() for figure in verdict.evidence],
        }
        for verdict in verdicts
    ]
    return json.dumps(content, indent=2)


def _set_in(text: str, width: int) -> str:
    """Return text in lines that are set in, the further ones a little more; names are not broken."""
    lines = textwrap.wrap(printable(text), width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    return "\n".join(lines) + "\n"

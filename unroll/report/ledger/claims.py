"""The ledger: what the tutorials and the folklore claim, each with a verdict computed from the results at hand."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from types import ModuleType
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from unroll.measure.statistics import AGREES, CLOSE, DIFFERS, NOT_MEASURED
from unroll.report.compare import printable
from unroll.report.ledger import compilers, learning, lengths, memory, network, start, steps
from unroll.report.ledger.claim import Claim, Results
from unroll.report.ledger.evidence import DEPENDS, FAILS, HOLDS, WORDS, Evidence
from unroll.report.tables import markdown


class Verdict(NamedTuple):
    """What the results say of a claim: a word of `evidence.WORDS`, why, and the figures behind it."""

    claim: Claim
    word: str
    because: str
    evidence: tuple[Evidence, ...]


def judge_claims(results: Results) -> list[Verdict]:
    """Judge every claim: by a run, by trainings where it is about learning, by a GPU's run where it is about a GPU."""
    return [Verdict(claim, *claim.judge(results)) for claim in CLAIMS]


def claims_table(results: Results) -> str:
    """Format every claim with its verdict as a Markdown table."""
    rows = [
        [
            f"{verdict.claim.quote} ({verdict.claim.source})",
            f"**{verdict.word}**: {verdict.because}",
            "; ".join(map(str, verdict.evidence)),
            verdict.claim.figure,
        ]
        for verdict in judge_claims(results)
    ]
    return markdown(["claim", "verdict", "figures, with 95% intervals", "look at"], rows, align=["---"] * 4)


def _claims_in(topic: ModuleType) -> list[Claim]:
    """Return the claims that a module defines, in their order."""
    return [value for value in vars(topic).values() if isinstance(value, Claim)]


CLAIMS = [one for topic in (network, start, steps, memory, lengths, compilers, learning) for one in _claims_in(topic)]
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
    """Print every claim with its verdict, the reason, the figures and where to look; and how many came to what."""
    width = max(console.width, 40)
    ledger = Text()  # printed in one, because each print costs as much as judging a claim
    for verdict in verdicts:
        claim = verdict.claim
        ledger.append(f"{verdict.word}: ", f"bold {COLOURS[verdict.word]}").append(f"{claim.name}\n", "bold")
        ledger.append(_set_in(f"“{claim.quote}” ({claim.source})", width), "italic")
        ledger.append(_set_in(f"{verdict.because}.", width))
        for one in verdict.evidence:
            ledger.append(_set_in(f"- {one}", width), "dim")
        ledger.append(_set_in(f"look at {claim.figure}", width) + "\n", "dim")
    counts = Counter(verdict.word for verdict in verdicts)
    ledger.append(f"{len(verdicts)} claims: {', '.join(f'{word} {counts[word]}' for word in WORDS)}")
    console.print(ledger, soft_wrap=True)


def _set_in(text: str, width: int) -> str:
    """Return text in lines that are set in, the further ones a little more."""
    lines = textwrap.wrap(printable(text), width, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(lines) + "\n"

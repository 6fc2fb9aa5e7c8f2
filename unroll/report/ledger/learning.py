"""The claims about what the network learns."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from unroll.measure.statistics import ENOUGH_ROUNDS, ratio
from unroll.models.history import Training
from unroll.models.tutorials import TUTORIALS
from unroll.report.ledger.claim import Results, claim
from unroll.report.ledger.evidence import (
    FAILS,
    HOLDS,
    NOT_MEASURED,
    OURS,
    Evidence,
    Finding,
    combine,
    ratio_text,
)

DOCUMENT = TUTORIALS["002"]  # the one that printed what it reached
LEARNED = 0.95  # the test accuracy from which on a network can be said to read digits
FEWEST_SEEDS = 3  # of fewer there is no range to speak of


@claim(
    "learn-the-same",
    "Trained either way, the network learns the same.",
    "documents 000 and 003, which offer either for one network",
    "learning.png",
)
def learn_the_same(results: Results) -> Finding:
    """Judge by pairs of trainings that differ in nothing but the unroll."""
    pairs = _pairs(results.trainings)
    if len(pairs) < ENOUGH_ROUNDS:
        because = f"{len(pairs)} pairs of trainings that differ in the unroll alone; {ENOUGH_ROUNDS} are needed"
        return Finding(NOT_MEASURED, because)
    static, dynamic = ([[_accuracy(one)] for one in either] for either in zip(*pairs, strict=True))
    found = ratio(static, dynamic)
    largest = max(abs(one[0] - other[0]) for one, other in zip(static, dynamic, strict=True))
    first = max(abs(one.points[0].loss - other.points[0].loss) for one, other in pairs)
    evidence = (
        Evidence("static / dynamic, test accuracy", ratio_text(found).replace("rounds", "pairs")),
        Evidence("static and dynamic, largest difference in test accuracy", f"{largest:.4f} in {len(pairs)} pairs"),
        Evidence("static and dynamic, largest difference in the first loss", f"{first:.2g} in {len(pairs)} pairs"),
    )
    if found.decided:
        return Finding(FAILS, f"{'static' if found.value > 1 else 'dynamic'} ends with the higher accuracy", evidence)
    return Finding(HOLDS, "no difference in test accuracy shown between trainings of the same seed", evidence)


def _pairs(trainings: Sequence[Training]) -> list[tuple[Training, Training]]:
    """Return pairs of trainings that differ in the unroll alone, static first; of several, the last counts."""

    def rest(training: Training) -> str:
        return str(sorted((name, str(value)) for name, value in training.settings.items() if name != "unroll"))

    found = []
    for _, group in groupby(sorted(_finished(trainings), key=rest), key=rest):
        either = {one.settings["unroll"]: one for one in group}
        if either.keys() >= set(OURS) and all(one.points for one in either.values()):
            found.append((either["static"], either["dynamic"]))
    return found


@claim(
    f"accuracy-{DOCUMENT.test_accuracy}",
    f"{DOCUMENT.updates} iterations of {DOCUMENT.batch} images end at a test accuracy of {DOCUMENT.test_accuracy}.",
    "document 002",
    "learning.png",
)
def reaches_the_printed(results: Results) -> Finding:
    """Judge whether what document 002 printed lies within the range over seeds, for either unroll."""
    reached: dict[str, list[float]] = {}
    for training in _finished(results.trainings):
        asked = training.settings
        if (asked["tutorial"], asked["updates"]) == (DOCUMENT.name, DOCUMENT.updates) and "mnist" in asked[
            "data"
        ].lower():
            reached.setdefault(asked["unroll"], []).append(_accuracy(training))
    parts = {unroll: _range_holds(unroll, accuracies) for unroll, accuracies in sorted(reached.items())}
    return combine(parts) if parts else Finding(NOT_MEASURED, "document 002 was not trained on MNIST to its end")


def _range_holds(unroll: str, accuracies: list[float]) -> Finding:
    evidence = (Evidence(f"document 002, {unroll}, test accuracy", _range_text(accuracies)),)
    if len(accuracies) < FEWEST_SEEDS:
        return Finding(NOT_MEASURED, f"fewer than {FEWEST_SEEDS} seeds", evidence)
    printed = DOCUMENT.test_accuracy or np.nan
    if max(accuracies) < printed:
        return Finding(FAILS, "no seed reached it", evidence)
    if min(accuracies) > printed:
        return Finding(FAILS, "every seed surpassed it", evidence)
    return Finding(HOLDS, "it lies within the range over seeds", evidence)


@claim(
    "last-output-suffices",
    "Only the last output is used, because it contains the information: an LSTM remembers the whole sequence.",
    "document 004",
    "reading.png",
)
def last_output_suffices(results: Results) -> Finding:
    """Judge by what networks have learned that read outputs[-1] only, of each document by its longest trainings."""
    reached: dict[str, dict[int, list[float]]] = {}
    for training in _finished(results.trainings):
        asked = training.settings
        if asked["network"]["reads"] == "outputs[-1]":
            by_updates = reached.setdefault(f"document {asked['tutorial']}", {})
            by_updates.setdefault(asked["updates"], []).append(_accuracy(training))
    parts = {name: _has_learned(name, by_updates[max(by_updates)]) for name, by_updates in sorted(reached.items())}
    return (
        combine(parts) if parts else Finding(NOT_MEASURED, "no network that reads outputs[-1] was trained to its end")
    )


def _has_learned(name: str, accuracies: list[float]) -> Finding:
    evidence = (Evidence(f"{name}, test accuracy", _range_text(accuracies)),)
    if min(accuracies) < LEARNED:
        return Finding(FAILS, f"a test accuracy below {LEARNED}", evidence)
    return Finding(HOLDS, f"a test accuracy of {LEARNED} or more from the last output alone", evidence)


def _finished(trainings: Sequence[Training]) -> Iterator[Training]:
    """Return the trainings that came to their end."""
    return (one for one in trainings if one.result and one.result.update >= one.settings["updates"])


def _accuracy(training: Training) -> float:
    return training.result.test_accuracy if training.result else np.nan


def _range_text(accuracies: list[float]) -> str:
    count = f"mean and range of {len(accuracies)} training{'s' * (len(accuracies) != 1)}"
    return f"{np.mean(accuracies):.4f} [{min(accuracies):.4f}, {max(accuracies):.4f}], {count}"

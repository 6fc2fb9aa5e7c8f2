"""The claims about what the network learns."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from unroll.measure.statistics import AGREES, CLOSE, ENOUGH_ROUNDS, NOT_MEASURED, SAME, Ratio, ratio, student_t
from unroll.models.history import Training
from unroll.models.tutorials import TUTORIALS
from unroll.report.ledger.claim import Results, claim
from unroll.report.ledger.evidence import FAILS, HOLDS, OURS, Evidence, Finding, combine, ratio_text
from unroll.report.tables import counted

DOCUMENT = TUTORIALS["002"]  # the one that printed what it reached
LEARNED = 0.95  # the test accuracy from which on a network can be said to read digits
TEST_IMAGES = 10_000  # of MNIST
NORMAL = 1.96  # of 95%
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
    static, dynamic = ([[_accuracy(training)] for training in either] for either in zip(*pairs, strict=True))
    ratio_of_accuracies = ratio(static, dynamic)
    largest = np.abs(np.subtract(static, dynamic)).max()
    first_losses = [[training.points[0].loss for training in pair] for pair in pairs]
    first = np.abs(np.diff(first_losses)).max()
    evidence = (
        Evidence("static / dynamic, test accuracy", ratio_text(ratio_of_accuracies).replace("rounds", "pairs")),
        Evidence("static and dynamic, largest difference in test accuracy", f"{largest:.4f} in {len(pairs)} pairs"),
        Evidence("static and dynamic, largest difference in the first loss", f"{first:.2g} in {len(pairs)} pairs"),
    )
    if ratio_of_accuracies.agreement == AGREES:
        return Finding(HOLDS, f"the test accuracies of the same seed are {SAME}, and no difference is shown", evidence)
    if ratio_of_accuracies.agreement == CLOSE:
        return Finding(CLOSE, f"the test accuracies are {CLOSE}", evidence)
    higher = "static" if ratio_of_accuracies.value > 1 else "dynamic"
    return Finding(FAILS, f"{higher} ends with the higher accuracy", evidence)


def _pairs(trainings: Sequence[Training]) -> list[tuple[Training, Training]]:
    """Return pairs of trainings that differ in the unroll alone, static first; of several, the last counts."""

    def rest(training: Training) -> str:
        return str(sorted((name, str(value)) for name, value in training.settings.items() if name != "unroll"))

    pairs = []
    for _, group in groupby(sorted(_finished(trainings), key=rest), key=rest):
        by_unroll = {training.settings["unroll"]: training for training in group}
        if by_unroll.keys() >= set(OURS) and all(training.points for training in by_unroll.values()):
            pairs.append((by_unroll["static"], by_unroll["dynamic"]))
    return pairs


@claim(
    f"accuracy-{DOCUMENT.test_accuracy}",
    f"{DOCUMENT.updates} iterations of {DOCUMENT.batch} images end at a test accuracy of {DOCUMENT.test_accuracy}.",
    "document 002",
    "learning.png",
)
def reaches_the_printed(results: Results) -> Finding:
    """Judge by the accuracies over seeds, for either unroll, and by what a test of so many images can tell."""
    reached: dict[str, list[float]] = {}
    for training in _finished(results.trainings):
        settings = training.settings
        on_mnist = "mnist" in settings["data"].lower()
        if (settings["tutorial"], settings["updates"]) == (DOCUMENT.name, DOCUMENT.updates) and on_mnist:
            reached.setdefault(settings["unroll"], []).append(_accuracy(training))
    parts = {unroll: _beside_the_printed(unroll, accuracies) for unroll, accuracies in sorted(reached.items())}
    return combine(parts) if parts else Finding(NOT_MEASURED, "document 002 was not trained on MNIST to its end")


def _beside_the_printed(unroll: str, accuracies: list[float]) -> Finding:
    by_seed = {seed: [accuracy] for seed, accuracy in enumerate(accuracies)}
    evidence = (Evidence(f"document 002, {unroll}, test accuracy", _range_text(by_seed)),)
    if len(accuracies) < FEWEST_SEEDS:
        return Finding(NOT_MEASURED, f"fewer than {FEWEST_SEEDS} seeds", evidence)
    printed = DOCUMENT.test_accuracy or np.nan
    mean, margin = float(np.mean(accuracies)), _margin(accuracies, printed)
    beside = Ratio(mean / printed, (mean - margin) / printed, (mean + margin) / printed, len(accuracies))
    difference = mean - printed
    text = f"{difference:+.4f} [{difference - margin:+.4f}, {difference + margin:+.4f}]"
    evidence += (Evidence(f"document 002, {unroll}, test accuracy less the printed {printed}", text),)
    return Finding(beside.agreement, f"{beside.agreement}, by what seeds and the images tell", evidence)


def _margin(accuracies: list[float], printed: float) -> float:
    """Return the 95% margin of the difference between the mean over seeds and what one training printed.

    That one had a seed of its own, too, and a test of so many images has a standard error of its own.
    """
    seeds = student_t(len(accuracies) - 1) * float(np.std(accuracies, ddof=1)) * np.sqrt(1 + 1 / len(accuracies))
    return float(np.hypot(seeds, NORMAL * np.sqrt(printed * (1 - printed) / TEST_IMAGES)))


@claim(
    "last-output-suffices",
    "Only the last output is used, because it contains the information: an LSTM remembers the whole sequence.",
    "document 004",
    "reading.png",
)
def last_output_suffices(results: Results) -> Finding:
    """Judge by what networks have learned that read outputs[-1] only, of each document by its longest trainings."""
    reached: dict[str, dict[int, dict[int, list[float]]]] = {}
    for training in _finished(results.trainings):
        settings = training.settings
        if settings["network"]["reads"] == "outputs[-1]":
            by_updates = reached.setdefault(f"document {settings['tutorial']}", {})
            by_updates.setdefault(settings["updates"], {}).setdefault(settings["seed"], []).append(_accuracy(training))
    parts = {name: _has_learned(name, by_updates[max(by_updates)]) for name, by_updates in sorted(reached.items())}
    return (
        combine(parts) if parts else Finding(NOT_MEASURED, "no network that reads outputs[-1] was trained to its end")
    )


def _has_learned(name: str, accuracies: dict[int, list[float]]) -> Finding:
    evidence = (Evidence(f"{name}, test accuracy", _range_text(accuracies)),)
    if min(map(min, accuracies.values())) < LEARNED:
        return Finding(FAILS, f"a test accuracy below {LEARNED}", evidence)
    return Finding(HOLDS, f"a test accuracy of {LEARNED} or more from the last output alone", evidence)


def _finished(trainings: Sequence[Training]) -> Iterator[Training]:
    """Return the trainings that came to their end."""
    return (
        training for training in trainings if training.result and training.result.update >= training.settings["updates"]
    )


def _accuracy(training: Training) -> float:
    return training.result.test_accuracy if training.result else np.nan


def _range_text(accuracies: dict[int, list[float]]) -> str:
    """Write the mean and range of accuracies by seed, and of how many seeds and trainings they are.

    >>> _range_text({0: [0.97, 0.98], 1: [0.96, 0.97]})
    '0.9700 [0.9600, 0.9800], mean and range of 2 seeds, 4 trainings'
    """
    every = [accuracy for of_seed in accuracies.values() for accuracy in of_seed]
    counts = f"{counted(len(accuracies), 'seed')}, {counted(len(every), 'training')}"
    return f"{np.mean(every):.4f} [{min(every):.4f}, {max(every):.4f}], mean and range of {counts}"

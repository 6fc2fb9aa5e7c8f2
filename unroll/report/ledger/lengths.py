"""The claims about which lengths a trained network serves."""

from unroll.measure.statistics import NOT_MEASURED
from unroll.report.ledger.claim import D003, LEARNERS, Results, claim
from unroll.report.ledger.evidence import (
    DEPENDS,
    FAILS,
    HOLDS,
    Evidence,
    Finding,
    traces,
)

SIGNATURES = {"without": "retraces", "with": "retraces_signature"}


@claim(
    "bound-to-its-length",
    "static_rnn must be used with the number of steps that it was trained with.",
    D003,
    "graphs.png",
)
def bound_to_its_length(results: Results) -> Finding:
    """Judge by which lengths static's SavedModel serves, and by how its weights come to serve others."""
    run = results.run
    saved, counted = run.find("export", "forward", "static"), traces(run, "static", "retraces")
    if not saved or not saved.note or not saved.samples:
        return Finding(NOT_MEASURED, "static was not exported")
    evidence = (Evidence("static, its SavedModel serves", saved.note, str(run.sizes)), *_served(results, "static"))
    if "only" not in saved.note:
        return Finding(FAILS, f"its SavedModel serves {saved.note}", evidence)
    if not counted:
        return Finding(HOLDS, f"its SavedModel serves {saved.note}", evidence)
    text = f"{counted.traces} for {counted.calls} lengths (counted)"
    evidence += (Evidence("static, traces with the same weights", text, str(run.sizes)), *_served(results, "dynamic"))
    because = f"on what is meant: one graph serves {saved.note}; the weights serve other T, each by a graph of its own"
    return Finding(DEPENDS, because, evidence)


def _served(results: Results, unroll: str) -> tuple[Evidence, ...]:
    """Show how trained weights, exported with an unroll, served images read for other numbers of rows."""
    served = [case for training in results.trainings for case in training.served if case.unroll == unroll]
    last = {case.rows: "refused" if case.test_accuracy is None else f"{case.test_accuracy:.4f}" for case in served}
    texts = ", ".join(f"{text} at T={rows}" for rows, text in sorted(last.items()))
    return (Evidence(f"{unroll}, test accuracy of a trained export", f"{texts} (one training)"),) if texts else ()


@claim(
    "other-lengths",
    "dynamic_rnn also takes other numbers of steps when it is used.",
    D003,
    "graphs.png",
)
def takes_other_lengths(results: Results) -> Finding:
    """Judge by which lengths dynamic's SavedModel serves, and whether one trace does."""
    run = results.run
    saved, counted = run.find("export", "forward", "dynamic"), traces(run, "dynamic", "retraces_signature")
    if not saved or not saved.note or not saved.samples:
        return Finding(NOT_MEASURED, "dynamic was not exported")
    evidence = (Evidence("dynamic, its SavedModel serves", saved.note, str(run.sizes)), *_served(results, "dynamic"))
    if counted:
        text = f"{counted.traces} for {counted.calls} lengths (counted)"
        evidence += (Evidence("dynamic, traces with an input signature", text, str(run.sizes)),)
    if "only" in saved.note:
        return Finding(FAILS, f"its SavedModel serves {saved.note}", evidence)
    if counted and counted.traces > 1:
        return Finding(DEPENDS, f"on what is meant: its SavedModel serves {saved.note}, its graphs do not", evidence)
    return Finding(HOLDS, f"one graph serves {saved.note}", evidence)


@claim(
    "every-length-is-traced",
    "Every new length is traced anew, even with a loop.",
    LEARNERS,
    "graphs.png",
)
def every_length_is_traced(results: Results) -> Finding:
    """Judge by the traces counted for several lengths, with and without an input signature that leaves T open."""
    run = results.run
    by_signature = {how: traces(run, "dynamic", quantity) for how, quantity in SIGNATURES.items()}
    counted = {how: count for how, count in by_signature.items() if count}
    if len(counted) < len(SIGNATURES):
        return Finding(NOT_MEASURED, "traces were not counted")
    evidence = tuple(
        Evidence(f"dynamic, traces {how} an input signature", f"{count.traces} for {count.calls} lengths (counted)")
        for how, count in counted.items()
    )
    anew = [how for how, count in counted.items() if count.traces >= count.calls]
    if len(anew) == len(counted):
        return Finding(HOLDS, "with an input signature and without", evidence)
    if not anew:
        return Finding(FAILS, "one graph serves several lengths, with an input signature and without", evidence)
    return Finding(DEPENDS, f"on an input signature that leaves T open: each is traced {anew[0]} one", evidence)

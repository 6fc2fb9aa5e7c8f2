"""Every claim's verdict is computed: with other results it is another, and without any it is "not measured"."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from rich.console import Console

from unroll import cli
from unroll.measure.config import Sizes
from unroll.measure.journal import Journal, Record, Run, read_journal
from unroll.measure.statistics import AGREES, CLOSE, DIFFERS, NOT_MEASURED
from unroll.measure.variants import own_mode
from unroll.models.history import Evaluation, History, Point, Served, Training
from unroll.models.settings import choose_settings
from unroll.report.folders import trainings_beside
from unroll.report.growth import BUILD, EXPORT, PROCESS, TENSORS
from unroll.report.ledger import compilers, evidence, network
from unroll.report.ledger.claim import Results
from unroll.report.ledger.claims import (
    CLAIMS,
    claims_json,
    claims_page,
    judge_claims,
    show_claim,
    show_ledger,
    verdict_of,
)
from unroll.report.ledger.evidence import DEPENDS, FAILS, HOLDS, WORDS
from unroll.report.tables import Column

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference"
SMALL, BASE, LARGE = Sizes(batch=1, hidden=32), Sizes(), Sizes(batch=512, hidden=512)
LONGER = [1.9, 2.0, 2.1, 1.9, 2.0, 2.1]  # one factor a round
ALIKE = [0.9, 1.1, 0.9, 1.1, 0.9, 1.1]  # too close to call
EVEN = [0.99, 1.01, 0.99, 1.01, 0.99, 1.01]  # the same within 5%
SHORTER = [0.5, 0.55, 0.6, 0.5, 0.55, 0.6]
FEW = LONGER[:3]
ALL_STEPS = (1, 2, 4, 8, 16, 28, 64, 128, 256, 512, 1024)
OURS, KERAS, JAX = ("static", "dynamic"), ("keras-unrolled", "keras-loop"), ("jax-unrolled", "jax-loop")
PYTHON_LOOP = ("jax-python", "jax-loop")
RECOMPUTED, OVERLAP = ("dynamic", "dynamic-recompute"), ("dynamic", "dynamic-serial")
STARTING = ("build", "first_call")
UNEQUAL = "failed: Unequal: not the same network, so not measured: loss off by 1 where 0.1 is allowed"
FIGURES = {
    *("costs", "ratios", "graphs", "growth", "grid", "unroll", "break-even", "xla", "graphs-growing", "trick"),
    *("learning", "reading"),
}


def run_of(*records: Iterable[Record], outlines: dict | None = None, **environment) -> Run:
    settings = {"sizes": asdict(BASE)}
    return Run("id", "2026-11-24", environment, settings, [one for group in records for one in group], outlines or {})


def record(quantity, phase, variant, samples, sizes=BASE, mode=None, unit="s", **more) -> Record:
    return Record(quantity, phase, variant, mode or own_mode(variant), sizes, unit, list(samples), **more)


def beside(quantity, phase, pair, factors, sizes=BASE, mode=None, second=1.0) -> list[Record]:
    """Let two variants take turns: the second takes so many seconds, the first `factors` times as long, one a round."""
    return [
        record(quantity, phase, variant, [seconds], sizes, mode, round=number, turns=f"{sizes} #{number}")
        for number, factor in enumerate(factors, start=1)
        for variant, seconds in zip(pair, (factor * second, second), strict=True)
    ]


def second_order(difference) -> list[Record]:
    """Return how far the second derivative through each of the pair lies from static's, of a small network."""
    small = Sizes(batch=8, hidden=16)
    return [
        record("second_order", "forward", variant, [share], small, unit="share")
        for variant, share in (("static", 0.0), ("dynamic", difference))
    ]


def steps(pair, factors, sizes=BASE, mode=None) -> list[Record]:
    return [one for phase in ("train", "forward") for one in beside("step", phase, pair, factors, sizes, mode)]


def each(quantity, phase, variant, cost, unit="bytes", lengths=ALL_STEPS, rounds=1) -> list[Record]:
    """Measure a variant at every T, where it costs `cost(T)`."""
    return [
        record(quantity, phase, variant, [cost(T)], replace(BASE, steps=T), unit=unit, round=number)
        for T in lengths
        for number in range(rounds)
    ]


def growing(quantity, phase, pair, over, under, unit="bytes") -> list[Record]:
    return each(quantity, phase, pair[0], over, unit) + each(quantity, phase, pair[1], under, unit)


def held(pair, over, under) -> list[Record]:
    """Measure all three scopes of memory at every T."""
    scopes = [
        ("graph_bytes", "train"),
        *((scope, phase) for scope in ("process", "tensors") for phase in ("train", "forward")),
    ]
    return [one for quantity, phase in scopes for one in growing(quantity, phase, pair, over, under)]


def flat(steps: int) -> float:
    return 30.0


def wavy(steps: int) -> float:
    """Cost now more and now less than `flat`."""
    return 33.0 if ALL_STEPS.index(steps) % 2 else 27.0


def linear(steps: int) -> float:
    return 10.0 * steps


def above(steps: int) -> float:
    return 40.0 + steps


def below(steps: int) -> float:
    return 3.0


def checked(*variants, sizes=BASE) -> list[Record]:
    return [record("first_call", "train", variant, [1.0], sizes, round=1) for variant in variants]


def unequal(*variants, sizes=BASE) -> list[Record]:
    return [record("first_call", "forward", variant, [], sizes, note=UNEQUAL) for variant in variants]


def outlined(static: int, *, loops=1, lists=1) -> dict:
    """Give the outlines of a static graph of so many cells and of a dynamic one."""

    def nodes(*operations):
        return [[f"n{number}", operation, []] for number, operation in enumerate(operations)]

    looped = ["StatelessWhile"] * loops + ["TensorListStack"] * lists
    return {
        "static": {"main": nodes(*["Sigmoid"] * 3 * static)},
        "dynamic": {"main": nodes(*looped), "while_body_1": nodes(*["Sigmoid"] * 3)},
    }


def started(factor: float, step: float, sizes=BASE, pair=OURS) -> list[Record]:
    """Let static start `factor` times as late as dynamic, and take `step` times as long a training step."""
    noise = [0.99, 1.0, 1.01, 1.0, 0.99, 1.01]
    return [
        *(
            one
            for part in ("build", "first_call")
            for one in beside(part, "train", pair, [factor * n for n in noise], sizes)
        ),
        *beside("step", "train", pair, [step * n for n in noise], sizes),
    ]


def late_first_call(pair) -> list[Record]:
    return beside("first_call", "train", pair, ALIKE, second=9.0) + beside("step", "train", pair, ALIKE)


def exported(variant, note, unsigned=4, signed=None) -> list[Record]:
    found = [record("export", "forward", variant, [400.0], unit="bytes", note=note)]
    for quantity, count in (("retraces", unsigned), ("retraces_signature", signed)):
        if count:
            found.append(record(quantity, "forward", variant, [count], unit="traces", note="for 4 lengths"))
    return found


def traced(unsigned, signed) -> list[Record]:
    return exported("dynamic", "any T", unsigned, signed)


def training(accuracy, unroll="static", tutorial="002", seed=0, data="MNIST", updates=2000, done=None) -> Training:
    network = {"reads": "state.h" if tutorial == "001" else "outputs[-1]"}
    settings = {
        "tutorial": tutorial,
        "unroll": unroll,
        "seed": seed,
        "data": data,
        "updates": updates,
        "network": network,
    }
    tests = [Evaluation(done or updates, 0.07, accuracy, 60.0, 4000.0)]
    return Training(f"{unroll}{seed}", "2026-11-24", {}, settings, [Point(1, 2.3, 0.1, 0.1)], tests)


def seeds(static, dynamic, **more) -> list[Training]:
    """Train with a seed for each accuracy, either way."""
    either = (("static", static), ("dynamic", dynamic))
    return [
        training(accuracy, unroll, seed=seed, **more) for unroll, found in either for seed, accuracy in enumerate(found)
    ]


def by_factors(make, shown, other) -> dict:
    """Give the verdicts of a ratio: shown at all sizes, the contrary at all, each at some, and what tells nothing."""
    return {
        HOLDS: Results(run_of(make(shown), make(shown, SMALL))),
        FAILS: Results(run_of(make(EVEN), make(other, SMALL))),
        DEPENDS: Results(run_of(make(EVEN), make(shown, SMALL))),
        CLOSE: Results(run_of(make(ALIKE), make(shown, SMALL))),
        NOT_MEASURED: Results(run_of(make(FEW), make(FEW, SMALL))),
    }


def question(quantity, phase, pair, mode=None):
    return lambda factors, sizes=BASE: beside(quantity, phase, pair, factors, sizes, mode)


def by_memory(pair) -> dict:
    return {
        HOLDS: Results(run_of(held(pair, above, below))),
        FAILS: Results(run_of(held(pair, below, above))),
        DEPENDS: Results(run_of(held(pair, linear, flat))),
        NOT_MEASURED: Results(run_of(each("process", "train", pair[0], flat))),
    }


def later(pair, step: float) -> Results:
    """Let what is unrolled start the later the longer the sequence, with a step `step` times as long as its loop's."""
    return Results(
        run_of(
            *(growing(part, "train", pair, linear, flat, "s") for part in STARTING),
            growing("step", "train", pair, lambda T: step * T, lambda T: 1.0 * T, "s"),
        )
    )


def xla(quantity, factors) -> Results:
    pairs = [(phase, pair) for phase in ("train", "forward") for pair in (OURS, KERAS)]
    return Results(run_of(*(beside(quantity, phase, pair, factors, mode="xla") for phase, pair in pairs)))


def gpu(results: Results) -> Results:
    environment = {"devices": ["CPU", "GPU"]}
    return results._replace(run=replace(results.run, environment=environment))


def halves(static, dynamic) -> Results:
    """Let training steps with a sequence_length of half of 50 take so many times as long as those of 25 steps."""
    short, padded = Sizes(steps=25), Sizes(steps=50, valid=25)
    return Results(
        run_of(
            *(
                [record("step", "train", variant, [factor], sizes, round=number, turns=f"#{number}")]
                for variant, factors in zip(OURS, (static, dynamic), strict=True)
                for sizes, values in ((short, [1.0] * len(factors)), (padded, factors))
                for number, factor in enumerate(values, start=1)
            )
        )
    )


def sizes_export(over, under=flat) -> Results:
    return Results(run_of(growing("export", "forward", OURS, over, under)))


def tflite(over, under=flat) -> Results:
    return Results(run_of(*(growing("tflite", "forward", pair, over, under) for pair in (OURS, KERAS))))


def r2rt(at_256: float) -> Results:
    return Results(run_of(growing("build", "train", OURS, lambda T: at_256 * T / 256, lambda T: 1.0, "s")))


def cells(step, build, k=4) -> list[Record]:
    pair = (f"dynamic-{k}", "dynamic")
    return beside("step", "train", pair, step) + beside("build", "train", pair, build)


FASTER = by_factors(lambda factors, sizes=BASE: steps(OURS, factors, sizes), SHORTER, LONGER)
KERAS_FASTER = by_factors(lambda factors, sizes=BASE: steps(KERAS, factors, sizes), SHORTER, LONGER)
JAX_FASTER = by_factors(lambda factors, sizes=BASE: steps(JAX, factors, sizes), SHORTER, LONGER)
CUDNN_SLOWER = by_factors(lambda factors, sizes=BASE: steps(compilers.CUDNN, factors, sizes), LONGER, SHORTER)
EQUAL = run_of(checked("static", "dynamic", "keras-loop"))
EMPTY = Results(run_of())

# Of every claim, each verdict that it can have, and results that lead to it. All of them are "not measured" by nothing.
SCENARIOS: dict[str, dict[str, Results]] = {
    "cells-in-the-graph": {
        HOLDS: Results(run_of(outlines=outlined(28))),
        FAILS: Results(run_of(outlines=outlined(27))),
    },
    "same-network": {
        HOLDS: Results(EQUAL),
        FAILS: Results(run_of(unequal("static", "dynamic"))),
        DEPENDS: Results(run_of(checked("static", "dynamic"), unequal("dynamic"))),
        NOT_MEASURED: Results(run_of(checked("static"))),
    },
    "every-state": {
        HOLDS: Results(run_of(outlines=outlined(28))),
        FAILS: Results(run_of(outlines=outlined(1))),
    },
    "last-state-only": {
        FAILS: Results(run_of(outlines=outlined(28))),
        HOLDS: Results(run_of(each("tensors", "train", "dynamic", flat), outlines=outlined(28, lists=0))),
    },
    "last-output-is-the-state": {
        DEPENDS: Results(run_of(checked("static", "block"), checked("dynamic", sizes=Sizes(valid=7)))),
        FAILS: Results(run_of(checked("static"), unequal("keras-loop"))),
        NOT_MEASURED: Results(run_of(checked("static", "dynamic"))),
    },
    "first-slice": {FAILS: Results(EQUAL), NOT_MEASURED: Results(run_of(unequal("static", "dynamic")))},
    "second-order": {
        FAILS: Results(run_of(second_order(1e-15))),
        HOLDS: Results(run_of(second_order(1e-3))),
        NOT_MEASURED: FASTER[HOLDS],
    },
    "longer-to-generate": by_factors(question("build", "train", OURS), LONGER, SHORTER),
    "48-times-longer-to-build": {
        HOLDS: r2rt(40.0),
        DEPENDS: r2rt(10.0),
        FAILS: Results(run_of(growing("build", "train", OURS, flat, linear, "s"))),
        CLOSE: Results(run_of(growing("build", "train", OURS, flat, flat, "s"))),
    },
    "first-call-and-graph": {
        HOLDS: Results(run_of(beside("first_call", "train", OURS, LONGER), held(OURS, above, flat))),
        FAILS: Results(run_of(beside("first_call", "train", OURS, EVEN), held(OURS, below, flat))),
        DEPENDS: Results(run_of(beside("first_call", "train", OURS, LONGER), held(OURS, below, flat))),
        CLOSE: Results(run_of(beside("first_call", "train", OURS, ALIKE), held(OURS, above, flat))),
        NOT_MEASURED: Results(run_of(held(OURS, above, flat))),
    },
    "short-sequences-only": {
        HOLDS: later(KERAS, step=1.1),
        DEPENDS: later(KERAS, step=0.9),
        FAILS: later(KERAS[::-1], step=1.0),
        CLOSE: Results(run_of(*(growing(part, "train", KERAS, flat, flat, "s") for part in STARTING))),
        NOT_MEASURED: Results(run_of(*(growing(part, "train", KERAS, linear, flat, "s") for part in STARTING))),
    },
    "rebuilt-at-every-step": {
        HOLDS: Results(run_of(traced(4, 4))),
        FAILS: Results(run_of(beside("build", "train", OURS, ALIKE, second=9.0), beside("step", "train", OURS, ALIKE))),
        NOT_MEASURED: Results(run_of(beside("build", "train", OURS, ALIKE), beside("step", "train", OURS, LONGER))),
    },
    "no-warm-up": {
        HOLDS: Results(run_of(started(1.0, 1.0))),
        FAILS: Results(run_of(late_first_call(OURS), late_first_call(KERAS))),
        DEPENDS: Results(run_of(late_first_call(OURS), started(1.0, 1.0, pair=KERAS))),
    },
    "pays-off": {
        HOLDS: Results(run_of(started(30.0, 0.5))),
        FAILS: Results(run_of(started(30.0, 1.5))),
        DEPENDS: Results(run_of(started(30.0, 1.5), started(30.0, 0.5, SMALL))),
        CLOSE: Results(run_of(started(30.0, 1.0))),
        NOT_MEASURED: Results(run_of(one for one in started(30.0, 0.5) if one.round < 4)),
    },
    "static-is-faster": FASTER,
    "unroll-is-faster": KERAS_FASTER,
    "no-benefit": FASTER | {HOLDS: FASTER[FAILS], FAILS: FASTER[HOLDS]},
    "loop-trains-faster": by_factors(question("step", "train", OURS), LONGER, SHORTER),
    "as-fast-when-large": {
        HOLDS: Results(run_of(steps(OURS, SHORTER, SMALL), steps(OURS, EVEN, LARGE))),
        FAILS: Results(run_of(steps(OURS, EVEN, SMALL), steps(OURS, EVEN, LARGE))),
        CLOSE: Results(run_of(steps(OURS, SHORTER, SMALL), steps(OURS, ALIKE, LARGE))),
        DEPENDS: Results(
            run_of(
                *(
                    beside("step", "train", OURS, factors, sizes)
                    for factors, sizes in ((SHORTER, SMALL), (EVEN, LARGE))
                ),
                *(beside("step", "forward", OURS, SHORTER, sizes) for sizes in (SMALL, LARGE)),
            )
        ),
        NOT_MEASURED: Results(run_of(steps(OURS, SHORTER, SMALL))),
    },
    "unroll-by-a-few": {
        HOLDS: Results(run_of(cells(SHORTER, EVEN))),
        FAILS: Results(run_of(cells(EVEN, LONGER))),
        CLOSE: Results(run_of(cells(ALIKE, LONGER))),
        DEPENDS: Results(run_of(cells(SHORTER, LONGER))),
        NOT_MEASURED: Results(run_of(cells(SHORTER[:3], ALIKE[:3]))),
    },
    "long-sequences": {
        HOLDS: Results(run_of(growing("step", "train", OURS, linear, linear, "s"))),
        FAILS: Results(run_of(growing("step", "train", OURS, lambda T: T**2.0, lambda T: T**1.5, "s"))),
        DEPENDS: Results(run_of(growing("step", "train", OURS, linear, lambda T: T**2.0, "s"))),
    },
    "half-the-length": {
        HOLDS: halves(EVEN, EVEN),
        FAILS: halves(LONGER, LONGER),
        DEPENDS: halves(LONGER, EVEN),
        CLOSE: halves(ALIKE, ALIKE),
        NOT_MEASURED: halves(FEW, FEW),
    },
    "more-memory": by_memory(OURS),
    "unroll-holds-more": by_memory(KERAS),
    "backprop-through-a-loop": {
        HOLDS: Results(run_of(growing("tensors", "train", OURS, above, below))),
        FAILS: Results(run_of(growing("tensors", "train", OURS, below, above))),
        DEPENDS: Results(run_of(growing("tensors", "train", OURS, linear, flat))),
        NOT_MEASURED: Results(run_of(growing("tensors", "train", OURS, above, flat)[3:5])),
    },
    "larger-export": {HOLDS: sizes_export(above), FAILS: sizes_export(below), DEPENDS: sizes_export(linear)},
    "tflite-39-mb": {
        HOLDS: tflite(above),
        FAILS: tflite(below),
        DEPENDS: tflite(linear),
        NOT_MEASURED: sizes_export(linear),
    },
    "swap-memory": {NOT_MEASURED: gpu(FASTER[HOLDS])},
    "parallel-iterations": {
        HOLDS: Results(run_of(growing("tensors", "train", OVERLAP, above, flat))),
        FAILS: Results(run_of(growing("tensors", "train", OVERLAP, flat, flat))),
        NOT_MEASURED: FASTER[HOLDS],
    },
    "checkpoint-a-loop": {
        FAILS: Results(run_of(growing("tensors", "train", RECOMPUTED, linear, flat))),
        HOLDS: Results(run_of(growing("tensors", "train", RECOMPUTED, below, above))),
        NOT_MEASURED: FASTER[HOLDS],
    },
    "bound-to-its-length": {
        HOLDS: Results(run_of(exported("static", "T=28 only", unsigned=None))),
        FAILS: Results(run_of(exported("static", "any T"))),
        DEPENDS: Results(run_of(exported("static", "T=28 only"))),
    },
    "other-lengths": {
        HOLDS: Results(run_of(exported("dynamic", "any T", signed=1))),
        FAILS: Results(run_of(exported("dynamic", "T=28 only"))),
        DEPENDS: Results(run_of(exported("dynamic", "any T", signed=4))),
    },
    "every-length-is-traced": {
        HOLDS: Results(run_of(traced(4, 4))),
        FAILS: Results(run_of(traced(1, 1))),
        DEPENDS: Results(run_of(traced(4, 1))),
        NOT_MEASURED: Results(run_of(traced(4, None))),
    },
    "xla-compiles-for-minutes": {
        HOLDS: xla("first_call", LONGER),
        FAILS: xla("first_call", EVEN),
        CLOSE: xla("first_call", ALIKE),
        NOT_MEASURED: xla("first_call", FEW),
    },
    "xla-loop-is-slower": {
        HOLDS: gpu(xla("step", SHORTER)),
        FAILS: gpu(xla("step", LONGER)),
        NOT_MEASURED: xla("step", SHORTER),
    },
    "jax-compiles-longer": {
        HOLDS: Results(run_of(beside("first_call", "train", PYTHON_LOOP, LONGER))),
        FAILS: Results(run_of(beside("first_call", "train", PYTHON_LOOP, SHORTER))),
        NOT_MEASURED: Results(run_of(beside("first_call", "train", JAX, LONGER))),
    },
    "jax-runs-faster": {NOT_MEASURED: JAX_FASTER[HOLDS]},
    "no-cudnn": {word: gpu(found) for word, found in CUDNN_SLOWER.items()} | {NOT_MEASURED: CUDNN_SLOWER[HOLDS]},
    "torch-compiles-for-hours": {NOT_MEASURED: gpu(FASTER[HOLDS])},
    "learn-the-same": {
        HOLDS: Results(EMPTY.run, seeds([0.97, 0.98, 0.97, 0.98, 0.97, 0.98], [0.98, 0.97, 0.98, 0.97, 0.98, 0.97])),
        FAILS: Results(EMPTY.run, seeds([0.97, 0.98, 0.97, 0.98, 0.97, 0.98], [0.9] * 6)),
        NOT_MEASURED: Results(EMPTY.run, seeds([0.97] * 5, [0.97] * 5)),
    },
    "accuracy-0.9786": {
        AGREES: Results(EMPTY.run, seeds([0.9787, 0.979, 0.98], [0.978, 0.979, 0.98])),
        DIFFERS: Results(EMPTY.run, seeds([0.97, 0.9701, 0.9702], [0.97, 0.9701, 0.9702])),
        CLOSE: Results(EMPTY.run, seeds([0.9, 0.95, 0.99], [0.9, 0.95, 0.99])),
        NOT_MEASURED: Results(EMPTY.run, seeds([0.97, 0.98, 0.985], [0.97, 0.98, 0.985], data="digits")),
    },
    "last-output-suffices": {
        HOLDS: Results(EMPTY.run, [training(0.97), training(0.5, updates=200), training(0.96, tutorial="004")]),
        FAILS: Results(EMPTY.run, [training(0.11)]),
        DEPENDS: Results(EMPTY.run, [training(0.97), training(0.5, tutorial="000")]),
        NOT_MEASURED: Results(EMPTY.run, [training(0.97, tutorial="001"), training(0.97, done=7)]),
    },
}
CASES = [(name, word) for name, found in SCENARIOS.items() for word in found]
BY_NAME = {claim.name: claim for claim in CLAIMS}


def test_every_claim_has_its_scenarios_and_a_name_of_its_own():
    assert list(SCENARIOS) == [claim.name for claim in CLAIMS]
    assert len(BY_NAME) == len(CLAIMS) >= 14


@pytest.mark.parametrize(("name", "word"), CASES)
def test_a_claims_verdict_is_what_the_results_say(name, word):
    found = BY_NAME[name].judge(SCENARIOS[name][word])
    assert found.word == word, found
    assert found.because
    assert found.evidence or word == NOT_MEASURED


def test_what_a_run_leaves_open_is_judged_by_the_further_run_beside_it():
    further = run_of(second_order(1e-15), steps(OURS, SHORTER))
    alone, both = (
        {verdict.claim.name: verdict for verdict in judge_claims(Results(run_of(steps(OURS, LONGER)), further=run))}
        for run in (None, further)
    )
    assert alone["second-order"].word == NOT_MEASURED
    assert both["second-order"].word == FAILS and "in results/unmeasured" in both["second-order"].because
    assert both["static-is-faster"] == alone["static-is-faster"]  # which the run itself answers


def test_without_results_nothing_is_measured():
    verdicts = judge_claims(Results(run_of()))
    assert {verdict.word for verdict in verdicts} == {NOT_MEASURED}
    assert all(verdict.because for verdict in verdicts)
    assert not any(verdict.evidence for verdict in verdicts)


def test_a_claim_says_who_claims_it_and_which_figure_to_look_at():
    for claim in CLAIMS:
        assert claim.quote.endswith(".") and claim.source
        assert claim.figure.removesuffix(".png") in FIGURES


# The committed results


@pytest.fixture(scope="module")
def reference() -> Run:
    return read_journal(REFERENCE)[-1]


def test_every_figure_of_the_committed_results_has_its_interval_or_says_why_it_has_none(reference):
    verdicts = judge_claims(Results(reference))
    shown = [one for verdict in verdicts for one in verdict.evidence]
    assert len(shown) > len(CLAIMS)
    for one in shown:
        has_none = (
            "(counted)",
            "(one measurement each)",
            "(one round each)",
            " rounds)",
            "(one round)",
            "(one process)",
            "(medians, without an interval)",
            "any T",
            "only",
        )
        assert re.search(r"\[-?\d.*, .*\d\]|95% interval", one.value) or one.value.endswith(has_none), one


def test_the_committed_results_measure_most_claims(reference):
    words = [verdict.word for verdict in judge_claims(Results(reference))]
    assert words.count(NOT_MEASURED) < len(words) / 2
    assert set(words) <= set(WORDS)


def test_the_page_has_an_index_and_a_section_for_every_claim(reference):
    page = claims_page(judge_claims(Results(reference)), "../results/reference")
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert headings == [claim.name for claim in CLAIMS]
    index, *_ = page.split("## ")
    links = dict(re.findall(r"\[(.*?)\]\(#(.*?)\)", index))
    assert links == {name: name.replace(".", "") for name in headings}
    assert page.count("\n> ") == page.count("\nSource: ") == len(CLAIMS)
    assert f"{len(CLAIMS)} claims: " in index


def test_a_terminal_gets_one_line_a_claim_in_80_columns(reference):
    written = io.StringIO()
    show_ledger(judge_claims(Results(reference)), Console(file=written, width=200))
    lines = written.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    for claim in CLAIMS:
        (line,) = [line for line in lines if f"  {claim.name}  " in line]
        assert line.startswith(WORDS)


def test_one_claim_is_shown_in_full_with_its_source_and_figure(reference):
    verdict = verdict_of(judge_claims(Results(reference)), "as-fast-when-large")
    written = io.StringIO()
    show_claim(verdict, Console(file=written, width=200), Path("results/mine"))
    text = " ".join(written.getvalue().split())
    assert verdict.claim.quote in text and verdict.because in text
    assert all(str(figure) in text for figure in verdict.evidence)
    assert "https://github.com/tensorflow/tensorflow/issues/9527" in text
    assert "figure: results/mine/grid.png" in text
    assert max(map(len, written.getvalue().splitlines())) <= 80


def test_json_holds_every_claim(reference):
    verdicts = judge_claims(Results(reference))
    content = json.loads(claims_json(verdicts))
    assert [one["name"] for one in content] == [claim.name for claim in CLAIMS]
    first = content[0]
    assert set(first) == {"name", "claim", "source", "url", "figure", "verdict", "because", "evidence"}
    assert set(first["evidence"][0]) == {"what", "value", "at"}


def test_an_unknown_claim_lists_the_nearest(capsys):
    assert cli.main(["claims", "static-is-fastest", str(REFERENCE)]) == cli.BAD_INPUT
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert "got the claim 'static-is-fastest'; want one that `unroll claims` lists, such as static-is-faster" in err


# What verdicts rest on


def test_a_ratio_counts_only_where_its_interval_excludes_1_and_says_where_it_turns():
    make = question("build", "train", OURS)
    grid = {SMALL: LONGER, replace(SMALL, hidden=512): LONGER, replace(BASE, hidden=512): SHORTER, BASE: ALIKE}
    run = run_of(*(make(factors, sizes) for sizes, factors in grid.items()))
    found = BY_NAME["longer-to-generate"].judge(Results(run))
    assert found.word == DEPENDS
    assert found.because == (
        "on the batch and the hidden size: static takes longer than dynamic at B=1 with H=32, 512; "
        "the other way round at B=128 with H=512; too close to call at the others"
    )
    assert [str(one) for one in found.evidence] == [
        "Build, training graph, static / dynamic: 0.99 [0.89, 1.12], 6 rounds (T=28, B=128, I=28, H=128)",
        "Build, training graph, static / dynamic: 0.55 [0.50, 0.60], 6 rounds (T=28, B=128, I=28, H=512)",
        "Build, training graph, static / dynamic: 2.00 [1.91, 2.09], 6 rounds (T=28, B=1, I=28, H=32)",
    ]


def test_what_is_counted_at_every_length_turns_where_it_is_larger():
    found = evidence.by_count(sizes_export(linear).run, EXPORT, OURS)
    assert found.because == (
        "on the number of steps: static is larger from T=4 up (1.33 to 341 times), below it 0.33 to 0.67 times"
    )
    assert "T=64 and more" in found.evidence[-1].at


@pytest.mark.parametrize(
    ("over", "word", "because"),
    [
        (above, HOLDS, "static holds more as a rule, over 11 lengths, T=1 to 1024"),
        (wavy, CLOSE, "too close to call over 11 lengths, T=1 to 1024"),
        (linear, DEPENDS, "on the number of steps: static holds more from T=4 up (1.33 to 341 times), below it"),
        (
            lambda T: 900 / T,
            DEPENDS,
            "on the number of steps: static holds more up to T=28 (1.07 to 30.0 times), above it",
        ),
    ],
)
def test_memory_measured_once_at_many_lengths_has_an_interval_over_them(over, word, because):
    found = evidence.by_length(run_of(growing("process", "train", OURS, over, flat)), PROCESS, OURS)
    assert (found.word, found.because[: len(because)]) == (word, because)
    assert found.evidence[-1].what.endswith("changes as T^p, p" if word == DEPENDS else "median over lengths")


def test_a_time_that_holds_at_every_width_may_still_turn_with_the_length():
    there = beside("build", "train", OURS, LONGER)
    along = [one for one in growing("build", "train", OURS, linear, flat, "s") if one.sizes != BASE]
    found = evidence.by_time(run_of(there, along), BUILD, OURS, more=True)
    assert (found.word, found.because) == (
        DEPENDS,
        "on the number of steps: static takes longer from T=4 up (1.33 to 341 times), below it 0.33 to 0.67 times; "
        "static takes longer than dynamic at T=28, B=128, H=128",
    )
    assert evidence.by_time(run_of(there), BUILD, OURS, more=True).word == HOLDS
    assert evidence.by_time(run_of(along), BUILD, OURS, more=True).word == DEPENDS
    always = [one for one in growing("build", "train", OURS, above, below, "s") if one.sizes != BASE]
    assert evidence.by_time(run_of(there, always), BUILD, OURS, more=True).word == HOLDS
    never = [one for one in growing("build", "train", OURS, below, above, "s") if one.sizes != BASE]
    found = evidence.by_time(run_of(there, never), BUILD, OURS, more=True)
    assert (found.word, found.because[:9]) == (DEPENDS, "on where:")
    found = evidence.by_time(run_of(there, along), BUILD, OURS, more=False)
    assert found.because.startswith("on the number of steps: static takes less time up to T=2 (0.33 to 0.67 times)")


def test_memory_measured_at_one_length_has_no_verdict():
    run = run_of(
        each("process", "train", "static", linear, lengths=(28,)),
        each("process", "train", "dynamic", flat, lengths=(28,)),
    )
    found = evidence.by_length(run, PROCESS, OURS)
    assert found.word == NOT_MEASURED
    assert "one measurement has no spread" in found.because
    assert len(found.evidence) == 1


def test_findings_that_agree_are_one_and_others_depend_on_which_is_meant():
    holds, fails, lacks = (evidence.Finding(word, word) for word in (HOLDS, FAILS, NOT_MEASURED))
    assert evidence.combine({"a": holds, "b": holds}) == (HOLDS, "a and b: holds", ())
    assert evidence.combine({"a": holds, "b": fails}).word == DEPENDS
    assert evidence.combine({"a": holds, "b": evidence.Finding(CLOSE, "")}).word == CLOSE
    assert evidence.combine({"a": lacks}).word == NOT_MEASURED


def test_a_claim_of_several_parts_is_not_measured_where_one_is_not():
    holds, lacks = (evidence.Finding(word, word) for word in (HOLDS, NOT_MEASURED))
    assert evidence.combine({"a": holds, "b": lacks}) == (NOT_MEASURED, "a: holds; b: not measured", ())
    graphs_only = Results(run_of(growing("graph_bytes", "train", OURS, above, below)))
    for name in ("more-memory", "first-call-and-graph"):
        finding = BY_NAME[name].judge(graphs_only)
        assert (finding.word, "static is larger" in finding.because) == (NOT_MEASURED, True)


def test_rounds_of_different_comparisons_are_not_pooled():
    found = BY_NAME["xla-compiles-for-minutes"].judge(xla("first_call", FEW))
    assert (found.word, "no verdict: 3 rounds" in found.because) == (NOT_MEASURED, True)


def test_a_published_factor_is_compared_at_its_own_length():
    found = BY_NAME["48-times-longer-to-build"].judge(r2rt(40.0))
    assert "at T=200 31.2 times here (between T=128 and 256), 48 times in the source" in found.because
    short = each("build", "train", "static", linear, "s", ALL_STEPS[:8]) + each("build", "train", "dynamic", flat, "s")
    assert BY_NAME["48-times-longer-to-build"].judge(Results(run_of(short))).word == NOT_MEASURED


def test_trainings_of_one_seed_are_not_counted_as_seeds():
    found = BY_NAME["last-output-suffices"].judge(Results(EMPTY.run, seeds([0.97, 0.98], [0.97, 0.98])))
    assert found.evidence[0].value == "0.9750 [0.9700, 0.9800], mean and range of 2 seeds, 4 trainings"


def test_figures_from_elsewhere_are_shown_as_that_where_there_is_no_gpu():
    found = BY_NAME["no-cudnn"].judge(CUDNN_SLOWER[HOLDS])
    assert found.because == "it is said of a GPU, and this run was not measured on one"
    assert found.evidence and all(one.what.startswith("without a GPU: ") for one in found.evidence)


def test_a_layer_that_was_only_fitted_in_keras_says_nothing_of_unrolling_by_a_few():
    fitted = beside("fit_epoch", "train", ("dynamic-10", "dynamic"), SHORTER)
    found = BY_NAME["unroll-by-a-few"].judge(Results(run_of(cells(SHORTER, EVEN), fitted)))
    assert (found.word, found.because.count("unroll=")) == (HOLDS, 1)


def test_sizes_with_a_sequence_length_are_no_part_of_a_ratio():
    run = run_of(beside("step", "train", OURS, LONGER, Sizes(valid=7)))
    assert not evidence.ratios_at(run, Column("step", "train", "", "ms"), OURS)


def test_a_failed_check_is_noted_as_the_judges_look_for_it():
    source = (ROOT / "unroll" / "measure" / "check.py").read_text()
    assert f'f"{network.UNEQUAL}, so not measured' in source


def test_another_tutorials_or_an_unfinished_training_does_not_count():
    others = [*seeds([0.97, 0.98, 0.985], [], tutorial="004"), *seeds([0.97, 0.98, 0.985], [], done=1999)]
    assert BY_NAME["accuracy-0.9786"].judge(Results(EMPTY.run, others)).word == NOT_MEASURED


def test_trainings_that_differ_in_more_than_the_unroll_are_no_pair():
    found = seeds([0.97] * 6, []) + seeds([], [0.97] * 6, updates=100)
    assert BY_NAME["learn-the-same"].judge(Results(EMPTY.run, found)).word == NOT_MEASURED


def test_pairs_of_trainings_show_the_largest_differences_and_not_the_mean_ones():
    static, dynamic = [0.97] * 6, [0.97] * 5 + [0.96]
    trainings = seeds(static, dynamic)
    trainings[-1] = replace(trainings[-1], points=[Point(1, 2.5, 0.1, 0.1)])  # the others begin at 2.3
    finding = BY_NAME["learn-the-same"].judge(Results(EMPTY.run, trainings))
    assert [figure.value for figure in finding.evidence[1:]] == ["0.0100 in 6 pairs", "0.2 in 6 pairs"]


def test_it_is_without_a_signature_that_every_length_is_traced():
    found = BY_NAME["every-length-is-traced"].judge(Results(run_of(traced(4, 1))))
    assert found.because == "on an input signature that leaves T open: each is traced without one"
    assert [one.value for one in found.evidence] == ["4 for 4 lengths (counted)", "1 for 4 lengths (counted)"]


def test_as_many_steps_under_xla_as_are_claimed_are_shown_where_they_were_measured():
    claim, short = BY_NAME["xla-compiles-for-minutes"], xla("first_call", LONGER)
    assert "240 steps take was not tried" in claim.judge(short).because
    long = Sizes(steps=240)
    first = [
        record("first_call", "train", "static", [90.0], long, "xla"),
        record("first_call", "train", "dynamic", [], long, "xla", note="stopped: took more than 240 s"),
    ]
    found = claim.judge(Results(run_of(short.run.records, first)))
    assert "not tried" not in found.because
    shown = {one.what: (one.value, one.at) for one in found.evidence[-2:]}
    assert shown["First call under XLA, train, static"] == ("90 s, one measurement", str(long))
    assert shown["First call under XLA, train, dynamic"] == ("stopped: took more than 240 s", str(long))


def test_lengths_served_by_a_trained_export_are_shown():
    served = [Served("static", 14, None, "wants 28"), Served("static", 28, 0.97), Served("dynamic", 14, 0.81)]
    results = Results(SCENARIOS["bound-to-its-length"][DEPENDS].run, [replace(training(0.97), served=served)])
    shown = [one.value for one in BY_NAME["bound-to-its-length"].judge(results).evidence]
    assert "refused at T=14, 0.9700 at T=28 (one training)" in shown
    assert "0.8100 at T=14 (one training)" in shown


def test_a_factor_that_rises_at_too_few_lengths_is_no_law():
    few = run_of(growing("process", "train", OURS, linear, flat)[: 2 * 11 - 1])
    assert evidence.grows_faster(few, PROCESS, OURS).word == NOT_MEASURED
    one_more = run_of(growing("process", "train", OURS, linear, flat))
    assert evidence.grows_faster(one_more, PROCESS, OURS).word == HOLDS
    assert evidence.grows_faster(one_more, PROCESS, OURS[::-1]).word == FAILS


def test_one_odd_length_does_not_make_memory_depend_on_the_length():
    def odd(steps):
        return 60.0 if steps == 2 else below(steps) * 8 - 0.001 * steps

    found = evidence.by_length(run_of(growing("tensors", "train", OURS, odd, flat)), TENSORS, OURS)
    assert (found.word, found.because) == (FAILS, "static holds less as a rule, over 11 lengths, T=1 to 1024")


# The command


def test_the_command_judges_a_folder_without_tensorflow():
    code = (
        "import sys, unroll.cli; status = unroll.cli.main(['claims', 'results/reference']); "
        "sys.exit(status or 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    for claim in CLAIMS:
        assert f"  {claim.name}  " in done.stdout
    summary = " ".join(done.stdout.partition("\n\n")[0].split())
    assert re.fullmatch(rf"{len(CLAIMS)} claims: (\d+ [a-z ]+, )*\d+ [a-z ]+", summary), summary
    assert sum(map(int, re.findall(r"\d+", summary)[1:])) == len(CLAIMS)
    assert "judged by results/reference" in done.stdout


def test_the_command_takes_this_machines_results_or_says_that_it_took_the_committed_ones(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["claims"]) == 0
    assert f"judged by {REFERENCE}" in capsys.readouterr().out
    Journal(tmp_path / "results" / "local", {}, {"sizes": asdict(BASE)})
    assert cli.main(["claims"]) == 0
    out = capsys.readouterr().out
    assert f"judged by {Path('results', 'local')}" in out
    assert f"{len(CLAIMS)} not measured" in out


def test_trainings_are_read_from_the_folder_or_the_one_beside_it(tmp_path):
    assert trainings_beside(tmp_path / "local") == []
    for name, seed in (("training", 1), ("local", 2)):
        History(tmp_path / name, {}, choose_settings(data="digits", examples=1437, seed=seed).as_dict())
        assert [one.settings["seed"] for one in trainings_beside(tmp_path / "local")] == [seed]


def test_a_folder_without_results_is_one_line_and_status_2(tmp_path, capsys):
    assert cli.main(["claims", str(tmp_path)]) == cli.BAD_INPUT
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "run `unroll bench` to write one" in err


def test_what_comes_from_results_does_not_steer_the_terminal():
    hostile = run_of(exported("static", "T=28 only\x1b[2J", unsigned=None))
    written = io.StringIO()
    verdict = verdict_of(judge_claims(Results(hostile)), "bound-to-its-length")
    show_claim(verdict, Console(file=written, width=200), Path("results"))
    assert "\x1b" not in written.getvalue()
    assert "T=28 only\ufffd[2J" in written.getvalue()

"""A claim and the function that judges it, which stands below it: joined by the decorator `claim`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import NamedTuple

from unroll.measure.journal import Run
from unroll.measure.statistics import NOT_MEASURED
from unroll.models.history import Training
from unroll.report.folders import gpu_run_beside, trainings_beside
from unroll.report.ledger.evidence import Finding, on_the_card, without_a_gpu

D000 = "document 000"
D003 = "document 003, TF Examples 3.4"
LEARNERS = "what learners ask, or take for true"
R2RT = "R2RT, Recurrent Neural Networks in Tensorflow II"
KERAS_DOCS = "Keras, documentation of LSTM's unroll"
BENCHMARK_RNN = "TensorFlow, BenchmarkRNN in rnn_test.py"


class Results(NamedTuple):
    """What a verdict is computed from: a run of the benchmarks; trainings and a run on a GPU, where there are any."""

    run: Run
    trainings: Sequence[Training] = ()
    gpu: Run | None = None


Judge = Callable[[Results], Finding]


@dataclass(frozen=True)
class Claim:
    """What somebody claims.

    Attributes:
        name: short, for links and for people who talk about it.
        quote: what is claimed, in English.
        source: who claims it.
        figure: the file of the figure to look at, beside the journal.
        judge: computes the verdict.
    """

    name: str
    quote: str
    source: str
    figure: str
    judge: Judge


def claim(name: str, quote: str, source: str, figure: str) -> Callable[[Judge], Claim]:
    """Return the decorator that makes a claim of the function that judges it."""
    return lambda judge: Claim(name, quote, source, figure, judge)


def results_of(folder: Path, run: Run) -> Results:
    """Return a run together with what lies beside it: trainings and, where it is of a CPU, a run on a GPU."""
    return Results(run, trainings_beside(folder), None if run.device == "gpu" else gpu_run_beside(folder))


def on_a_gpu(judge: Judge) -> Judge:
    """Judge by a run on a GPU only: these results' own, or the one beside them."""

    @wraps(judge)
    def judged(results: Results) -> Finding:
        gpu = results.run if results.run.device == "gpu" else results.gpu
        return on_the_card(gpu, judge(results._replace(run=gpu))) if gpu else without_a_gpu(judge(results))

    return judged


def not_measured(why: str) -> Callable[[Judge], Judge]:
    """Return the decorator that leaves a claim open, and shows what the function finds as what comes nearest to it."""

    def decorate(judge: Judge) -> Judge:
        @wraps(judge)
        def judged(results: Results) -> Finding:
            nearest = judge(results).evidence
            return Finding(NOT_MEASURED, why, tuple(one._replace(what=f"nearest to it: {one.what}") for one in nearest))

        return judged

    return decorate

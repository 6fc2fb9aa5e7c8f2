"""A claim and the function that judges it, which stands below it: joined by the decorator `claim`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import NamedTuple

from unroll.measure.journal import Run
from unroll.measure.statistics import NOT_MEASURED
from unroll.models.history import Training
from unroll.report.folders import FURTHER, further_run_beside, gpu_run_beside, trainings_beside
from unroll.report.ledger.evidence import Finding, on_the_card, without_a_gpu

D000 = "document 000"
D003 = "document 003, TF Examples 3.4"
LEARNERS = "what learners ask, or take for true"
R2RT = "R2RT, Recurrent Neural Networks in Tensorflow II"
KERAS_DOCS = "Keras, documentation of LSTM's unroll"
BENCHMARK_RNN = "TensorFlow, BenchmarkRNN in rnn_test.py"
REPOSITORIES = {  # by how a source names them
    "tensorflow": "tensorflow/tensorflow",
    "keras": "keras-team/keras",
    "jax": "jax-ml/jax",
    "pytorch": "pytorch/pytorch",
    "cybertronai/gradient-checkpointing": "cybertronai/gradient-checkpointing",
}
PAGES = {R2RT: "https://r2rt.com/recurrent-neural-networks-in-tensorflow-ii.html"}
ISSUE = re.compile(rf"\b({'|'.join(REPOSITORIES)}) issue (\d+)")
QUESTION = re.compile(r"Stack Overflow question (\d+)")


class Results(NamedTuple):
    """What a verdict is computed from: a run of the benchmarks, and what lies beside it.

    Attributes:
        run: what is judged.
        trainings: those that belong to it.
        gpu: a run on a GPU, where the other is not.
        further: a run of the preset `unmeasured`, of what the run leaves open.
    """

    run: Run
    trainings: Sequence[Training] = ()
    gpu: Run | None = None
    further: Run | None = None


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

    @property
    def url(self) -> str:
        """Return where the source can be read; empty for a document or for what is only said."""
        if issue := ISSUE.search(self.source):
            return f"https://github.com/{REPOSITORIES[issue[1]]}/issues/{issue[2]}"
        if question := QUESTION.search(self.source):
            return f"https://stackoverflow.com/questions/{question[1]}"
        return PAGES.get(self.source, "")

    @property
    def is_of_trainings(self) -> bool:
        """Return whether its figure is drawn from trainings, and lies beside them."""
        return self.figure in ("learning.png", "reading.png")


def claim(name: str, quote: str, source: str, figure: str) -> Callable[[Judge], Claim]:
    """Return the decorator that makes a claim of the function that judges it."""
    return lambda judge: Claim(name, quote, source, figure, judge)


def results_of(folder: Path, run: Run) -> Results:
    """Return a run together with what lies beside it: trainings and, where it is of a CPU, a run on a GPU."""
    gpu = None if run.device == "gpu" else gpu_run_beside(folder)
    return Results(run, trainings_beside(folder), gpu, further_run_beside(folder))


def judge_by_all(judge: Judge, results: Results) -> Finding:
    """Judge by the run, or where it leaves the claim open, by the further run, which the reason then names."""
    finding = judge(results)
    if finding.word != NOT_MEASURED or not results.further:
        return finding
    further = judge(results._replace(run=results.further))
    if further.word == NOT_MEASURED:
        return finding
    return further._replace(because=f"{further.because} (in results/{FURTHER}, a run of its own)")


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
            return Finding(
                NOT_MEASURED, why, tuple(figure._replace(what=f"nearest to it: {figure.what}") for figure in nearest)
            )

        return judged

    return decorate

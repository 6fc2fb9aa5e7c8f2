"""The ledger: what the tutorials and the folklore claim, each with a verdict computed from the results at hand."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from unroll.measure.journal import Run
from unroll.report.compare import printable
from unroll.report.folders import gpu_run_beside, trainings_beside
from unroll.report.growth import BUILD, FIRST_CALL, STEP_TRAIN
from unroll.report.ledger import judges
from unroll.report.ledger.evidence import DEPENDS, FAILS, HOLDS, NOT_MEASURED, WORDS, Evidence
from unroll.report.ledger.judges import CUDNN, DOCUMENT, JAX, KERAS, OURS, Judge, Results
from unroll.report.tables import markdown


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


class Verdict(NamedTuple):
    """What the results say of a claim: a word of `evidence.WORDS`, why, and the figures behind it."""

    claim: Claim
    word: str
    because: str
    evidence: tuple[Evidence, ...]
    figure: str


def results_of(folder: Path, run: Run) -> Results:
    """Return a run together with what lies beside it: trainings, and a run on a GPU."""
    return Results(run, trainings_beside(folder), gpu_run_beside(folder))


def judge_claims(results: Results) -> list[Verdict]:
    """Judge every claim: by a run, by trainings where it is about learning, by a GPU's run where it is about a GPU."""
    return [Verdict(claim, *claim.judge(results), claim.figure) for claim in CLAIMS]


def claims_table(results: Results) -> str:
    """Format every claim with its verdict as a Markdown table."""
    rows = [
        [
            f"{verdict.claim.quote} ({verdict.claim.source})",
            f"**{verdict.word}**: {verdict.because}",
            "; ".join(map(str, verdict.evidence)),
            verdict.figure,
        ]
        for verdict in judge_claims(results)
    ]
    return markdown(["claim", "verdict", "figures, with 95% intervals", "look at"], rows, align=["---"] * 4)


D000 = "document 000"
D003 = "document 003, TF Examples 3.4"
LEARNERS = "what learners ask, or take for true"
R2RT = "R2RT, Recurrent Neural Networks in Tensorflow II"
KERAS_DOCS = "Keras, documentation of LSTM's unroll"
BENCHMARK_RNN = "TensorFlow, BenchmarkRNN in rnn_test.py"

CLAIMS = (
    # What the two are
    Claim(
        "cells-in-the-graph",
        "static_rnn creates n_steps cells in the graph; dynamic_rnn creates one, and passes the other steps through it "
        "in a while loop.",
        D003,
        "graphs.png",
        judges.one_cell_or_many,
    ),
    Claim(
        "same-network",
        "static_rnn and dynamic_rnn are two ways to the same network: the same shapes, and the same last state.",
        D000,
        "graphs.png",
        judges.same_network,
    ),
    Claim(
        "every-state",
        "A static_rnn model carries the intermediate state of every step, which helps in debugging.",
        D003,
        "reading.png",
        judges.static_has_every_state,
    ),
    Claim(
        "last-state-only",
        "A dynamic_rnn model only has the last state.",
        D003,
        "reading.png",
        judges.dynamic_has_the_last_state_only,
    ),
    Claim(
        "last-output-is-the-state",
        "Taking the last state is taking outputs[-1].",
        "documents 000, 002 and 004, whose code reads outputs[-1], beside 001, which reads the state",
        "reading.png",
        judges.last_output_is_the_state,
    ),
    Claim(
        "first-slice",
        "The LSTM is first fed with the first slice of the input list, which happens to be the whole first image.",
        "document 004",
        "trick.png",
        judges.first_slice_is_an_image,
    ),
    # What it costs to start
    Claim(
        "longer-to-generate",
        "A network made by static_rnn takes longer to generate.",
        D003,
        "ratios.png",
        judges.takes_longer(BUILD, OURS),
    ),
    Claim(
        "48-times-longer-to-build",
        "Unrolled, the graph of 200 steps takes 25.6 s to build, and as a loop 0.53 s.",
        R2RT,
        "growth.png",
        judges.r2rt_build,
    ),
    Claim(
        "first-call-and-graph",
        "Unrolled, the first call takes 10 s and the graph 3.5 MB; as a loop, it starts at once, with 180 KB.",
        "tensorflow issue 38628",
        "growth.png",
        judges.starts_late_with_a_large_graph,
    ),
    Claim(
        "short-sequences-only",
        "Unrolling is only suitable for short sequences.",
        KERAS_DOCS,
        "growth.png",
        judges.suits_short_only,
    ),
    Claim(
        "rebuilt-at-every-step",
        "The graph is built anew at every step.",
        LEARNERS,
        "break-even.png",
        judges.rebuilt_at_every_step,
    ),
    Claim(
        "no-warm-up",
        "The first call can be timed like any other: a benchmark needs no warm-up.",
        LEARNERS,
        "costs.png",
        judges.first_call_is_as_any,
    ),
    Claim(
        "pays-off",
        "Unrolling is paid for once, and won back in training.",
        "asked by learners: which one should I use?",
        "break-even.png",
        judges.pays_off,
    ),
    # What a step costs
    Claim(
        "static-is-faster",
        "A static network is the faster at every step.",
        "folklore: static is faster but bigger",
        "grid.png",
        judges.steps_take(OURS, more=False),
    ),
    Claim(
        "unroll-is-faster",
        "unroll=True can speed up an RNN.",
        KERAS_DOCS,
        "grid.png",
        judges.steps_take(KERAS, more=False),
    ),
    Claim(
        "loop-trains-faster",
        "The loop trains faster: three epochs take 96.7 s, and unrolled 117.8 s.",
        R2RT,
        "grid.png",
        judges.takes_longer(STEP_TRAIN, OURS),
    ),
    Claim(
        "as-fast-when-large",
        "dynamic_rnn is as performant as static_rnn for large batch sizes and depths, but not for smaller.",
        "tensorflow issue 9527, a maintainer",
        "grid.png",
        judges.large_as_fast_small_not,
    ),
    Claim(
        "unroll-by-a-few",
        "A few cells an iteration give the speed of unrolling without its cost.",
        "keras issue 16485, where an unroll factor is asked for, as JAX's scan has it",
        "unroll.png",
        judges.few_cells_an_iteration,
    ),
    Claim(
        "long-sequences",
        "A training step takes no more than in proportion to the number of steps.",
        f"{BENCHMARK_RNN}, which asks it at T = 100 to 1000",
        "growth.png",
        judges.in_proportion,
    ),
    Claim(
        "half-the-length",
        "With a sequence_length of half the steps, an unroll takes no longer than one of half the steps.",
        f"{BENCHMARK_RNN}, which asks it at T = 50",
        "costs.png",
        judges.half_the_length,
    ),
    # What is held
    Claim(
        "more-memory",
        "The network of static_rnn takes up more memory, that of dynamic_rnn less.",
        D003,
        "growth.png",
        judges.holds_more(OURS),
    ),
    Claim(
        "unroll-holds-more",
        "unroll=True tends to be more memory-intensive.",
        KERAS_DOCS,
        "growth.png",
        judges.holds_more(KERAS),
    ),
    Claim(
        "backprop-through-a-loop",
        "Backpropagation through a loop costs less memory than through an unrolled graph.",
        LEARNERS,
        "growth.png",
        judges.backprop_holds_less,
    ),
    Claim(
        "larger-export",
        "The exported model of static_rnn is larger.",
        D003,
        "growth.png",
        judges.exports_larger,
    ),
    Claim(
        "tflite-39-mb",
        "Converted to TFLite, an unrolled GRU takes 39 MB, and its loop 300 KB.",
        "tensorflow issue 59921",
        "growth.png",
        judges.nobody_measures("nothing is converted to TFLite here", judges.exports_larger),
    ),
    Claim(
        "swap-memory",
        "swap_memory=True lets the loop train longer sequences, by swapping what the gradient needs out to the host.",
        "TensorFlow 1, documentation of dynamic_rnn",
        "growth.png",
        judges.nobody_measures("no variant asks for it; TensorFlow 2's while_v2 has no such argument"),
    ),
    # What serves which lengths
    Claim(
        "bound-to-its-length",
        "static_rnn must be used with the number of steps that it was trained with.",
        D003,
        "graphs.png",
        judges.bound_to_its_length,
    ),
    Claim(
        "other-lengths",
        "dynamic_rnn also takes other numbers of steps when it is used.",
        D003,
        "graphs.png",
        judges.takes_other_lengths,
    ),
    Claim(
        "every-length-is-traced",
        "Every new length is traced anew, even with a loop.",
        LEARNERS,
        "graphs.png",
        judges.every_length_is_traced,
    ),
    # Compilers and accelerators
    Claim(
        "xla-compiles-for-minutes",
        "Under XLA, what is unrolled compiles for far longer: 240 steps take 5 minutes.",
        "keras issue 16485",
        "xla.png",
        judges.xla_compiles_longer,
    ),
    Claim(
        "xla-loop-is-slower",
        "Under XLA on a GPU, the loop's steps are 2 to 5 times slower than unrolled ones.",
        "keras issue 16485, on an RTX 2080 Ti",
        "xla.png",
        judges.on_a_gpu(judges.xla_loop_is_slower),
    ),
    Claim(
        "jax-compiles-longer",
        "An unrolled jax.lax.scan compiles for longer: 10 steps take 11.15 s, and as a loop 2.58 s.",
        "jax issue 16611",
        "xla.png",
        judges.takes_longer(FIRST_CALL, JAX),
    ),
    Claim(
        "jax-runs-faster",
        "On a GPU an unrolled jax.lax.scan runs faster: in 0.107 s, and as a loop in 1.756 s.",
        "jax issue 16611",
        "xla.png",
        judges.on_a_gpu(judges.steps_take(JAX, more=False)),
    ),
    Claim(
        "no-cudnn",
        "unroll=True gives up the fast implementation on a GPU, which is cuDNN's.",
        KERAS_DOCS,
        "ratios.png",
        judges.on_a_gpu(judges.steps_take(CUDNN, more=True)),
    ),
    Claim(
        "torch-compiles-for-hours",
        "torch.compile takes about 5 hours for a GRU of 1500 steps.",
        "pytorch issue 154652",
        "growth.png",
        judges.nobody_measures("nothing is compiled by torch.compile here: PyTorch runs eagerly"),
    ),
    # What they learn
    Claim(
        "learn-the-same",
        "Trained either way, the network learns the same.",
        "documents 000 and 003, which offer either for one network",
        "learning.png",
        judges.learn_the_same,
    ),
    Claim(
        f"accuracy-{DOCUMENT.test_accuracy}",
        f"{DOCUMENT.updates} iterations of {DOCUMENT.batch} images end at a test accuracy of {DOCUMENT.test_accuracy}.",
        "document 002",
        "learning.png",
        judges.reaches_the_printed,
    ),
    Claim(
        "last-output-suffices",
        "Only the last output is used, because it contains the information: an LSTM remembers the whole sequence.",
        "document 004",
        "reading.png",
        judges.last_output_suffices,
    ),
)


COLOURS = {HOLDS: "green", FAILS: "red", DEPENDS: "yellow", NOT_MEASURED: "dim"}


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
        ledger.append(_set_in(f"look at {verdict.figure}", width) + "\n", "dim")
    counts = Counter(verdict.word for verdict in verdicts)
    ledger.append(f"{len(verdicts)} claims: {', '.join(f'{word} {counts[word]}' for word in WORDS)}")
    console.print(ledger, soft_wrap=True)


def _set_in(text: str, width: int) -> str:
    """Return text in lines that are set in, the further ones a little more."""
    lines = textwrap.wrap(printable(text), width, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(lines) + "\n"

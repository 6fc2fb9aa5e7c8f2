# %% [markdown]
# # 3. What unrolling costs
#
# Static and dynamic unrolling compute the same numbers. So which one should you take? Ask what each one costs: to
# build, to start, to run, to hold. This notebook reads the project's measurements and makes some of its own.
#
# **You will learn**
#
# - four ways to be fooled by a benchmark, each of which you will fall for here, once and in safety;
# - to read a ratio with its interval, and to say "I cannot tell" when that is the answer;
# - what unrolling costs in time, in three kinds of memory, and how each cost grows with the sequence;
# - after how many steps a slow start has paid for itself, if ever.
#
# **You need** [the second notebook](02_one_lstm_two_graphs.ipynb): what a graph is, and what stands in the two of ours.
# It takes about a quarter of an hour. Words that slip your mind are in [the glossary](../docs/glossary.md).

# %%
# Installs this project, with all that the notebook needs, if it is not installed yet: from the checkout around the
# notebook, or else from the package index.
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow says a lot otherwise
if importlib.util.find_spec("unroll") is None:
    wanted = "..[notebooks]" if Path("..", "pyproject.toml").is_file() else "unroll-lstm[notebooks]"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", wanted], check=True)
    importlib.invalidate_caches()

from unroll.notebook import answer

import tensorflow as tf

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 100}
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

TINY = "UNROLL_TINY" in os.environ  # the project's tests run this notebook at a tiny size

# %% [markdown]
# ## Trap 1: ten times the same
#
# Here are some digits, the sizes of a small network, and a stopwatch. A *forward step* of the network answers for one
# batch of digits. A *training step* does more: it compares the answers with the right ones, finds the gradients, and
# changes the weights.

# %%
from functools import partial

from unroll.models.data import load
from unroll.models.network import LSTMEncoder, init_network
from unroll.rnn import dynamic_unroll, static_unroll

batch, hidden = (4, 4) if TINY else (32, 64)
digits = load("digits").train
images, labels = tf.constant(digits.images[:batch]), tf.constant(digits.labels[:batch])


def training_step(unroll):
    """Build the graph of a training step, and return a function that runs it once."""
    network = init_network(partial(LSTMEncoder, unroll=unroll), 28, hidden, seed=0)
    graph = tf.function(network.train, autograph=False).get_concrete_function(images, labels)
    return lambda: graph(images, labels).numpy()


def seconds(work):
    start = perf_counter()
    work()
    return perf_counter() - start


# %% [markdown]
# **Predict.** We build the graph of a training step and call it ten times. How do you expect the ten times to compare?

# %%
step = training_step(static_unroll)
calls = [seconds(step) for _ in range(10)]

with answer():
    print("  ".join(f"{1000 * call:.1f}" for call in calls), "ms")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The first call is another thing than the others: in it, TensorFlow optimises the graph and gets everything ready. A
# mean over all ten would be a number that describes nothing.
#
# ```python
# assert calls[0] > 2 * np.median(calls[1:])
# ```
#
# </details>
#
# This project uses three words, and never mixes them:
#
# - **build**: Python is traced, a graph comes of it;
# - **first call**: the graph is made ready and run once;
# - **step**: one later call.

# %% [markdown]
# ## Trap 2: a matrix, given or built in
#
# Two functions multiply a matrix by itself. The one gets the matrix as an argument, in the other it is a constant.

# %%
matrix = np.random.default_rng(0).normal(size=[20 if TINY else 600] * 2).astype(np.float32)


@tf.function
def with_argument(a):
    return tf.matmul(a, a)


@tf.function
def with_constant():
    a = tf.constant(matrix)
    return tf.matmul(a, a)


# %% [markdown]
# **Predict.** Both are called once first, so that trap 1 is not sprung again. Which one is faster, and why?

# %%
tensor = tf.constant(matrix)
with_argument(tensor), with_constant()
argument = np.median([seconds(lambda: with_argument(tensor).numpy()) for _ in range(20)])
constant = np.median([seconds(lambda: with_constant().numpy()) for _ in range(20)])

with answer():
    print(f"argument: {1e6 * argument:.0f} µs, constant: {1e6 * constant:.0f} µs")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The second one does not multiply at all. When TensorFlow optimised its graph, it saw that nothing in it could ever
# change, computed the product once, and put it in the place of the multiplication. This is called *constant folding*. A
# benchmark that makes its data inside the graph may measure nothing. Ours hands them over as arguments, and checks the
# results.
#
# ```python
# assert TINY or constant < argument
# ```
#
# </details>

# %% [markdown]
# ## Trap 3: the machine drifts
#
# Measure A for a while, then B for a while, and compare. What if somebody else used the machine in the second half?
#
# The project lets the variants *take turns* instead, in random order, and builds all graphs anew in every round. Let us
# do that here with the two ways to unroll; it takes less than half a minute.

# %%
import random

unrolls = {"static": static_unroll, "dynamic": dynamic_unroll}
samples = {name: [] for name in unrolls}  # of each round, the seconds of five training steps
for _ in range(2 if TINY else 8):
    for name in random.sample(list(unrolls), k=2):
        step = training_step(unrolls[name])
        step()  # the first call does not count
        samples[name].append([seconds(step) for _ in range(5)])

# %% [markdown]
# In each round, five training steps of each variant were timed. Take their median, round by round, and look at static
# and dynamic. On the right is one divided by the other: below the grey line, static is faster.

# %%
medians = {name: np.median(rounds, axis=1) for name, rounds in samples.items()}
ratios = medians["static"] / medians["dynamic"]

_, (left, right) = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
for name, colour in (("static", "#0072b2"), ("dynamic", "#e69f00")):
    left.plot(1000 * medians[name], "o-", color=colour, label=name)
left.set(title="a training step", xlabel="round", ylabel="ms")
left.legend(frameon=False)
right.plot(ratios, "o-", color="black")
right.axhline(1, color="grey", linewidth=0.8)
right.set(title="static / dynamic", xlabel="round", ylim=(0, 2))
plt.show()

# %% [markdown]
# On the left are the times that a careless person compares: pick one round for the one, another round for the other,
# and you may find what you like. On the right is the ratio within each round. What slows the machine down for a whole
# round slows both, and leaves the ratio alone. What takes less than a round may still hit only one of them, and stands
# out: so one round is not enough.
#
# ## Trap 4: one number
#
# How large or small a ratio could one report from these very data, without inventing anything? Take the luckiest and
# the unluckiest sample of each:

# %%
least = np.min(samples["static"]) / np.max(samples["dynamic"])
most = np.max(samples["static"]) / np.min(samples["dynamic"])
print(f"Anything from static / dynamic = {least:.2f} to {most:.2f}.")

# %% [markdown]
# So a ratio needs an *interval*: between which bounds does the true one lie, 95 times of 100? The usual bounds come
# from the spread of the rounds: Student's t, on logarithms, because ratios multiply.

# %%
from scipy.stats import t

logs = np.log(ratios)
margin = t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs))
low, middle, high = np.exp(logs.mean() + margin * np.array([-1, 0, 1]))
verdict = "static is faster" if high < 1 else "dynamic is faster" if low > 1 else "I cannot tell"
print(f"static / dynamic = {middle:.2f} [{low:.2f}, {high:.2f}]: {verdict}")

# %% [markdown]
# If 1 lies within the interval, the two are not told apart, and the honest answer is "I cannot tell". And even then all
# rounds here come from one process, whose luck they share. So the project gives each round a process of its own
# ([how it is measured](../docs/explanation/measuring.md)).
#
# That was a small network and a short measurement. What follows is the project's own measurement: more rounds, more
# variants, a quieter machine. It is in the repository, with every raw sample. (A *record* is what one round gave for
# one quantity of one variant.)

# %%
from unroll.measure.journal import read_journal
from unroll.notebook import committed

results = read_journal(committed("reference"))[-1]
print(f"{len(results.records)} records, at {results.sizes}, on {results.environment['processor']}.")

# %% [markdown]
# ## Build, first call, step
#
# **Predict.** Static against dynamic: for which of build, first call, forward step and training step do you expect a
# clear winner?

# %%
from unroll.report.tables import TURNS, pair_ratio

with answer():
    for turn in TURNS:
        ratio = pair_ratio(results, turn, "static", "dynamic")
        verdict = ("dynamic is faster" if ratio.value > 1 else "static is faster") if ratio.decided else "cannot tell"
        print(f"{turn.heading:18} static / dynamic = {ratio.value:5.2f} [{ratio.low:.2f}, {ratio.high:.2f}]  {verdict}")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The loop wins where the graph is *made*: T cells must be traced, optimised and prepared, or one. Where the graph is
# *run*, both compute the same T cells, and there is little to win, for either.
#
# ```python
# build, first_call, forward, train = (pair_ratio(results, turn, "static", "dynamic") for turn in TURNS)
# assert build.value > 1 and first_call.value > 1
# assert abs(np.log(train.value)) < np.log(build.value)
# ```
#
# </details>

# %% [markdown]
# All pairs at a glance. A filled dot is a verdict, a hollow one is "I cannot tell". Our variants meet others here:
# Keras's LSTM with its own switch for the unroll, the two functions of TensorFlow 1 that are still there
# (`compat.v1`), a single operation of TensorFlow that reads the whole sequence (`BlockLSTMV2`), and two other
# libraries, PyTorch and JAX.

# %%
from unroll.report.figures.ratios import draw_ratios

draw_ratios(results)

# %% [markdown]
# ## Three memories
#
# "Static takes more memory." Of which? The **graph** itself: its nodes and bytes. The **process**: what it grows by
# when the graph is built and first run. The **tensors**: the most that numbers take up while a step is computed.
#
# **Predict.** Of which of the three does a static training graph of 28 steps need more than a dynamic one, and of which
# about as much?

# %%
variants = ("static", "static-traced", "dynamic")
held = {
    name: [results.find(name, "train", v).median for v in variants] for name in ("graph_bytes", "process", "tensors")
}

with answer():
    print(f"{'MiB':12}", *(f"{variant:>14}" for variant in variants))
    for name, values in held.items():
        print(f"{name:12}", *(f"{value / 2**20:14.2f}" for value in values))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Tensors come out much alike: to learn, both must keep the same gates and states of the same steps. The static graph is
# larger, but small beside the rest. What you would notice on your machine is the process. So "more memory" is right or
# wrong, depending on what you count, and on T: what becomes of all this for long sequences is in the next figure.
#
# ```python
# static_tensors, _, dynamic_tensors = held["tensors"]
# assert 0.5 < static_tensors / dynamic_tensors < 2
# assert held["graph_bytes"][0] > held["graph_bytes"][2] and held["process"][0] > held["process"][2]
# ```
#
# </details>

# %% [markdown]
# ## A loop that brings its own gradient
#
# To learn, TensorFlow must go back through the loop, and it makes that way back by itself: in every step it puts each
# tensor that may be needed on a list of its own. With `dynamic_unroll(cell, ..., own_gradient=True)` the cell says what
# to keep, and how to go back ([how](../docs/explanation/learning-through-time.md)). The project measured this for 100
# steps, a batch of 32 and 64 hidden units.
#
# **Predict.** Is this loop built as soon as the plain one? And its training step: is it as fast as that of the static
# graph?

# %%
from unroll.report.tables import ratios_table

longer = read_journal(committed("steps-100"))[-1]
pairs = [("static", "dynamic"), ("dynamic-own", "dynamic"), ("dynamic-own", "static")]

with answer():
    display(ratios_table(longer, pairs))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# It takes a little longer to build than the plain loop, and nothing like as long as the static graph. Its training step
# is the fastest of the three, at these sizes and on this processor.
#
# ```python
# own = {turn.heading: pair_ratio(longer, turn, "dynamic-own", "static") for turn in TURNS}
# assert own["training step"].high < 1 and own["build, train"].high < 1
# ```
#
# </details>

# %% [markdown]
# ## How costs grow
#
# If a cost grows as T to the power of p, it is a straight line in a plot with logarithmic axes, and p is its slope.
#
# **Predict.** What is p for the building of the static graph? For the building of the dynamic one? For a step?

# %%
from unroll.report.figures.growth import draw_growth

builds = {variant: results.sweep("steps", "build", "train", variant) for variant in ("static", "dynamic")}

with answer():
    display(draw_growth(results))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# A step takes time in proportion to T, whoever goes through the loop. Building takes time in proportion to T if Python
# goes through it, and the same for all T if the graph does. So the longer the sequence, the clearer the answer. (And
# the shorter, the less so. Where do the lines of *Build* cross? For only a few steps, static is built sooner.)
#
# ```python
# fewest, most = min(builds["static"]), max(builds["static"])
# assert builds["static"][fewest].median < builds["dynamic"][fewest].median
# assert builds["static"][most].median > 10 * builds["dynamic"][most].median
# ```
#
# </details>

# %% [markdown]
# ## Has it paid yet?
#
# A slow start may pay, if each step is faster afterwards. The static graph starts later, and perhaps gains a little in
# each step. So after how many steps has it caught up?
#
# **Predict.** Give the formula: from the seconds to build and to call first, and the seconds of a step, of both.


# %%
def seconds_of(quantity, variant):
    rounds = results.find(quantity, "train", variant).rounds
    return np.array([np.median(samples) for _, samples in sorted(rounds.items())])  # one of each round


def started(variant):
    return seconds_of("build", variant) + seconds_of("first_call", variant)


late = np.mean(started("static") - started("dynamic"))
gain = np.mean(seconds_of("step", "dynamic") - seconds_of("step", "static"))

with answer():
    print("(seconds until static has started - seconds until dynamic has) / (seconds a step gains)")
    print(f"{late:.2f} s / {1000 * gain:.2f} ms =", f"{np.ceil(late / gain):.0f} steps" if gain > 0 else "never")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# What static loses at its start, divided by what it gains in each step.
#
# </details>
#
# But how sure is that gain? It is a small difference of two large numbers. Where it may be nothing, the answer may be
# "never". One number hides that; an interval does not.
#
# **Predict.** The interval of that number: does it reach up to "never"?

# %%
from unroll.report.tables import break_even_table

with answer():
    display(break_even_table(results))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The first row has the number of before. Where its interval reaches up to never, static may gain nothing at all.
#
# </details>
#
# As lines: each variant starts with what its start costs, and climbs by what a step costs. Where two lines cross, the
# later start has paid. (They would be straight, were the axes not logarithmic.)

# %%
from unroll.report.figures.break_even import draw_break_even

draw_break_even(results)

# %% [markdown]
# ## Under a compiler
#
# XLA, a compiler that comes with TensorFlow, turns a graph into machine code, in the first call. That takes its time
# for every operation that it sees. The figure also has *eager* mode: no graph at all, each operation done as Python
# comes to it.
#
# **Predict.** What does XLA do to the first call of a graph with T cells, and of one with a loop? And to the steps?

# %%
from unroll.report.figures.xla import draw_xla

with answer():
    display(draw_xla(results))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The compiler sees T cells or one, so the static graph waits several times as long for its first call. The steps gain
# little from it, on this processor; those that train the static graph even lose.
#
# ```python
# first = {variant: results.find("first_call", "train", variant, "xla").median for variant in ("static", "dynamic")}
# assert first["static"] > 2 * first["dynamic"]
# trained = {mode: results.find("step", "train", "static", mode).median for mode in ("graph", "xla")}
# assert trained["xla"] > trained["graph"]
# ```
#
# </details>
#
# ## In short
#
# Start with the loop. Unless the steps are very few, it is built and started sooner and its process holds less; and it
# serves any length. If you take many steps with sequences of one short length, *measure* at your sizes: a step may be
# faster side by side, and pay for the slow start.
#
# And whatever you measure: warm up, hand the data over as arguments, check the result, take turns, give an interval.

# %% [markdown]
# ## Exercises
#
# Try each one before you open its answer.
#
# **1.** A colleague writes: "I timed 20 calls of the dynamic network and then 20 calls of the static one. The mean of
# static is lower, so static is faster." Name three questions that you would ask.
#
# <details><summary>Answer</summary>
#
# Were the first calls among them (trap 1)? What happened on the machine between the first 20 and the second 20 (trap
# 3)? What is the interval, and from how many graphs (trap 4: all 20 calls used the same graph, and a graph may be
# lucky)? Also: were the data arguments (trap 2), and did both compute the same?
#
# </details>
#
# **2.** Which of the pairs in the results cannot be told apart in their training step? (The figure of all pairs knows.)
#
# <details><summary>Answer</summary>
#
# Those with a hollow dot in the last column:
#
# ```python
# from unroll.report.tables import PAIRS, measured_pairs
#
# for over, under in measured_pairs(results, PAIRS):
#     ratio = pair_ratio(results, TURNS[3], over, under)
#     if not isinstance(ratio, str) and not ratio.decided:
#         print(over, "/", under)
# ```
#
# </details>
#
# **3.** `builds`, from the section on growth, has the measured times to build, by variant and T:
# `builds["static"][28].median` is one of them, in seconds. From which measured T on does building the static training
# graph take more than ten times as long as building the dynamic one?
#
# <details><summary>Answer</summary>
#
# ```python
# factors = {T: builds["static"][T].median / builds["dynamic"][T].median for T in sorted(builds["static"])}
# print({T: round(factor, 1) for T, factor in factors.items()})
# print(min(T for T, factor in factors.items() if factor > 10))
# ```
#
# </details>
#
# **4.** Why is the *median* of a round used, and not the mean? Try both on five times of which one is disturbed.
#
# <details><summary>Answer</summary>
#
# Because times have a long tail to one side: now and then something else wants the processor, and one call takes twice
# as long. Such a call pulls a mean up as far as it likes, and leaves a median where it is.
#
# ```python
# calm = np.array([10.0, 10, 11, 10, 10])
# disturbed = np.array([10.0, 10, 11, 10, 60])
# assert np.median(calm) == np.median(disturbed) and disturbed.mean() > 1.9 * calm.mean()
# ```
#
# </details>
#
# **Next:** [reading a digit row by row](04_reading_a_digit_row_by_row.ipynb).

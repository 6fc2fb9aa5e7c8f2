# %% [markdown]
# # 2. One LSTM, two graphs
#
# An LSTM reads a sequence step by step. There are two ways to write that down for TensorFlow: the steps side by side,
# or one step and a loop around it. They compute the same numbers. What differs is the *graph*, and everything that
# people say about "static" and "dynamic" networks follows from it.
#
# **You will learn**
#
# - what one LSTM cell computes, gate by gate, in plain NumPy;
# - what a graph is, and what stands in it after a Python loop and after a while loop;
# - that both give the same outputs, states and gradients;
# - a third way, the *traced cell*;
# - why Python's `range` and TensorFlow's `tf.range` do so different things in the same place.
#
# **You need** NumPy, and [the first notebook](01_transpose_reshape_split.ipynb) or what it teaches: sequences are [T,
# B, I] here, time-major. It takes about a quarter of an hour. Where it says *Predict*, write your answer down first.
# Words that slip your mind are in [the glossary](../docs/glossary.md).

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
import numpy as np
from scipy.special import expit as sigmoid

from unroll.rnn import LSTMCell, LSTMState, LSTMWeights, dynamic_unroll, init_weights, reference_unroll, static_unroll

# %% [markdown]
# ## One step, by hand
#
# Small sizes, all different, so that a wrong shape cannot hide: a batch of B sequences with T steps, I numbers in each
# step, and an LSTM that shows H numbers for each sequence.

# %%
B, T, I, H = 2, 4, 3, 5
x = np.random.default_rng(0).normal(size=(T, B, I)).astype(np.float32)  # [T, B, I]

weights = init_weights(I, H, seed=0)
kernel, recurrent_kernel, bias = (weight.numpy() for weight in weights)
print("kernel          ", kernel.shape)
print("recurrent_kernel", recurrent_kernel.shape)
print("bias            ", bias.shape)
assert kernel.shape == (I, 4 * H) and recurrent_kernel.shape == (H, 4 * H) and bias.shape == (4 * H,)

# %% [markdown]
# Three arrays are all the weights that an LSTM has. The last axis is 4H in each: four gates, side by side.
#
# Between the steps, an LSTM carries a *state* of two arrays [B, H]: `hidden`, which it also shows to the outside, and
# `memory`, which it keeps to itself. Both start as zeros. (The literature calls them h and c; c stands for *cell*. So
# the project's states have them as `state.hidden` and `state.cell`.)
#
# Now read the first step of every sequence; as a step was a row of an image, we say *row*. The row is multiplied by
# `kernel`, the hidden state by `recurrent_kernel`, and all is added up.
#
# **Predict.** What is the shape of `gates`?

# %%
hidden, memory = np.zeros([B, H]), np.zeros([B, H])

gates = x[0] @ kernel + hidden @ recurrent_kernel + bias

with answer():
    print(gates.shape)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# For each sequence 4H numbers: H for each of four gates.
#
# ```python
# assert gates.shape == (B, 4 * H)
# ```
#
# </details>
#
# Cut it into the four gates. Three of them go through the sigmoid function, which makes each number a share between 0
# and 1: how far a valve is open.
#
# | gate | | asks |
# | --- | --- | --- |
# | `i` | input | how much of the new should be written into the memory? |
# | `f` | forget | how much of the old memory should stay? |
# | `g` | | what is the new? (no valve: tanh makes it numbers between -1 and 1) |
# | `o` | output | how much of the memory should be shown? |
#
# Mind the name of the forget gate: when it is open, nothing is forgotten.

# %%
i, f, g, o = np.split(gates, 4, axis=1)  # each [B, H]

new_memory = sigmoid(f) * memory + sigmoid(i) * np.tanh(g)
new_hidden = sigmoid(o) * np.tanh(new_memory)
print(new_hidden.round(3))

# %% [markdown]
# That is an LSTM cell, whole: four lines. The project's `LSTMCell` is the same four lines in TensorFlow. It takes the
# row and the state, and returns what it shows and the next state. (`assert_allclose` is an `assert` that two arrays are
# equal, but for rounding.)

# %%
cell = LSTMCell(weights)
output, state = cell(tf.constant(x[0]), cell.zero_state(B))

np.testing.assert_allclose(output, new_hidden, atol=1e-6)
np.testing.assert_allclose(state.cell, new_memory, atol=1e-6)

# %% [markdown]
# **Predict.** Suppose that f is so large that its valve is fully open, and i so small that its valve is shut. The cell
# has [1, 2, 3, 4, 5] in memory and reads a new row. What is in its memory afterwards?

# %%
valves = np.repeat([-50, 50, 0, 0], H).astype(np.float32)  # i, f, g, o
stubborn = LSTMCell(LSTMWeights(weights.kernel, weights.recurrent_kernel, tf.constant(valves)))

before = LSTMState(tf.zeros([1, H]), tf.constant([[1.0, 2, 3, 4, 5]]))
_, after = stubborn(tf.constant(x[0, :1]), before)

with answer():
    print(after.cell.numpy())

# %% [markdown]
# <details><summary>What you saw</summary>
#
# What it was. This is why an LSTM can remember over many steps: to keep something takes no effort, only an open valve.
#
# ```python
# np.testing.assert_allclose(after.cell, before.cell, rtol=1e-6)
# ```
#
# </details>

# %% [markdown]
# ## All steps, in a Python loop
#
# The cell reads one row. To read a sequence, hand the state on from step to step:

# %%
state = cell.zero_state(B)
outputs = []
for t in range(T):
    output, state = cell(tf.constant(x[t]), state)
    outputs.append(output)

# %% [markdown]
# The weights are the same in every step, only the row and the state change. That is all that *recurrent* means.
#
# **Predict.** `outputs` has T tensors, `state` has two. Is one of them among the others?

# %%
with answer():
    print(np.array_equal(outputs[-1], state.hidden))
    print(np.array_equal(outputs[-1], state.cell))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The last output is the final hidden state. (People ask this more often than almost anything else. The answer changes
# when sequences end early: [notebook 4](04_reading_a_digit_row_by_row.ipynb) shows how.)
#
# </details>
#
# The project says what an unroll means with the same loop in NumPy, in double precision. Everything else is held
# against it:

# %%
from unroll.rnn import ReferenceLSTMCell

reference_outputs, _ = reference_unroll(ReferenceLSTMCell(weights), x, cell.zero_state(B))
np.testing.assert_allclose(tf.stack(outputs), reference_outputs, atol=1e-6)

# %% [markdown]
# ## What a graph is
#
# So far, TensorFlow has done each operation at once, as NumPy does. It can also note the operations down first, as a
# *graph*, and run the whole graph later, without Python. `tf.function` does that: it calls your function with stand-ins
# for its arguments, and writes down what is done to them. That is called **tracing**.
#
# **Predict.** How often does the next cell print its line?


# %%
@tf.function(autograph=False)
def twice_plus_one(a):
    print("Python was here")
    return 2 * a + 1


with answer():
    print(twice_plus_one(tf.constant(1.0)).numpy())
    print(twice_plus_one(tf.constant(5.0)).numpy())

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Once. Python ran for the tracing and never again: the second call ran the graph, and the graph holds no `print`, only
# operations of TensorFlow.
#
# </details>
#
# `get_concrete_function` gives us the graph to look at. Each operation in it is a **node** of the graph:

# %%
from unroll.measure.graph import outline

for name, operation, sources in outline(twice_plus_one.get_concrete_function(tf.constant(1.0)))["main"]:
    print(f"{name:12} {operation:12} reads {', '.join(sources) or 'nothing'}")

# %% [markdown]
# The `Placeholder` is where the argument comes in, each `Const` is a number of ours, `AddV2` adds, and `Identity` hands
# out the result. (`autograph=False` asks TensorFlow to take our Python as it is. What it does otherwise comes at the
# end.)
#
# ## The first graph: steps side by side
#
# Now trace the loop of before. Here it is as a function, with any cell; and `trace`, which gives the graph for a
# sequence of so many steps. (A `tf.TensorSpec` is such a stand-in for an argument: a shape without numbers.)

# %%
from collections import Counter


def python_loop(cell, rows, state):
    outputs = []
    for t in range(rows.shape[0]):
        output, state = cell(rows[t], state)
        outputs.append(output)
    return tf.stack(outputs), state


def trace(unroll, steps):
    """Trace an unroll over sequences [steps, B, I]."""

    def network(rows):
        cell = LSTMCell(weights.read())  # reads each weight once, and not in every step
        return unroll(cell, rows, cell.zero_state(B))

    return tf.function(network, autograph=False).get_concrete_function(tf.TensorSpec([steps, B, I]))


def operations(function):
    """Count a graph's nodes by operation."""
    return Counter(operation for nodes in outline(function).values() for _, operation, _ in nodes)


# %% [markdown]
# A cell multiplies matrices twice: the row by `kernel`, and the hidden state by `recurrent_kernel`.
#
# **Predict.** How many matrix multiplications, `MatMul`, are in the graph of `python_loop` for 4 steps? For 28?

# %%
with answer():
    for steps in (4, 28):
        print(f"{steps} steps: {operations(trace(python_loop, steps))['MatMul']} MatMul")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Two for every step. The graph knows nothing of your `for`: that ran while tracing, and left its steps behind, one cell
# after the other. Unrolled like this, the graph grows with the sequence, and it fits one length only. This is the
# **static unroll**.
#
# ```python
# assert operations(trace(python_loop, 28))["MatMul"] == 2 * 28
# ```
#
# </details>

# %% [markdown]
# ## The second graph: one step and a loop
#
# A graph can hold a loop of its own, if you ask for one. `tf.while_loop` takes three things: a condition (*go on?*), a
# body (*what is done in each round*), and the values that go from round to round. A Python list cannot be in a graph;
# TensorFlow's `TensorArray` stands in for it.


# %%
def while_loop(cell, rows, state):
    steps = rows.shape[0]
    inputs = tf.TensorArray(rows.dtype, steps).unstack(rows)
    outputs = tf.TensorArray(rows.dtype, steps)

    def go_on(t, state, outputs):
        return t < steps

    def body(t, state, outputs):
        output, state = cell(inputs.read(t), state)
        return t + 1, state, outputs.write(t, output)

    _, state, outputs = tf.while_loop(go_on, body, (0, state, outputs))
    return outputs.stack(), state


# %% [markdown]
# **Predict.** How many `MatMul` now, for 4 steps and for 28?

# %%
with answer():
    for steps in (4, 28):
        found = operations(trace(while_loop, steps))
        print(f"{steps} steps: {found['MatMul']} MatMul, {found['While'] + found['StatelessWhile']} loop")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Two, whatever the length. The graph holds *one* cell and a loop that runs it as often as needed. This is the **dynamic
# unroll**. (TensorFlow has two kinds of node for a loop, and chooses the `StatelessWhile` where nothing in the loop has
# an effect beyond its result. So we count both.)
#
# ```python
# assert operations(trace(while_loop, 4)) == operations(trace(while_loop, 28))
# ```
#
# </details>

# %% [markdown]
# ## Look at both
#
# The project's `static_unroll` and `dynamic_unroll` are these two functions, with more care: for sequences that end
# early, for lengths that are unknown, for every kind of cell. They are in the project's folder as
# `unroll/rnn/static.py` and `unroll/rnn/dynamic.py`. Look for the two loops in them: you know both by now.
#
# Here are the graphs that they leave behind in a whole network, which makes ten numbers (*logits*, one for each digit)
# of the last hidden state. Nothing in this picture is a sketch: every dot is a node of the graph. An *activation* is a
# sigmoid, written as a Greek s, or a tanh.

# %%
from dataclasses import asdict
from datetime import date

from unroll.measure.config import Sizes
from unroll.measure.environment import environment
from unroll.measure.journal import Run
from unroll.measure.workloads import new_network
from unroll.report.figures.graphs.side_by_side import draw_graphs

sizes = Sizes(steps=T, batch=B, input=I, hidden=H)
images = tf.TensorSpec([B, T, I])
outlines = {
    variant: outline(
        tf.function(new_network(variant, sizes, seed=0).forward, autograph=False).get_concrete_function(images)
    )
    for variant in ("static", "dynamic")
}
settings = {"sizes": asdict(sizes), "data": "no data, only the graphs"}
draw_graphs(Run("this notebook", str(date.today()), environment(seed=0), settings, outlines=outlines))

# %% [markdown]
# Find in both halves: the two matrix multiplications of a cell, the split into four gates, the five activations. Three
# of these are valves and two are tanh; the lower half says which. In the upper half, follow the state from one cell to
# the next. In the lower half it goes back with the loop. (The nodes at its bottom count the rounds: `t` is ours,
# `count` is TensorFlow's own, and `limit` is T.)

# %% [markdown]
# ## The same numbers
#
# Two graphs, but one network: given the same weights, both must give the same outputs and the same final state. And if
# they are to learn the same, also the same *gradients*. The *loss* is a single number that says how wrong a network is,
# and a gradient says how the loss changes with each weight or each input. TensorFlow finds gradients by going backwards
# through what was done, which a `tf.GradientTape` takes down; in the second graph, that means a second loop, which runs
# backwards. As a loss, any number will do here: we take the sum of the squared outputs.


# %%
@tf.function(autograph=False)
def results(unroll, rows):
    """Give all that an unroll computes: outputs, final state, and the gradients of a loss."""
    with tf.GradientTape() as tape:
        tape.watch(rows)
        cell = LSTMCell(weights.read())
        outputs, state = unroll(cell, rows, cell.zero_state(B))
        loss = tf.reduce_sum(outputs**2)
    return [outputs, *state, *tape.gradient(loss, [*weights, rows])]


static_results, dynamic_results = results(static_unroll, tf.constant(x)), results(dynamic_unroll, tf.constant(x))
names = ["outputs", "hidden state", "cell state"]
names += [f"gradient, {name}" for name in ("kernel", "recurrent kernel", "bias", "inputs")]
for name, one, other in zip(names, static_results, dynamic_results, strict=True):
    print(f"{name:28} {one.shape!s:10} largest difference {np.abs(one - other).max():.1e}")
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)

# %% [markdown]
# What differences there are come from rounding: a float32 holds about seven digits, and the two graphs add some of the
# numbers up in another order. The project's tests do the same in double precision, with other cells, other lengths and
# sequences that end early, and ask for twelve digits.

# %% [markdown]
# ## A third way: the traced cell
#
# A function can call a function, and so can a graph: a node can be a **call** of another graph, which is kept beside
# it. Let the *cell* be a `tf.function`, and give it to the static unroll.
#
# **Predict.** For 28 steps: how many calls are there in all? How many `MatMul`?


# %%
def traced_cell(cell, rows, state):
    return static_unroll(tf.function(cell, autograph=False), rows, state)


found = operations(trace(traced_cell, 28))
calls = found["PartitionedCall"] + found["StatefulPartitionedCall"]

with answer():
    print(f"{calls} calls, {found['MatMul']} MatMul")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# One call for every step, where there was a copy of the cell; and the two multiplications of one cell, which was traced
# once. So the graph still grows with the sequence, but by a single node a step. (Calls, too, are of two kinds.)
#
# </details>
#
# How many nodes is that in all? Fewer than in the picture, as no logits are made here.

# %%
from unroll.measure.graph import count_nodes

ways = {"static": static_unroll, "static, traced cell": traced_cell, "dynamic": dynamic_unroll}
nodes = {name: [count_nodes(trace(unroll, steps)) for steps in (4, 28, 112)] for name, unroll in ways.items()}
print(f"{'nodes in the graph':20} {'T = 4':>8} {'T = 28':>8} {'T = 112':>8}")
for name, counts in nodes.items():
    print(f"{name:20}", *(f"{count:8}" for count in counts))

# %% [markdown]
# Look at how each line grows from left to right. The first grows by a whole cell for every step, the second by a node,
# the third not at all.

# %%
assert nodes["static"][2] - nodes["static"][1] > 10 * (112 - 28)
assert nodes["static, traced cell"][2] - nodes["static, traced cell"][1] == 112 - 28
assert len(set(nodes["dynamic"])) == 1

# %% [markdown]
# Every node must be made before anything can run.
#
# **Predict.** Which of the three graphs takes longest to build, for 112 steps? Which one is built soonest? (You see it
# once, and on one machine only; [the next notebook](03_what_unrolling_costs.ipynb) measures properly.)

# %%
from time import perf_counter

with answer():
    for name, unroll in ways.items():
        start = perf_counter()
        trace(unroll, 112)
        print(f"{name:20} built in {1000 * (perf_counter() - start):5.0f} ms")

# %% [markdown]
# ## `range` or `tf.range`
#
# By default, `tf.function` does one thing more. **AutoGraph** reads your Python first and rewrites its loops, so that a
# loop over *tensors* becomes a loop in the graph. A loop over Python's own numbers stays what it was. The two look
# almost alike:


# %%
@tf.function
def python_range(rows):
    total = tf.zeros([B, I])
    for t in range(4):
        print("Python was here")
        total += rows[t]
    return total


@tf.function
def tensorflow_range(rows):
    total = tf.zeros([B, I])
    for t in tf.range(4):
        print("Python was here")
        total += rows[t]
    return total


# %% [markdown]
# **Predict.** How often does each of them print?

# %%
with answer():
    print("range:")
    unrolled = python_range.get_concrete_function(tf.constant(x))
    print("tf.range:")
    looped = tensorflow_range.get_concrete_function(tf.constant(x))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# With `range`, Python goes through the loop four times while tracing, and four additions are in the graph. With
# `tf.range`, it goes through once, and the graph has a loop. Same sum, two graphs: a static and a dynamic one, told
# apart by the three characters `tf.`.
#
# ```python
# np.testing.assert_allclose(unrolled(tf.constant(x)), looped(tf.constant(x)), rtol=1e-6)
# assert operations(unrolled)["AddV2"] == 4
# assert "StatelessWhile" not in operations(unrolled) and "While" not in operations(unrolled)
# assert "StatelessWhile" in operations(looped) or "While" in operations(looped)
# ```
#
# </details>

# %% [markdown]
# So that such a thing never depends on a few characters, both unrolls in this project are kept from AutoGraph: the
# Python loop is a Python loop, and the while loop says that it is one.
#
# ## In short
#
# | | static | static, traced cell | dynamic |
# | --- | --- | --- | --- |
# | written as | a Python loop | the same, around a `tf.function` | a `tf.while_loop` |
# | cells in the graph | T | 1, called T times | 1, in a loop |
# | graph grows with T | by a cell a step | by a node a step | no |
# | lengths | the one it was built for | the one it was built for | any |
# | outputs, states, gradients | the same | the same | the same |

# %% [markdown]
# ## Exercises
#
# Try each one before you open its answer.
#
# **1.** `dynamic_unroll` takes `unroll=4`: four cells in each round of the loop. How many `MatMul` are in its graph,
# for 28 steps? For 30?
#
# <details><summary>Answer</summary>
#
# 8 for 28 steps: four cells in the loop's body. 30 is no multiple of 4: the last two steps go through a second loop
# with one cell, which makes 10.
#
# ```python
# from functools import partial
#
# four_cells = partial(dynamic_unroll, unroll=4)
# assert operations(trace(four_cells, 28))["MatMul"] == 8
# assert operations(trace(four_cells, 30))["MatMul"] == 10
# ```
#
# </details>
#
# **2.** What happens if the number of steps is unknown when the graph is built: `trace(dynamic_unroll, None)`, and
# `trace(static_unroll, None)`?
#
# <details><summary>Answer</summary>
#
# The loop does not care: one graph serves all lengths. The static unroll cannot lay out an unknown number of cells, and
# says so.
#
# ```python
# any_length = trace(dynamic_unroll, None)
# for steps in (3, 7):
#     outputs, _ = any_length(tf.zeros([steps, B, I]))
#     assert outputs.shape == (steps, B, H)
# try:
#     trace(static_unroll, None)
#     raise AssertionError("it was built")
# except ValueError as error:
#     print(error)
# ```
#
# </details>
#
# **3.** Any function of (inputs, state) that returns (output, next state) is a cell. Write one that adds up what it has
# read, and run it through both unrolls.
#
# <details><summary>Answer</summary>
#
# ```python
# def add_up(inputs, total):
#     return total + inputs, total + inputs
#
#
# for unroll in (static_unroll, dynamic_unroll):
#     outputs, total = unroll(add_up, x, tf.zeros([B, I]))
#     np.testing.assert_allclose(outputs, np.cumsum(x, axis=0), rtol=1e-5, atol=1e-6)
#     np.testing.assert_allclose(total, x.sum(axis=0), rtol=1e-5, atol=1e-6)
# ```
#
# </details>
#
# **4.** People say that a dynamic network "only has the last state". With `return_all_states=True` you get the state
# after every step, from both. Which part of it did you have already?
#
# <details><summary>Answer</summary>
#
# The hidden states: they are the outputs. New is the memory after every step.
#
# ```python
# for unroll in (static_unroll, dynamic_unroll):
#     outputs, states = unroll(cell, x, cell.zero_state(B), return_all_states=True)
#     assert np.array_equal(outputs, states.hidden)
#     assert states.cell.shape == (T, B, H)
# ```
#
# </details>
#
# **5.** In a `tf.function`, you write `for t in range(n)`, and `n` is a tensor. Is it unrolled?
#
# <details><summary>Answer</summary>
#
# No: AutoGraph sees that `n` is a tensor, and puts a loop into the graph.
#
# ```python
# @tf.function
# def count_to(n):
#     total = 0
#     for t in range(n):
#         total += t
#     return total
#
#
# graph = count_to.get_concrete_function(tf.constant(5))
# assert "StatelessWhile" in operations(graph) or "While" in operations(graph)
# assert graph(tf.constant(5)).numpy() == 10
# ```
#
# </details>
#
# **Next:** [what unrolling costs](03_what_unrolling_costs.ipynb).

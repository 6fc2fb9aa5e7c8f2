# %% [markdown]
# # 5. Bringing a tutorial back
#
# Many people have learned about LSTM from tutorials for TensorFlow 1. Their code does not run in TensorFlow 2. Here we
# take one of them, call by call, from its day to ours, and let it train again. (It is the one called 002 in this
# project: "Understanding LSTM in TensorFlow (MNIST dataset)".)
#
# **You will learn**
#
# - what stands today for each call of an old tutorial;
# - to carry the weights of an old `BasicLSTMCell` over, whose gates stand in another order;
# - that `static_rnn` itself is still there, and gives the same numbers as ours;
# - how to show that a rewritten program is still the same program.
#
# **You need** [the second notebook](02_one_lstm_two_graphs.ipynb), and it helps to have an old tutorial that you are
# fond of. It takes about a quarter of an hour. Words that slip your mind are in [the glossary](../docs/glossary.md).

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

tf.get_logger().setLevel("ERROR")  # and warns of what is old, which here we know

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 100}
from datetime import date

import keras
import numpy as np
from IPython.display import Markdown, display
from scipy.special import expit as sigmoid

TINY = "UNROLL_TINY" in os.environ  # the project's tests run this notebook at a tiny size

# %% [markdown]
# The project keeps each of the five tutorials as data: its network, its schedule, and what its author printed. *Reads*
# is what the last layer is shown: here the last output.

# %%
from unroll.models.tutorials import find_tutorial

tutorial = find_tutorial("002")
print("unroll:       ", tutorial.unroll)
print("cuts images by", tutorial.design.cut)
print("reads         ", tutorial.design.reads)
print("trains for    ", tutorial.schedule, "with batches of", tutorial.batch)
print("printed       ", tutorial.test_accuracy, "right on the test images")

# %% [markdown]
# ## The data
#
# | then | now |
# | --- | --- |
# | `input_data.read_data_sets(..., one_hot=True)` | `load("mnist")`, or `load("digits")`, which needs no download |
# | `mnist.train.next_batch(batch_size)` | `batches(...)`: batch after batch, in random order |
# | `batch_x.reshape((batch_size, time_steps, n_input))` | nothing: the images come as [N, 28, 28] |

# %%
from unroll.models.batches import batches
from unroll.models.data import load

digits = load("digits")  # scikit-learn's digits; try "mnist" if you are online
images, labels = next(iter(batches(digits.train, 16, seed=0)))
print(images.shape, labels.numpy())

# %% [markdown]
# ## Placeholders and sessions
#
# In TensorFlow 1, a program first described a graph, with `tf.placeholder` for what would come later, and then ran it
# in a `tf.Session`, feeding values for the placeholders. Today a placeholder is the argument of a function, and running
# the session is calling it.
#
# | then | now |
# | --- | --- |
# | `x = tf.placeholder(tf.float32, [None, 28, 28])` | the argument of a `tf.function` |
# | `sess.run(loss, feed_dict={x: batch_x, y: batch_y})` | `loss(batch_x, batch_y)` |
# | `tf.global_variables_initializer().run()` | nothing: a Variable has its value when it is made |
#
# ## Cutting the images into steps
#
# | then | now |
# | --- | --- |
# | `tf.unstack(x, time_steps, 1)` | the same; or nothing, because `static_unroll` takes [T, B, I] whole |
#
# **Predict.** Which of these three are the same list?

# %%
from unroll.rnn import split_steps

unstacked = tf.unstack(images, 28, 1)
split = split_steps(images, 28)
transposed = list(tf.transpose(images, [1, 0, 2]))

with answer():
    print(np.array_equal(unstacked, split), np.array_equal(unstacked, transposed))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# All three are: the first is of this tutorial, the second is how two of the others do it
# ([notebook 1](01_transpose_reshape_split.ipynb)), the third is what you need today, and then not even as a list.
#
# ```python
# assert np.array_equal(unstacked, split) and np.array_equal(unstacked, transposed)
# ```
#
# </details>
#
# ## The cell
#
# | then | now |
# | --- | --- |
# | `rnn.BasicLSTMCell(num_units, forget_bias=1)` | `LSTMCell(weights)` |
#
# The old cell made its weights itself, somewhere in the graph. It had *one* kernel for inputs and hidden state
# together, [I+H, 4H], its gates stood in the order i, j, f, o (j is our g), and it added `forget_bias` to f at every
# step: so the valve stands rather open at first, and little is forgotten. Ours is given its weights; it has two
# kernels, the order i, f, g, o, and the forget bias is simply part of the bias. Here is the old cell's arithmetic, in
# NumPy, with random weights that stand in for old ones:

# %%
I, H = 28, 16
random = np.random.default_rng(0)
old_kernel = random.normal(size=[I + H, 4 * H]).astype(np.float32) / 10
old_bias = random.normal(size=4 * H).astype(np.float32) / 10


def old_cell(row, c, h, forget_bias=1.0):
    i, j, f, o = np.split(np.concatenate([row, h], axis=1) @ old_kernel + old_bias, 4, axis=1)
    c = c * sigmoid(f + forget_bias) + sigmoid(i) * np.tanh(j)
    return c, np.tanh(c) * sigmoid(o)


# %% [markdown]
# `LSTMWeights.from_basic_lstm` brings such weights over.
#
# **Predict.** If you forget the `forget_bias`, will there be an error?

# %%
from unroll.rnn import LSTMCell, LSTMWeights

carried = LSTMWeights.from_basic_lstm(old_kernel, old_bias, forget_bias=1.0)
forgotten = LSTMWeights.from_basic_lstm(old_kernel, old_bias, forget_bias=0.0)

c, h = np.ones([16, H], np.float32), np.zeros([16, H], np.float32)
row = images[:, 14].numpy()
_, want = old_cell(row, c, h)

# %%
from unroll.rnn import LSTMState

with answer():
    for name, weights in (("carried over", carried), ("forget bias forgotten", forgotten)):
        output, _ = LSTMCell(weights)(tf.constant(row), LSTMState(hidden=tf.constant(h), cell=tf.constant(c)))
        print(f"{name:22} differs by at most {np.abs(output - want).max():.1e}")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# No error, only other numbers. The same goes for two gates in the wrong order. Whoever carries weights from one library
# to another should compare outputs, as above, and not shapes.
#
# ```python
# output, _ = LSTMCell(carried)(tf.constant(row), LSTMState(hidden=tf.constant(h), cell=tf.constant(c)))
# np.testing.assert_allclose(output, want, atol=1e-6)
# ```
#
# </details>

# %% [markdown]
# ## The unroll
#
# | then | now |
# | --- | --- |
# | `rnn.static_rnn(cell, inputs, dtype=tf.float32)` | `static_unroll(cell, rows, cell.zero_state(B))` |
#
# `tf.contrib`, where the old `rnn` lived, is gone, but the function itself has survived, as
# `tf.compat.v1.nn.static_rnn`. So we need not believe that ours is the same. We can ask it: `static_rnn` takes any
# object that looks like an old cell, and ours needs little to look like one.

# %%
from unroll.models.network import LSTMEncoder
from unroll.rnn import dynamic_unroll, static_unroll


class OldCell:
    """Our cell with the four names by which TensorFlow 1 knows a cell."""

    output_size, state_size = H, LSTMState(H, H)

    def zero_state(self, batch_size, dtype):
        return LSTMCell(carried).zero_state(batch_size)

    def __call__(self, inputs, state, scope=None):
        return LSTMCell(carried)(inputs, state)


_, state = tf.compat.v1.nn.static_rnn(OldCell(), tf.unstack(images, axis=1), dtype=tf.float32)
theirs = state.hidden
for unroll in (static_unroll, dynamic_unroll):
    ours = LSTMEncoder(carried, unroll)(images)
    print(f"{unroll.__name__:15} differs from static_rnn by at most {np.abs(ours - theirs).max():.1e}")
    np.testing.assert_allclose(ours, theirs, atol=1e-5)

# %% [markdown]
# ## The loss
#
# The loss says how wrong the logits are. The function has two forms: one takes labels as one-hot rows (ten numbers, a 1
# at the right digit and 0 elsewhere), the other takes them as they are.
#
# | then | now |
# | --- | --- |
# | `softmax_cross_entropy_with_logits(...)`, with labels as one-hot rows | the same |
# | | or `sparse_softmax_cross_entropy_with_logits(...)`, with labels as they are |

# %%
logits = tf.constant(random.normal(size=[16, 10]).astype(np.float32))
then = tf.nn.softmax_cross_entropy_with_logits(labels=tf.one_hot(labels, 10), logits=logits)
now = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
np.testing.assert_allclose(then, now, rtol=1e-5)

# %% [markdown]
# ## The optimiser
#
# An optimiser changes the weights, given the gradients of the loss. This one is called Adam.
#
# | then | now |
# | --- | --- |
# | `tf.train.AdamOptimizer(learning_rate)` | `keras.optimizers.Adam(learning_rate, epsilon=1e-8)` |
# | `.minimize(loss)` | `tf.GradientTape` finds the gradients, `.apply_gradients(...)` changes the weights |
#
# Watch the `epsilon`, a small number that keeps Adam from dividing by zero: Keras has another default than TensorFlow 1
# had.

# %%
print("Keras's default:", keras.optimizers.Adam().epsilon)
assert keras.optimizers.Adam().epsilon != 1e-8

# %% [markdown]
# ## Together
#
# All this stands in the project already: `choose_settings(tutorial="002")` gives the tutorial's network and schedule,
# and a `Trainer` trains it. Here on the small digits and for fewer updates, so that it takes a minute at most; with
# static unrolling, as the tutorial has it, and then with the other, from the same first weights and the same order of
# batches.
#
# **Predict.** Will you be able to tell the two learning curves apart?

# %%
from unroll.measure.environment import environment
from unroll.models.history import Training
from unroll.models.settings import choose_settings
from unroll.models.train import Images, Trainer, train

trainings = []
for unroll in ("static", "dynamic"):
    asked = choose_settings(
        tutorial="002", data=digits.name, examples=len(digits.train.labels), unroll=unroll, updates=2 if TINY else 200
    )
    trainer = Trainer(asked, Images.of(digits, asked))
    points = [point for made in train(trainer) for point in made]
    described = environment(seed=asked.seed)
    trainings.append(Training(unroll, str(date.today()), described, asked.as_dict(), points, [trainer.evaluate()]))

# %%
from unroll.report.figures.learning import draw_learning

with answer():
    for training in trainings:
        result = training.result
        print(f"{training.id}: {result.test_accuracy:.1%} of the test digits right after {result.update} updates")
    display(draw_learning(trainings))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# You are not: the thin line of the one lies on the thick line of the other. The lower half shows by how much they
# differ, which is rounding.
#
# ```python
# for one, other in zip(trainings[0].points[:20], trainings[1].points[:20], strict=True):
#     np.testing.assert_allclose(one.loss, other.loss, rtol=1e-3)
# assert TINY or all(training.result.test_accuracy > 0.8 for training in trainings)
# ```
#
# </details>
#
# On the real MNIST, this is what became of all five. Where an author printed a result, we trained from several seeds;
# *printed, beside ours* says where the printed one lies: below, within or above the range of ours, which stands in
# brackets. One schedule was too long, and was cut short.

# %%
from unroll.models.history import read_trainings
from unroll.notebook import committed
from unroll.report.figures.learning import tutorials_table

tutorials_table(read_trainings(committed("tutorials")))

# %% [markdown]
# ## Every call
#
# The other four tutorials use some more of TensorFlow 1. This is all of it, and what stands here now:

# %%
from unroll.models.tutorials import calls_table

display(Markdown(calls_table()))

# %% [markdown]
# ## In short
#
# - What was described first and run in a session is a function now, and calling it runs it.
# - Old calls have successors, but not always with the same arguments, gates or defaults.
# - Little warns you if one of these is wrong. Compare numbers with the old program: outputs, losses, results.

# %% [markdown]
# ## Exercises
#
# Try each one before you open its answer.
#
# **1.** Tutorial 004 writes `tf.split(0, n_chunks, x)`. What is that today?
#
# <details><summary>Answer</summary>
#
# `tf.split(x, n_chunks, axis=0)`. [Notebook 1](01_transpose_reshape_split.ipynb) shows what happens to the old
# spelling.
#
# ```python
# table = tf.reshape(tf.transpose(images, [1, 0, 2]), [-1, 28])
# assert np.array_equal(tf.split(table, 28, axis=0), unstacked)
# ```
#
# </details>
#
# **2.** Tutorial 001 reads `final_state[1]`, where TensorFlow 1's state was the pair (c, h). What is it here?
#
# <details><summary>Answer</summary>
#
# `state.hidden`. Here the pair is (hidden, cell), so `state[1]` would be the other one. Names are safer than numbers.
#
# ```python
# cell = LSTMCell(carried)
# rows = tf.transpose(images, [1, 0, 2])
# outputs, state = dynamic_unroll(cell, rows, cell.zero_state(16))
# assert np.array_equal(state.hidden, outputs[-1]) and not np.array_equal(state[1], outputs[-1])
# ```
#
# </details>
#
# **3.** Keras's LSTM has its gates in the order i, f, c, o. Do its weights need a conversion?
#
# <details><summary>Answer</summary>
#
# No: its c is our g, so the order is the same. `LSTMWeights.from_keras` takes them as they are.
#
# ```python
# layer = keras.layers.LSTM(16)
# layer.build((None, None, 28))
# ours = LSTMEncoder(LSTMWeights.from_keras(layer), static_unroll)
# np.testing.assert_allclose(ours(images), layer(images), atol=1e-5)
# ```
#
# </details>

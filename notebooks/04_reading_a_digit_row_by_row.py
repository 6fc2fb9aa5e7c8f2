# %% [markdown]
# # 4. Reading a digit row by row
#
# The network reads a digit as you would behind a curtain that is drawn up slowly: one row more at a time. Here you
# train one, and then watch what it believes after every row.
#
# **You will learn**
#
# - to train the network, in well under a minute;
# - to look into it: its state after every row, and what it would answer if the digit ended there;
# - to read sequences of different lengths in one batch, and what is wrong with `outputs[-1]` then;
# - what an exported model can serve, from each of the two unrolls.
#
# **You need** [the second notebook](02_one_lstm_two_graphs.ipynb): what a state is, and what an unroll does. It takes
# about a quarter of an hour. Words that slip your mind are in [the glossary](../docs/glossary.md).

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

tf.get_logger().setLevel("ERROR")  # and announces every export

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 100}
from dataclasses import replace
from datetime import date

import matplotlib.pyplot as plt
import numpy as np

TINY = "UNROLL_TINY" in os.environ  # the project's tests run this notebook at a tiny size

# %% [markdown]
# ## The digits
#
# Real handwritten digits, which come with scikit-learn, so that nothing must be downloaded. Each is an image of 28 rows
# of 28 pixels. Some are kept apart: the network is never trained on them, and is tested with nothing else.

# %%
from unroll.models.data import load

digits = load("digits")
print(f"{len(digits.train.labels)} digits to train on, {len(digits.test.labels)} to test with.")

_, panels = plt.subplots(1, 8, figsize=(9, 1.4))
for axes, image, label in zip(panels, digits.test.images, digits.test.labels, strict=False):
    axes.imshow(image, cmap="gray_r")
    axes.set(xticks=[], yticks=[], title=str(label))
plt.show()

# %% [markdown]
# ## Train it
#
# The network is an LSTM that reads the rows, and one layer that makes ten numbers of its last hidden state, one for
# each digit: the larger, the more the network believes in that digit. They are called *logits*. The *loss* says how
# wrong the network is: the less it believed in the right digits, the larger. In each *update*, the network answers for
# a batch of images, sees the right digits (the *labels*), and changes its weights a little in the direction that makes
# the loss smaller.
#
# `settings` say what is to be trained, and a `Trainer` does it.

# %%
from unroll.models.settings import choose_settings
from unroll.models.train import Images, Trainer, train

sizes = {"hidden": 8, "updates": 3, "batch": 8} if TINY else {"hidden": 64, "updates": 600, "batch": 64}
settings = choose_settings(data=digits.name, examples=len(digits.train.labels), unroll="dynamic", **sizes)
trainer = Trainer(settings, Images.of(digits, settings))

before = trainer.evaluate()
points = [point for made in train(trainer) for point in made]
after = trainer.evaluate()

# %% [markdown]
# **Predict.** Before the first update, the weights are random. What share of the test digits is named rightly then?
# What share afterwards?

# %%
with answer():
    print(f"before training:   {before.test_accuracy:.1%} of the test digits")
    print(f"after {after.update} updates: {after.test_accuracy:.1%}, trained in {after.seconds:.0f} seconds")

    _, axes = plt.subplots(figsize=(7, 2.4))
    axes.plot([point.update for point in points], [point.loss for point in points], linewidth=0.8)
    axes.set(xlabel="update", ylabel="loss of the batch", yscale="log")
    plt.tight_layout()
    plt.show()

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Before, it guesses: one digit in ten. Afterwards it is rarely wrong.
#
# ```python
# assert TINY or (before.test_accuracy < 0.3 and after.test_accuracy > 0.95)
# ```
#
# </details>
#
# ## What it believes after every row
#
# The last layer is made for the hidden state after the last row. But nobody keeps us from showing it the hidden state
# after any row: then we see what the network would say if the digit ended there.
#
# The network has two parts: `network.encoder`, the LSTM with its unroll, and `network.logits`, the last layer. The
# encoder's `states` are those after every row, [T, B, H]. (Inside, it calls the unroll with `return_all_states=True`.)

# %%
network = trainer.network
images, labels = digits.test.images, digits.test.labels

states = network.encoder.states(tf.constant(images))
assert states.hidden.shape == (28, len(images), settings.hidden)

# %% [markdown]
# **Predict.** Draw, with your finger, the share of digits that are named rightly, after each of the 28 rows.

# %%
right = [np.mean(tf.argmax(network.logits(hidden), axis=1) == labels) for hidden in states.hidden]

with answer():
    _, axes = plt.subplots(figsize=(7, 2.4))
    axes.plot(range(1, 29), right, "o-", markersize=3)
    axes.axhline(0.1, color="grey", linewidth=0.8)
    axes.set(xlabel="rows read", ylabel="named rightly", ylim=(0, 1.02))
    plt.tight_layout()
    plt.show()

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The grey line is what guessing gives. For a long time the network is no better than that, although you would have had
# an idea by then. It was only ever asked after the last row, and has learned to have its answer ready by then, not
# sooner.
#
# ```python
# assert TINY or (right[9] < 0.5 and right[-1] > 0.95)
# ```
#
# </details>
#
# Take a single digit and see all of it: what is named after each row, how sure the network is, and the state itself,
# from both unrolls.

# %%
from unroll.models.history import Training
from unroll.models.reading import read_digit
from unroll.report.figures.learning import draw_reading

from unroll.measure.environment import environment

chosen = 3  # any number of a test digit
readings = read_digit(network, images[chosen], labels[chosen])
drawn = Training("this notebook", str(date.today()), environment(seed=0), settings.as_dict(), readings=readings)
draw_reading([drawn])

# %% [markdown]
# A bold number under *Named* is right. Under *How sure*, each row has ten fields, one a digit: the darker, the surer.
# To the right is the state, h (hidden) and c (memory), from blue for negative to orange for positive numbers. Follow
# one column of h or c downwards: that is one of the numbers that the network remembers. Little happens before the first
# ink.
#
# Both h and c are there twice, from static and from dynamic, and each time they are the same: nothing in a state tells
# you how it was unrolled. The old saying that a dynamic network "only has the last state" is about an interface, not
# about the network.

# %%
named = int(tf.argmax(network.forward(images[chosen : chosen + 1])[0]))
assert readings[0].differs < 1e-4 and readings[0].predictions[-1] == named

# %% [markdown]
# ## Sequences of different lengths
#
# Sentences, songs and sensor logs do not all have 28 steps. To put them into one batch, shorter ones are *padded* up to
# the longest. What is in the padding must not count.
#
# Let us make such a batch. Every digit begins with some blank rows. Let each sequence begin where its digit begins,
# which makes them differently long, and let there be a longer sequence somewhere in the batch, so that all must be
# padded up to its length. We pad with noise, to see whether it counts.

# %%
first = (images.max(axis=2) > 0).argmax(axis=1)  # [B]: the first row with ink
lengths = 28 - first  # [B]
longest = 36
is_padding = np.arange(longest) >= lengths[:, np.newaxis]  # [B, T]

padded = np.random.default_rng(0).uniform(size=[len(images), longest, 28]).astype(np.float32)  # [B, T, I]
for number, image in enumerate(images):
    padded[number, : lengths[number]] = image[first[number] :]

_, panels = plt.subplots(1, 8, figsize=(9, 1.4))
for axes, image, length in zip(panels, padded, lengths, strict=False):
    axes.imshow(image, cmap="gray_r")
    axes.set(xticks=[], yticks=[], title=f"{length} rows")
plt.show()

# %% [markdown]
# **Predict.** We let the network read these images. What does the noise do to it? And if we tell it the lengths?
# (`replace` makes a copy of the encoder that knows them.)


# %%
def share_right(encoder, images):
    return float(np.mean(tf.argmax(network.logits(encoder(tf.constant(images))), axis=1) == labels))


told = replace(network.encoder, sequence_length=tf.constant(lengths))
results = {
    "as they were": share_right(network.encoder, images),
    "padded with noise": share_right(network.encoder, padded),
    "padded, but told the lengths": share_right(told, padded),
}

with answer():
    for how, share in results.items():
        print(f"{how:30} {share:.1%} right")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# With `sequence_length`, the state stays as it was from the end of each sequence on, so the padding does not matter at
# all. (It is not quite the first number, because the blank rows at the top are no longer read.) Both unrolls take it.
#
# ```python
# assert TINY or results["padded with noise"] < 0.5 < 0.9 < results["padded, but told the lengths"]
# ```
#
# </details>
#
# Would zeros in place of the noise, or the other unroll, change anything?

# %%
from unroll.rnn import static_unroll

silent = np.where(is_padding[:, :, np.newaxis], 0, padded)
np.testing.assert_allclose(told(tf.constant(padded)), told(tf.constant(silent)), atol=1e-6)
np.testing.assert_allclose(told(tf.constant(padded)), replace(told, unroll=static_unroll)(padded), atol=1e-4)

# %% [markdown]
# ## `outputs[-1]`, or the state?
#
# The old tutorials read the *last output*. In notebook 2, it was the same as the final hidden state.
#
# **Predict.** What is the last output of a sequence that has ended before the last step?

# %%
from unroll.rnn import LSTMCell, dynamic_unroll

cell = LSTMCell(network.encoder.weights.read())
rows = tf.transpose(tf.constant(padded), [1, 0, 2])  # [T, B, I]
outputs, state = dynamic_unroll(cell, rows, cell.zero_state(len(padded)), sequence_length=tf.constant(lengths))

with answer():
    print("all numbers in the last outputs:", np.unique(outputs[-1]))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Zeros. Past its end, a sequence outputs nothing. So `outputs[-1]` is right only if all sequences are equally long, and
# then nobody notices. What one wants is the last *valid* output, and that is what the state holds, for every sequence.
#
# ```python
# last_valid = outputs.numpy()[lengths - 1, np.arange(len(lengths))]  # [B, H]
# assert np.array_equal(last_valid, state.hidden)
# assert (lengths < longest).all() and not np.any(outputs[-1])
# ```
#
# </details>

# %% [markdown]
# ## Exporting
#
# A trained network leaves Python as a *SavedModel*: its graph and its weights in a folder. The weights are the same for
# both unrolls, the graph is not.
#
# **Predict.** The network was trained on 28 rows. Export it once from the static unroll, once from the dynamic one.
# Which of the two serves images of which heights?

# %%
from unroll.models.export import serve_rows

with answer():
    for served in serve_rows(network, 28, digits.test, [14, 28, 56]):
        said = f"{served.test_accuracy:.1%} right" if served.refused == "" else served.refused
        print(f"{served.unroll:8} {served.rows} rows: {said}")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The static graph has 28 cells, and there is no other way through it. The loop takes any number of rows. (That it
# *serves* them does not mean that it is good at them: it has seen 28 rows when it learned. For 14, the middle of each
# digit is read; for 56, the digit is read twice.)
#
# ```python
# answers = {(served.unroll, served.rows): served for served in serve_rows(network, 28, digits.test, [14, 28])}
# assert answers["static", 14].refused and not answers["dynamic", 14].refused
# assert answers["static", 28].test_accuracy == answers["dynamic", 28].test_accuracy
# ```
#
# </details>

# %% [markdown]
# ## In short
#
# - A state after every row is there for the asking, from both unrolls.
# - With sequences of different lengths, give `sequence_length` and read the state, not `outputs[-1]`.
# - Weights know nothing of how they were unrolled. An exported graph does.

# %% [markdown]
# ## Exercises
#
# Try each one before you open its answer.
#
# **1.** Find a test digit that the network names wrongly, and draw how it was read. After which row was it lost?
#
# <details><summary>Answer</summary>
#
# After the last bold number under *Named*; where none is bold, it was never found.
#
# ```python
# named = tf.argmax(network.forward(tf.constant(images)), axis=1).numpy()
# wrong = np.flatnonzero(named != labels)
# for number in wrong[:1]:
#     readings = read_digit(network, images[number], labels[number])
#     display(draw_reading([replace(drawn, readings=readings)]))
# ```
#
# </details>
#
# **2.** What if the padding holds NaN, as some tools write it? Try it, with the lengths told.
#
# <details><summary>Answer</summary>
#
# Nothing happens, not even to the gradients. The unrolls put zeros into the padding before the cell sees it: masking
# the result would not be enough, because zero times NaN is NaN.
#
# ```python
# poisoned = np.where(is_padding[:, :, np.newaxis], np.nan, padded).astype(np.float32)
# np.testing.assert_array_equal(told(tf.constant(poisoned)), told(tf.constant(silent)))
#
# with tf.GradientTape() as tape:
#     total = tf.reduce_sum(told(tf.constant(poisoned)))
# assert all(np.isfinite(gradient).all() for gradient in tape.gradient(total, told.variables))
# ```
#
# </details>
#
# **3.** Train with the static unroll, from the same seed. How do the losses differ?
#
# <details><summary>Answer</summary>
#
# They are the same but for rounding, because seed, first weights and order of the batches are the same.
#
# ```python
# other_settings = replace(settings, unroll="static", updates=min(settings.updates, 20))
# other = [point for made in train(Trainer(other_settings, Images.of(digits, other_settings))) for point in made]
# for one, two in zip(points, other, strict=False):
#     np.testing.assert_allclose(one.loss, two.loss, rtol=1e-3)
# ```
#
# </details>
#
# **4.** Save the SavedModel yourself, with `export_network(network, 28, folder)`, load it again with
# `tf.saved_model.load`, and let it `serve` three digits.
#
# <details><summary>Answer</summary>
#
# ```python
# import tempfile
# from pathlib import Path
#
# from unroll.models.export import export_network
#
# with tempfile.TemporaryDirectory() as folder:
#     model = tf.saved_model.load(str(export_network(network, 28, Path(folder))))
#     logits = model.serve(tf.constant(images[:3]))
# np.testing.assert_allclose(logits, network.forward(tf.constant(images[:3])), atol=1e-4)
# ```
#
# </details>
#
# **5.** Train with the mistake of [notebook 1](01_transpose_reshape_split.ipynb): without the transpose, so that each
# batch of images becomes `join_steps(mix_images(images, 28))`. How far does it get? (A `Trainer` of your own may change
# the images in its method `update(self, images, labels)`.)
#
# <details><summary>Answer</summary>
#
# Nowhere: it stays at guessing. Each label stands beside rows of other images.
#
# ```python
# from unroll.rnn import join_steps, mix_images
#
#
# class Mistaken(Trainer):
#     def update(self, images, labels):
#         return super().update(join_steps(mix_images(images, 28)), labels)
#
#
# mistaken = Mistaken(settings, Images.of(digits, settings))
# shares = [point.accuracy for made in train(mistaken) for point in made]
# print(f"{np.mean(shares[-50:]):.1%} of the images right in the last batches")
# assert TINY or np.mean(shares[-50:]) < 0.2
# ```
#
# </details>
#
# **Next:** [bringing a tutorial back](05_bringing_a_tutorial_back.ipynb).

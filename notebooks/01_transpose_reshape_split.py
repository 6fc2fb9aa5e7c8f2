# %% [markdown]
# # 1. Transpose, reshape, split
#
# Five old tutorials teach a network to read handwritten digits. Two of them put these three lines before the network,
# and more learners stumble here than anywhere else:
#
# ```text
# x = tf.transpose(x, [1, 0, 2])
# x = tf.reshape(x, [-1, chunk_size])
# x = tf.split(0, n_chunks, x)
# ```
#
# (`n_chunks` is how many rows an image has, `chunk_size` how many pixels a row has.) Here you watch the numbers move
# through these three lines.
#
# **You will learn**
#
# - how a batch of images becomes a list of steps, and why a recurrent network wants that list;
# - the difference between *transpose* and *reshape*: one changes the order of the numbers, the other never does;
# - what stands for these lines in today's TensorFlow, and when you need none of them;
# - a mistake that no error message will ever tell you of, and the one-line test that finds it.
#
# **You need** Python and a little NumPy. You need no TensorFlow: what we use of it is explained when it comes. It takes
# about a quarter of an hour.
#
# **How to read it.** Where it says *Predict*, stop and write your answer down before you look at the output below. A
# wrong prediction is the best thing that can happen to you here: it shows you what to look at.

# %% [markdown]
# The next cell installs this project, with all that it needs, if it is not installed yet: from the checkout around this
# notebook, or else from the package index. `answer`, which it takes from the project, folds what a cell prints: open it
# once you have written your prediction down.

# %%
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

# %% [markdown]
# ## Two tiny images
#
# Real digits have 28 rows of 28 pixels: too many numbers to follow with your eyes. So we take two images of four rows
# with three pixels each, and number all their pixels. Whatever happens to a pixel, its number says where it came from.

# %%
import numpy as np

x = np.arange(24).reshape(2, 4, 3)
print(x)

# %% [markdown]
# Each axis has a meaning, and each meaning gets a letter that we keep from here on:
#
# | letter | meaning | here |
# | --- | --- | --- |
# | B | batch: how many images we look at together | 2 |
# | T | time: how many steps the network reads; one row is one step | 4 |
# | I | input: how many numbers it reads in a step; the pixels of a row | 3 |

# %%
B, T, I = x.shape
assert (B, T, I) == (2, 4, 3)

# %% [markdown]
# An `assert` stops the notebook if what stands behind it is not true. You will meet many of them: they are there so
# that you need not take our word for anything.
#
# Numbers are easier to follow in colour. The next cell defines `draw`, which paints the first image dark blue and the
# second red, each row paler than the one above it. You need not read it.

# %% jupyter={"source_hidden": true} tags=["hide-input"]
import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

COLOURS = ("#1f4e8c", "#b3372f")  # of the two images


def draw(**stages):
    """Draw each stage, a list of blocks of rows, as a column of coloured numbers."""
    _, panels = plt.subplots(1, len(stages), figsize=(1.7 * len(stages), 2.9), squeeze=False, dpi=80)
    for axes, (name, blocks) in zip(panels[0], stages.items(), strict=True):
        top = 0.0
        for block in blocks:
            for row in block:
                for column, number in enumerate(row):
                    shade = 1 - 0.25 * (number % 12 // 3)
                    face = (COLOURS[number // 12], shade)
                    axes.add_patch(Rectangle((column, top), 1, 1, facecolor=face, edgecolor="white"))
                    ink = "white" if shade > 0.6 else "black"
                    axes.text(column + 0.5, top + 0.5, str(number), ha="center", va="center", color=ink)
                top += 1
            top += 0.5  # a gap between two blocks
        axes.set(xlim=(0, 3), ylim=(10, 0), aspect="equal")
        axes.set_title(name.replace("_", " "), fontsize=10)
        axes.axis("off")
    plt.show()


draw(x=x)

# %% [markdown]
# Two blocks, one an image: this order of axes, [B, T, I], is called **batch-major**. It is how images come from a file.

# %% [markdown]
# ## What the network wants
#
# A *recurrent* network reads as you read a page: from top to bottom, one row at a time, and what it remembers goes with
# it from row to row. (The memory is the subject of [the next notebook](02_one_lstm_two_graphs.ipynb).)
#
# To be quick, it reads all images of the batch at the same time. In its first step it looks at the first row of *every*
# image, in its second step at the second row of every image, and so on. So it wants a list with one array for each
# step, T of them, and each array is [B, I]: one row of each image.
#
# **Predict.** Write down the second of these arrays as numbers: the one for step 1, because we count from 0, as Python
# does.

# %%
wanted = [x[:, t] for t in range(T)]

with answer():
    print(wanted[1])
    draw(x=x, wanted=wanted)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Row 1 of the first image, and below it row 1 of the second. That is all there is to the list: `x[:, t]` for every `t`.
#
# </details>
#
# Keep the list as our yardstick, and see how the three lines arrive at it.

# %% [markdown]
# ## Line 1: transpose
#
# `transpose(1, 0, 2)` puts the axes into another order. Read it as: *first the old axis 1, then the old axis 0, then
# the old axis 2*.
#
# **Predict.** What is the new shape? And what stands in its first block?

# %%
transposed = x.transpose(1, 0, 2)

with answer():
    print(transposed.shape)
    print(transposed)
    draw(before=x, transposed=transposed)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Four blocks of two rows: one block a step, and in each one row of every image. This order, [T, B, I], is called
# **time-major**.
#
# Look at the blocks again. *They are what the network wants.* Everything that matters has been done by this one line.
#
# ```python
# assert transposed.shape == (T, B, I)
# ```
#
# </details>

# %% [markdown]
# ## Line 2: reshape
#
# `reshape(-1, I)` makes a table of rows with I numbers each. The -1 says: *as many rows as there happen to be*.
#
# **Predict.** How many rows? And what is the order of the numbers?

# %%
rows = transposed.reshape(-1, I)

with answer():
    print(rows.shape)
    print(rows)
    draw(transposed=transposed, rows=[rows])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The gaps between the blocks are gone.
#
# ```python
# assert rows.shape == (T * B, I)
# ```
#
# </details>
#
# Did anything else happen? `ravel` writes an array's numbers in reading order, as one long line.
#
# **Predict.** Which of these three lines are the same?

# %%
with answer():
    print("x          ", x.ravel())
    print("transposed ", transposed.ravel())
    print("rows       ", rows.ravel())

# %% [markdown]
# <details><summary>What you saw</summary>
#
# **Transpose changes the reading order. Reshape never does**: it takes the numbers in the order in which it finds them,
# and only draws the borders anew. That is the whole difference between the two words.
#
# ```python
# assert not np.array_equal(x.ravel(), transposed.ravel())
# assert np.array_equal(transposed.ravel(), rows.ravel())
# ```
#
# </details>

# %% [markdown]
# ## Line 3: split
#
# `np.split(rows, T)` cuts the table into T pieces of the same height.
#
# **Predict.** What is the shape of a piece? Which rows are in the second one?

# %%
steps = np.split(rows, T)

with answer():
    print(len(steps), "arrays of shape", steps[1].shape)
    print(steps[1])
    draw(x=x, transposed=transposed, rows=[rows], steps=steps)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# One row of each image: it is our yardstick again.
#
# ```python
# assert len(steps) == T and steps[1].shape == (B, I)
# assert all(np.array_equal(step, want) for step, want in zip(steps, wanted, strict=True))
# ```
#
# </details>

# %% [markdown]
# ## But why glue it together, only to cut it up again?
#
# You may have noticed: line 3 undoes line 2. The first of the old tutorials has a reason, and it stands *between* the
# two: it sends every row through a layer of the network first, which is a multiplication by a matrix. TensorFlow 1
# wanted a table to multiply (NumPy takes more axes), so it lays all rows of all steps into one, multiplies once, and
# cuts the result.

# %%
layer = np.random.default_rng(0).normal(size=(I, 5))

all_at_once = np.split(rows @ layer, T)  # [T*B, I] @ [I, 5], then T times [B, 5]
one_by_one = [step @ layer for step in steps]
assert np.allclose(all_at_once, one_by_one)

# %% [markdown]
# The other reason was that TensorFlow 1's `static_rnn` took a list of such arrays and nothing else.

# %% [markdown]
# ## The same in TensorFlow
#
# TensorFlow's arrays are called *tensors*. `tf.constant` makes one from an array, `.numpy()` makes an array of it
# again; NumPy's own functions take a tensor as it is. In TensorFlow 2 a line runs as soon as you write it, as in NumPy.
# (In TensorFlow 1 it did not: a line only noted down what was to be done later. That is why people had to use NumPy to
# see what the three lines do.)

# %%
import tensorflow as tf

tensor = tf.constant(x)
print(tf.transpose(tensor, [1, 0, 2]).shape)

# %% [markdown]
# Transpose and reshape are what they were. `split` is not: before TensorFlow 1.0 its arguments came in another order.
#
# | | |
# | --- | --- |
# | then | `tf.split(0, 4, x)`: along axis 0, into 4 pieces, of x |
# | now | `tf.split(x, 4, axis=0)` |
#
# The old line no longer works: TensorFlow now takes the 0 for what is to be split, and the tensor for the axis.

# %%
try:
    tf.split(0, 4, tensor)
except Exception as error:
    print(type(error).__name__)

# %% [markdown]
# So, in today's words:

# %%
tf_steps = tf.split(tf.reshape(tf.transpose(tensor, [1, 0, 2]), [-1, I]), T, axis=0)
assert all(np.array_equal(step, want) for step, want in zip(tf_steps, wanted, strict=True))

# %% [markdown]
# This project has the three lines as a function, `split_steps`. And TensorFlow has a single one for all three:
# `tf.unstack` takes an axis away, and gives a list of what lay along it.
#
# **Predict.** `tf.unstack(tensor, axis=0)` and `tf.unstack(tensor, axis=1)`: how long is each list, and what shape have
# the tensors in it? Which of the two is our list of steps?

# %%
from unroll.rnn import split_steps

along_images = tf.unstack(tensor, axis=0)
along_rows = tf.unstack(tensor, axis=1)

with answer():
    print("axis=0:", len(along_images), "tensors of shape", along_images[0].shape)
    print("axis=1:", len(along_rows), "tensors of shape", along_rows[0].shape)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Axis 0 gives the images back, one after the other. Axis 1 gives the steps.
#
# ```python
# assert len(along_images) == B and along_images[0].shape == (T, I)
# assert len(along_rows) == T and along_rows[0].shape == (B, I)
# for one, other, want in zip(split_steps(tensor, T), along_rows, wanted, strict=True):
#     assert np.array_equal(one, want) and np.array_equal(other, want)
# ```
#
# </details>
#
# Today you seldom need either. Keras, the library of layers that comes with TensorFlow, takes [B, T, I] as it is. The
# two functions that this project is about, `static_unroll` and `dynamic_unroll`, take [T, B, I]: the transpose alone,
# without reshape and split.

# %% [markdown]
# ## The mistake: reshape without transpose
#
# Now leave out line 1. Reshape takes an array of any shape, so nothing complains.
#
# **Predict.** What shapes come out? What is in the step 1 that the network will now read?

# %%
wrong = np.split(x.reshape(-1, I), T)

with answer():
    print(len(wrong), "arrays of shape", wrong[1].shape)
    print(wrong[1])
    draw(steps=steps, wrong=wrong)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The shapes are right, all of them. The numbers are wrong: step 1 holds rows 2 and 3 *of the same image*, where it
# should hold row 1 of both. The network would read two rows of one image as if they were of two.
#
# Nobody tells you. The network can be trained, and nothing crashes. But it is told "this is a seven" while it also
# reads rows of other digits, the more of them the larger the batch, and you look for the reason everywhere else.
#
# ```python
# assert [step.shape for step in wrong] == [step.shape for step in steps]
# assert not np.array_equal(wrong[1], wanted[1])
# ```
#
# </details>

# %% [markdown]
# ## The mistake, seen on digits
#
# What does the network see, then? Take four real digits and make the list of steps, once rightly and once with the
# mistake (the project keeps it as `mix_images`: reshape and split, no transpose). Then put the steps together again to
# images, as the network meets them: its first image is the first row of every step. `join_steps` does that: it stacks
# the steps along a new axis 1, where T stands in [B, T, I].

# %%
from unroll.models.data import load
from unroll.rnn import join_steps, mix_images

data = load("digits").train
digits = np.stack([data.images[data.labels == label][0] for label in (0, 1, 4, 7)])  # [B, T, I]
assert digits.shape == (4, 28, 28)

right = join_steps(split_steps(digits, 28))
mixed = join_steps(mix_images(digits, 28))

_, panels = plt.subplots(3, 4, figsize=(6, 4.8), dpi=80)
for name, images, line in zip(["the digits", "with transpose", "without"], [digits, right, mixed], panels, strict=True):
    line[0].set_ylabel(name)
    for image, axes in zip(images, line, strict=True):
        axes.imshow(image, cmap="gray_r")
        axes.set(xticks=[], yticks=[])
plt.show()

# %% [markdown]
# With the transpose, every digit comes back as it was. Without it, *each* image that the network reads holds every
# fourth row of each of the four digits, one digit below the other. So each digit looks pressed flat, and the four
# images look nearly the same. Yet the network is told that they are four different digits.

# %%
assert np.array_equal(right, digits)
assert not np.array_equal(mixed, digits)

# %% [markdown]
# ## Why it hides
#
# **Predict.** You test your code on a single image, a batch of 1. Does the mistake show?

# %%
single = digits[:1]

with answer():
    print(np.array_equal(join_steps(mix_images(single, 28)), single))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# It does not: with one image there is nothing to mix. The reading order of [1, T, I] and of [T, 1, I] is the same, so
# leaving out the transpose changes nothing. The mistake shows only with two images and two rows or more, and then has
# all the right shapes.
#
# </details>
#
# So test with at least two images, and test *numbers*, not shapes. One line is enough:

# %%
assert all(np.array_equal(step, digits[:, t]) for t, step in enumerate(split_steps(digits, 28)))

# %% [markdown]
# ## One line of einops
#
# The library [einops](https://einops.rocks) lets you name the axes. What you want is then in the code, where a reader
# can check it:

# %%
from einops import rearrange

assert np.array_equal(rearrange(x, "b t i -> t b i"), transposed)
assert np.array_equal(rearrange(x, "b t i -> (t b) i"), rows)

# %% [markdown]
# And the mistake would be spelt `"b t i -> (b t) i"`: the letters say that the rows of one image stay together.

# %% [markdown]
# ## The whole way in one picture
#
# Follow the rows of the dark blue image from left to right. Above, they come together again in one image. Below, they
# end up in both. ("Stack again" is what `join_steps` does.)

# %%
# %config InlineBackend.print_figure_kwargs = {"dpi": 100}
from unroll.report.figures.trick import draw_trick

draw_trick()

# %% [markdown]
# ## Try it
#
# And now you: the same lines, one at a time. Each asks first, and shows afterwards. Try *without it: the mistake*, too.

# %%
from unroll.notebook import walk

walk()

# %% [markdown]
# ## In short
#
# | line | shape after it | what it does |
# | --- | --- | --- |
# | | [B, T, I] | batch-major: image after image |
# | `transpose(1, 0, 2)` | [T, B, I] | time-major: changes the order of the numbers, and is all you need |
# | `reshape(-1, I)` | [T*B, I] | one table; the order stays |
# | `split(..., T)` | T times [B, I] | a list of steps; the order stays |
#
# Transpose moves numbers, reshape moves borders. If a shape is right, that proves nothing about the numbers.

# %% [markdown]
# ## Exercises
#
# Try each one before you open its answer.
#
# **1.** The first of the five tutorials takes 5 images of 28 rows with 28 pixels, and has a layer that makes 128
# numbers of every row. What is the shape after transpose, reshape, the layer, and split?
#
# <details><summary>Answer</summary>
#
# [28, 5, 28], then [140, 28], then [140, 128], then 28 arrays of [5, 128].
#
# ```python
# images = np.zeros([5, 28, 28])
# table = images.transpose(1, 0, 2).reshape(-1, 28)
# hidden = table @ np.zeros([28, 128])
# assert table.shape == (140, 28) and hidden.shape == (140, 128)
# assert [step.shape for step in np.split(hidden, 28)] == [(5, 128)] * 28
# ```
#
# </details>
#
# **2.** Take `np.arange(12).reshape(3, 2, 2)`: three images of two rows. Write down both steps with pen and paper, then
# check them.
#
# <details><summary>Answer</summary>
#
# ```python
# y = np.arange(12).reshape(3, 2, 2)
# first, second = split_steps(y, 2)
# assert np.array_equal(first, [[0, 1], [4, 5], [8, 9]])
# assert np.array_equal(second, [[2, 3], [6, 7], [10, 11]])
# ```
#
# </details>
#
# **3.** Go back: make `x` again from the list `steps`. Why is `np.concatenate(steps).reshape(2, 4, 3)` wrong?
#
# <details><summary>Answer</summary>
#
# `np.stack(steps, axis=1)` lays the steps along a new axis 1, which is where T stands in [B, T, I]. Concatenate and
# reshape never change the reading order, so they cannot undo a transpose.
#
# ```python
# assert np.array_equal(np.stack(steps, axis=1), x)
# assert not np.array_equal(np.concatenate(steps).reshape(2, 4, 3), x)
# ```
#
# </details>
#
# **4.** A friend forgets the transpose altogether, and hands [B, T, I] to a function that wants [T, B, I] and, beside
# it, what the network remembers at the start: an array [B, ...], which the friend gets right. For most sizes an error
# follows, because the two disagree on B. For which sizes does none?
#
# <details><summary>Answer</summary>
#
# Where B = T: the shape is then the same with and without the transpose, and only the numbers could tell. Test with
# sizes that all differ, such as our 2, 4 and 3. (And if the friend takes B from the same wrong array, no size is safe.)
#
# ```python
# square = np.arange(12).reshape(2, 2, 3)
# assert square.shape == square.transpose(1, 0, 2).shape
# assert not np.array_equal(square, square.transpose(1, 0, 2))
# ```
#
# </details>
#
# **5.** Let the network read columns from left to right, where it read rows from top to bottom. Which transpose makes
# time-major steps of columns?
#
# <details><summary>Answer</summary>
#
# Time is now the old axis 2, the batch is still axis 0, and a step holds what lay along axis 1: `transpose(2, 0, 1)`.
#
# ```python
# columns = x.transpose(2, 0, 1)
# assert columns.shape == (3, 2, 4)
# assert np.array_equal(columns[1], [[1, 4, 7, 10], [13, 16, 19, 22]])
# ```
#
# </details>
#
# **Next:** [one LSTM, two graphs](02_one_lstm_two_graphs.ipynb): what the network does with these steps, and the two
# ways to run it over them.

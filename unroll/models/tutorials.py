"""The five tutorials as data: each one's network, schedule and printed result, and what replaces its calls today."""

from dataclasses import dataclass
from itertools import chain

from unroll.errors import UnrollError

MNIST_TRAIN = 60_000
MNIST_HELD_BACK = 5_000  # TensorFlow 1's reader kept the first of them for validation, which no tutorial looks at


@dataclass(frozen=True)
class Design:
    """How a network is put together around its LSTM, and the values that it starts from.

    Attributes:
        input_layer: whether a dense layer [I, H], without an activation, stands before the LSTM.
        cut: how the images [B, T, I] become T steps [B, I], a key of `CUTS`. All ways give the same steps.
        reads: what the output layer reads: "outputs[-1]", the last of all outputs, or "state.h". Both are the same
            numbers; their gradients cost differently.
        lstm: the LSTM's first values: "Glorot" for each of its two kernels, or "BasicLSTMCell", which drew both as one.
        kernels: the dense layers' first kernels: "Glorot" or "standard normal".
        biases: the dense layers' first biases: "zeros", "standard normal" or "0.1".
    """

    input_layer: bool = False
    cut: str = "batch-major"
    reads: str = "state.h"
    lstm: str = "Glorot"
    kernels: str = "Glorot"
    biases: str = "zeros"


CUTS = {
    "transpose, reshape, split": "transpose to [T, B, I], reshape to [T*B, I], split into T",
    "unstack": "tf.unstack(x, 28, 1)",
    "batch-major": "dynamic_rnn(..., time_major=False) transposes to [T, B, I] itself",
}


@dataclass(frozen=True)
class Tutorial:
    """One of the five documents: its network, its schedule, and what its author printed.

    Attributes:
        name: "000" to "004".
        title: what it is about, for people.
        source: who wrote it, or where it was, as far as the document says.
        design: the network.
        unroll: "static" or "dynamic", as its code has it. Each can be trained with the other.
        initial_state: how its code starts a sequence. All of them start from zeros.
        batch: images an update.
        epochs, updates: how long it trains; one of the two.
        learning_rate: Adam's.
        test_loss, test_accuracy: what the document printed in the end; None if it shows no output.
        notes: what the document leaves open or says otherwise, and what is used instead.
    """

    name: str
    title: str
    source: str
    design: Design
    unroll: str
    initial_state: str
    epochs: int | None = None
    updates: int | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None
    notes: str = ""
    steps: int = 28
    hidden: int = 128
    batch: int = 128
    learning_rate: float = 0.001

    @property
    def schedule(self) -> str:
        """How long it trains, in its own words."""
        return f"{self.epochs} epochs" if self.epochs else f"{self.updates} iterations"

    def updates_on(self, examples: int) -> int:
        """Return how many updates its schedule comes to with so many training images: whole batches an epoch."""
        return self.updates or (self.epochs or 0) * (examples // self.batch)


def _design(
    cut: str, *, input_layer: bool = False, reads: str = "outputs[-1]", biases: str = "standard normal"
) -> Design:
    """Return a design with what all tutorials share."""
    return Design(input_layer, cut, reads, "BasicLSTMCell", "standard normal", biases)


TUTORIALS: dict[str, Tutorial] = {
    tutorial.name: tutorial
    for tutorial in (
        Tutorial(
            name="000",
            title="Input layer, LSTM, output layer",
            source="a Chinese notebook of 2018 (CSDN)",
            design=_design("transpose, reshape, split", input_layer=True),
            unroll="static",
            initial_state="a placeholder of zeros is fed, and its use is commented out",
            epochs=5,
            notes="its text lays out the shapes of both unrolls; its code runs static_rnn",
        ),
        Tutorial(
            name="001",
            title="Digits with dynamic_rnn, batch-major",
            source="a Chinese note after Morvan Zhou's tutorials",
            design=_design("batch-major", input_layer=True, reads="state.h", biases="0.1"),
            unroll="dynamic",
            initial_state="zero_state(128), so that it takes batches of 128 only",
            updates=100_000,
            notes="its 100,000 iterations are 233 epochs; it tests nothing",
        ),
        Tutorial(
            name="002",
            title="Understanding LSTM in TensorFlow (MNIST dataset)",
            source="https://jasdeep06.github.io/posts/Understanding-LSTM-in-Tensorflow-MNIST/",
            design=_design("unstack"),
            unroll="static",
            initial_state="zeros, by dtype=tf.float32",
            updates=2_000,
            test_loss=0.0657,
            test_accuracy=0.9786,
        ),
        Tutorial(
            name="003",
            title="Recurrent Neural Network (LSTM): static and dynamic",
            source="echisenyang, TF Examples 3.4",
            design=_design("unstack"),
            unroll="static",
            initial_state="zeros, by dtype=tf.float32",
            updates=2_000,
            notes="it gives neither sizes nor first values nor a schedule; those of 002 are used",
        ),
        Tutorial(
            name="004",
            title="Transpose, reshape, split",
            source="a reader of sentdex's video tutorial",
            design=_design("transpose, reshape, split"),
            unroll="static",
            initial_state="zeros, by dtype=tf.float32",
            epochs=3,
            notes="its BasicLSTMCell and AdamOptimizer have their defaults: forget_bias 1, learning rate 0.001",
        ),
    )
}


class TutorialError(UnrollError):
    """A tutorial that does not exist; the message names those that do."""


def find_tutorial(name: str) -> Tutorial:
    """Find a tutorial by its name.

    Raises:
        TutorialError: there is none of this name.

    >>> find_tutorial("002").schedule
    '2000 iterations'
    """
    if name not in TUTORIALS:
        choices = ", ".join(f"{tutorial.name} ({tutorial.title})" for tutorial in TUTORIALS.values())
        raise TutorialError(f"got the tutorial {name!r}; want one of {choices}")
    return TUTORIALS[name]


def held_back(examples: int) -> int:
    """Return how many of the training images the tutorials did not train on: MNIST's first 5000, of other data none.

    Source: TensorFlow 1's `read_data_sets`, whose default was `validation_size=5000`.
    """
    return MNIST_HELD_BACK if examples == MNIST_TRAIN else 0


@dataclass(frozen=True)
class Call:
    """A call of TensorFlow 1 as the documents spell it, and what stands in its place here.

    Attributes:
        then: its spellings in the documents.
        now: the name of what does its work today, with its module; "" if nothing is needed any more.
        how: in a few words, what changed.
    """

    then: tuple[str, ...]
    now: str
    how: str


CALLS = (
    Call(
        ("tf.contrib.rnn.static_rnn", "rnn.static_rnn", "rnn.rnn"),
        "unroll.rnn.static_unroll",
        "takes [T, B, I] whole, not a list",
    ),
    Call(("tf.nn.dynamic_rnn",), "unroll.rnn.dynamic_unroll", "always time-major; any number of steps"),
    Call(
        ("tf.contrib.rnn.BasicLSTMCell", "tf.nn.rnn_cell.BasicLSTMCell", "rnn_cell.BasicLSTMCell", "rnn.BasicLSTMCell"),
        "unroll.rnn.LSTMCell",
        "given its weights; LSTMWeights.from_basic_lstm takes old ones",
    ),
    Call(("lstm_cell.zero_state",), "unroll.rnn.LSTMCell.zero_state", "the state is (h, c); it was (c, h)"),
    Call(
        (
            *("input_data.read_data_sets", "mnist.input_data", "mnist.train.num_examples"),
            *("mnist.train.images", "mnist.train.labels"),
            *("mnist.test.images", "mnist.test.images.reshape", "mnist.test.labels"),
        ),
        "unroll.models.data.load",
        "images are [N, 28, 28], labels [N]; nothing is held back for validation",
    ),
    Call(
        ("mnist.train.next_batch",), "unroll.models.batches.batches", "a tf.data pipeline; runs over an epoch's end too"
    ),
    Call(("tf.split",), "tensorflow.split", "the axis moved from the first place to the last"),
    Call(("tf.unstack",), "tensorflow.unstack", "as it was"),
    Call(
        (
            *("tf.transpose", "tf.reshape", "tf.matmul", "tf.constant", "tf.Variable", "tf.float32", "tf.cast"),
            *("tf.reduce_mean", "tf.equal", "tf.argmax", "tf.nn.softmax"),
        ),
        "tensorflow",
        "as they were",
    ),
    Call(("tf.random_normal",), "tensorflow.random.normal", "here NumPy draws the first values, from a seed"),
    Call(
        ("tf.nn.softmax_cross_entropy_with_logits", "tf.nn.softmax_cross_entropy_with_logits_v2"),
        "tensorflow.nn.sparse_softmax_cross_entropy_with_logits",
        "takes labels as numbers, not as one-hot rows",
    ),
    Call(
        ("tf.train.AdamOptimizer", ".minimize("),
        "keras.optimizers.Adam",
        "with the gradients of a tf.GradientTape; epsilon=1e-8, which was the default",
    ),
    Call(("tf.placeholder",), "tensorflow.function", "an argument of the function"),
    Call(("tf.Session", "sess.run", ".run(", ".eval("), "tensorflow.function", "call the function"),
    Call(
        ("tf.global_variables_initializer", "tf.initialize_all_variables"),
        "",
        "a Variable has its value when it is made",
    ),
    Call(("tf.variable_scope",), "", "Variables are Python objects, and need no name"),
    Call(
        ("tf.summary.FileWriter", "sess.graph"),
        "tensorflow.summary.create_file_writer",
        "`unroll train --tensorboard DIR` writes both graphs",
    ),
)


def calls_table() -> str:
    """Format in Markdown what stands here now for every call of TensorFlow 1 in the documents."""
    rows = [("in the documents", "here, now", "what changed"), ("---", "---", "---")]
    rows += [
        (
            ", ".join(f"`{_spelt(then)}`" for then in call.then),
            f"`{_short(call.now)}`" if call.now else "nothing",
            call.how,
        )
        for call in CALLS
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def all_spellings() -> set[str]:
    """Return every spelling of a call that the table covers."""
    return set(chain.from_iterable(call.then for call in CALLS))


def _spelt(then: str) -> str:
    return f"{then})" if then.endswith("(") else then


def _short(name: str) -> str:
    """Write `tf` for TensorFlow, as everyone does."""
    return "tf" + name.removeprefix("tensorflow") if name.startswith("tensorflow") else name

"""What the rows say is what the documents say; the networks are those of the documents, either way."""

import importlib
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from unroll.models import tutorials
from unroll.models.network import build_network, weight_names
from unroll.models.settings import choose_settings
from unroll.models.tutorials import CALLS, CUTS, TUTORIALS, TutorialError, calls_table, find_tutorial, held_back
from unroll.rnn import LSTMState, LSTMWeights, ReferenceLSTMCell, reference_unroll, split_steps

DOCUMENTS = Path(os.environ.get("UNROLL_TUTORIALS", Path(__file__).parents[2] / "../shared/tutorials"))
needs_documents = pytest.mark.skipif(not DOCUMENTS.is_dir(), reason=f"the documents are not in {DOCUMENTS}")
NAMES = list(TUTORIALS)

SAID = {
    ("000", "epochs"): "training_epochs = {}\n",
    ("000", "batch"): "batch_size      = {}\n",
    ("000", "hidden"): "dimhidden = {}\n",
    ("000", "steps"): "nsteps    = {}\n",
    ("000", "learning_rate"): "learning_rate = {}\n",
    ("001", "updates"): "training_steps={}\n",
    ("001", "batch"): "batch_size={}\n",
    ("001", "hidden"): "hidden_units={}\n",
    ("001", "steps"): "time_steps={}\n",
    ("001", "learning_rate"): "learning_rate={}\n",
    ("002", "updates"): "for i in range({}):",
    ("002", "batch"): "batch_size = {}\n",
    ("002", "hidden"): "num_units = {}\n",
    ("002", "steps"): "time_steps = {}\n",
    ("002", "learning_rate"): "learning_rate = {}\n",
    ("002", "test_loss"): "final test loss: {}, ",
    ("002", "test_accuracy"): "accuracy: {}\n",
    ("004", "epochs"): "hm_epochs = {}\n",
    ("004", "batch"): "batch_size = {}\n",
    ("004", "hidden"): "rnn_size = {}\n",
    ("004", "steps"): "n_chunks = {}\n",
}
CODE = {  # a piece of code for what a design says in words
    ("cut", "transpose, reshape, split"): r"tf\.transpose\(_?[xX], \[1, ?0, ?2\]\)[\s\S]*tf\.reshape[\s\S]*tf\.split\(",
    ("cut", "unstack"): r"tf\.unstack\(x, time_?steps, 1\)",
    ("cut", "batch-major"): r"time_major=False",
    ("reads", "outputs[-1]"): r"(outputs|_LSTM_O)\[-1\]",
    ("reads", "state.h"): r"final_state\[1\]",
    ("biases", "0.1"): r"tf\.constant\(0\.1,shape=\[n_classes",
    ("biases", "standard normal"): r"tf\.Variable\(tf\.random_normal\(\[(dimoutput|n_classes)\]\)\)",
    ("kernels", "standard normal"): r"tf\.Variable\(tf\.random_normal\(\[\w+, ?(dimoutput|n_classes)\]\)\)",
    ("lstm", "BasicLSTMCell"): r"BasicLSTMCell\(",
    ("input_layer", True): r"'(in-)?hidden':",
}


def document(name):
    (path,) = DOCUMENTS.glob(f"{name}_*.txt")
    return path.read_text()


@needs_documents
@pytest.mark.parametrize(("name", "field"), SAID)
def test_a_row_says_what_its_document_says(name, field):
    assert SAID[name, field].format(getattr(TUTORIALS[name], field)) in document(name)


@needs_documents
@pytest.mark.parametrize("name", NAMES)
def test_a_design_is_that_of_its_documents_code(name):
    text = document(name)
    for field, value in vars(TUTORIALS[name].design).items():
        if (field, value) not in CODE:
            assert (field, value) == ("input_layer", False)
            assert not re.search(CODE["input_layer", True], text)
        elif not (name == "003" and field in ("biases", "kernels")):  # which it does not give
            assert re.search(CODE[field, value], text), (field, value)
    unrolls = {"static": r"(static_rnn|rnn\.rnn)\(\w*lstm_\w+, ", "dynamic": r"tf\.nn\.dynamic_rnn\(\w*lstm_\w+, "}
    assert re.search(unrolls[TUTORIALS[name].unroll], text)


@needs_documents
def test_only_002_printed_a_result():
    assert [name for name in NAMES if re.search(r"accuracy: 0\.\d+", document(name))] == ["002"]
    assert [name for name, tutorial in TUTORIALS.items() if tutorial.test_accuracy is not None] == ["002"]


def test_there_is_a_row_for_every_document_and_each_says_how_it_cuts():
    assert NAMES == ["000", "001", "002", "003", "004"]
    assert {tutorial.design.cut for tutorial in TUTORIALS.values()} == set(CUTS)
    for tutorial in TUTORIALS.values():
        assert (tutorial.epochs is None) != (tutorial.updates is None)


def test_an_unknown_tutorial_names_the_known_ones():
    with pytest.raises(TutorialError, match=r"got the tutorial '005'; want one of 000 \(.*001.*002.*003.*004"):
        find_tutorial("005")


@pytest.mark.parametrize(("name", "updates"), [("000", 2145), ("001", 100_000), ("002", 2000), ("004", 1287)])
def test_epochs_are_made_of_whole_batches_of_what_is_not_held_back(name, updates):
    examples = 60_000 - held_back(60_000)
    assert examples == 55_000
    assert TUTORIALS[name].updates_on(examples) == updates


def test_nothing_of_other_data_is_held_back():
    assert held_back(1437) == held_back(59_999) == 0


def test_all_ways_to_cut_give_the_same_steps():
    images = tf.reshape(tf.range(24), [2, 4, 3])
    transposed = tf.transpose(images, [1, 0, 2])
    for steps in (tf.unstack(images, 4, 1), split_steps(images, 4)):
        np.testing.assert_array_equal(tf.stack(steps), transposed)


# The calls


def calls_in(text):
    dotted = r"\b(?:tf|rnn|rnn_cell|input_data|mnist|sess|lstm_cell)(?:\.[A-Za-z_]\w*)+"
    return set(re.findall(dotted, text)) | set(re.findall(r"\.(?:minimize|run|eval)\(", text))


@needs_documents
def test_every_call_in_the_documents_is_in_the_table_and_no_other():
    found = set().union(*(calls_in(document(name)) for name in NAMES))
    listed = tutorials.all_spellings()
    assert found - listed == set()
    assert {then for then in listed if not any(then in document(name) for name in NAMES)} == set()


@pytest.mark.parametrize("call", [call for call in CALLS if call.now], ids=lambda call: call.then[0])
def test_what_stands_in_a_calls_place_exists(call):
    parts = call.now.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
            break
        except ModuleNotFoundError:
            continue
    for name in parts[count:]:
        found = getattr(found, name)
    assert found


def test_the_table_has_a_row_for_each_call():
    lines = calls_table().splitlines()
    assert len(lines) == 2 + len(CALLS)
    assert {line.count(" | ") for line in lines} == {2}
    assert "| `tf.contrib.rnn.static_rnn`, `rnn.static_rnn`, `rnn.rnn` | `unroll.rnn.static_unroll` |" in lines[2]


# The networks


def settings_of(name, **more):
    return choose_settings(data="digits", examples=1437, tutorial=name, dtype="float64", **more)


def read_in_numpy(weights, images):
    """Run a tutorial's network in NumPy: images [B, T, I] -> logits [B, 10]."""
    rows = images.transpose(1, 0, 2)
    if "input_kernel" in weights:
        rows = rows @ weights["input_kernel"] + weights["input_bias"]
    zeros = np.zeros([len(images), len(weights["dense_kernel"])])
    cell = ReferenceLSTMCell(LSTMWeights(*(weights[name] for name in LSTMWeights._fields)))
    outputs, _ = reference_unroll(cell, rows, LSTMState(zeros, zeros))
    return outputs[-1] @ weights["dense_kernel"] + weights["dense_bias"]


@pytest.mark.parametrize("name", NAMES)
def test_each_network_is_what_its_row_says_with_either_unroll(name):
    images = np.random.default_rng(0).uniform(size=[3, 28, 28])
    networks = [build_network(settings_of(name, unroll=unroll)) for unroll in ("static", "dynamic")]
    names = weight_names(TUTORIALS[name].design)
    weights = {name: variable.numpy() for name, variable in zip(names, networks[0].variables, strict=True)}
    assert ("input_kernel" in weights) == (name in ("000", "001"))
    for network in networks:
        np.testing.assert_allclose(network.forward(tf.constant(images)), read_in_numpy(weights, images), atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_output_layer_reads_what_the_row_says(name):
    """Both are the same numbers, but for a row that has ended: its output is zero, and its state stays."""
    encoder = replace(build_network(settings_of(name)).encoder, sequence_length=[1, 2])
    first, second = encoder(tf.ones([2, 2, 28], tf.float64)).numpy()
    assert first.any() == (TUTORIALS[name].design.reads == "state.h")
    assert second.any()


@pytest.mark.parametrize("name", NAMES)
def test_first_values_are_those_of_the_row(name):
    design = TUTORIALS[name].design
    network = build_network(settings_of(name))
    values = {name: v.numpy() for name, v in zip(weight_names(design), network.variables, strict=True)}
    normal = np.concatenate(
        [value.ravel() for name, value in values.items() if name in ("dense_kernel", "input_kernel")]
    )
    assert abs(normal.mean()) < 0.1 and 0.9 < normal.std() < 1.1
    if design.biases == "0.1":
        assert set(values["dense_bias"]) | set(values["input_bias"]) == {0.1}
    else:
        assert 0.3 < values["dense_bias"].std() < 2
    inputs = 128 if design.input_layer else 28
    limit = np.sqrt(6 / (inputs + 128 + 4 * 128))  # TensorFlow 1's cell had one kernel for both
    kernels = np.concatenate([values["kernel"], values["recurrent_kernel"]])
    assert kernels.shape == (inputs + 128, 512)
    assert 0.99 * limit < np.abs(kernels).max() <= limit
    np.testing.assert_array_equal(values["bias"].reshape(4, 128).mean(axis=1), [0, 1, 0, 0])


def test_the_first_values_depend_on_the_seed_alone():
    static, dynamic, other = (
        build_network(settings)
        for settings in (settings_of("000"), settings_of("000", unroll="dynamic"), settings_of("000", seed=1))
    )
    for one, same in zip(static.variables, dynamic.variables, strict=True):
        np.testing.assert_array_equal(one, same)
    assert not np.array_equal(static.kernel, other.kernel)
    assert not np.array_equal(static.variables[0], other.variables[0])


def test_both_dtypes_start_from_the_same_values():
    wide = build_network(settings_of("002"))
    narrow = build_network(replace(settings_of("002"), dtype="float32"))
    for one, other in zip(wide.variables, narrow.variables, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)

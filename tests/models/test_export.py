"""What only one can do: the same weights serve any number of rows from the dynamic unroll, and one from the static."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from unroll.models.data import Split, load, read_rows
from unroll.models.export import export_network, refusal, serve_rows
from unroll.models.network import UNROLLS, build_network
from unroll.models.reading import read_digit
from unroll.models.settings import choose_settings
from unroll.rnn import LSTMState, LSTMWeights, ReferenceLSTMCell, reference_unroll

TEST = Split(*(part[:20] for part in load("digits").test))
ROWS = (14, 28, 56)


@pytest.fixture(scope="module")
def network():
    return build_network(choose_settings(data="digits", examples=1437, hidden=6, unroll="static"))


def with_unroll(network, name):
    return replace(network, encoder=replace(network.encoder, unroll=UNROLLS[name]))


def in_numpy(network, images):
    """Read images [B, T, I] in NumPy: h and c after every row, [T, B, H] each."""
    cell = ReferenceLSTMCell(LSTMWeights(*(weight.numpy() for weight in network.encoder.weights)))
    state, hidden, cells = LSTMState(*np.zeros([2, len(images), 6])), [], []
    for t in range(images.shape[1]):
        _, state = reference_unroll(cell, images[:, t : t + 1].transpose(1, 0, 2), state)
        hidden.append(state.hidden)
        cells.append(state.cell)
    return np.array(hidden), np.array(cells)


@pytest.fixture(scope="module")
def served(network):
    return {(one.unroll, one.rows): one for one in serve_rows(network, 28, TEST, ROWS)}


@pytest.mark.parametrize("rows", ROWS)
def test_the_dynamic_export_serves_any_number_of_rows(network, served, rows):
    hidden, _ = in_numpy(network, read_rows(TEST.images, rows))
    logits = hidden[-1] @ network.kernel.numpy() + network.bias.numpy()
    found = served["dynamic", rows]
    assert found.test_accuracy == pytest.approx(np.mean(logits.argmax(axis=1) == TEST.labels))
    assert not found.refused


def test_the_static_export_serves_what_it_was_trained_on_and_refuses_the_rest_in_so_many_words(served):
    assert served["static", 28].test_accuracy == served["dynamic", 28].test_accuracy
    for rows in (14, 56):
        assert served["static", rows].test_accuracy is None
        assert served["static", rows].refused == (
            "this model was exported from the static unroll, which has 28 cells, and serves images of 28 rows only; "
            "export the same weights from the dynamic unroll to serve any number"
        )


def test_an_export_gives_the_networks_logits_and_keeps_its_signature(network, tmp_path):
    model = tf.saved_model.load(str(export_network(network, 28, tmp_path)))
    found = model.signatures["serving_default"](images=tf.constant(TEST.images))["output_0"]
    np.testing.assert_allclose(found, network.forward(tf.constant(TEST.images)), atol=1e-5)


def test_an_error_that_is_not_the_models_own_is_kept_whole():
    assert refusal(tf.errors.InvalidArgumentError(None, None, "something else")) == "something else"


def test_a_digit_is_read_row_by_row_by_both(network):
    image, label = TEST.images[3], TEST.labels[3]
    static, dynamic = read_digit(network, image, label)
    hidden, cell = (states[:, 0] for states in in_numpy(network, image[np.newaxis]))
    logits = hidden @ network.kernel.numpy() + network.bias.numpy()
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for reading, unroll in ((static, "static"), (dynamic, "dynamic")):
        assert (reading.unroll, reading.label) == (unroll, label)
        assert 0 <= reading.differs < 1e-6
        np.testing.assert_allclose(reading.image, image, atol=6e-4)
        np.testing.assert_allclose(reading.hidden, hidden, atol=6e-4)
        np.testing.assert_allclose(reading.cell, cell, atol=6e-4)
        np.testing.assert_allclose(reading.probabilities, probabilities, atol=6e-4)
    assert all(len(number) <= 6 for number in json.dumps(static.hidden).strip("[]").replace("[", "").split(", "))


def test_a_reading_tells_by_how_much_the_two_differ(network, monkeypatch):
    def off(cell, rows, start, **more):
        outputs, states = UNROLLS_BEFORE["dynamic"](cell, rows, start, **more)
        return outputs, LSTMState(states.hidden, states.cell + 0.25)

    UNROLLS_BEFORE = dict(UNROLLS)
    monkeypatch.setitem(UNROLLS, "dynamic", off)
    assert read_digit(network, TEST.images[0], 1)[0].differs == pytest.approx(0.25)

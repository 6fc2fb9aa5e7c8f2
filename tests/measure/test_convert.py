"""Conversion to TFLite and ONNX: what each variant serves there, equal outputs in the format's own runtime."""

import sys

import pytest
import tensorflow as tf

from unroll.measure import convert
from unroll.measure.batch import Data
from unroll.measure.config import Case, Sizes
from unroll.measure.process import NotAvailable
from unroll.models import data

IMAGES, LABELS = data.load("digits").train
SIZES = Sizes(steps=6, batch=4, hidden=5)
DATA = Data(IMAGES[:4], LABELS[:4], 0)


def converted(variant, quantity, steps=6):
    make = convert.convert_layer if quantity.startswith("layer_") else convert.convert_network
    case = Case(variant, "graph", Sizes(steps=steps, batch=4, hidden=5))
    return {record.quantity: record for record in make(case, quantity, DATA)}


@pytest.mark.parametrize(
    ("variant", "quantity", "serves"),
    [
        ("static", "tflite", "any B, T=6 only"),
        ("dynamic", "tflite", "B=1, any T"),
        ("static-traced", "layer_tflite", "any B, T=6 only"),
        ("dynamic", "layer_tflite", "any B, any T"),
        ("keras-unrolled", "layer_tflite", "any B, T=6 only"),
        ("keras-loop", "layer_tflite", "B=1, any T"),
    ],
)
def test_a_loop_is_served_by_tflite_for_any_length_and_the_layers_for_any_batch_too(variant, quantity, serves):
    records = converted(variant, quantity)
    assert set(records) == {quantity, f"{quantity}_operations", f"{quantity}_convert"}
    assert records[quantity].note == serves
    assert all(record.samples[0] > 0 for record in records.values())


@pytest.mark.parametrize(("variant", "grows"), [("static", True), ("dynamic", False)])
def test_operations_grow_with_the_cells_that_are_laid_out_and_count_a_loops_body_once(variant, grows):
    short, long = (converted(variant, "tflite", steps)["tflite_operations"].samples[0] for steps in (3, 6))
    assert (long > 1.5 * short) == grows
    assert (long == short) != grows
    assert short > 8, "the cell's own operations are missing"


@pytest.mark.parametrize(("variant", "steps"), [("static", "T=6 only"), ("dynamic", "any T"), ("keras-loop", "any T")])
@pytest.mark.parametrize("layer", ["", "layer_"])
def test_onnx_serves_any_batch(variant, steps, layer):
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")
    assert converted(variant, f"{layer}onnx")[f"{layer}onnx"].note == f"any B, {steps}"


def test_without_onnx_the_record_names_the_command_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(NotAvailable, match=r'pip install "unroll-lstm\[onnx\]"'):
        converted("dynamic", "onnx")


def test_what_no_signature_converts_says_why():
    with pytest.raises(NotAvailable, match=r"does not convert: .*BlockLSTMV2"):
        converted("block", "tflite")


def test_other_outputs_than_the_networks_are_a_failure_and_no_reason_to_ask_for_less(monkeypatch):
    def off(function, spec, variables):
        return convert.Model(1, 1, lambda images: function(tf.constant(images)).numpy() + 0.01)

    monkeypatch.setitem(convert.FORMATS, "tflite", off)
    with pytest.raises(AssertionError, match="Not equal"):
        converted("dynamic", "tflite")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras, as it saves
def test_a_keras_file_gives_the_same_outputs_and_holds_the_weights():
    (record,) = convert.save_layer(Case("dynamic", "graph", SIZES), DATA)
    weights = convert.starting_weights(SIZES, 0)
    assert record.samples[0] > sum(weight.nbytes for weight in weights)

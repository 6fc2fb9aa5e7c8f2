"""What is each variant as TFLite and ONNX: its bytes, its operations, what it serves, how long converting it takes?"""

import pytest

from unroll.measure.metrics import metrics_of


@pytest.mark.asks(*metrics_of("tflite"), of="cases_for_convert", phases=["forward"])
def test_tflite(answer):
    answer("convert to TFLite")


@pytest.mark.asks(*metrics_of("onnx"), of="cases_for_convert", phases=["forward"])
def test_onnx(answer):
    answer("convert to ONNX")


@pytest.mark.asks(*metrics_of("layer_tflite"), of="cases_for_convert_layer", phases=["forward"])
def test_layer_tflite(answer):
    answer("convert a Keras model to TFLite")


@pytest.mark.asks(*metrics_of("layer_onnx"), of="cases_for_convert_layer", phases=["forward"])
def test_layer_onnx(answer):
    answer("convert a Keras model to ONNX")


@pytest.mark.asks("keras_file", of="cases_for_convert_layer", phases=["forward"])
def test_keras_file(answer):
    answer("save as a .keras file")


@pytest.mark.asks(*metrics_of("tflite"), of="cases_for_convert_growth", phases=["forward"])
def test_growth_of_tflite(answer):
    answer("TFLite as T grows")

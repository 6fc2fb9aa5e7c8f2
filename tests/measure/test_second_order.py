"""The second derivative through a variant is set beside that through cells side by side."""

from dataclasses import dataclass

import pytest
import tensorflow as tf

from unroll.measure import workloads
from unroll.measure.batch import Data
from unroll.measure.config import Case, Sizes
from unroll.measure.process import NotAvailable
from unroll.measure.second_order import compare_second_order
from unroll.models.data import load
from unroll.models.network import LSTMEncoder
from unroll.rnn import LSTMWeights, dynamic_unroll

SIZES = Sizes(steps=3, batch=2, hidden=4)
IMAGES, LABELS = load("digits").train
DATA = Data(IMAGES[:2], LABELS[:2], 0)


def difference(variant):
    (record,) = compare_second_order(Case(variant, "graph", SIZES), DATA)
    assert (record.quantity, record.phase, record.unit) == ("second_order", "forward", "share")
    return record.samples[0]


@pytest.mark.parametrize("variant", ["static", "dynamic", "dynamic-own", "dynamic-recompute"])
def test_every_way_of_ours_has_it_and_it_is_the_same(variant):
    assert difference(variant) < 1e-12


@dataclass(frozen=True)
class FirstOrderOnly:
    """An encoder whose gradient is right, and whose gradient's gradient leaves the recurrent kernel out."""

    weights: LSTMWeights

    @property
    def variables(self):
        return list(self.weights)

    def __call__(self, images):
        @tf.custom_gradient
        def read(images, *weights):
            encoder = LSTMEncoder(LSTMWeights(*weights), dynamic_unroll)
            with tf.GradientTape(persistent=True) as tape:
                tape.watch((images, weights))
                hidden = encoder(images)

            def gradient(slope):
                return [tf.stop_gradient(g) for g in tape.gradient(hidden, (images, *weights), slope)]

            return hidden, gradient

        return read(images, *(weight + 0.0 for weight in self.weights))


def test_a_wrong_one_is_seen(monkeypatch):
    monkeypatch.setitem(workloads.ENCODERS, "dynamic", FirstOrderOnly)
    assert difference("dynamic") > 1e-3


def test_one_that_is_refused_says_why(monkeypatch):
    def refuse(weights):
        raise LookupError("no gradient of that")

    monkeypatch.setitem(workloads.ENCODERS, "dynamic", refuse)
    with pytest.raises(NotAvailable, match="has no second derivative: no gradient of that"):
        difference("dynamic")
    with pytest.raises(NotAvailable, match="is no variant of ours"):
        difference("dynamic-3")

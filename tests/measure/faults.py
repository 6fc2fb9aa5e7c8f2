"""Encoders that go wrong, as variants of one's own: `faults:crashing` and so on."""

import os
import signal
import time
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from unroll.models.network import LSTMEncoder
from unroll.rnn import LSTMWeights, dynamic_unroll


@dataclass(frozen=True)
class Faulty:
    """A right encoder, before which something is done."""

    weights: LSTMWeights
    fault: object

    @property
    def variables(self):
        return list(self.weights)

    def __call__(self, images):
        self.fault()
        return LSTMEncoder(self.weights, dynamic_unroll)(images)


def good(weights):
    return Faulty(weights, lambda: None)


def crashing(weights):
    return Faulty(weights, lambda: os.kill(os.getpid(), signal.SIGSEGV))


def hanging(weights):
    return Faulty(weights, lambda: time.sleep(1000))


def hungry(weights):
    return Faulty(weights, lambda: np.ones([1 << 32]))


def raising(weights):
    def fault():
        raise RuntimeError("the encoder has no eyes")

    return Faulty(weights, fault)


def unequal(weights):
    return LSTMEncoder(weights._replace(bias=tf.Variable(weights.bias + 0.1)), dynamic_unroll)


def slow(weights):
    return Faulty(weights, lambda: time.sleep(1.5))

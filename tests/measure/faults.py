"""Encoders that go wrong, as variants of one's own: `faults:crashing` and so on."""

import itertools
import os
import signal
import time
from dataclasses import dataclass

import keras
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


def changing(change):
    """Make a variant that changes TensorFlow's global state when it is called."""
    return lambda weights: Faulty(weights, change)


eager_functions = changing(lambda: tf.config.run_functions_eagerly(True))
jit = changing(lambda: tf.config.optimizer.set_jit(True))
float_type = changing(lambda: keras.config.set_floatx("float64"))
policy = changing(lambda: keras.config.set_dtype_policy("mixed_bfloat16"))
asynchronous = changing(lambda: tf.config.experimental.set_synchronous_execution(False))
intra_op = changing(lambda: tf.config.threading.set_intra_op_parallelism_threads(7))
inter_op = changing(lambda: tf.config.threading.set_inter_op_parallelism_threads(7))


def seed(weights):
    """Set the seed where the variant is made; while its graph is traced, TensorFlow would set the graph's own."""
    tf.random.set_seed(7)
    return good(weights)


def late(weights):
    """Make a variant that changes the global state only when it is built at its own size, and not in the warm-up."""
    large = weights.recurrent_kernel.shape[0] > 2
    return Faulty(weights, lambda: tf.config.run_functions_eagerly(True) if large else None)


def late_steps(weights):
    """Make a variant that changes the global state in a later step of its own."""
    calls = itertools.count()
    return Faulty(weights, lambda: tf.config.run_functions_eagerly(True) if next(calls) == 4 else None)

"""The pair: one cell, unrolled statically and dynamically."""

from unroll.rnn.cell import LSTMCell, LSTMState, LSTMWeights, init_weights
from unroll.rnn.dynamic import dynamic_unroll
from unroll.rnn.own_gradient import StepsWithGradient
from unroll.rnn.reference import ReferenceLSTMCell, reference_unroll
from unroll.rnn.sequence import join_steps, mix_images, split_steps
from unroll.rnn.static import static_unroll
from unroll.rnn.two_loops import add_slopes

__all__ = [
    "LSTMCell",
    "LSTMState",
    "LSTMWeights",
    "ReferenceLSTMCell",
    "StepsWithGradient",
    "add_slopes",
    "dynamic_unroll",
    "init_weights",
    "join_steps",
    "mix_images",
    "reference_unroll",
    "split_steps",
    "static_unroll",
]

"""The loops with a gradient of their own, as variants of `dynamic_unroll`, and a GRU that brings its own gradient."""

import functools
from dataclasses import dataclass, replace

import tensorflow as tf
from proof import GRUCell, fixed_problem

from unroll.rnn import add_slopes, dynamic_unroll

OWN = {f"own {k}": functools.partial(dynamic_unroll, own_gradient=True, unroll=k) for k in (1, 2, 3, 4, 40)}
RECOMPUTED = {f"recompute {k}": functools.partial(dynamic_unroll, recompute=True, unroll=k) for k in (1, 2, 3)}
LOOPS = OWN | RECOMPUTED
CELLS = {**dict.fromkeys(OWN, ("lstm", "gru")), **dict.fromkeys(RECOMPUTED, ("lstm", "gru", "memory"))}


@dataclass(frozen=True, eq=False)
class OwnGRUCell(GRUCell):
    """A GRU that brings its own gradient: all that a cell must add to what it is."""

    def keep_steps(self, weights, inputs, hidden):
        kernel, recurrent_kernel, bias = weights
        u_zr, u_c = tf.split(recurrent_kernel, [2 * hidden.shape[1], hidden.shape[1]], axis=1)
        kept, states = [], []
        for x in tf.unstack(tf.tensordot(inputs, kernel, 1) + bias):
            x_zr, x_c = tf.split(x, [2 * hidden.shape[1], hidden.shape[1]], axis=1)
            z, r = tf.split(tf.sigmoid(x_zr + tf.matmul(hidden, u_zr)), 2, axis=1)
            candidate = tf.tanh(x_c + tf.matmul(r * hidden, u_c))
            kept.append((hidden, z, r, candidate))
            hidden = z * hidden + (1 - z) * candidate
            states.append(hidden)
        return states, states, kept

    def gradient_of_steps(self, weights):
        kernel, recurrent_kernel, _ = weights
        H = recurrent_kernel.shape[0]
        u_zr, u_c = (tf.transpose(part) for part in tf.split(recurrent_kernel, [2 * H, H], axis=1))

        def take_back(inputs, kept, output_slopes, state_slopes):
            slope, slopes, zr_slope, c_slope = None, [], 0, 0
            for (hidden, z, r, candidate), *given in [*zip(kept, output_slopes, state_slopes, strict=True)][::-1]:
                slope = add_slopes(slope, *given)
                c = slope * (1 - z) * (1 - candidate**2)
                reset = tf.matmul(c, u_c)  # of r * hidden
                zr = tf.concat([slope * (hidden - candidate) * z * (1 - z), reset * hidden * r * (1 - r)], axis=1)
                zr_slope += tf.matmul(hidden, zr, transpose_a=True)
                c_slope += tf.matmul(r * hidden, c, transpose_a=True)
                slope = slope * z + reset * r + tf.matmul(zr, u_zr)
                slopes.append(tf.concat([zr, c], axis=1))
            slopes = tf.stack(slopes[::-1])  # [k, B, 3H]
            kernel_slope = tf.tensordot(inputs, slopes, [[0, 1], [0, 1]])
            weight_slopes = kernel_slope, tf.concat([zr_slope, c_slope], axis=1), tf.reduce_sum(slopes, [0, 1])
            return tf.tensordot(slopes, tf.transpose(kernel), 1), slope, weight_slopes

        return take_back


def problem_of(cell, T, with_lengths, loop="", dtype="float64"):
    """Give a problem, and the same with the cell that the loop asks for."""
    problem = fixed_problem(cell, T, with_lengths, dtype)
    own = cell == "gru" and loop in OWN
    return problem, replace(problem, kind=problem.kind._replace(cell=OwnGRUCell)) if own else problem

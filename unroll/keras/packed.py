"""A mask without a mask in the loop: the steps that count are taken alone, and their results put back in place."""

import tensorflow as tf

from unroll.rnn import LSTMState, dynamic_unroll


def packed_unroll(cell, sequence, mask, state: LSTMState, **options):
    """Run `dynamic_unroll` over those steps [T, B, I] alone that the mask [T, B, 1] counts; `options` are its own.

    Returns:
        for every step the hidden state as it then is, [T, B, H], and the final state.
    """
    state = LSTMState(*map(tf.convert_to_tensor, state))
    counts = mask[:, :, 0]  # [T, B]
    taken = tf.cumsum(tf.cast(counts, tf.int32))  # how many steps a row has taken
    rows = tf.broadcast_to(tf.range(tf.shape(counts)[1]), tf.shape(counts))
    first = tf.argsort(tf.cast(~counts, tf.int32), axis=0, stable=True)  # those that count first, in their order
    packed = tf.gather_nd(sequence, tf.stack([first, rows], axis=-1))
    length = tf.reduce_sum(tf.cast(counts, tf.int32), axis=0)
    hidden, final_state = dynamic_unroll(cell, packed, state, sequence_length=length, **options)
    hidden = tf.concat([state.hidden[tf.newaxis], hidden], axis=0)  # after 0, 1, ... steps that count
    return tf.gather_nd(hidden, tf.stack([taken, rows], axis=-1)), final_state

"""unroll: one LSTM, unrolled statically and dynamically, proven equal and measured."""

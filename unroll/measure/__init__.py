"""What unrolling costs: the variants, what is measured of each, and the journal that keeps it."""

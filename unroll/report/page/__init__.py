"""One page to hand around."""

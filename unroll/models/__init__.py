"""What the pair learns: the network, and the data it reads."""

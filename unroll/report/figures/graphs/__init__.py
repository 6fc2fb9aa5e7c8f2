"""The drawings of real graphs, node by node."""

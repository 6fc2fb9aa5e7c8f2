"""What a graph holds: its nodes and bytes, and what it weighs as a SavedModel."""

from pathlib import Path
from typing import Any

import tensorflow as tf


def graph_def(function):
    """Give a ConcreteFunction's GraphDef with its function library, where a loop keeps its body."""
    return function.graph.as_graph_def()


def count_nodes(function) -> int:
    """Count the nodes of a ConcreteFunction, those in its function library included."""
    graph = graph_def(function)
    return len(graph.node) + sum(len(inner.node_def) for inner in graph.library.function)


def count_bytes(function) -> int:
    """Give the size of a ConcreteFunction's GraphDef, its function library included, in bytes."""
    return graph_def(function).ByteSize()


def outline(function) -> dict[str, list[list]]:
    """Give the bare graph for drawing: {"main": nodes, name of each inner function: nodes}.

    A node is [name, operation, names of the nodes it reads].
    """
    graph = graph_def(function)
    parts = {"main": graph.node} | {inner.signature.name: inner.node_def for inner in graph.library.function}
    return {name: [[node.name, node.op, _sources(node)] for node in nodes] for name, nodes in parts.items()}


def _sources(node) -> list[str]:
    """Name the nodes that a node reads: an input is written "name", "name:output" or "^name"."""
    return [source.lstrip("^").split(":")[0] for source in node.input]


def save_model(network, steps: int, input_size: int, folder: Path) -> None:
    """Write a SavedModel that serves the network's logits for any number of images [B, T, I]."""
    module: Any = tf.Module()
    module.network_variables = network.variables
    signature = tf.TensorSpec([None, steps, input_size], tf.float32, name="images")
    module.serve = tf.function(network.forward, input_signature=[signature], autograph=False)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})


def folder_bytes(folder: Path) -> int:
    """Add up the sizes of all files below a folder."""
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())

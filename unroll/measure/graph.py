"""What a graph holds: its nodes and bytes, its function library included."""


def graph_def(function):
    """Return a ConcreteFunction's GraphDef with its function library, where a loop keeps its body."""
    return function.graph.as_graph_def()


def count_nodes(function) -> int:
    """Count the nodes of a ConcreteFunction, those in its function library included."""
    graph = graph_def(function)
    return len(graph.node) + sum(len(inner.node_def) for inner in graph.library.function)


def count_bytes(function) -> int:
    """Return the size of a ConcreteFunction's GraphDef, its function library included, in bytes."""
    return graph_def(function).ByteSize()


def outline(function) -> dict[str, list[list]]:
    """Return the bare graph for drawing: {"main": nodes, name of each inner function: nodes}.

    A node is [name, operation, names of the nodes it reads].
    """
    graph = graph_def(function)
    parts = {"main": graph.node} | {inner.signature.name: inner.node_def for inner in graph.library.function}
    return {name: [[node.name, node.op, _sources(node)] for node in nodes] for name, nodes in parts.items()}


def _sources(node) -> list[str]:
    """Name the nodes that a node reads: an input is written "name", "name:output" or "^name"."""
    return [source.lstrip("^").split(":")[0] for source in node.input]

"""Positions on the page: of the nodes of a graph, along its flow and across it, and of labels, kept apart."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression


class Node(NamedTuple):
    """A node of an outline: its name, its operation, the names of the nodes it reads."""

    name: str
    operation: str
    sources: list[str]


Positions = dict[str, tuple[float, float]]  # by name of node: x and y, or along the flow and across it
Lines = list[list[tuple[float, float]]]
BEND = "bend"  # the operation of what is no node, but where a long line passes between nodes


def apart(wishes: Sequence[float], gap: float) -> np.ndarray:
    """Move positions, given in order, until neighbours are `gap` apart, and each as little as can be.

    >>> apart([0.0, 0.0, 5.0], 1.0).tolist()
    [-0.5, 0.5, 5.0]
    """
    offsets = gap * np.arange(len(wishes))
    return isotonic_regression(np.asarray(wishes, float) - offsets).x + offsets


def layout(nodes: list[Node], *, flush: bool = False) -> Positions:
    """Place nodes along the flow by their longest path from the block's inputs, and across it side by side.

    Parts that are not joined stand beside each other, aligned at their start, or at their end if `flush`.
    """
    positions: Positions = {}
    start = 0.0
    for part in components(nodes):
        layers = _layers(part)
        across = _across(part, layers)
        end = max(layers.values()) if flush else 0
        lowest = min(across.values())
        positions |= {name: (layers[name] - end, start + across[name] - lowest) for name in layers}
        start += max(across.values()) - lowest + 1
    longest = min((flow for flow, _ in positions.values()), default=0)
    return {name: (flow - longest, across) for name, (flow, across) in positions.items()}


def layout_with_bends(nodes: list[Node]) -> tuple[list[Node], Positions]:
    """Place nodes that are joined as `layout` does, but what nothing reads at the end, and let long lines pass between.

    Returns:
        the nodes, with a bend in each layer that a line crosses; and the positions of nodes and bends, the middle at 0.
    """
    layers = _layers(nodes)
    read = {source for node in nodes for source in node.sources}
    layers |= {node.name: max(layers.values()) for node in nodes if node.name not in read}
    bends, bent = [], []
    for node in nodes:
        sources = []
        for source in node.sources:
            start = source
            for layer in range(layers.get(source, layers[node.name]) + 1, layers[node.name]):
                bends.append(Node(f"{source} to {node.name} in {layer}", BEND, [start]))
                start = bends[-1].name
                layers[start] = layer
            sources.append(start)
        bent.append(node._replace(sources=sources))
    across = _across([*bends, *bent], layers)
    middle = (min(across.values(), default=0) + max(across.values(), default=0)) / 2
    return [*bends, *bent], {name: (layers[name], across[name] - middle) for name in layers}


def components(nodes: list[Node]) -> list[list[Node]]:
    """Part nodes into sets that no edge joins."""
    names = {node.name for node in nodes}
    parts: list[set[str]] = []
    for node in nodes:
        joined = {node.name, *node.sources} & names
        touched = [part for part in parts if part & joined]
        parts = [part for part in parts if part not in touched] + [joined.union(*touched)]
    components = [[node for node in nodes if node.name in part] for part in parts]
    return sorted(components, key=lambda component: nodes.index(component[0]))


def _layers(nodes: list[Node]) -> dict[str, int]:
    """Return each node the length of the longest path to it; an input stands just before the first that reads it."""
    layers = {node.name: 0 for node in nodes}
    for _ in nodes:  # no path is longer than that; a cycle would otherwise never end
        before = dict(layers)
        for node in nodes:
            layers[node.name] = max((layers[source] + 1 for source in node.sources if source in layers), default=0)
        if layers == before:
            break
    inputs = {node.name for node in nodes if not layers.keys() & set(node.sources)}
    readers: dict[str, list[int]] = {}
    for node in nodes:
        for source in inputs.intersection(node.sources):
            readers.setdefault(source, []).append(layers[node.name])
    return layers | {name: min(reading) - 1 for name, reading in readers.items()}


def _across(nodes: list[Node], layers: dict[str, int]) -> dict[str, float]:
    """Place each node at the mean of those it reads, and nodes of one layer at least 1 apart."""
    across: dict[str, float] = {}
    for layer in sorted(set(layers.values())):
        row = [node for node in nodes if layers[node.name] == layer]
        wishes = {node.name: _mean([across[source] for source in node.sources if source in across]) for node in row}
        row.sort(key=lambda node: wishes[node.name])
        positions = apart([wishes[node.name] for node in row], 1)
        across |= {node.name: float(position) for node, position in zip(row, positions, strict=True)}
    return across


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def length(positions: Positions) -> float:
    """Return how far a layout reaches along the flow."""
    return max((flow for flow, _ in positions.values()), default=0.0)


def breadth(positions: Positions) -> float:
    """Return how far a layout reaches across the flow."""
    return max((across for _, across in positions.values()), default=0.0)


def moved(positions: Positions, x: float, y: float, along: float, across: float) -> Positions:
    """Place a layout on the page, its flow to the right."""
    return {name: (x + along * flow, y + across * position) for name, (flow, position) in positions.items()}

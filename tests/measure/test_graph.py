import tensorflow as tf

from unroll.measure.export import folder_bytes
from unroll.measure.graph import count_bytes, count_nodes, outline


def looped(x):
    return tf.while_loop(lambda t, _: t < 3, lambda t, x: (t + 1, tf.tanh(x)), (0, x))[1]


def concrete(function):
    return tf.function(function, autograph=False).get_concrete_function(tf.TensorSpec([2]))


def test_a_loops_body_is_counted():
    function = concrete(looped)
    parts = outline(function)
    assert sum("Tanh" in [op for _, op, _ in nodes] for nodes in parts.values()) == 1
    assert count_nodes(function) == sum(len(nodes) for nodes in parts.values()) > len(parts["main"])
    assert count_bytes(function) > concrete(tf.tanh).graph.as_graph_def().ByteSize()


def test_an_outline_names_every_nodes_sources():
    nodes = outline(concrete(lambda x: x + 1.0))["main"]
    (sources,) = [sources for _, op, sources in nodes if op == "AddV2"]
    assert len(sources) == 2
    assert set(sources) <= {name for name, _, _ in nodes}


def test_folder_bytes_counts_files_below(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"12345")
    (tmp_path / "y").write_bytes(b"123")
    assert folder_bytes(tmp_path) == 8

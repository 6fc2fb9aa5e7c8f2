"""What each table is called on the page."""

TABLE_TITLES = {
    "ratios": "Ratios of times",
    "choices": "Which one in which situation",
    "break-even": "When a later start has paid",
    "best": "The quickest of ours beside each peer",
    "times": "Times",
    "sizes": "Graphs and memory",
    "export": "Export",
    "conversions": "TFLite, ONNX and .keras",
    "modes": "Graph, XLA and eager",
    "fit": "What a Keras layer costs in fit",
    "machine": "What the machine can do",
    "roofline": "How near each step comes to that",
    "kernels": "What a step asks of the GPU",
    "growth": "Exponents of growth with T",
    "grid": "Ratios at each batch and width",
    "replicas": "Training on several devices",
    "stopped": "Stopped or failed",
}


def table_title(name: str) -> str:
    """Return what a table is called on the page."""
    return TABLE_TITLES.get(name, name.replace("-", " ").capitalize())

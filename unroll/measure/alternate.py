"""Variants that take turns: what the machine does to one of them, it does to all."""

import gc
import time
from collections.abc import Callable

import numpy as np

from unroll.measure.config import Sizes
from unroll.measure.workloads import Batch, build, call, new_network

TURNS = ("build", "first_call", "step")


def alternate(
    variants: list[str], sizes: Sizes, batch: Batch, seed: int, *, rounds: int, steps: int
) -> dict[str, dict[str, list[float]]]:
    """Let the variants take turns, in random order, at building, first calling and stepping their training graph.

    Every round builds each variant anew: two graphs of one variant can differ in step time more than two variants do,
    and no number of steps on one graph would show that.

    Returns:
        samples[variant][turn], in seconds: one a round for "build" and "first_call", `steps` a round for "step".
    """
    samples = {variant: {turn: [] for turn in TURNS} for variant in variants}
    random = np.random.default_rng(seed)
    for _ in range(rounds):
        functions = {}
        for variant in random.permutation(variants):
            network = new_network(variant, sizes, seed)
            gc.collect()
            seconds, functions[variant] = _timed(build, network, "train", batch)
            samples[variant]["build"].append(seconds)
            seconds, _ = _timed(call, functions[variant], "train", batch)
            samples[variant]["first_call"].append(seconds)
            call(functions[variant], "train", batch)
        for _ in range(steps):
            for variant in random.permutation(variants):
                seconds, _ = _timed(call, functions[variant], "train", batch)
                samples[variant]["step"].append(seconds)
    return samples


def _timed(work: Callable, *arguments):
    start = time.perf_counter()
    result = work(*arguments)
    return time.perf_counter() - start, result

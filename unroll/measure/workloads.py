"""The variants as networks ready to be measured: built, called and reset in one way, whatever package they are of."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from unroll.measure import peers
from unroll.measure.batch import Batch, Data, Workload
from unroll.measure.check import Expected, expect
from unroll.measure.config import Case, Sizes
from unroll.measure.device import CPU, Device
from unroll.measure.foreign import Start, new_foreign_workload
from unroll.measure.process import NotAvailable, function_named
from unroll.measure.variants import cells_an_iteration, label, variant_of
from unroll.models.network import LSTMEncoder, MixedEncoder, Network, init_network
from unroll.rnn import dynamic_unroll, static_unroll

_traced = partial(tf.function, autograph=False)

ENCODERS: dict[str, Callable] = {
    "static": partial(LSTMEncoder, unroll=static_unroll),
    "static-traced": partial(LSTMEncoder, unroll=static_unroll, wrap_cell=_traced),
    "dynamic": partial(LSTMEncoder, unroll=dynamic_unroll),
    "dynamic-serial": partial(LSTMEncoder, unroll=partial(dynamic_unroll, parallel_iterations=1)),
    "dynamic-own": partial(LSTMEncoder, unroll=partial(dynamic_unroll, own_gradient=True, unroll=4)),
    "dynamic-recompute": partial(LSTMEncoder, unroll=partial(dynamic_unroll, recompute=True)),
    "keras-unrolled": partial(peers.KerasEncoder, unroll=True),
    "keras-loop": partial(peers.KerasEncoder, unroll=False),
    "keras-cudnn": partial(peers.KerasEncoder, unroll=False, cudnn=True),
    "tf1-static": partial(peers.TensorFlow1Encoder, static=True),
    "tf1-dynamic": partial(peers.TensorFlow1Encoder, static=False),
    "block": peers.BlockEncoder,
}
TAKES_LENGTHS = (LSTMEncoder, peers.TensorFlow1Encoder)
LOSS_SCALES = {"float16": 1024.0, "bfloat16": 1.0}  # float16 has few exponents: small gradients would be lost


class TensorFlowWorkload:
    """A network in TensorFlow: a graph, one that XLA compiles at its first call, or run eagerly."""

    def __init__(self, network: Network, mode: str, batch: Batch, device: Device = CPU):
        self.network, self.mode, self.device = network, mode, device
        self.learning_rate, self.builds, self.precision = network.learning_rate, mode != "eager", device.precision(mode)
        self.functions: dict[str, Any] = {}  # what was built of each phase
        _assert_on(device, network.variables)
        self._start = self.values()
        self._batches = [[device.put(array) for array in (part.images, part.labels)] for part in (batch, batch.check)]

    def build(self, phase: str) -> Callable[..., Any]:
        """Trace a phase to a ConcreteFunction, if not eager; gives step(check=False)."""
        function = getattr(self.network, phase)
        if self.builds:
            signature = [tf.TensorSpec.from_tensor(tensor) for tensor in self._arguments(phase)]
            function = _traced(function, jit_compile=self.mode == "xla" or None).get_concrete_function(*signature)
        self.functions[phase] = function

        def step(check: bool = False) -> Any:
            result = function(*self._arguments(phase, check))
            self.device.wait()
            # A CPU's result is an array at no cost; a GPU's would have to be copied.
            return result.numpy() if check or not self.device.is_gpu else result

        return step

    def values(self) -> list[np.ndarray]:
        return [variable.numpy() for variable in self.network.variables]

    def reset(self) -> None:
        for variable, value in zip(self.network.variables, self._start, strict=True):
            variable.assign(value)

    def _arguments(self, phase: str, check: bool = False) -> list[tf.Tensor]:
        images, labels = self._batches[check]
        return [images] if phase == "forward" else [images, labels]


def assert_available(case: Case, device: Device) -> None:
    """Refuse, by name, what a device or a mode does not have.

    Raises:
        NotAvailable: cuDNN off the GPU, or under XLA.
    """
    if variant_of(case.variant).gpu_only and not device.is_gpu:
        raise NotAvailable(f"{label(case.variant)} needs a GPU, and {device.name} is measured")
    if variant_of(case.variant).gpu_only and case.mode == "xla":
        raise NotAvailable("XLA does not compile cuDNN's kernels")


def _assert_on(device: Device, variables: list[tf.Variable]) -> None:
    """Refuse to measure one device under the name of another."""
    names = sorted({variable.device.rpartition("device:")[2] for variable in variables})
    if names != [device.name]:
        raise NotAvailable(f"its weights lie on {', '.join(names)}, and {device.name} is measured")


def new_workload(case: Case, batch: Batch, seed: int, device: Device = CPU) -> Workload:
    """Make a case's network on a batch; all variants start from the same weights.

    Raises:
        NotAvailable: the variant cannot do what the case asks for, or not on this device.
    """
    if variant_of(case.variant).package:
        return new_foreign_workload(case, batch, starting_weights(case.sizes, seed), Network.learning_rate, device)
    assert_available(case, device)
    half = device.half if case.mode == "mixed" else None
    return TensorFlowWorkload(new_network(case.variant, case.sizes, seed, half), case.mode, batch, device)


def new_network(variant: str, sizes: Sizes, seed: int, half: str | None = None) -> Network:
    """Make a variant's network in TensorFlow; the same seed gives the same weights, whatever the variant.

    Args:
        half: the dtype of 16-bit floats to compute the LSTM in, from variables that stay float32.

    Raises:
        NotAvailable: the variant takes no sequence_length, and the sizes ask for one; or no such dtype.
    """
    make_encoder = encoder_of(variant)
    made = getattr(make_encoder, "func", make_encoder)
    if sizes.valid is not None:
        if made not in TAKES_LENGTHS:
            raise NotAvailable("takes no sequence_length")
        # A Variable, because a constant would be folded into the graph, and the mask with it.
        lengths = tf.Variable(tf.fill([sizes.batch], sizes.valid), trainable=False)
        make_encoder = partial(make_encoder, sequence_length=lengths)
    if half is None:
        return init_network(make_encoder, sizes.input, sizes.hidden, seed=seed)
    if (made, half) == (peers.BlockEncoder, "bfloat16"):
        raise NotAvailable("BlockLSTMV2 takes no bfloat16")
    if made is peers.KerasEncoder:
        make_encoder = partial(make_encoder, policy=f"mixed_{half}")
    else:
        make_encoder = partial(MixedEncoder, make_encoder=make_encoder, dtype=half)
    network = init_network(make_encoder, sizes.input, sizes.hidden, seed=seed)
    return replace(network, loss_scale=LOSS_SCALES[half])


def starting_weights(sizes: Sizes, seed: int) -> list[np.ndarray]:
    """Return the weights that every variant starts from, in the order of WEIGHTS."""
    return [variable.numpy() for variable in new_network("static", replace(sizes, valid=None), seed).variables]


def starting_point(sizes: Sizes, data: Data, *, device: Device = CPU) -> tuple[Batch, Start]:
    """Return what a process without TensorFlow needs: the batch, the starting weights, and what is expected of them."""
    batch, weights = Batch.of(data, sizes), starting_weights(sizes, data.seed)
    return batch, Start(weights, Network.learning_rate, expect(weights, batch, data.seed, sizes.valid))


def expected_of(sizes: Sizes, batch: Batch, seed: int) -> Expected:
    """Compute what any variant must give on a batch's check, from the weights that every variant starts from."""
    return expect(starting_weights(sizes, seed), batch, seed, sizes.valid)


def encoder_of(variant: str) -> Callable:
    """Find what makes a variant's encoder of its weights: one of ours, or the user's own, given as module:name."""
    if ":" in variant:
        return function_named(variant)
    if cells := cells_an_iteration(variant):
        return partial(LSTMEncoder, unroll=partial(dynamic_unroll, unroll=cells))
    return ENCODERS[variant]

"""The measured network in JAX: an LSTM step, compiled in a loop, `jax.lax.scan`, or unrolled by it or by Python."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import jax  # pyright: ignore[reportMissingImports] - of the extra [peers]
import jax.numpy as jnp  # pyright: ignore[reportMissingImports]
import numpy as np

from unroll.measure.process import NotAvailable

if TYPE_CHECKING:
    from unroll.measure.batch import Batch


class JaxNetwork:
    """The network of `unroll.models.network` on a batch: a scan, a dense layer, and plain gradient descent.

    Args:
        weights: kernel [I, 4H], recurrent kernel [H, 4H], bias [4H], dense kernel [H, 10], dense bias [10].
        batch: images [B, T, I] and labels [B], and its check.
        unroll: how many steps a turn of the scan's loop takes: 1 for a loop, T for none; None for a Python loop.
        on_gpu: whether to run on the GPU.
        tf32: whether float32 products may be rounded to TF32 there.

    Raises:
        NotAvailable: this JAX sees no GPU.
    """

    builds = True

    def __init__(
        self,
        weights: list[np.ndarray],
        batch: "Batch",
        learning_rate: float,
        *,
        unroll: int | None,
        on_gpu: bool = False,
        tf32: bool = False,
    ):
        self.learning_rate, self.precision = learning_rate, "tf32" if tf32 else "float32"
        self._on_gpu = on_gpu
        self._unroll = unroll
        self._start = [np.array(weight) for weight in weights]
        self._device = _device(on_gpu, tf32)
        self._put = partial(jax.device_put, device=self._device)
        self._batches = [self._put((part.images, part.labels)) for part in (batch, batch.check)]
        self.reset()

    def build(self, phase: str) -> Callable[..., Any]:
        """Trace and lower a phase; gives step(check=False), which runs it and waits until it is done.

        The step's first call compiles the phase and runs it, as TensorFlow's does with XLA.
        """
        # A new partial each time, because JAX remembers what it traced of a function. The old weights are given away
        # to be written over, as TensorFlow and PyTorch write over theirs.
        run = partial({"forward": _forward, "train": _train}[phase], unroll=self._unroll)
        if phase == "train":
            run = partial(run, learning_rate=self.learning_rate)
        jitted = jax.jit(run, donate_argnums=(0,) if phase == "train" else ())
        lowered = jitted.lower(self._weights, *self._batches[0])
        compiled = None

        def step(check: bool = False) -> Any:
            nonlocal compiled
            compiled = compiled or lowered.compile()
            result = jax.block_until_ready(compiled(self._weights, *self._batches[check]))
            if phase == "train":
                result, self._weights = result
            return np.asarray(result) if check or not self._on_gpu else result

        return step

    def values(self) -> list[np.ndarray]:
        """Copy the weights, in the order and the shapes that they were given in."""
        return [np.array(weight) for weight in self._weights]

    def reset(self) -> None:
        """Go back to the starting weights."""
        self._weights = jax.block_until_ready(self._put(self._start))

    def allocated(self) -> dict[str, int]:
        """Return the bytes that JAX's allocator holds on the GPU, and the most that it held."""
        held = self._device.memory_stats()
        return {"current": held["bytes_in_use"], "peak": held["peak_bytes_in_use"]}


def _device(on_gpu: bool, tf32: bool):
    """Return JAX's own device, and set how it multiplies there."""
    if not on_gpu:
        jax.config.update("jax_platforms", "cpu")  # or JAX would take a GPU's memory, though it shall not use it
        return jax.devices("cpu")[0]
    try:
        device = jax.devices("gpu")[0]
    except RuntimeError:
        raise NotAvailable("this JAX sees no GPU") from None
    jax.config.update("jax_default_matmul_precision", "tensorfloat32" if tf32 else "float32")
    return device


def _forward(weights, images, labels, *, unroll):
    """Return the logits [B, 10] of images [B, T, I]; the labels are not needed, and JAX leaves them out."""
    return _logits(weights, images, unroll)


def _train(weights, images, labels, *, unroll, learning_rate):
    """Take one training step: gives the loss before the update, and the new weights."""
    loss, gradients = jax.value_and_grad(_loss)(weights, images, labels, unroll)
    return loss, [weight - learning_rate * gradient for weight, gradient in zip(weights, gradients, strict=True)]


def _loss(weights, images, labels, unroll):
    """Return the mean cross-entropy of images [B, T, I] under their labels [B]."""
    chances = jax.nn.log_softmax(_logits(weights, images, unroll))
    return -jnp.take_along_axis(chances, labels[:, None], axis=1).mean()


def _logits(weights, images, unroll):
    kernel, recurrent_kernel, bias, dense_kernel, dense_bias = weights

    def step(state, inputs):
        hidden, cell = state
        gates = inputs @ kernel + hidden @ recurrent_kernel + bias  # [B, 4H]
        i, f, g, o = jnp.split(gates, 4, axis=1)  # each [B, H]
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        return (hidden, cell), None

    zeros = jnp.zeros([len(images), len(recurrent_kernel)], images.dtype)  # [B, H]
    rows = jnp.swapaxes(images, 0, 1)  # [T, B, I]
    if unroll:
        (hidden, _), _ = jax.lax.scan(step, (zeros, zeros), rows, unroll=unroll)
    else:
        hidden, cell = zeros, zeros
        for row in rows:  # T steps stay behind
            (hidden, cell), _ = step((hidden, cell), row)
    return hidden @ dense_kernel + dense_bias

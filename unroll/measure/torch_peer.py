"""The measured network in PyTorch: `torch.nn.LSTM`, run eagerly, which is how PyTorch users run it."""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports] - of the extra [peers]

from unroll.measure.process import NotAvailable

if TYPE_CHECKING:
    from unroll.measure.batch import Batch

with warnings.catch_warnings(action="ignore"):
    torch.cuda.is_available()  # else a build for CUDA warns in the midst of the first step where there is no GPU


class TorchNetwork:
    """The network of `unroll.models.network` on a batch: `nn.LSTM`, a linear layer, and plain gradient descent.

    PyTorch's gates come in the order i, f, g, o, which is ours. It adds two biases; the second stays zero, so that an
    update is of our one bias's size. There is nothing to build.

    Args:
        weights: kernel [I, 4H], recurrent kernel [H, 4H], bias [4H], dense kernel [H, 10], dense bias [10].
        batch: images [B, T, I] and labels [B], and its check.
        on_gpu: whether to run on the GPU.
        tf32: whether float32 products may be rounded to TF32 there.

    Raises:
        NotAvailable: this PyTorch sees no GPU.
    """

    builds = False

    def __init__(
        self,
        weights: list[np.ndarray],
        batch: "Batch",
        learning_rate: float,
        *,
        on_gpu: bool = False,
        tf32: bool = False,
    ):
        self.learning_rate, self.precision = learning_rate, "tf32" if tf32 else "float32"
        self._on_gpu, device = on_gpu, _device(on_gpu, tf32)
        self._start = [np.array(weight) for weight in weights]
        lstm: Any = torch.nn.LSTM(weights[0].shape[0], weights[1].shape[0], batch_first=True, device=device)
        dense = torch.nn.Linear(*weights[3].shape, device=device)
        torch.nn.init.zeros_(lstm.bias_hh_l0.requires_grad_(False))
        self._lstm, self._dense = lstm, dense
        self._parameters = [lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0, dense.weight, dense.bias]
        self._batches = [
            (torch.tensor(part.images, device=device), torch.tensor(part.labels, dtype=torch.int64, device=device))
            for part in (batch, batch.check)
        ]
        self.reset()

    def build(self, phase: str) -> Callable[..., Any]:
        """Return step(check=False), which runs a phase on the batch, or on the check's, and waits until it is done."""
        run = {"forward": self._forward, "train": self._train}[phase]

        def step(check: bool = False) -> Any:
            result = run(*self._batches[check])
            self._wait()
            return result.cpu().numpy() if check or not self._on_gpu else result

        return step

    def values(self) -> list[np.ndarray]:
        """Copy the weights, in the order and the shapes that they were given in."""
        return [parameter.detach().cpu().numpy().T.copy() for parameter in self._parameters]

    def reset(self) -> None:
        """Go back to the starting weights."""
        with torch.no_grad():
            for parameter, value in zip(self._parameters, self._start, strict=True):
                parameter.copy_(torch.tensor(value.T))
        self._wait()

    def allocated(self) -> dict[str, int]:
        """Return the bytes that PyTorch's allocator holds on the GPU, and the most that it held."""
        return {"current": torch.cuda.memory_allocated(), "peak": torch.cuda.max_memory_allocated()}

    def _wait(self) -> None:
        if self._on_gpu:
            torch.cuda.synchronize()

    def _forward(self, images, _):
        with torch.inference_mode():
            return self._logits(images)

    def _train(self, images, labels):
        for parameter in self._parameters:
            parameter.grad = None
        loss = torch.nn.functional.cross_entropy(self._logits(images), labels)
        loss.backward()
        # What torch.optim.SGD does, by hand: it imports Triton, whose LLVM aborts a process that holds TensorFlow's.
        with torch.no_grad():
            for parameter in self._parameters:
                parameter.add_(parameter.grad, alpha=-self.learning_rate)
        return loss.detach()

    def _logits(self, images):
        _, (hidden, _) = self._lstm(images)  # [1, B, H]
        return self._dense(hidden[0])


def _device(on_gpu: bool, tf32: bool) -> str:
    """Name the device as PyTorch does, and set how it multiplies there."""
    if not on_gpu:
        return "cpu"
    if not torch.cuda.is_available():
        raise NotAvailable("this PyTorch sees no GPU")
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32  # else on by default, unlike for products
    return "cuda"
